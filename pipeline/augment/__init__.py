"""Spatial augmentation of decoded frames: one draw for a whole clip, or one for each frame."""

from .augmentation import Augmentation
from .parameters import Draw, draw_one
from .views import MODES, make_views

__all__ = ["MODES", "Augmentation", "Draw", "draw_one", "make_views"]
