"""Resolve the name of a CLIP model to its weights file."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .hub import skip_a_hub_out_of_reach
from .weights import require_trust

_CONFIG = "open_clip_config.json"
_FIRST = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")
_SUFFIXES = (".safetensors", ".bin", ".pth", ".pt")  # in this order


@dataclass(frozen=True, slots=True)
class ClipSource:
    """A CLIP model whose weights are stored on this machine.

    Attributes:
        name: The backbone's full name.
        model: What open_clip calls it.
        pretrained: Its tag, or ``None`` when the weights are a file.
        weights: The file.
        quick_gelu: Whether the weights were trained with the quick form of GELU.
    """

    name: str
    model: str
    pretrained: str | None
    weights: Path
    quick_gelu: bool = False


def find_clip(form: str, *, trusted: bool) -> ClipSource:
    """Find the model that a name means and fetch its weights if they are not here yet.

    Args:
        form: ``MODEL/TAG``, ``MODEL/FILE``, ``local-dir:FOLDER`` or ``hf-hub:ORG/NAME``.
        trusted: Whether pickled weights in a place that the user names may be read.

    Raises:
        UsageError: If any part of it is missing; the hint says what to do.
    """
    place, colon, rest = form.partition(":")
    if colon and place == "local-dir":
        return _from_folder(Path(rest), trusted=trusted)
    if colon and place == "hf-hub":
        return _from_hub(rest)
    model, slash, pretrained = form.partition("/")
    _require_model(model)
    if not slash or not pretrained:
        raise UsageError(f"backbone `clip:{form}` names no weights", hint=_tags_hint(model))
    return _from_tag(model, pretrained) or _from_file(model, Path(pretrained), trusted=trusted)


def _from_tag(model: str, tag: str) -> ClipSource | None:
    """Return the source of a published tag, or ``None`` if the model has no such tag."""
    import open_clip

    facts: dict[str, Any] = open_clip.get_pretrained_cfg(model, tag)
    if not facts:
        return None
    name = f"clip:{model}/{tag}"
    repository = str(facts.get("hf_hub") or facts.get("url")).rstrip("/")
    hint = (
        f"with network it is fetched once from `{repository}`; without, copy the model's "
        f"safetensors file from a machine that has it and use `clip:{model}/FILE.safetensors`"
    )
    weights = _fetch(lambda: open_clip.download_pretrained(facts), name=name, hint=hint)
    return ClipSource(name, model, tag, weights, bool(facts.get("quick_gelu")))


def _from_file(model: str, path: Path, *, trusted: bool) -> ClipSource:
    if not path.is_file():
        message = f"`{path}` is no published tag of `{model}`, and there is no such file"
        raise UsageError(message, hint=_tags_hint(model))
    require_trust(path, trusted=trusted)
    absolute = Path(os.path.abspath(path))
    return ClipSource(f"clip:{model}/{absolute}", model, None, absolute)


def _from_folder(folder: Path, *, trusted: bool) -> ClipSource:
    if not (folder / _CONFIG).is_file():
        raise UsageError(
            f"folder `{folder}` has no `{_CONFIG}`",
            hint="`local-dir:` wants a folder that open_clip saved, with its configuration",
        )
    found = [f for f in folder.iterdir() if f.suffix in _SUFFIXES and f.is_file()]
    if not found:
        raise UsageError(
            f"folder `{folder}` holds no weights", hint="put `open_clip_model.safetensors` there"
        )
    weights = min(found, key=_preference)
    require_trust(weights, trusted=trusted)
    model = f"local-dir:{os.path.abspath(folder)}"
    return ClipSource(f"clip:{model}", model, None, weights)


def _from_hub(repository: str) -> ClipSource:
    from open_clip import pretrained

    model = f"hf-hub:{repository}"
    hint = (
        f"with network it is fetched once; without, run `hf download {repository}` on a machine "
        "that has it, copy the folder here and use `clip:local-dir:FOLDER`"
    )

    def fetch() -> str:
        pretrained.download_pretrained_from_hf(repository, filename=_CONFIG)
        return str(pretrained.download_pretrained_from_hf(repository))

    weights = _fetch(fetch, name=f"clip:{model}", hint=hint)
    return ClipSource(f"clip:{model}", model, None, weights)


def _fetch(fetch: Callable[[], str], *, name: str, hint: str) -> Path:
    """Run one of open_clip's downloads; whatever it raises becomes the one message."""
    skip_a_hub_out_of_reach()
    try:
        path = fetch()
    except Exception as error:  # the hub raises a dozen kinds of its own
        message = f"the weights of `{name}` are neither on this machine nor to be fetched"
        raise UsageError(message, hint=hint) from error
    if not path:
        raise UsageError(f"open_clip publishes no weights for `{name}`", hint=hint)
    return Path(path)


def _require_model(model: str) -> None:
    import open_clip

    models = open_clip.list_models()
    if model not in models:
        near = difflib.get_close_matches(model, models, n=4, cutoff=0.3) or models[:4]
        names = ", ".join(f"`{m}`" for m in near)
        raise UsageError(f"open_clip has no model `{model}`", hint=f"near to it: {names}")


def _tags_hint(model: str) -> str:
    import open_clip

    tags = [f"`{tag}`" for tag in open_clip.list_pretrained_tags_by_model(model)]
    more = [f"{len(tags) - 6} more"] if len(tags) > 6 else []
    listed = ", ".join(tags[:6] + more) or "none"
    return f"tags of `{model}`: {listed}; or `clip:{model}/FILE.safetensors`"


def _preference(path: Path) -> tuple[int, int, str]:
    named = _FIRST.index(path.name) if path.name in _FIRST else len(_FIRST)
    return _SUFFIXES.index(path.suffix), named, path.name
