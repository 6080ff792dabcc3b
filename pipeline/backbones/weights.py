"""Weights on disk: their SHA-256, which files are trusted, and a cache for what is made of them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import UsageError

_PICKLED = (".pt", ".pth", ".bin")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal.

    Raises:
        UsageError: If the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"weights `{path}` cannot be read: {error.strerror}") from error


def sha256_of_all(folder: Path, files: Sequence[Path]) -> str:
    """Return what identifies the weights of a model that may be several files, hexadecimal.

    Args:
        folder: The model's.
        files: Its weights, at least one.

    Returns:
        The SHA-256 of the one file; of several that of their names in the folder and digests.

    Raises:
        UsageError: If a file cannot be read.
    """
    if len(files) == 1:
        return sha256_of(files[0])
    lines = [f"{path.relative_to(folder).as_posix()} {sha256_of(path)}\n" for path in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def folder_weights(folder: Path, *, trusted: bool, deep: bool = False) -> list[Path]:
    """Return the weights files of a saved model; safetensors where it has them.

    Args:
        folder: The model's.
        trusted: Whether pickled weights may be read where there are no others.
        deep: Whether folders in it are searched, too, each for itself.

    Raises:
        UsageError: If there are none, or only pickled ones that are not trusted.
    """
    places = [folder, *(path for path in sorted(folder.rglob("*")) if deep and path.is_dir())]
    found: list[Path] = []
    for place in places:
        safe = sorted(place.glob("*.safetensors"))
        pickled = [path for suffix in _PICKLED for path in sorted(place.glob(f"*{suffix}"))]
        for path in pickled if not safe else ():
            require_trust(path, trusted=trusted)
        found += safe or pickled
    if not found:
        hint = "put `model.safetensors` there"
        raise UsageError(f"folder `{folder}` holds no weights", hint=hint)
    return found


def require_trust(path: Path, *, trusted: bool) -> None:
    """Refuse a weights file of a form that the user has not said to trust.

    Raises:
        UsageError: If it is neither safetensors nor a trusted ``.pt``, ``.pth`` or ``.bin``.
    """
    if path.suffix == ".safetensors":
        return
    if path.suffix not in _PICKLED:
        raise UsageError(
            f"weights `{path}` have the unknown suffix `{path.suffix}`", hint="use `.safetensors`"
        )
    if not trusted:
        raise UsageError(
            f"weights `{path}` are a pickle, which can hide code",
            hint="use the `.safetensors` file, or `--trust-weights` if you know who made it",
        )


def cache_folder() -> Path | None:
    """Return where files that can be made again are kept: ``CHAINPIPE_CACHE`` or the user's.

    ``None`` for a user without a home: a folder that others may write is no place for a network.
    """
    if chosen := os.environ.get("CHAINPIPE_CACHE"):
        return Path(chosen)
    if known := os.environ.get("XDG_CACHE_HOME"):
        return Path(known) / "chainpipe"
    try:
        return Path.home() / ".cache" / "chainpipe"
    except RuntimeError:  # HOME is unset and the user id has no name, as in many containers
        return None


def cached(name: str, make: Callable[[], bytes]) -> bytes:
    """Return the bytes that ``make`` makes, from the cache when an intact copy is there.

    The file ends with the SHA-256 of what precedes it, so damage is detected and repaired. A cache
    that cannot be written costs time at the next start, and nothing else.

    Args:
        name: The file's name; it must name everything that the bytes depend on.
        make: Makes the bytes.
    """
    folder = cache_folder()
    if folder is None:
        return make()
    path = folder / name
    with contextlib.suppress(OSError):
        stored = path.read_bytes()
        body, digest = stored[:-32], stored[-32:]
        if hashlib.sha256(body).digest() == digest:
            return body
    made = make()
    with contextlib.suppress(OSError):
        _write_atomically(path, made + hashlib.sha256(made).digest())
    return made


def _write_atomically(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as file:
            file.write(content)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
