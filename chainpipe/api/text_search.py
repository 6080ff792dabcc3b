"""Videos found by words, from Python."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from chainpipe.hashing.retrieval.asymmetric import search_asymmetric
from chainpipe.hashing.retrieval.codes import Codes
from chainpipe.hashing.retrieval.library_decoder import best_moments, fit_on_library
from chainpipe.pipeline.backbones.texts import TextMatch, build_text_side
from chainpipe.pipeline.errors import UsageError

from .store import Store


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """A video that answers words.

    Attributes:
        row: In the store.
        path: Of the video, relative to the root of the store.
        distance: Of the words to its code, in bits.
        seconds: Of the stored frame that answers the words best.
    """

    row: int
    path: str
    distance: float
    seconds: float


class TextSearch:
    """Finds videos by words, for stores of the embedded backbone or of a CLIP model.

    Args:
        store: Features of the N videos.
        codes: Of the same videos in the same order, by any model.
        trust_weights: Whether pickled weights of the backbone may be read.

    Raises:
        UsageError: If the store's backbone knows no words, or the codes are of other videos.
        DamageError: If the store is damaged.

    Example:
        >>> import chainpipe
        >>> with chainpipe.open_store("feats.h5") as store:  # doctest: +SKIP
        ...     codes = chainpipe.load_model("models/feats-chain-64").encode(store)
        ...     chainpipe.TextSearch(store, codes).find("a cat", k=1)[0].path
        'cat/04.mp4'
    """

    def __init__(self, store: Store, codes: Codes, *, trust_weights: bool = False) -> None:
        raw = store.raw
        if not np.array_equal(codes.video_ids, raw.videos.ids):
            hint = "encode this store: `codes = model.encode(store)`"
            raise UsageError("the codes are not those of the store's videos", hint=hint)
        self._store, self._codes = raw, codes
        self._side = build_text_side(raw.meta.fingerprint.backbone, trust_weights=trust_weights)
        self._decoder = fit_on_library(codes, raw, unit_length=self._side.unit_length)

    def match(self, text: str) -> TextMatch:
        """Return what the backbone makes of a text: unknown words, the nearest known names."""
        return self._side.match([text])[0]

    def find(self, text: str, k: int = 10) -> list[TextAnswer]:
        """Return the k videos that answer a text best, the best first.

        Args:
            text: Words. Those that are not known are left out, if others are known.
            k: Number of answers.

        Returns:
            At most k answers; none for a text without words.

        Raises:
            ValueError: If ``k`` is below 1.
            DamageError: If the store is damaged.
        """
        direction = self.match(text).direction
        if direction is None:
            return []
        values = self._decoder.values(direction[None])
        distances, rows = search_asymmetric(values, self._codes.packed, self._codes.bits, k)
        moments = best_moments(direction, rows[0], self._store, unit_length=self._side.unit_length)
        return [
            TextAnswer(int(row), os.fsdecode(self._codes.paths[row]), float(far), float(when))
            for row, far, when in zip(rows[0], distances[0], moments, strict=True)
        ]
