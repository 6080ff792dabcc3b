"""Users' own feature arrays as a read-only store."""
