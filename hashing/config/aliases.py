"""Aliases: earlier names of config keys and tensors keep loading.

A model, a TOML file or ``--set`` may still use ``optim.rate``; the rest of the program only knows
``optim.lr``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Value = TypeVar("Value")

KEYS: dict[str, str] = {
    "input.unit_frames": "input.l2_normalize",
    "views.frames": "views.num_frames",
    "views.drop_features": "views.feature_dropout",
    "views.drop_frames": "views.frame_dropout",
    "views.resample": "views.temporal_jitter",
    "views.mix": "views.scene_mixup",
    "encoder.width": "encoder.hidden_dim",
    "encoder.layers": "encoder.num_layers",
    "encoder.heads": "encoder.num_heads",
    "encoder.points": "encoder.mixer_tokens",
    "encoder.feed_forward": "encoder.feed_forward_dim",
    "encoder.slots": "encoder.position_slots",
    "decoder.width": "decoder.hidden_dim",
    "decoder.layers": "decoder.num_layers",
    "decoder.heads": "decoder.num_heads",
    "decoder.feed_forward": "decoder.feed_forward_dim",
    "hash.unit_mean": "hash.l2_normalize",
    "hash.distil_steps": "hash.distill_steps",
    "hash.distil_rate": "hash.distill_lr",
    "contrastive.ramp": "contrastive.warmup",
    "contrastive.debias": "contrastive.tau_plus",
    "order.ramp": "order.warmup",
    "order.frames": "order.num_frames",
    "order.shuffle": "order.shuffle_fraction",
    "order.smoothing": "order.label_std",
    "scene.ramp": "scene.warmup",
    "scene.clusters": "scene.num_clusters",
    "scene.refresh": "scene.update_every",
    "scene.min_spread": "scene.min_std",
    "structure.weight": "similarity.weight",
    "structure.ramp": "similarity.warmup",
    "structure.of": "similarity.source",
    "structure.form": "similarity.loss",
    "structure.target": "similarity.target_temperature",
    "structure.temperature": "similarity.temperature",
    "cluster.weight": "swav.weight",
    "cluster.ramp": "swav.warmup",
    "cluster.prototypes": "swav.num_prototypes",
    "cluster.temperature": "swav.temperature",
    "cluster.sharpness": "swav.epsilon",
    "cluster.rounds": "swav.iterations",
    "neighbours.by": "neighbours.source",
    "neighbours.scenes": "neighbours.scenes_per_video",
    "neighbours.links": "neighbours.edges_per_scene",
    "neighbours.onward": "neighbours.damping",
    "neighbours.count": "neighbours.k",
    "neighbours.threshold": "neighbours.min_cosine",
    "neighbours.refresh": "neighbours.update_every",
    "optim.batch": "optim.batch_size",
    "optim.rate": "optim.lr",
    "optim.clip": "optim.grad_clip_norm",
    "optim.every": "optim.step_size",
    "optim.factor": "optim.gamma",
    "optim.least": "optim.min_lr",
    "watch.share": "validation.fraction",
    "watch.every": "validation.every",
    "watch.stop": "validation.stop_on_failure",
    "mask.share": "mask.ratio",
    "similarity.anchors": "similarity.num_anchors",
    "centres.anchors": "centres.num_anchors",
    "centres.warmup": "centres.warmup_epochs",
    "centres.smoothing": "centres.trust_decay",
}

# One component of a dotted name, as in `hash_layer.skip.weight`.
TENSORS: dict[str, str] = {
    "front_mean": "pca_mean",
    "front_matrix": "pca_matrix",
    "front_spread": "pca_std",
    "skip": "shortcut",
    "learned": "head",
    "enter": "input_proj",
    "leave": "output_proj",
    "query_key_value": "qkv",
    "query_bias": "q_bias",
    "value_bias": "v_bias",
    "out": "out_proj",
    "feed": "feed_forward",
    "feed_norm": "feed_forward_norm",
    "unseen": "mask_token",
    "time": "token_mixer",
    "time_norm": "token_mixer_norm",
}


def canonical(path: str) -> tuple[str, bool]:
    """Return the present ``section.key`` of a config key, and whether ``path`` was an old name.

    >>> canonical("optim.rate"), canonical("optim.lr")
    (('optim.lr', True), ('optim.lr', False))
    """
    return (KEYS[path], True) if path in KEYS else (path, False)


def canonical_values(
    values: Mapping[str, Value], tell: Callable[[str], None] = lambda line: None
) -> dict[str, Value]:
    """Return ``section.key`` values under their present names; of two names for one, the last wins.

    Args:
        values: By old or present name.
        tell: Called with one message for each old name.

    Example:
        >>> canonical_values({"optim.rate": 0.1}, print)
        `optim.rate` is now called `optim.lr`
        {'optim.lr': 0.1}
    """
    found: dict[str, Value] = {}
    for path, value in values.items():
        name, was_alias = canonical(path)
        if was_alias:
            tell(f"`{path}` is now called `{name}`")
        found[name] = value
    return found


def canonical_sections(sections: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return nested config values under their present names.

    >>> canonical_sections({"watch": {"share": 0.05, "every": 3}})
    {'validation': {'fraction': 0.05, 'every': 3}}
    """
    found: dict[str, dict[str, Any]] = {}
    for section, values in sections.items():
        for name, value in values.items():
            new_section, new_name = canonical(f"{section}.{name}")[0].split(".")
            found.setdefault(new_section, {})[new_name] = value
    return found


def canonical_tensor(name: str) -> str:
    """Return the present name of a saved tensor.

    >>> canonical_tensor("hash_layer.skip.weight"), canonical_tensor("front_mean")
    ('hash_layer.shortcut.weight', 'pca_mean')
    """
    return ".".join(TENSORS.get(part, part) for part in name.split("."))
