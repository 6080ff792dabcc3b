"""Temporal encoders: frames in, one vector a frame out."""

from hashing.encoders.base import Encoder
from hashing.encoders.transformer import TransformerEncoder

__all__ = ["Encoder", "TransformerEncoder"]
