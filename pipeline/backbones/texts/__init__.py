"""Words in the feature space of a backbone: what `search --text` compares frames with."""

from __future__ import annotations

from ...errors import UsageError
from ...options import BackboneOptions
from ...records import Lazy, Registry
from .base import BuildTextSide, TextMatch, TextSide

__all__ = ["TEXT_SIDES", "TextMatch", "TextSide", "build_text_side"]

# By the first word of a backbone's full name, such as `clip` of `clip:ViT-B-32/laion2b_s34b_b79k`.
TEXT_SIDES: Registry[BuildTextSide] = Registry(
    "text side",
    {
        "cnn": Lazy("chainpipe.pipeline.backbones.texts.lite0", "build_lite0_text"),
        "clip": Lazy("chainpipe.pipeline.backbones.texts.clip", "build_clip_text"),
    },
)


def build_text_side(
    backbone: str, *, trust_weights: bool = BackboneOptions.trust_weights
) -> TextSide:
    """Build what turns words into directions among the features of a backbone.

    Args:
        backbone: Its full name, as a store keeps it.
        trust_weights: Whether ``.pt`` and ``.bin`` files that the name points to may be read.

    Raises:
        UsageError: If the backbone has no text side, or what it needs is not installed.
    """
    kind = backbone.partition(":")[0]
    if kind not in TEXT_SIDES:
        hint = "words are understood with `cnn` and the `clip:` backbones: extract with one of them"
        raise UsageError(f"features of `{backbone}` know no words", hint=hint)
    return TEXT_SIDES[kind](backbone, trust_weights)
