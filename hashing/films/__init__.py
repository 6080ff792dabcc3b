"""Clips in films: windows of the films vote for places, which are then aligned frame by frame."""
