"""Backbones by name: the embedded CNN, image networks and video encoders of other libraries."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import UsageError
from ..options import BACKBONE, BackboneOptions
from ..records import Lazy, Registry
from .base import Backbone, fingerprint_of, frames_per_feature, resize_of
from .device import pick_device

__all__ = [
    "BACKBONES",
    "Backbone",
    "BackboneOptions",
    "build_backbone",
    "fingerprint_of",
    "frames_per_feature",
    "resize_of",
]

BuildBackbone = Callable[[str, BackboneOptions], Backbone]  # from what follows `name:`
BACKBONES: Registry[BuildBackbone] = Registry(
    "backbone",
    {
        "cnn": Lazy("chainpipe.pipeline.backbones.cnn", "build_cnn_named"),
        "clip": Lazy("chainpipe.pipeline.backbones.clip", "build_clip_named"),
        "timm": Lazy("chainpipe.pipeline.backbones.timm_model", "build_timm_named"),
        "onnx": Lazy("chainpipe.pipeline.backbones.onnx_model", "build_onnx_named"),
        "st": Lazy("chainpipe.pipeline.backbones.sentence_model", "build_sentence_named"),
        "hf": Lazy("chainpipe.pipeline.backbones.video_model", "build_video_named"),
    },
)
FOREIGN = ("imported:", "published:")  # so begin the names of what others computed
FORMS = (
    BACKBONE,
    "clip:MODEL/PRETRAINED",
    "clip:MODEL/FILE.safetensors",
    "clip:local-dir:FOLDER",
    "clip:hf-hub:ORG/NAME",
    "timm:NAME",
    "onnx:FILE",
    "st:FOLDER",
    "hf:FOLDER",
)


def build_backbone(
    name: str,
    *,
    device: str = BackboneOptions.device,
    threads: int = BackboneOptions.threads,
    trust_weights: bool = BackboneOptions.trust_weights,
    batch: int = BackboneOptions.batch,
    half: bool = BackboneOptions.half,
    compiled: bool = BackboneOptions.compiled,
) -> Backbone:
    """Build a backbone from its name, ready to embed frames from several threads at once.

    Args:
        name: ``cnn`` (the same as ``cnn:efficientnet-lite0``), one of the forms of ``clip:``,
            ``timm:``, ``onnx:``, ``st:`` and ``hf:``, or the name of a plug-in's, with or without
            ``:REST``.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        threads: CPU threads that one call of ``embed`` may use.
        trust_weights: Whether ``.pt`` and ``.bin`` files that the name points to may be read.
        batch: The most frames that a GPU gets at once, from all threads together.
        half: Whether a GPU computes in float16; a CPU always computes in float32.
        compiled: Whether ``torch.compile`` makes a GPU's kernels, which takes a minute or two.

    Returns:
        The backbone. Its ``name`` is the full one, with absolute paths. Whoever built it closes it.

    Raises:
        UsageError: If there is no such backbone, device or weights, ``batch`` is below 1 or more
            than the GPU's memory holds, or a CPU is asked to compile.
    """
    if batch < 1:
        raise UsageError(f"a batch of {batch} frames", hint="`--batch` is at least 1")
    device = pick_device(device)
    if compiled and device == "cpu":
        raise UsageError("`--compile` is for a GPU, and this runs on the CPU")
    kind, _, rest = name.partition(":")
    if kind not in BACKBONES:
        raise unknown_backbone(name)
    options = BackboneOptions(
        device=device,
        threads=threads,
        trust_weights=trust_weights,
        batch=batch,
        half=half,
        compiled=compiled,
    )
    return BACKBONES[kind](rest, options)


def unknown_backbone(name: str) -> UsageError:
    """Return the error for a name that is none of a backbone."""
    if name.startswith(FOREIGN):
        hint = "ask by a video of the store, or by a store with features of the same network"
        return UsageError(f"`{name}`: its features were made elsewhere, from no file", hint=hint)
    known = ", ".join(f"`{form}`" for form in (*FORMS, *BACKBONES.plugins()))
    return UsageError(f"no backbone `{name}`", hint=f"one of {known}; `--plugin FILE` adds others")
