"""What a search by words answers: videos, and the moment that answers best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .answers import FoundVideo

if TYPE_CHECKING:
    from chainpipe.pipeline.backbones.texts import TextMatch


@dataclass(frozen=True, slots=True, eq=False)
class FoundByText:
    """The answers to one text.

    Attributes:
        match: What the backbone makes of the text.
        answers: Nearest first; none if no word is known.
        moments: Of each answer the second of the frame that answers the text best; NaN where the
            store, or when its frames are shown, is not known.
    """

    match: TextMatch
    answers: Sequence[FoundVideo]
    moments: Sequence[float]
