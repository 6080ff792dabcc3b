"""Arrays of people's own features as a read-only store."""
