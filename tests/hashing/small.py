"""Configs so small that a training takes a second."""

from __future__ import annotations

from collections.abc import Mapping

from chainpipe.hashing.config import Config
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.config.presets import Survey, resolve

SIZES: dict[str, object] = {
    "input.dims": 10,
    "encoder.width": 16,
    "encoder.heads": 2,
    "encoder.feed_forward": 16,
    "optim.epochs": 4,
    "optim.batch": 16,
}
TASKS: dict[str, object] = {"contrastive.weight": 1.0, "order.weight": 0.1, "scene.weight": 0.1}
NEIGHBOURS: dict[str, object] = {"neighbours.count": 3, "neighbours.refresh": 1}
CONMH: dict[str, object] = {
    "encoder.width": 16,
    "encoder.layers": 1,
    "encoder.heads": 2,
    "encoder.feed_forward": 16,
    "decoder.width": 12,
    "decoder.layers": 1,
    "decoder.feed_forward": 16,
    "optim.batch": 16,
}


def small(keys: Mapping[str, object], **changes: object) -> Config:
    """Return CHAIN's config with some keys and changes (``order__weight=0``), for 40 videos."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return resolve(apply(Config(), {**keys, **named}), Survey(40, 0.5))
