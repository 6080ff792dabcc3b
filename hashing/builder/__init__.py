"""The builder: a resolved config becomes numbers, numbers a network and its trainer."""

from hashing.builder.cached import add_cached, cached_numbers
from hashing.builder.network import build_model, front_of, load_model, tensors_of
from hashing.builder.run import build_trainer, make_clips, make_stored_clips, view_maker
from hashing.builder.start import first_codes, start_hash_layer

__all__ = [
    "add_cached",
    "build_model",
    "build_trainer",
    "cached_numbers",
    "first_codes",
    "front_of",
    "load_model",
    "make_clips",
    "make_stored_clips",
    "start_hash_layer",
    "tensors_of",
    "view_maker",
]
