"""The objective, the training loop, checkpoints and validation."""
