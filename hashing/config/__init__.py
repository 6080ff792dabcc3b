"""Configuration of a training run: frozen dataclasses, one documented key a line.

Marks in the descriptions: [P] stated by CHAIN's paper, [I] our reading where the paper is silent,
[ours] an extension that the paper does not have. ``--paper`` disables every [ours].
CHAIN, MM 2023: https://doi.org/10.1145/3581783.3613440
"""

from .chain import Config
from .fields import AnyConfig, Auto

__all__ = ["AnyConfig", "Auto", "Config"]
