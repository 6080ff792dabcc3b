"""Temporal encoders: frames in, one vector a frame out."""

from hashing.encoders.base import Encoder
from hashing.encoders.lstm import LstmEncoder
from hashing.encoders.mixer import MixerEncoder
from hashing.encoders.transformer import TransformerEncoder

__all__ = ["Encoder", "LstmEncoder", "MixerEncoder", "TransformerEncoder"]
