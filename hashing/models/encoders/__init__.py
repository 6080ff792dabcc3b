"""Temporal encoders: frames in, one vector a frame out."""

from .base import Encoder
from .lstm import LstmEncoder
from .mixer import MixerEncoder
from .transformer import TransformerEncoder

__all__ = ["Encoder", "LstmEncoder", "MixerEncoder", "TransformerEncoder"]
