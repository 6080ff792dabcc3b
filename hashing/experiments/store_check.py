"""Check of a store before an experiment: labels, protocol, and what each row's training needs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store import FeatureStore, open_store

from ..config import AnyConfig, Config
from ..config.overrides import to_dict
from ..config.presets import Survey
from ..data.requirements import cached_material, check_frames
from ..data.survey import survey_of
from ..data.training_set import TrainingFrames, training_rows
from ..evaluation.choose_protocol import choose_protocol
from ..evaluation.protocol import NO_ANSWER
from ..methods.registry import METHODS
from ..retrieval.encode import digest
from .class_split import check_classes


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """Facts of a store that every run on it shares.

    Attributes:
        path: Path as the user typed it.
        name: Stem of the path, unique in an experiment.
        survey: Statistics that resolve ``auto``; the code length is that of each row.
        digest: SHA-256 over features, labels and splits, hexadecimal.
        sentences: The evaluation protocol in sentences.
        trained: Number and split of the training videos, in words.
    """

    path: Path
    name: str
    survey: Survey
    digest: str
    sentences: tuple[str, ...]
    trained: str


def check_store(
    path: Path, configs: Sequence[AnyConfig | None], listed: Sequence[str]
) -> StoreCheck:
    """Open a store and check that all rows can be trained and evaluated on it.

    Args:
        path: The store.
        configs: Configs of the rows, may hold ``auto``.
        listed: Classes that are also evaluated on their own.

    Raises:
        NotFoundError: If there is no such store.
        UsageError: If it has no labels, too few videos, or lacks what a row needs.
        DamageError: If it is damaged.
    """
    with open_store(path) as store:
        videos = store.videos
        backbone = store.meta.fingerprint.backbone
        protocol = choose_protocol(videos.labels, videos.split, features=backbone)
        check_classes(listed, videos.label_names)
        chosen = training_rows(store)
        frames = TrainingFrames(store, chosen.rows)
        for config in configs:
            _check(config, frames, store)
        return StoreCheck(
            path=path,
            name=path.stem,
            survey=survey_of(frames),
            digest=store_digest(store),
            sentences=(*protocol.sentences(), NO_ANSWER),
            trained=f"{len(chosen)} videos ({chosen.split} split), without labels",
        )


def resolved(
    check: StoreCheck, method: str, config: AnyConfig | None, *, bits: int
) -> dict[str, dict[str, object]]:
    """Return a row's config with ``auto`` resolved, as nested plain values.

    Args:
        check: The store.
        method: One of ``METHODS``.
        config: Config of the row; ``None`` for methods without keys, whose result is empty.
        bits: Code length K.
    """
    if config is None:
        return {}
    found = to_dict(METHODS[method].resolve(config, replace(check.survey, bits=bits)))
    return {section: dict(values) for section, values in found.items()}


def _check(config: AnyConfig | None, frames: TrainingFrames, store: FeatureStore) -> None:
    if not isinstance(config, Config):
        return
    check_frames(config, frames.frames)
    meta = store.meta
    if cached_material(config, frames).augmented and meta.views_mode != "consistent":
        raise UsageError(
            f"the copies in `{store.path}` are {meta.views_mode}, so a view of one copy is not"
            " temporally consistent",
            hint="`chainpipe extract --views 2` caches consistent ones",
        )


def store_digest(store: FeatureStore) -> str:
    """Return the SHA-256 over a store's features, labels and splits, hexadecimal."""
    videos, found = store.videos, hashlib.sha256()
    for part in (videos.labels, videos.split.astype(np.uint8)):
        found.update(np.ascontiguousarray(part).tobytes())
    found.update("\n".join((digest(videos), *videos.label_names)).encode())
    return found.hexdigest()
