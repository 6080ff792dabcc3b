"""Spatial augmentation of decoded frames: one draw for a whole clip, or one for each frame."""

from .augmentation import Augmentation
from .parameters import AugmentationParameters, draw_parameters
from .views import MODES, make_views

__all__ = ["MODES", "Augmentation", "AugmentationParameters", "draw_parameters", "make_views"]
