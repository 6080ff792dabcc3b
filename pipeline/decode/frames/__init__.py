"""Frames: which are selected, how they become upright SDR pixels."""
