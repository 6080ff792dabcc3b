"""Retrieval metrics and protocols."""
