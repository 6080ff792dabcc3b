"""Evaluation: retrieval metrics of codes under a protocol."""
