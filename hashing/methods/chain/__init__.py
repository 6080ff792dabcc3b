"""CHAIN: contrastive learning, frame order and scene prototypes."""
