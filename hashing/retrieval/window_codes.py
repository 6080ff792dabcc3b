"""Codes of windows: short stretches of videos, beside one code for each whole video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .bitpack import U8
from .hamming import Rows


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class WindowCodes:
    """The packed codes of W windows, those of one video side by side.

    Attributes:
        packed: (W, ceil(bits / 8)) uint8.
        rows: Row of each window's video in the codes of the videos, (W,) int64, ascending.
        starts: First second of each window, (W,) float64.
        ends: Last second of each window, (W,) float64.

    Raises:
        ValueError: If the columns do not fit together.

    Example:
        >>> windows = WindowCodes(
        ...     packed=np.array([[1], [2], [3]], np.uint8),
        ...     rows=np.array([0, 0, 2]),
        ...     starts=np.array([0.0, 0.5, 0.0]),
        ...     ends=np.array([2.0, 2.5, 2.0]),
        ... )
        >>> windows
        WindowCodes(3 windows)
        >>> windows.of_videos([2, 0]).packed.ravel(), windows.of_videos([2, 0]).rows
        (array([3, 1, 2], dtype=uint8), array([0, 1, 1]))
    """

    packed: U8
    rows: Rows
    starts: npt.NDArray[np.float64]
    ends: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        count = len(self.packed)
        dtypes = {"rows": np.int64, "starts": np.float64, "ends": np.float64}
        if self.packed.ndim != 2 or self.packed.dtype != np.uint8:
            raise ValueError(f"window codes are (W, bytes) uint8, not {self.packed.shape}")
        for name, dtype in dtypes.items():
            column = getattr(self, name)
            if column.shape != (count,) or column.dtype != dtype:
                found = f"{column.shape} {column.dtype}"
                raise ValueError(f"`{name}` of windows must be ({count},) {dtype}, not {found}")
        if (self.rows[1:] < self.rows[:-1]).any() or (count and self.rows[0] < 0):
            raise ValueError("the rows of windows are not ascending")
        if not (self.starts <= self.ends).all():
            raise ValueError("a window ends before it starts")

    def __len__(self) -> int:
        return len(self.packed)

    def __repr__(self) -> str:
        return f"WindowCodes({len(self)} windows)"

    def of_videos(self, chosen: Sequence[int] | npt.NDArray[np.integer]) -> WindowCodes:
        """Return the windows of some videos, which become rows 0, 1, 2, ... in that order."""
        numbers = np.asarray(chosen, np.int64)
        first = np.searchsorted(self.rows, numbers)
        counts = np.searchsorted(self.rows, numbers, side="right") - first
        begins = np.cumsum(counts) - counts
        take = np.arange(counts.sum()) + np.repeat(first - begins, counts)
        return WindowCodes(
            self.packed[take],
            np.repeat(np.arange(len(numbers)), counts),
            self.starts[take],
            self.ends[take],
        )


def joined_windows(parts: Sequence[tuple[int, WindowCodes | None]]) -> WindowCodes | None:
    """Concatenate windows of several codes; ``None`` unless every part with videos has windows.

    Args:
        parts: For each part its number of videos and its windows.
    """
    kept, shift = [], 0
    for videos, windows in parts:
        if windows is not None:
            kept.append((windows, shift))
        elif videos:
            return None
        shift += videos
    if not kept:
        return None
    return WindowCodes(
        np.concatenate([windows.packed for windows, _ in kept]),
        np.concatenate([windows.rows + before for windows, before in kept]),
        np.concatenate([windows.starts for windows, _ in kept]),
        np.concatenate([windows.ends for windows, _ in kept]),
    )
