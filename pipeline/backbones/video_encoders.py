"""The video encoders of transformers: how each takes frames and where its features are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Forward = Callable[[Any, "torch.Tensor"], "torch.Tensor"]
"""From a model and frames (n, F, 3, H, W) to features (n, D)."""


@dataclass(frozen=True, slots=True)
class EncoderKind:
    """One kind of video encoder.

    Attributes:
        frames: Where its configuration says F, a dotted name.
        side: Where its configuration says the side of its frames, a dotted name.
        forward: Computes the features.
        unused: Beginnings of the names of weights that the features do not depend on.
    """

    frames: str
    side: str
    forward: Forward
    unused: tuple[str, ...] = ()


def _vjepa2(model: Any, frames: torch.Tensor) -> torch.Tensor:
    found = model(pixel_values_videos=frames, skip_predictor=True)
    return _mean(found.last_hidden_state)


def _mean_token(model: Any, frames: torch.Tensor) -> torch.Tensor:
    return _mean(model(pixel_values=frames).last_hidden_state)


def _first_token(model: Any, frames: torch.Tensor) -> torch.Tensor:
    tokens: torch.Tensor = model(pixel_values=frames).last_hidden_state
    return tokens[:, 0]


def _xclip(model: Any, frames: torch.Tensor) -> torch.Tensor:
    return _pooled(model.get_video_features(pixel_values=frames))


def _videoprism(model: Any, frames: torch.Tensor) -> torch.Tensor:
    return _pooled(model.get_video_features(pixel_values_videos=frames)).flatten(1)  # (n, 1, D)


def _videoprism_vision(model: Any, frames: torch.Tensor) -> torch.Tensor:
    return _mean(model(pixel_values_videos=frames).last_hidden_state)


def _mean(tokens: torch.Tensor) -> torch.Tensor:
    """Return the mean of the tokens (n, L, D), (n, D)."""
    return tokens.mean(dim=1)


def _pooled(found: Any) -> torch.Tensor:
    """Return the features (n, D): until transformers 4 the method returned them themselves."""
    features: torch.Tensor = getattr(found, "pooler_output", found)
    return features


_TEXT = ("text_model.", "text_projection", "logit_scale", "prompts_", "text_")
# By `model_type` of a configuration.
ENCODER_KINDS: dict[str, EncoderKind] = {
    "vjepa2": EncoderKind("frames_per_clip", "crop_size", _vjepa2, ("predictor.",)),
    "videomae": EncoderKind("num_frames", "image_size", _mean_token),
    "timesformer": EncoderKind("num_frames", "image_size", _first_token),
    "vivit": EncoderKind("num_frames", "image_size", _first_token, ("pooler.",)),
    "xclip": EncoderKind("vision_config.num_frames", "vision_config.image_size", _xclip, _TEXT),
    "videoprism": EncoderKind(
        "vision_config.num_frames", "vision_config.image_size", _videoprism, _TEXT
    ),
    "videoprism_vision_model": EncoderKind("num_frames", "image_size", _videoprism_vision),
}


def setting_of(config: Any, dotted: str) -> Any:
    """Return a setting of a configuration by its dotted name.

    >>> from types import SimpleNamespace
    >>> setting_of(SimpleNamespace(vision_config=SimpleNamespace(image_size=224)),
    ...            "vision_config.image_size")
    224
    """
    for name in dotted.split("."):
        config = getattr(config, name)
    return config
