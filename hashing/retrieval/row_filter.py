"""Choose which rows of a library may be answers: by label, path and duration."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.console import printable
from chainpipe.pipeline.errors import UsageError

from .codes import Codes
from .hamming import Rows

NAMED = 8  # labels that a hint names


@dataclass(frozen=True, slots=True)
class RowFilter:
    """What answers must be; the default lets all rows pass.

    Attributes:
        labels: Each answer has one of them.
        path: Pattern of the answers' paths as the store has them; ``*`` goes over slashes, too.
        longer: Fewest seconds of duration.
        shorter: Most seconds of duration.
    """

    labels: tuple[str, ...] = ()
    path: str = ""
    longer: float | None = None
    shorter: float | None = None

    @property
    def needs_durations(self) -> bool:
        """Whether the durations of the videos are asked for."""
        return self.longer is not None or self.shorter is not None

    def rows(self, codes: Codes, durations: npt.NDArray[np.float64] | None) -> Rows | None:
        """Return the rows that pass, ascending; ``None`` for all.

        Args:
            codes: Of N videos.
            durations: In seconds, (N,); may be ``None`` where they are not needed.

        Raises:
            UsageError: If no video has such a label.

        Example:
            >>> codes = Codes.from_bits([[0], [1], [1]], ids=["a/1", "b/2", "b/3"], labels="xyx")
            >>> RowFilter(labels=("x",), path="b/*").rows(codes, None)
            array([2])
        """
        if self == RowFilter():
            return None
        passes = np.ones(len(codes), bool)
        if self.labels:
            passes &= codes.labels[:, _columns(self.labels, codes.label_names)].any(axis=1)
        if self.path:
            fits = re.compile(fnmatch.translate(self.path).encode("utf-8", "surrogateescape")).match
            passes &= np.fromiter((fits(path) is not None for path in codes.paths[:]), bool)
        if durations is not None and self.longer is not None:
            passes &= durations >= self.longer
        if durations is not None and self.shorter is not None:
            passes &= durations <= self.shorter
        return np.flatnonzero(passes)


def _columns(wanted: Sequence[str], known: Sequence[str]) -> list[int]:
    for name in wanted:
        if name not in known:
            some = ", ".join(f"`{printable(one)}`" for one in known[:NAMED])
            more = f" and {len(known) - NAMED} others" if len(known) > NAMED else ""
            hint = f"one of {some}{more}" if known else "the videos have no labels"
            raise UsageError(f"no video has the label `{printable(name)}`", hint=hint)
    return [known.index(name) for name in wanted]
