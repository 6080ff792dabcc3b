"""The feature decoder of a library, fitted once and kept in the model folder as ``text.npz``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainpipe.distribution import installed_version
from chainpipe.pipeline.errors import ChainpipeError, UsageError
from chainpipe.pipeline.store.atomic import atomic_replace

from ..models.hasher import F32
from ..models.linear_hash import video_means
from ..retrieval.bitpack import U8
from ..retrieval.encode import finite_features
from ..retrieval.feature_decoder import FeatureDecoder, fit_decoder
from ..retrieval.hamming import Rows
from ..retrieval.safe_npz import SHA256, array_digest, read_npz
from .context import Tools
from .search_library import SearchedLibrary

FILE = "text.npz"
NAMES = ("key", "weights", SHA256)
SAMPLED = 20_000  # videos that the decoder is fitted on


def text_decoder(library: SearchedLibrary, tools: Tools, *, unit_length: bool) -> FeatureDecoder:
    """Return the decoder of a library, from the model folder or fitted now and kept there.

    Args:
        library: What is searched.
        tools: Of the command.
        unit_length: Whether frames are brought to length 1 before they are averaged.

    Raises:
        UsageError: If it was never fitted, and the store is not at hand.
        DamageError: If rows of the store are damaged.
    """
    path, key = library.folder / FILE, _key(library, unit_length)
    with suppress(ChainpipeError, KeyError, TypeError, ValueError):
        return _read(path, key)
    if library.store is None:
        hint = "name the store with `--store`: words need it once, later searches do without"
        raise UsageError("what the bits mean in features is not known yet", hint=hint)
    rows = _sample(len(library.codes))
    with tools.progress("learn what the bits mean", len(rows)) as advance:

        def blocks() -> Iterator[tuple[U8, F32]]:
            assert library.store is not None
            for part, features in finite_features(library.store, rows):
                yield library.codes.packed[rows[part]], mean_features(features, unit_length)
                advance(len(features))

        decoder = fit_decoder(blocks(), library.codes.bits)
    _write(path, key, decoder)
    return decoder


def mean_features(features: npt.NDArray[np.floating], unit_length: bool) -> F32:
    """Return the mean feature of each video, (B, D), from frames (B, T, D)."""
    if not unit_length:
        return video_means(features)
    frames = features.astype(np.float32)
    lengths = np.linalg.norm(frames, axis=2, keepdims=True)
    return video_means(np.divide(frames, lengths, out=frames, where=lengths > 0))


def _sample(videos: int) -> Rows:
    """Return at most 20,000 of N rows, evenly spaced."""
    count = min(videos, SAMPLED)
    return np.arange(count) * videos // max(count, 1)


def _key(library: SearchedLibrary, unit_length: bool) -> str:
    """Return what the decoder depends on: the model and the codes' store."""
    codes = library.codes
    return json.dumps(
        [codes.origin.sha256, codes.origin.features, len(codes), unit_length, installed_version()]
    )


def _read(path: Path, key: str) -> FeatureDecoder:
    """Read the file.

    Raises:
        NotFoundError: If there is none.
        DamageError: If it is damaged.
        ValueError: If it is of other codes or another version.
    """
    found = read_npz(path, NAMES, what="decoder of features", hint="delete it")
    if str(found["key"]) != key or str(found[SHA256]) != array_digest(found):
        raise ValueError("it is of other codes or another version")
    return FeatureDecoder(found["weights"])


def _write(path: Path, key: str, decoder: FeatureDecoder) -> None:
    arrays: dict[str, Any] = {"key": np.array(key), "weights": decoder.weights}
    arrays[SHA256] = np.array(array_digest(arrays))
    with (
        suppress(OSError, ChainpipeError),  # of a folder that cannot be written, nothing is kept
        atomic_replace(path) as temporary,
        temporary.open("wb") as file,
    ):
        np.savez(file, **arrays)
