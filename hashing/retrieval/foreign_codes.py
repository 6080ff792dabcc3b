"""Codes that another program made: arrays of bits, signs or packed bytes, with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Split
from chainpipe.pipeline.store.foreign.array_file import load_array

from .bitpack import width
from .codes import Codes

MOST_CLASSES = 1 << 16
_MOST_CLASS = 1 << 53  # whole floats are exact up to here
BitOrder = Literal["little", "big"]
_FORMS = "codes are 0 and 1, -1 and 1, or truth values, one code a row; packed ones need `--bits`"


@dataclass(frozen=True, slots=True)
class ArrayPlace:
    """An array in a file.

    Attributes:
        path: The file.
        key: Its name there; ``None`` if it is the only one.
    """

    path: Path
    key: str | None = None

    @classmethod
    def named(cls, word: str, beside: Path) -> ArrayPlace:
        """Read ``FILE``, ``FILE:KEY``, or ``KEY`` for an array of the file of the codes.

        >>> ArrayPlace.named("L_tr", Path("codes.mat"))
        ArrayPlace(path=PosixPath('codes.mat'), key='L_tr')
        """
        file, colon, key = word.rpartition(":")
        if Path(word).is_file():
            return cls(Path(word))
        if colon and Path(file).is_file():
            return cls(Path(file), key)
        looks_like_file = Path(word).suffix in (".npy", ".npz", ".mat", ".h5", ".hdf5")
        return cls(Path(word)) if looks_like_file else cls(beside, word)

    def load(self) -> npt.NDArray[Any]:
        """Read it; raises as ``load_array``."""
        return load_array(self.path, self.key)

    def __str__(self) -> str:
        return f"`{self.key}` of `{self.path}`" if self.key else f"`{self.path}`"


@dataclass(frozen=True, slots=True)
class CodesPlaces:
    """Where the codes of some videos and what belongs to them are.

    Attributes:
        codes: The codes.
        labels: One-hot or multi-hot (N, C), or class numbers or names (N,); ``None`` for none.
        ids: Names (N,); ``None`` for numbers.
    """

    codes: ArrayPlace
    labels: ArrayPlace | None = None
    ids: ArrayPlace | None = None


def foreign_codes(
    database: CodesPlaces,
    queries: CodesPlaces | None = None,
    *,
    bits: int | None = None,
    bit_order: BitOrder = "little",
    sign: bool = False,
) -> Codes:
    """Read codes of another program.

    Args:
        database: The codes; with ``queries`` those that are searched.
        queries: Codes that ask; the rows of both are marked by their split, queries first.
        bits: K of packed codes, unsigned integers; ``None`` for one number a bit.
        bit_order: Which bit of a packed byte comes first.
        sign: Take real numbers, of which those >= 0 are 1.

    Raises:
        NotFoundError: If a file is missing.
        UsageError: If an array is not of the form that it should be, or they do not fit.
        DamageError: If a file is damaged.
    """
    sides = [database] if queries is None else [queries, database]
    truths = [_truth(side.codes, bits, bit_order, sign=sign) for side in sides]
    if len({one.shape[1] for one in truths}) > 1:
        lengths = " and ".join(str(one.shape[1]) for one in truths)
        raise UsageError(f"the codes have {lengths} bits", hint="take both of one model")
    counts = [len(one) for one in truths]
    labels = _all_labels(sides, counts)
    ids = _all_ids(sides, counts)
    splits = None
    if queries is not None:
        names = Split.QUERY.name.lower(), Split.DATABASE.name.lower()
        splits = [name for name, count in zip(names, counts, strict=True) for _ in range(count)]
    return Codes.from_bits(np.concatenate(truths), ids=ids, labels=labels, splits=splits)


def _truth(
    place: ArrayPlace, bits: int | None, bit_order: BitOrder, *, sign: bool
) -> npt.NDArray[np.bool_]:
    """Return codes as truth values, (N, K)."""
    found = place.load()
    if bits is not None:
        return _unpacked(place, found, bits, bit_order)
    if found.ndim != 2 or 0 in found.shape or found.dtype.kind not in "biuf":
        message = f"{place} is {list(found.shape)} {found.dtype}"
        raise UsageError(message, hint=_FORMS)
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        rows = np.flatnonzero(~np.isfinite(found).all(axis=1))
        raise UsageError(f"{place} has NaN or infinity in row {rows[0]}", hint=_FORMS)
    if sign or found.dtype.kind == "b" or _holds_only(found, (0, 1)) or _holds_only(found, (-1, 1)):
        return found >= 0 if sign or _is_signed(found) else found == 1
    other = found[~np.isin(found, (-1, 0, 1))]
    what = f"`{other[0]}`" if other.size else "-1, 0 and 1"
    hint = f"{_FORMS}; `--sign` takes numbers >= 0 as 1"
    raise UsageError(f"{place} holds {what}", hint=hint)


def _holds_only(found: npt.NDArray[Any], values: Sequence[int]) -> bool:
    return bool(np.isin(found, values).all())


def _is_signed(found: npt.NDArray[Any]) -> bool:
    return found.dtype.kind != "b" and bool((found < 0).any())


def _unpacked(
    place: ArrayPlace, found: npt.NDArray[Any], bits: int, bit_order: BitOrder
) -> npt.NDArray[np.bool_]:
    """Unpack bytes or words to truth values."""
    if bits < 1 or found.dtype.kind != "u" or found.ndim not in (1, 2) or 0 in found.shape:
        message = f"{place} is {list(found.shape)} {found.dtype}, no packed codes of {bits} bits"
        raise UsageError(message, hint="packed codes are unsigned integers, one code a row")
    rows = found if found.ndim == 2 else found[:, None]
    little = np.ascontiguousarray(rows, rows.dtype.newbyteorder("<"))
    octets = little.view(np.uint8)
    if octets.shape[1] < width(bits):
        message = f"{place} has {octets.shape[1]} bytes a code, fewer than {bits} bits need"
        raise UsageError(message, hint=f"`--bits {8 * octets.shape[1]}` or fewer")
    every = np.unpackbits(octets, axis=1, bitorder=bit_order).astype(bool)
    if every[:, bits:].any():
        message = f"{place} has bits set beyond the {bits} of a code"
        raise UsageError(message, hint="another `--bits`, or `--bit-order big` as `numpy.packbits`")
    return every[:, :bits]


def _all_labels(sides: Sequence[CodesPlaces], counts: Sequence[int]) -> Any:
    """Return the labels of all rows, in a form that ``Columns`` takes."""
    places = [side.labels for side in sides]
    if all(place is None for place in places):
        return None
    found = []
    for side, count in zip(sides, counts, strict=True):
        if side.labels is None:
            hint = "`--labels` names those of the codes, `--query-labels` those of the queries"
            raise UsageError(f"{side.codes} has no labels", hint=hint)
        found.append(_labels(side.labels, count))
    if len({one.ndim for one in found}) > 1 or len({one.shape[1:] for one in found}) > 1:
        shapes = " and ".join(str(list(one.shape)) for one in found)
        hint = "both one-hot of the same classes, or both class numbers"
        raise UsageError(f"the labels of queries and database are {shapes}", hint=hint)
    return np.concatenate(found)


def _labels(place: ArrayPlace, count: int) -> npt.NDArray[Any]:
    """Return labels as 0 and 1, (N, C), or as class numbers or names, (N,)."""
    found = place.load()
    if found.ndim == 2 and 1 in found.shape:  # as MATLAB has vectors
        found = found.reshape(-1)
    if found.ndim not in (1, 2) or len(found) != count:
        message = f"{place} is {list(found.shape)}, but there are {count} codes"
        raise UsageError(message, hint="labels are (codes, classes) of 0 and 1, or one a code")
    if found.ndim == 2 and (found.shape[1] > MOST_CLASSES or not _holds_only(found, (0, 1))):
        hint = f"0 and 1 of at most {MOST_CLASSES} classes"
        raise UsageError(f"{place} {list(found.shape)} is not one-hot", hint=hint)
    if found.ndim == 1 and found.dtype.kind in "biuf":
        if not ((np.abs(found) <= _MOST_CLASS).all() and (found == np.round(found)).all()):
            raise UsageError(f"{place} holds other than whole numbers", hint="one class a code")
        return found.astype(np.int64)
    if found.dtype.kind not in "biufUS":
        raise UsageError(f"{place} is {found.dtype}", hint="class numbers, names, or 0 and 1")
    return np.char.decode(found, "utf-8", "backslashreplace") if found.dtype.kind == "S" else found


def _all_ids(sides: Sequence[CodesPlaces], counts: Sequence[int]) -> list[str] | None:
    if all(side.ids is None for side in sides):
        return None
    ids: list[str] = []
    for number, (side, count) in enumerate(zip(sides, counts, strict=True)):
        if side.ids is None:
            ids += [f"{number}:{row}" for row in range(count)]
            continue
        found = np.ravel(side.ids.load())
        if len(found) != count:
            message = f"{side.ids} has {len(found)} entries, but there are {count} codes"
            raise UsageError(message, hint="one id for each code")
        ids += [str(one) for one in found.tolist()]
    return ids
