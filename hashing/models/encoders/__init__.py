"""Temporal encoders: frames (B, T, M) to encoded frames (B, T, H)."""

from .base import Encoder
from .lstm import LstmEncoder
from .mixer import MixerEncoder
from .transformer import TransformerEncoder

__all__ = ["Encoder", "LstmEncoder", "MixerEncoder", "TransformerEncoder"]
