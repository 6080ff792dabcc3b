"""Video encoders of transformers: V-JEPA 2, VideoPrism, X-CLIP, VideoMAE, TimeSformer, ViViT.

A video is T segments; the encoder turns the F frames of each segment into one feature.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..options import BackboneOptions
from . import unknown_backbone
from .base import Backbone
from .extras import require_package
from .hub import model_folder
from .name_settings import joined, split_settings, whole_number
from .quiet import no_loading_bars, quiet_libraries
from .reasons import reason_of
from .torch_backbone import InputFacts, TorchBackbone, require_square
from .video_encoders import ENCODER_KINDS, EncoderKind, setting_of
from .weights import folder_weights, sha256_of_all

if TYPE_CHECKING:
    import torch

SETTINGS = ("frames",)
_BICUBIC = 3  # Pillow's number


def build_video_named(rest: str, options: BackboneOptions) -> Backbone:
    """Build ``hf:FOLDER`` or ``hf:ORG/NAME``; ``:frames=F`` is another F than the model's.

    Raises:
        UsageError: If transformers is not installed, the model is not to be had or no video
            encoder, its weights do not fit it, or it does not take F frames.
    """
    place, settings = split_settings(rest, SETTINGS)
    if not place:
        raise unknown_backbone("hf:")
    name = f"hf:{place}"
    require_package("transformers", "transformers", name)
    frames = whole_number(settings, "frames")
    with quiet_libraries(), no_loading_bars():
        folder = model_folder(place, name=name, trusted=options.trust_weights)
        name = f"hf:{folder}" if Path(place).is_dir() else name
        config = _config(folder, name)
        kind = _kind(config, name)
        weights = folder_weights(folder, trusted=options.trust_weights)
        model = _load(folder, kind, name, trusted=options.trust_weights)
        facts = _input_facts(folder, config, kind, name, frames)
    return TorchBackbone(
        _features_of(model, kind),
        name=joined(name, settings, SETTINGS),
        facts=facts,
        weights_sha256=sha256_of_all(folder, weights),
        options=options,
    )


def _config(folder: Path, name: str) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # no file, no JSON, an unknown kind, code of its own ...
        raise UsageError(
            f"`{name}` is no model that transformers knows: {reason_of(error)}",
            hint="`hf:` wants a folder with `config.json` and `model.safetensors`",
        ) from error


def _kind(config: Any, name: str) -> EncoderKind:
    if config.model_type in ENCODER_KINDS:
        return ENCODER_KINDS[config.model_type]
    known = ", ".join(f"`{kind}`" for kind in ENCODER_KINDS)
    raise UsageError(
        f"`{name}` is a `{config.model_type}`, not a video encoder",
        hint=f"`hf:` takes {known}; for image networks there are `clip:`, `timm:` and `st:`",
    )


def _load(folder: Path, kind: EncoderKind, name: str, *, trusted: bool) -> Any:
    """Load the model in float32; no weight that its features depend on may be missing."""
    import torch
    from transformers import AutoModel

    try:
        model, loading = AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=None if trusted else True,
            weights_only=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except Exception as error:  # wrong shapes, damaged files ...
        raise _does_not_fit(name, reason_of(error)) from error
    missing = [key for key in loading["missing_keys"] if not key.startswith(kind.unused)]
    if missing:
        raise _does_not_fit(name, f"{len(missing)} are missing, such as `{sorted(missing)[0]}`")
    return model.eval()


def _features_of(model: Any, kind: EncoderKind) -> torch.nn.Module:
    import torch

    class VideoFeatures(torch.nn.Module):
        """From frames (n, F, 3, H, W) to features (n, D)."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, frames: torch.Tensor) -> torch.Tensor:
            return kind.forward(self.model, frames)

    return VideoFeatures()


def _input_facts(
    folder: Path, config: Any, kind: EncoderKind, name: str, frames: int | None
) -> InputFacts:
    """Return the preprocessing that the model's folder states."""
    processor = _processor(folder, name)
    try:
        facts = _stated_facts(processor, config, kind, name, frames)
    except (
        TypeError,
        ValueError,
        ArithmeticError,
        AttributeError,
    ) as error:  # anything but numbers
        raise _not_said(name, error) from error
    if not all(map(math.isfinite, facts.mean)) or not all(0 < one < math.inf for one in facts.std):
        raise _not_said(name, ValueError(f"mean {facts.mean}, deviation {facts.std}"))
    return facts


def _stated_facts(
    processor: Any, config: Any, kind: EncoderKind, name: str, frames: int | None
) -> InputFacts:
    crop = require_square(setting_of(config, kind.side), name)
    size = require_square(processor.size, name) if processor.size else crop
    mean, std = (0.0,) * 3, (1.0,) * 3
    if processor.do_normalize:
        mean, std = tuple(processor.image_mean), tuple(processor.image_std)
    # The library computes (x scale - offset - mean) / std; ours is (x / 255 - mean') / std'.
    scale = 255 * processor.rescale_factor
    offset = 1.0 if config.model_type == "vivit" else 0.0
    return InputFacts(
        size=max(size, crop),
        crop=crop,
        mean=tuple((offset + value) / scale for value in mean),
        std=tuple(value / scale for value in std),
        resize="bicubic" if int(processor.resample) == _BICUBIC else "bilinear",
        frames_per_feature=frames or int(setting_of(config, kind.frames)),
    )


def _processor(folder: Path, name: str) -> Any:
    from transformers import AutoImageProcessor, AutoVideoProcessor

    kinds: tuple[Any, ...] = (AutoVideoProcessor, AutoImageProcessor)
    reasons: list[Exception] = []
    for kind in kinds:
        try:
            return kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except Exception as error:  # the file of the other kind is there, or none
            reasons.append(error)
    raise _not_said(name, reasons[-1]) from reasons[-1]


def _not_said(name: str, reason: Exception) -> UsageError:
    return UsageError(
        f"`{name}` does not say how frames become its input: {reason_of(reason)}",
        hint="copy `preprocessor_config.json` or `video_preprocessor_config.json` there, too",
    )


def _does_not_fit(name: str, reason: str) -> UsageError:
    hint = "check that the files are complete and of one model"
    return UsageError(f"the weights of `{name}` do not fit it: {reason}", hint=hint)
