"""Text side protocol: words become directions (D,) in the feature space of a backbone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class TextMatch:
    """What a backbone makes of one text.

    Attributes:
        text: As it was given.
        direction: In feature space, (D,) float32: the higher its dot product with the feature of a
            frame, the better the frame answers the text; ``None`` for a text without words.
        unknown: Words that the backbone knows nothing of.
        known: Whether any word is known; if not, the direction is that of the nearest names.
        nearest: Names that the backbone knows, the nearest first.
    """

    text: str
    direction: F32 | None
    unknown: tuple[str, ...] = ()
    known: bool = True
    nearest: tuple[str, ...] = ()


class TextSide(Protocol):
    """The text side of a frozen image network.

    Attributes:
        unit_length: Whether features of frames are brought to length 1 before they are compared.
    """

    unit_length: bool

    def match(self, texts: Sequence[str]) -> list[TextMatch]:
        """Return the directions of some texts."""
        ...


BuildTextSide = Callable[[str, bool], TextSide]  # from the backbone's full name, and trust_weights
