"""Parse the values of `extract`'s options that typer does not parse itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from pathlib import Path

from ..errors import UsageError
from ..inputs.manifest import FOLDERS, Labels
from ..options import DecodeLimits
from ..records import Status


def stores_for(backbones: Sequence[str], outs: Sequence[Path]) -> list[tuple[str, Path]]:
    """Pair backbones with stores; several with one store get one each, named after them.

    Raises:
        UsageError: If the numbers do not fit.

    Example:
        >>> [out.name for _, out in stores_for(["cnn", "clip:a/b"], [Path("feats.h5")])]
        ['feats-cnn.h5', 'feats-clip-a-b.h5']
    """
    if len(outs) == len(backbones):
        return list(zip(backbones, outs, strict=True))
    if len(outs) != 1:
        message = f"{len(backbones)} backbones, but {len(outs)} stores"
        raise UsageError(message, hint="give one `--out` for each `--backbone`, or one for all")
    names = [re.sub(r"[^A-Za-z0-9]+", "-", backbone).strip("-") for backbone in backbones]
    stems = [outs[0].with_name(f"{outs[0].stem}-{name}{outs[0].suffix}") for name in names]
    return list(zip(backbones, stems, strict=True))


def limits_named(words: Iterable[str]) -> DecodeLimits:
    """Return the limits with some of them changed by settings such as ``pixels=70e6``.

    Raises:
        UsageError: If there is no such limit, or the value is no positive number.

    Example:
        >>> limits_named(["duration=3600"]).duration
        3600.0
    """
    limits = DecodeLimits()
    names = [known.name for known in fields(DecodeLimits)]
    for word in words:
        name, _, text = word.partition("=")
        if name not in names:
            known = ", ".join(f"`{name}`" for name in names)
            raise UsageError(f"no limit `{name}`", hint=f"one of {known}")
        limits = replace(limits, **{name: type(getattr(limits, name))(_positive(name, text))})
    return limits


def _positive(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise UsageError(f"limit `{name}` is `{text}`", hint="it is a positive number")
    return value


def settings_named(words: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return settings of an engine from strings such as ``partition=gpu``.

    Raises:
        UsageError: If a word has no ``=``.

    Example:
        >>> settings_named(["partition=gpu"])
        (('partition', 'gpu'),)
    """
    pairs = [word.partition("=") for word in words]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise UsageError(f"`{name}` is no setting", hint="write NAME=VALUE")
    return tuple((name, value) for name, _, value in pairs)


def labels_named(word: str | None) -> Labels | None:
    """Return what ``--labels`` means: ``folders``, or a file; ``./folders`` is a file.

    >>> labels_named("folders"), labels_named("./folders").name, labels_named(None)
    ('folders', 'folders', None)
    """
    return None if word is None else FOLDERS if word == FOLDERS else Path(word)


def failures_named(names: Iterable[str]) -> frozenset[Status]:
    """Return the statuses that names such as ``corrupt`` or ``all`` mean.

    Args:
        names: Labels of statuses, several in one word separated by commas.

    Raises:
        UsageError: If there is no such status of failed videos.

    Example:
        >>> sorted(status.label for status in failures_named(["limit,corrupt"]))
        ['corrupt', 'limit']
    """
    failures = {status.label: status for status in Status if status >= Status.PARTIAL}
    asked = {word.strip() for name in names for word in name.split(",")}
    if "all" in asked:
        return frozenset(failures.values())
    if unknown := sorted(asked - failures.keys()):
        known = ", ".join(f"`{label}`" for label in failures)
        raise UsageError(f"no class of failures `{unknown[0]}`", hint=f"`all` or {known}")
    return frozenset(failures[name] for name in asked)
