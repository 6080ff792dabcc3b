"""Tables for the terminal and plots as PNG; nothing here computes a score."""
