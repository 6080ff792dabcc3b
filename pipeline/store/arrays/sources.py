"""Open users' own features: in memory, in one ``.npy`` file, or in a folder of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import ChainpipeError, DamageError, NotFoundError, StorageError, UsageError

Floats = npt.NDArray[np.floating]
Features = npt.ArrayLike | Sequence[npt.ArrayLike] | str | os.PathLike[str]
HINT = "N videos of T frames; one frame a video is [N, D], one video is [1, T, D]"


class ArraySource(NamedTuple):
    """N videos that can be read one by one.

    Attributes:
        videos: For each an array (T_i, D), or the file that holds one.
        lengths: T_i of each.
        dim: D.
        dtype: float16, or float32 for everything wider.
        names: N names, if known.
        path: Where they are, if they are on disk.
    """

    videos: npt.NDArray[Any] | Sequence[npt.NDArray[Any] | Path]
    lengths: tuple[int, ...]
    dim: int
    dtype: np.dtype[Any]
    names: tuple[str, ...] | None = None
    path: Path | None = None

    def read(self, row: int) -> Floats:
        """Return the features of one video, (T_i, D).

        Raises:
            DamageError: If its file was altered or cannot be read.
        """
        video = self.videos[row]
        found = _load(video) if isinstance(video, Path) else video
        found = found if found.ndim == 2 else found[None]
        if found.shape != (self.lengths[row], self.dim):
            shape = self.lengths[row], self.dim
            hint = "open the folder again"
            raise DamageError(f"`{video}` is now {found.shape}, not {shape}", hint=hint)
        return found.astype(self.dtype, copy=False)


def open_source(features: Features, *, dim: int | None = None) -> ArraySource:
    """Open features of N videos from an array, a file or a folder.

    Args:
        features: An array (N, T, D) or (N, D); a list of arrays (T_i, D); a ``.npy`` file of such
            an array, which is memory-mapped; or a folder of ``.npy`` files, one (T_i, D) a video.
        dim: D, if only features of that size will do.

    Raises:
        UsageError: If it is of another shape or type.
        NotFoundError: If there is no such file or folder, or no ``.npy`` file in it.
        DamageError: If a file is not a sound ``.npy`` file.
    """
    if isinstance(features, str | os.PathLike):
        path = Path(features)
        return _folder(path, dim) if path.is_dir() else _array(_load(path), dim, path)
    if isinstance(features, list | tuple) and len({np.shape(one) for one in features}) > 1:
        return _list(features, dim)
    return _array(_as_array(features), dim)


def shapes_wanted(dim: int | None = None) -> str:
    """Return the accepted shapes, for messages.

    >>> shapes_wanted(1280)
    '[N, T, 1280] or [N, 1280]'
    """
    size = "D" if dim is None else dim
    return f"[N, T, {size}] or [N, {size}]"


def _as_array(features: object) -> npt.NDArray[Any]:
    try:
        return np.asarray(features)
    except (TypeError, ValueError, RuntimeError) as error:  # also a tensor of another device
        hint = f"give an array {shapes_wanted()}"
        raise UsageError(f"the features are no array: {error}", hint=hint) from error


def _array(array: npt.NDArray[Any], dim: int | None, path: Path | None = None) -> ArraySource:
    fits = array.ndim in (2, 3) and 0 not in array.shape[1:] and dim in (None, array.shape[-1])
    if not fits:
        said = f" of `{path}`" if path else ""
        shapes = f"{list(array.shape)}, not {shapes_wanted(dim)}"
        raise UsageError(f"the features{said} are {shapes}", hint=HINT)
    frames = array.shape[1] if array.ndim == 3 else 1
    dtype = _dtype([array.dtype])
    return ArraySource(array, (frames,) * len(array), array.shape[-1], dtype, path=path)


def _list(features: Sequence[Any], dim: int | None) -> ArraySource:
    videos = [_as_array(one) for one in features]
    return _videos(videos, [one.shape for one in videos], [one.dtype for one in videos], dim)


def _folder(path: Path, dim: int | None) -> ArraySource:
    files = sorted(path.rglob("*.npy"))
    if not files:
        hint = "one file (T, D) for each video"
        raise NotFoundError(f"`{path}` has no `.npy` file", hint=hint)
    heads = [(one.shape, one.dtype) for one in map(_load, files)]  # maps of all would be too many
    shapes, dtypes = zip(*heads, strict=True)
    source = _videos(files, shapes, dtypes, dim)
    names = tuple(file.relative_to(path).with_suffix("").as_posix() for file in files)
    return source._replace(names=names, path=path)


def _videos(
    videos: Sequence[Any],
    shapes: Sequence[tuple[int, ...]],
    dtypes: Sequence[np.dtype[Any]],
    dim: int | None,
) -> ArraySource:
    """Check one array per video: (T_i, D) each, or (D,) each."""
    dim = dim or (shapes[0][-1] if shapes[0] else 0)
    for place, (video, shape) in enumerate(zip(videos, shapes, strict=True)):
        if len(shape) not in (1, 2) or 0 in shape or shape[-1] != dim:
            name = f"`{video}`" if isinstance(video, Path) else f"video {place}"
            found = f"{list(shape)}, not [T, {dim or 'D'}]"
            raise UsageError(f"the features of {name} are {found}", hint=HINT)
    lengths = tuple(shape[0] if len(shape) == 2 else 1 for shape in shapes)
    return ArraySource(videos, lengths, dim, _dtype(dtypes))


def _dtype(dtypes: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    for one in dtypes:
        if one.kind != "f":
            hint = "features are float16, float32 or float64: `features.astype('float32')`"
            raise UsageError(f"the features are {one}", hint=hint)
    return np.dtype(np.float16 if all(one.itemsize == 2 for one in dtypes) else np.float32)


def _load(path: Path) -> npt.NDArray[Any]:
    """Map a ``.npy`` file into memory."""
    hint = "write it by `numpy.save`"
    try:
        found: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no `{path}`", hint=hint) from error
    except OSError as error:
        if error.errno is None:
            raise _unsound(path, error) from error
        raise StorageError(f"cannot read `{path}`: {error.strerror}") from error
    except (ValueError, EOFError) as error:
        raise _unsound(path, error) from error
    if not isinstance(found, np.ndarray):
        raise _unsound(path, "it is an archive")
    return found


def _unsound(path: Path, reason: object) -> ChainpipeError:
    return DamageError(
        f"`{path}` is not a sound `.npy` file: {reason}", hint="write it by `numpy.save`"
    )
