"""Embeddings made elsewhere become a feature store: one file of readers a format."""
