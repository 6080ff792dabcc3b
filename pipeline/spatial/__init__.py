"""Spatial augmentation of decoded frames: one draw for a whole clip, or one for each frame."""

from pipeline.spatial.augmentation import Augmentation
from pipeline.spatial.draw import Draw, draw_one
from pipeline.spatial.views import MODES, make_views

__all__ = ["MODES", "Augmentation", "Draw", "draw_one", "make_views"]
