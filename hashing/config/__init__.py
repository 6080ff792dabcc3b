"""Every number of a training run: frozen sections, one documented key a line.

Marks in the descriptions: [P] said by CHAIN's paper, [I] our reading where it is silent, [ours] an
extension that the paper does not have. ``--paper`` switches every [ours] off.
CHAIN, MM 2023: https://doi.org/10.1145/3581783.3613440
"""

from .chain import Config
from .fields import AnyConfig, Auto

__all__ = ["AnyConfig", "Auto", "Config"]
