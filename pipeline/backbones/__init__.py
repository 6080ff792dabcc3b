"""Image networks by name: the embedded CNN and every open_clip model."""

from __future__ import annotations

from pipeline.backbones.base import Backbone, fingerprint_of
from pipeline.errors import UsageError

__all__ = ["BACKBONES", "Backbone", "build_backbone", "fingerprint_of"]

BACKBONES = (
    "cnn",
    "clip:MODEL/PRETRAINED",
    "clip:MODEL/FILE.safetensors",
    "clip:local-dir:FOLDER",
    "clip:hf-hub:ORG/NAME",
)


def build_backbone(
    name: str, *, device: str = "auto", threads: int = 1, trust_weights: bool = False
) -> Backbone:
    """Build a backbone from its name, ready to embed frames from several threads at once.

    Args:
        name: ``cnn`` (the same as ``cnn:efficientnet-lite0``) or one of the ``clip:`` forms.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        threads: CPU threads that one call of ``embed`` may use.
        trust_weights: Whether ``.pt`` and ``.bin`` files that the name points to may be read.

    Returns:
        The backbone. Its ``name`` is the full one, with absolute paths.

    Raises:
        UsageError: If there is no such backbone, device or weights.
    """
    kind, _, rest = name.partition(":")
    if kind == "cnn" and rest in ("", "efficientnet-lite0"):
        from pipeline.backbones.cnn import build_cnn

        return build_cnn(device=device, threads=threads)
    if kind == "clip" and rest:
        from pipeline.backbones.clip import build_clip

        return build_clip(rest, device=device, threads=threads, trust_weights=trust_weights)
    raise UsageError(
        f"no backbone `{name}`", hint="one of " + ", ".join(f"`{b}`" for b in BACKBONES)
    )
