"""Configs so small that a training takes a second."""

from __future__ import annotations

from collections.abc import Mapping

from chainpipe.hashing.config import Config
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.config.presets import Survey, resolve

SIZES: dict[str, object] = {
    "input.dims": 10,
    "encoder.hidden_dim": 16,
    "encoder.num_heads": 2,
    "encoder.feed_forward_dim": 16,
    "optim.epochs": 4,
    "optim.batch_size": 16,
}
TASKS: dict[str, object] = {"contrastive.weight": 1.0, "order.weight": 0.1, "scene.weight": 0.1}
NEIGHBOURS: dict[str, object] = {"neighbours.k": 3, "neighbours.update_every": 1}
CONMH: dict[str, object] = {
    "encoder.hidden_dim": 16,
    "encoder.num_layers": 1,
    "encoder.num_heads": 2,
    "encoder.feed_forward_dim": 16,
    "decoder.hidden_dim": 12,
    "decoder.num_layers": 1,
    "decoder.feed_forward_dim": 16,
    "optim.batch_size": 16,
}


def small(keys: Mapping[str, object], **changes: object) -> Config:
    """Return CHAIN's config with some keys and changes (``order__weight=0``), for 40 videos."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return resolve(apply(Config(), {**keys, **named}), Survey(40, 0.5))
