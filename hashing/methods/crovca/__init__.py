"""CroVCA-like: one loss between the codes of two views with a coding-rate term; own code.

From the facts of Moummad, Zaher and others, Image Hashing via Cross-View Code Alignment, 2025:
https://arxiv.org/abs/2510.27584. Views, input and settings are ours, so it is marked "-like".
"""

from .method import CROVCA

__all__ = ["CROVCA"]
