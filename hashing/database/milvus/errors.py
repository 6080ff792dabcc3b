"""Errors of Milvus in the words of this project."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from chainpipe.pipeline.errors import StorageError, UsageError, missing_package

PATIENCE = 60.0  # seconds that one request may take
LITE_HINT = (
    "take pymilvus 2.6 with Milvus Lite 2.5.1: newer ones have no binary vectors "
    "(docs/databases.md)"
)


def pymilvus_module() -> ModuleType:
    """Return pymilvus; what it logs of each error is told by the error itself.

    Raises:
        UsageError: If it is not installed.
    """
    try:
        import pymilvus
    except ImportError as error:
        raise missing_package("Milvus", "pymilvus", extra="milvus") from error
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    module: ModuleType = pymilvus
    return module


@contextmanager
def milvus_errors(name: str) -> Iterator[None]:
    """Convert errors of pymilvus.

    Args:
        name: The address as messages print it.

    Raises:
        UsageError: If it is Milvus Lite, which cannot do it.
        StorageError: If the server is not reached, or refuses.
    """
    pymilvus = pymilvus_module()
    try:
        yield
    except pymilvus.MilvusException as error:
        words = _words(error)
        if "local mode only" in words:
            hint = "Milvus Lite has the exact index only; a server has more"
            raise UsageError(f"`{name}`: {words}", hint=hint) from error
        if "MilvusLite" in words or "milvus-lite" in words:
            raise UsageError(f"`{name}`: {words}", hint=LITE_HINT) from error
        if any(word in words.lower() for word in ("connect", "deadline", "unavailable", "timeout")):
            hint = "is the server there? MILVUS_TOKEN holds USER:PASSWORD"
            raise StorageError(f"no answer from `{name}`: {words}", hint=hint) from error
        hint = "what was pushed before is kept; run it again when the cause is gone"
        raise StorageError(f"`{name}` refuses: {words}", hint=hint) from error


def _words(error: Exception) -> str:
    message = getattr(error, "message", "") or str(error)
    return " ".join(str(message).split()).rstrip(" :")
