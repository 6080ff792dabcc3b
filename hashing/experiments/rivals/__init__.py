"""Codes and other short representations at equal bytes a video."""
