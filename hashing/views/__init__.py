"""Augmented views of a video, made from its frame features."""
