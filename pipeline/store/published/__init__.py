"""The feature files that the field shares, opened as a read-only store."""
