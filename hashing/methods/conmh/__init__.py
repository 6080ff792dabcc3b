"""ConMH, contrastive masked autoencoders: an own implementation from published facts.

AAAI 2023: https://doi.org/10.1609/aaai.v37i3.25373
"""

from .method import CONMH

__all__ = ["CONMH"]
