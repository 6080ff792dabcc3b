"""Codes for other programs: files that they read, and databases that search them."""
