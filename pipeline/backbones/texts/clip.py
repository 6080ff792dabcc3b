"""Words for CLIP models: the text tower of the model whose image tower made the features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..clip import load_clip
from .base import F32, TextMatch
from .class_names import imagenet_classes

TEMPLATE = "a photo of {}."
AT_ONCE = 64  # texts in one batch


class ClipText:
    """Words in the joint space of one CLIP model.

    Texts and pictures lie in two separate regions of that space (the modality gap). The mean
    embedding of 1,000 neutral texts is subtracted from each, so that what is left is what it says.

    Source: Liang et al., Mind the gap (2022): https://arxiv.org/abs/2203.02053

    Args:
        model: As open_clip builds it, in evaluation mode.
        tokenizer: Its own.
    """

    unit_length = True

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer
        names = [TEMPLATE.format(one.name) for one in imagenet_classes()]
        self._mean = self._embed(names).mean(axis=0)

    def match(self, texts: Sequence[str]) -> list[TextMatch]:
        """Return the directions of some texts; every word is known to a CLIP model."""
        found = self._embed(texts) - self._mean
        return [TextMatch(text, line) for text, line in zip(texts, found, strict=True)]

    def _embed(self, texts: Sequence[str]) -> F32:
        """Return the embeddings of texts, of length 1, (Q, D)."""
        import torch

        parts = []
        with torch.inference_mode():
            for start in range(0, len(texts), AT_ONCE):
                tokens = self._tokenizer(list(texts[start : start + AT_ONCE]))
                parts.append(self._model.encode_text(tokens, normalize=True).float().numpy())
        return np.concatenate(parts)


def build_clip_text(backbone: str, trust_weights: bool) -> ClipText:
    """Build the text side of a CLIP model from its full name.

    Raises:
        UsageError: If the model or its weights are not to be had.
    """
    import open_clip

    source, model = load_clip(backbone.partition(":")[2], trust_weights=trust_weights)
    return ClipText(model, open_clip.get_tokenizer(source.model))
