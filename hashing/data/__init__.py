"""Training videos: which they are, and where their features are kept."""
