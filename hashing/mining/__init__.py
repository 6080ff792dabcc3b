"""Positive pairs across videos: nearest neighbours and scene walks."""
