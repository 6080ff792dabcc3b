"""Readers: how frames are decoded, and which reader falls back to which."""
