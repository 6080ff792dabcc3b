"""The model folder: files, metadata, model card."""
