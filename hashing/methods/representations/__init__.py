"""Short representations of videos beside binary codes, to compare with at equal bytes."""
