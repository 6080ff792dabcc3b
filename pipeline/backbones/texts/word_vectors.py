"""Word vectors of the package `wordllama`: a small text encoder that needs no download."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import missing_package


def embed_words(texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the embeddings of texts, of length 1, (Q, 256).

    Source: https://github.com/dleemiller/WordLlama (MIT): averaged token vectors.

    Raises:
        UsageError: If the package is not installed.
    """
    found = _encoder().embed(list(texts), norm=True)
    return np.asarray(found, np.float64)


@lru_cache(maxsize=1)
def _encoder() -> Any:
    try:
        import wordllama
    except ImportError as error:
        raise missing_package("a search by words", "wordllama", extra="words") from error
    # The weights and the tokenizer are in the package's own folder.
    folder = Path(str(wordllama.__file__)).parent
    return wordllama.WordLlama.load(cache_dir=folder, disable_download=True)
