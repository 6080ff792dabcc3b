"""Self-supervised video hashing: from videos or features to binary codes and search results.

The public API. Its members are imported on first use, so ``import chainpipe`` is fast.

Example:
    >>> import chainpipe, numpy
    >>> features = numpy.random.default_rng(0).normal(size=(40, 5, 16))  # (N, T, D)
    >>> model = chainpipe.train(features, bits=8, method="pca-itq")
    >>> codes = model.encode(features)
    >>> codes.search(codes[:1], k=3).rows.shape
    (1, 3)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from chainpipe.distribution import DISTRIBUTION

if TYPE_CHECKING:
    from chainpipe.api.clips import FilmPlace, find_clip
    from chainpipe.api.duplicates import Duplicates, find_duplicates
    from chainpipe.api.evaluation import Evaluation, evaluate
    from chainpipe.api.extraction import extract
    from chainpipe.api.importing import import_features
    from chainpipe.api.library import list_videos, relocate, update
    from chainpipe.api.model import Model, load_model
    from chainpipe.api.mteb import mteb_model, mteb_task
    from chainpipe.api.rows import encode_one, extract_one
    from chainpipe.api.store import Store, open_store, store_from_arrays
    from chainpipe.api.text_search import TextAnswer, TextSearch
    from chainpipe.api.training import train
    from chainpipe.hashing.retrieval.codes import Codes
    from chainpipe.pipeline.errors import (
        ChainpipeError,
        DamageError,
        DistributedError,
        LockedError,
        NotFoundError,
        StorageError,
        TimeLimitError,
        UsageError,
        VideoReadError,
    )
    from chainpipe.plugins import load_plugins, register

    __version__: str

_ERRORS = "chainpipe.pipeline.errors"
_MODULES = {
    "find_clip": "chainpipe.api.clips",
    "TextSearch": "chainpipe.api.text_search",
    "TextAnswer": "chainpipe.api.text_search",
    "FilmPlace": "chainpipe.api.clips",
    "extract": "chainpipe.api.extraction",
    "open_store": "chainpipe.api.store",
    "store_from_arrays": "chainpipe.api.store",
    "Store": "chainpipe.api.store",
    "train": "chainpipe.api.training",
    "load_model": "chainpipe.api.model",
    "Model": "chainpipe.api.model",
    "extract_one": "chainpipe.api.rows",
    "encode_one": "chainpipe.api.rows",
    "Codes": "chainpipe.hashing.retrieval.codes",
    "import_features": "chainpipe.api.importing",
    "list_videos": "chainpipe.api.library",
    "relocate": "chainpipe.api.library",
    "update": "chainpipe.api.library",
    "mteb_model": "chainpipe.api.mteb",
    "mteb_task": "chainpipe.api.mteb",
    "find_duplicates": "chainpipe.api.duplicates",
    "Duplicates": "chainpipe.api.duplicates",
    "evaluate": "chainpipe.api.evaluation",
    "Evaluation": "chainpipe.api.evaluation",
    "register": "chainpipe.plugins",
    "load_plugins": "chainpipe.plugins",
    "ChainpipeError": _ERRORS,
    "UsageError": _ERRORS,
    "NotFoundError": _ERRORS,
    "DamageError": _ERRORS,
    "StorageError": _ERRORS,
    "LockedError": _ERRORS,
    "TimeLimitError": _ERRORS,
    "DistributedError": _ERRORS,
    "VideoReadError": _ERRORS,
}

__all__ = [
    "DISTRIBUTION",
    "ChainpipeError",
    "Codes",
    "DamageError",
    "DistributedError",
    "Duplicates",
    "Evaluation",
    "FilmPlace",
    "LockedError",
    "Model",
    "NotFoundError",
    "StorageError",
    "Store",
    "TextAnswer",
    "TextSearch",
    "TimeLimitError",
    "UsageError",
    "VideoReadError",
    "__version__",
    "encode_one",
    "evaluate",
    "extract",
    "extract_one",
    "find_clip",
    "find_duplicates",
    "import_features",
    "list_videos",
    "load_model",
    "load_plugins",
    "mteb_model",
    "mteb_task",
    "open_store",
    "register",
    "relocate",
    "store_from_arrays",
    "train",
    "update",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from chainpipe.distribution import installed_version

        return installed_version()
    if name not in _MODULES:
        raise AttributeError(f"module `chainpipe` has no attribute `{name}`")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
