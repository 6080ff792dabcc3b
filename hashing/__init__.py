"""Stage two: frame features to binary codes to answers."""
