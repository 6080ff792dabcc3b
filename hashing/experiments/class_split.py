"""Class split: codes of all classes, of the listed classes alone, and of the other classes."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from chainpipe.pipeline.errors import NotFoundError, UsageError

from ..retrieval.bitpack import U8
from ..retrieval.codes import Codes

WHOLE, LISTED, REST = "all", "listed", "rest"


def read_classes(path: Path) -> list[str]:
    """Read class names from a text file, one a line; empty lines and repeats are skipped.

    Raises:
        NotFoundError: If it cannot be read.
        UsageError: If it is not UTF-8 or names no class.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "a text file, one class name a line"
        raise NotFoundError(f"cannot read the classes `{path}`: {reason}", hint=hint) from error
    except ValueError as error:
        raise UsageError(f"`{path}` is not UTF-8", hint="one class name a line") from error
    names = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not names:
        raise UsageError(f"`{path}` names no class", hint="one class name a line")
    return names


def check_classes(listed: Sequence[str], known: Sequence[str]) -> None:
    """Check that a store has the listed classes and others besides.

    Raises:
        UsageError: If a class is unknown (the nearest is named) or all classes are listed.
    """
    for name in listed:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean `{close[0]}`?" if close else f"it has {', '.join(known[:8])}, ..."
            raise UsageError(f"no class `{name}` in the store", hint=hint)
    if listed and set(known) <= set(listed):
        raise UsageError("`--apart` lists every class", hint="leave some classes out of the list")


def split_by_class(codes: Codes, listed: Sequence[str]) -> dict[str, Codes]:
    """Split codes by class: all, and if classes are listed, the listed and the other videos.

    A video with several labels is in the listed part if one of them is listed; there, only the
    listed labels count as relevant.

    Args:
        codes: Codes of B videos.
        listed: Class names; none: only ``all``.
    """
    if not listed:
        return {WHOLE: codes}
    inside = np.isin(codes.label_names, listed)  # (L,)
    mine = codes.labels[:, inside].any(axis=1)  # (B,)
    others = ~mine & codes.labels.any(axis=1)
    return {
        WHOLE: codes,
        LISTED: _only(codes, np.flatnonzero(mine), codes.labels * inside.astype(np.uint8)),
        REST: _only(codes, np.flatnonzero(others), codes.labels),
    }


def _only(codes: Codes, rows: np.ndarray, labels: U8) -> Codes:
    return replace(codes, labels=labels)[rows]
