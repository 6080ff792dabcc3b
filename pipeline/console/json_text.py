r"""JSON that any parser reads, also where names are not UTF-8.

A name of bytes that are not UTF-8 would be a lone surrogate in JSON, which most parsers refuse or
replace. It is printed with ``\xff`` for such a byte, and its object has one more field, with
``_bytes`` after the name's: the bytes in hexadecimal. For a list of names it is a list, too, with
null for those that are UTF-8.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

BYTES = "_bytes"


def json_text(facts: Mapping[str, Any], *, indent: int | None = None) -> str:
    r"""Return an object as JSON; see the head of this file for names that are not UTF-8.

    Args:
        facts: What :func:`json.dumps` takes; names may hold surrogates, as from ``os.fsdecode``.
        indent: As for :func:`json.dumps`; by default one line.

    Example:
        >>> print(json_text({"path": os.fsdecode(b"caf\xe9.mp4"), "rank": 1}))
        {"path": "caf\\xe9.mp4", "rank": 1, "path_bytes": "636166e92e6d7034"}
    """
    return json.dumps(_object(facts), indent=indent)


def _object(facts: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    more: dict[str, Any] = {}
    for key, value in facts.items():
        name = _value(key)
        found[name] = _value(value)
        if isinstance(value, str) and (known := _bytes(value)):
            more[name + BYTES] = known
        elif isinstance(value, (list, tuple)) and any(isinstance(one, str) for one in value):
            known_of = [_bytes(one) if isinstance(one, str) else None for one in value]
            if any(known_of):
                more[name + BYTES] = known_of
    return found | more


def _value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, (list, tuple)):
        return [_value(one) for one in value]
    if isinstance(value, str) and (known := _bytes(value)):
        return bytes.fromhex(known).decode("utf-8", "backslashreplace")
    return value


def _bytes(text: str) -> str | None:
    """Return the bytes of a text that is no UTF-8, in hexadecimal."""
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").hex()
    return None


def restored(facts: Mapping[str, Any]) -> dict[str, Any]:
    r"""Return an object of :func:`json_text` as it was: names hold surrogates for bytes again.

    Args:
        facts: What :func:`json.loads` made of it. Nested objects are left as they are.

    Raises:
        ValueError: If bytes are not written in hexadecimal.

    Example:
        >>> restored({"path": "caf\\xe9.mp4", "path_bytes": "636166e92e6d7034"})
        {'path': 'caf\udce9.mp4'}
    """
    found = dict(facts)
    for name, value in facts.items():
        known = found.pop(name + BYTES, None) if name + BYTES in facts else None
        if isinstance(known, str):
            found[name] = os.fsdecode(bytes.fromhex(known))
        elif isinstance(known, list) and isinstance(value, list) and len(known) == len(value):
            pairs = zip(value, known, strict=True)
            found[name] = [
                os.fsdecode(bytes.fromhex(one)) if isinstance(one, str) else plain
                for plain, one in pairs
            ]
    return found
