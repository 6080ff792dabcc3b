"""One training run: from a store to a model folder."""
