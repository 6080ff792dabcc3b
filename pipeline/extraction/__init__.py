"""Extraction: from videos to a finished store."""
