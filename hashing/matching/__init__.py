"""Second check of two videos on their stored frame features: what moves, when."""
