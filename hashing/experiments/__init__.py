"""Experiments: many runs with several seeds, and their report."""
