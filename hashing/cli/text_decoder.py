"""The feature decoder of a library, fitted once and kept in the model folder as ``text.npz``."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from chainpipe.distribution import installed_version
from chainpipe.pipeline.errors import ChainpipeError, UsageError
from chainpipe.pipeline.store.atomic import atomic_replace

from ..retrieval.feature_decoder import FeatureDecoder
from ..retrieval.library_decoder import fit_on_library, sampled_videos
from ..retrieval.safe_npz import SHA256, array_digest, read_npz
from .context import Tools
from .search_library import SearchedLibrary

FILE = "text.npz"
NAMES = ("key", "weights", SHA256)


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
    videos = len(sampled_videos(len(library.codes)))
    with tools.progress("learn what the bits mean", videos) as advance:
        decoder = fit_on_library(
            library.codes, library.store, unit_length=unit_length, progress=advance
        )
    _write(path, key, decoder)
    return decoder


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
