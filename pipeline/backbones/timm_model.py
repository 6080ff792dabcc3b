"""Image networks of timm: DINOv2, DINOv3, Perception Encoder, MobileNet and the rest."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..options import BackboneOptions
from . import unknown_backbone
from .base import Backbone
from .hub import hub_file, model_folder
from .name_settings import joined, split_settings, whole_number
from .quiet import quiet_libraries
from .reasons import reason_of
from .torch_backbone import InputFacts, TorchBackbone, require_square
from .weights import folder_weights, require_trust, sha256_of

if TYPE_CHECKING:
    import torch

SETTINGS = ("size",)
_HUB_FILES = ("model.safetensors", "open_clip_model.safetensors")


@dataclass(frozen=True, slots=True)
class TimmSource:
    """A timm network whose weights are stored on this machine.

    Attributes:
        name: The backbone's full name.
        architecture: What timm calls it.
        weights: The file.
        settings: Of its input and classifier, in place of timm's own.
        arguments: Of the architecture, as a saved folder gives them.
    """

    name: str
    architecture: str
    weights: Path
    settings: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)


def build_timm_named(rest: str, options: BackboneOptions) -> Backbone:
    """Build ``timm:NAME``, ``timm:NAME/FILE``, ``timm:local-dir:FOLDER`` or ``timm:hf-hub:REPO``.

    Its features are timm's own before the classifier (``num_classes=0``), (n, D). ``:size=N`` after
    any of these is another side of its input than the network's own.

    Raises:
        UsageError: If there is no such network, or no weights that fit it; the hint says what to
            do.
    """
    if not rest:
        raise unknown_backbone("timm:")
    form, settings = split_settings(rest, SETTINGS)
    side = whole_number(settings, "size")
    with quiet_libraries():
        source = find_timm(form, trusted=options.trust_weights)
        net = _load(source, side)
        facts = _input_facts(net, source.name, side)
    return TorchBackbone(
        net,
        name=joined(source.name, settings, SETTINGS),
        facts=facts,
        weights_sha256=sha256_of(source.weights),
        options=options,
    )


def find_timm(form: str, *, trusted: bool) -> TimmSource:
    """Find the network that a name means and fetch its weights if they are not here yet.

    Args:
        form: What follows ``timm:``.
        trusted: Whether pickled weights in a place that the user names may be read.

    Raises:
        UsageError: If any part of it is missing; the hint says what to do.
    """
    place, colon, rest = form.partition(":")
    if colon and place in ("local-dir", "hf-hub"):
        if place == "local-dir" and not Path(rest).is_dir():
            hint = "`timm:local-dir:` wants a folder as `timm` saves it for the hub"
            raise UsageError(f"there is no folder `{rest}`", hint=hint)
        folder = model_folder(rest, name=f"timm:{form}", trusted=trusted)
        kept = str(folder) if place == "local-dir" else rest
        return _from_folder(folder, f"timm:{place}:{kept}", trusted=trusted)
    architecture, slash, file = form.partition("/")
    _require_architecture(architecture)
    if slash:
        return _from_file(architecture, Path(file), trusted=trusted)
    return _from_hub(architecture)


def _from_file(architecture: str, path: Path, *, trusted: bool) -> TimmSource:
    if not path.is_file():
        hint = "`timm:NAME/FILE` is a file of weights; `timm:NAME` takes those of the hub"
        raise UsageError(f"there are no weights `{path}` for `{architecture}`", hint=hint)
    require_trust(path, trusted=trusted)
    absolute = Path(os.path.abspath(path))
    return TimmSource(f"timm:{architecture}/{absolute}", architecture, absolute)


def _from_hub(architecture: str) -> TimmSource:
    import timm

    name, facts = f"timm:{architecture}", timm.get_pretrained_cfg(architecture)
    repository = getattr(facts, "hf_hub_id", None)
    if not repository:
        hint = f"give a file of your own: `{name}/FILE.safetensors`"
        raise UsageError(f"timm publishes no weights on the hub for `{architecture}`", hint=hint)
    hint = (
        f"with network they are fetched once from `{repository}`; without, copy the model's "
        f"safetensors file from a machine that has it and use `{name}/FILE.safetensors`"
    )
    stored = getattr(facts, "hf_hub_filename", None) or ""
    stored = f"{Path(stored).stem}.safetensors" if stored else ""
    files = [file for file in (stored, *_HUB_FILES) if file]
    return TimmSource(name, architecture, hub_file(repository, files, name=name, hint=hint))


def _from_folder(folder: Path, name: str, *, trusted: bool) -> TimmSource:
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        architecture = str(config["architecture"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"folder `{folder}` has no `config.json` with an `architecture`",
            hint="`timm:local-dir:` wants a folder as `timm` saves it for the hub",
        ) from error
    _require_architecture(architecture)
    weights = folder_weights(folder, trusted=trusted)[0]
    arguments = dict(config.get("model_args") or {})
    if "global_pool" in config:
        arguments.setdefault("global_pool", config["global_pool"])
    settings = {"num_classes": config.get("num_classes"), **(config.get("pretrained_cfg") or {})}
    return TimmSource(name, architecture, weights, settings, arguments)


def _require_architecture(architecture: str) -> None:
    import timm

    if timm.is_model(architecture.split(".")[0]):
        return
    names = timm.list_models()
    near = difflib.get_close_matches(architecture, names, n=4, cutoff=0.3) or names[:4]
    listed = ", ".join(f"`{name}`" for name in near)
    raise UsageError(f"timm has no model `{architecture}`", hint=f"near to it: {listed}")


def _load(source: TimmSource, side: int | None) -> torch.nn.Module:
    """Build the network with exactly the weights that were found; none may be missing."""
    try:
        state = _without_classifier(source, _read_weights(source.weights))
        try:
            return _create(source, state, side, strict=True)
        except RuntimeError as error:  # weights of more than the network has do no harm
            if "Unexpected key" not in str(error) or _lacks_weights(str(error)):
                raise
            return _create(source, state, side, strict=False)
    except Exception as error:  # a wrong file meets unpicklers, missing keys, wrong shapes ...
        raise UsageError(
            f"weights `{source.weights}` do not fit `{source.name}`: {reason_of(error)}",
            hint="check that the file is complete and of this very model",
        ) from error


def _lacks_weights(reason: str) -> bool:
    return "Missing key" in reason or "size mismatch" in reason


def _create(
    source: TimmSource, state: dict[str, Any], side: int | None, *, strict: bool
) -> torch.nn.Module:
    import timm

    # timm is strict about missing weights only where the number of classes is that of the weights.
    overlay = source.settings | {
        "state_dict": dict(state),
        "num_classes": 0 if strict else 1,
        "label_offset": 0,
        "source": "",
        "custom_load": False,
    }
    overlay.pop("architecture", None)
    arguments = {k: v for k, v in source.arguments.items() if k != "num_classes"}
    arguments |= {"pretrained": True, "pretrained_cfg_overlay": overlay, "num_classes": 0}
    net: torch.nn.Module
    if side is not None:
        with contextlib.suppress(TypeError):  # convolutions take any size and no such argument
            net = timm.create_model(source.architecture, img_size=side, **arguments)
            return net.eval()
        overlay["state_dict"] = dict(state)
    net = timm.create_model(source.architecture, **arguments)
    return net.eval()


def _read_weights(path: Path) -> dict[str, Any]:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return dict(load_file(path))
    import torch

    found = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    return dict(found)


def _without_classifier(source: TimmSource, state: dict[str, Any]) -> dict[str, Any]:
    import timm

    facts = timm.get_pretrained_cfg(source.architecture)
    named = source.settings.get("classifier", getattr(facts, "classifier", None)) or ()
    names = (named,) if isinstance(named, str) else tuple(named)
    drop = {f"{name}.{part}" for name in names for part in ("weight", "bias")}
    return {key: value for key, value in state.items() if key not in drop}


def _input_facts(net: torch.nn.Module, name: str, side: int | None) -> InputFacts:
    """Return the preprocessing that timm states for a network."""
    import timm.data

    data: Any = timm.data
    config = data.resolve_model_data_config(net)
    side = side or require_square(config["input_size"][1:], name)
    method = config["interpolation"]
    return InputFacts(
        size=max(int(side / config["crop_pct"]), side),
        crop=side,
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        resize="bilinear" if method == "bilinear" else "bicubic",
    )
