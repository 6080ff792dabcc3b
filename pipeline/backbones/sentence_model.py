"""Models of sentence-transformers that embed pictures, or whole videos segment by segment."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import UsageError
from ..options import BackboneOptions
from . import unknown_backbone
from .base import Backbone
from .extras import require_package
from .hub import model_folder
from .name_settings import joined, split_settings, whole_number
from .quiet import no_loading_bars, quiet_libraries
from .reasons import reason_of
from .torch_backbone import require_square
from .weights import folder_weights, sha256_of_all

SETTINGS = ("size", "frames")
_AT_ONCE = 8  # frames in one run on a CPU
_BICUBIC = 3  # Pillow's number
_OWN = "sentence_transformers."


class SentenceBackbone:
    """A model of sentence-transformers with its own preprocessing; ``embed`` from any thread.

    Args:
        model: The library's.
        name: The backbone's.
        size: Side of the squares it is given; its processor does the rest.
        frames: F, how many frames make one feature; 0 for a model that takes pictures.
        weights_sha256: Of its weights.
        settings_sha256: Of its configuration, which says the preprocessing.
        options: Where and how it runs.

    Attributes:
        name: The backbone's full name.
        size: Side of the squares it takes.
        dim: D, the length of a feature.
        weights_sha256: Of its weights.
        normalization: That its own processor does it, and which.
        resize: ``bilinear`` or ``bicubic``.
        frames_per_feature: F, or 1.

    Raises:
        UsageError: If it makes no feature of such input.
    """

    def __init__(
        self,
        model: Any,
        *,
        name: str,
        size: int,
        frames: int,
        weights_sha256: str,
        settings_sha256: str,
        options: BackboneOptions,
    ) -> None:
        import torch

        torch.set_num_threads(options.threads)
        self.name, self.size, self.weights_sha256 = name, size, weights_sha256
        self.normalization = f"processor={settings_sha256[:16]}"
        self.frames_per_feature, self._is_video = max(frames, 1), frames > 0
        if self._is_video:  # the frames are sampled already
            model[0].processing_kwargs.setdefault("video", {})["do_sample_frames"] = False
        self.resize = "bicubic" if _resample(model, self._is_video) == _BICUBIC else "bilinear"
        on_cpu = options.device == "cpu"
        self._batch = max((_AT_ONCE if on_cpu else options.batch) // self.frames_per_feature, 1)
        self._model, self._half, self._device = model, options.half and not on_cpu, options.device
        blank = np.zeros((self.frames_per_feature, size, size, 3), np.uint8)
        try:
            self.dim = self.embed(blank).shape[1]
        except Exception as error:  # a processor or a network that wants something else
            given = _counted(frames, size)
            raise UsageError(
                f"backbone `{name}` makes no feature of {given}: {reason_of(error)}",
                hint="try another `:size=`, and for a model of videos another `:frames=`",
            ) from error

    def embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Turn frames (n F, size, size, 3) RGB into features (n, D)."""
        import torch
        from PIL import Image

        kind = self._device.partition(":")[0]
        with torch.autocast(kind, dtype=torch.float16, enabled=self._half):
            found = self._model.encode(
                list(pixels.reshape(-1, self.frames_per_feature, *pixels.shape[1:]))
                if self._is_video
                else [Image.fromarray(frame) for frame in pixels],
                batch_size=self._batch,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return np.asarray(found, np.float32)

    def close(self) -> None:
        """Do nothing: nothing runs in the background."""


def build_sentence_named(rest: str, options: BackboneOptions) -> Backbone:
    """Build ``st:FOLDER`` or ``st:ORG/NAME``, with ``:size=N`` or ``:frames=F`` behind it.

    A model that takes pictures embeds frames; one that takes videos only, or is asked for F
    frames, embeds segments of F frames.

    Raises:
        UsageError: If sentence-transformers is not installed, the model is not to be had, takes
            neither pictures nor videos, needs a setting, or ``--compile`` is asked for.
    """
    place, settings = split_settings(rest, SETTINGS)
    if not place:
        raise unknown_backbone("st:")
    name = f"st:{place}"
    require_package("sentence_transformers", "sentence-transformers", name)
    if options.compiled:
        raise UsageError(f"`--compile` is not for `{name}`", hint="leave it out")
    frames = whole_number(settings, "frames")
    with quiet_libraries(), no_loading_bars():
        folder = model_folder(place, name=name, trusted=options.trust_weights)
        name = f"st:{folder}" if Path(place).is_dir() else name
        weights = folder_weights(folder, trusted=options.trust_weights, deep=True)
        _require_own_modules(folder, name)
        model = _load(folder, name, options)
        frames = _frames(model, frames, name)
        size = whole_number(settings, "size") or _side(model, frames > 0, name)
        return SentenceBackbone(
            model,
            name=joined(name, settings, SETTINGS),
            size=size,
            frames=frames,
            weights_sha256=sha256_of_all(folder, weights),
            settings_sha256=_settings_sha256(folder),
            options=options,
        )


def _require_own_modules(folder: Path, name: str) -> None:
    """Refuse a model that brings code: until version 6 the library ran it from a local folder."""
    path = folder / "modules.json"
    try:
        kinds = [str(module["type"]) for module in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"`{name}` is no model of sentence-transformers: it has no good `modules.json`",
            hint="`st:` wants a folder as `SentenceTransformer.save` writes it",
        ) from error
    for kind in kinds:
        if not kind.startswith(_OWN):
            hint = "export its network to ONNX and use `onnx:FILE`"
            raise UsageError(f"`{name}` wants to run code of its own, `{kind}`", hint=hint)


def _load(folder: Path, name: str, options: BackboneOptions) -> Any:
    from sentence_transformers import SentenceTransformer

    safe = None if options.trust_weights else True
    try:
        model = SentenceTransformer(
            str(folder),
            device=options.device,
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": safe},
        )
    except Exception as error:  # damaged files, other versions, code of its own ...
        raise UsageError(
            f"`{name}` cannot be loaded: {reason_of(error)}",
            hint="check that the folder is complete, as `SentenceTransformer.save` writes it",
        ) from error
    return model.float().eval()


def _frames(model: Any, asked: int | None, name: str) -> int:
    """Return F for a model that is to embed videos, 0 for one that is to embed pictures."""
    known = [str(modality) for modality in getattr(model, "modalities", ("text",))]
    if asked is None and "image" in known:
        return 0
    if "video" not in known:
        wanted = "pictures" if asked is None else "videos"
        hint = f"it takes {', '.join(known)}; choose a model of pictures or videos"
        raise UsageError(f"`{name}` does not embed {wanted}", hint=hint)
    config = getattr(getattr(model[0], "model", None), "config", None)
    configs = (config, getattr(config, "vision_config", None))
    keys = ("frames_per_clip", "num_frames")
    stated = [getattr(part, key, None) for part in configs for key in keys]
    frames = asked or next((int(value) for value in stated if value), 0)
    if not frames:
        hint = f"say how many make one feature, as in `{name}:frames=16`"
        raise UsageError(f"`{name}` embeds videos of any number of frames", hint=hint)
    return frames


def _processor(model: Any, video: bool) -> Any:
    processor = getattr(model[0], "processor", None)
    inner = "video_processor" if video else "image_processor"
    return getattr(processor, inner, processor)


def _side(model: Any, video: bool, name: str) -> int:
    """Return what the model's processor resizes the shorter side of a frame to."""
    size = getattr(_processor(model, video), "size", None)
    try:
        return require_square(size or {}, name)
    except UsageError as error:
        hint = f"say its side, as in `{name}:size=224`"
        raise UsageError(f"`{name}` takes frames of any size", hint=hint) from error


def _resample(model: Any, video: bool) -> int:
    return int(getattr(_processor(model, video), "resample", None) or 0)


def _settings_sha256(folder: Path) -> str:
    """Return the SHA-256 of the model's configuration: modules, their settings, the processor's."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*.json")):
        found.update(path.relative_to(folder).as_posix().encode() + b"\n" + path.read_bytes())
    return found.hexdigest()


def _counted(frames: int, size: int) -> str:
    return f"{frames} frames of {size}x{size}" if frames else f"pictures of {size}x{size}"
