"""Settings in a backbone's name: ``onnx:net.onnx:size=224:pool=mean`` after the file's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..errors import UsageError

_SETTING = re.compile(r":([a-z]+)=([^:]*)")


def split_settings(rest: str, known: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Split what follows a backbone's scheme into the place of its model and its settings.

    Args:
        rest: ``PLACE``, or ``PLACE:KEY=VALUE:KEY=VALUE``.
        known: The keys there are.

    Returns:
        The place, and the settings as text.

    Raises:
        UsageError: If a key is not known, or comes twice.

    Example:
        >>> split_settings("net.onnx:size=224:mean=0.5,0.5,0.5", ["size", "mean"])
        ('net.onnx', {'size': '224', 'mean': '0.5,0.5,0.5'})
    """
    tail = re.search(r"(?::[a-z]+=[^:]*)*$", rest)
    place = rest[: tail.start()] if tail else rest
    settings: dict[str, str] = {}
    for key, value in _SETTING.findall(rest[len(place) :]):
        if key not in known or key in settings:
            what = "is given twice" if key in settings else "is not a setting of this backbone"
            listed = ", ".join(f"`:{each}=`" for each in known)
            raise UsageError(f"`:{key}={value}` {what}", hint=f"settings: {listed}")
        settings[key] = value
    return place, settings


def joined(place: str, settings: Mapping[str, str], known: Sequence[str]) -> str:
    """Return the inverse of :func:`split_settings`, with the settings in the order of ``known``.

    >>> joined("net.onnx", {"mean": "0", "size": "8"}, ["size", "mean"])
    'net.onnx:size=8:mean=0'
    """
    return place + "".join(f":{key}={settings[key]}" for key in known if key in settings)


def whole_number(settings: Mapping[str, str], key: str) -> int | None:
    """Return a setting that is a number from 1 on, or ``None`` if it is not given.

    Raises:
        UsageError: If it is something else.

    Example:
        >>> whole_number({"size": "224"}, "size")
        224
    """
    if key not in settings:
        return None
    text = settings[key]
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"`:{key}={text}` is no whole number from 1 on", hint=f"as in `:{key}=16`")
    return int(text)


def three_numbers(settings: Mapping[str, str], key: str) -> tuple[float, ...] | None:
    """Return a setting of three numbers, one a colour, or ``None`` if it is not given.

    One number stands for all three.

    Raises:
        UsageError: If it is something else, or a divisor is not above 0.

    Example:
        >>> three_numbers({"mean": "0.5"}, "mean")
        (0.5, 0.5, 0.5)
    """
    if key not in settings:
        return None
    text = settings[key]
    try:
        found = tuple(float(word) for word in text.split(","))
    except ValueError:
        found = ()
    found = found * 3 if len(found) == 1 else found
    least = 0.0 if key == "std" else -float("inf")
    if len(found) != 3 or not all(least < value < float("inf") for value in found):
        what = "three numbers above 0" if key == "std" else "three numbers"
        example = "0.229,0.224,0.225" if key == "std" else "0.485,0.456,0.406"
        raise UsageError(f"`:{key}={text}` is not {what}", hint=f"as in `:{key}={example}`")
    return found
