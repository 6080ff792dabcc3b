"""CLIP image towers: every model that open_clip can build, from every place it loads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import UsageError
from . import BackboneOptions, unknown_backbone
from .base import Backbone
from .clip_weights import ClipSource, find_clip
from .quiet import quiet_libraries
from .torch_runner import build_runner
from .weights import sha256_of

if TYPE_CHECKING:
    import torch


class ClipBackbone:
    """The image tower of one CLIP model; ``embed`` may run in many threads.

    Attributes:
        name: ``clip:`` and where the model came from, paths made absolute.
        size: Side of its square input in pixels.
        dim: D, the length of its image embedding (not normalised to length 1).
        weights_sha256: Of the file its weights came from.
        normalization: Mean and deviation of each colour, of values from 0 to 1.
    """

    def __init__(
        self,
        tower: torch.nn.Module,
        *,
        name: str,
        size: int,
        weights_sha256: str,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        device: str,
        batch: int,
        half: bool,
        compiled: bool,
    ) -> None:
        self.name = name
        self.size = size
        self.weights_sha256 = weights_sha256
        self.normalization = f"(x/255-{_csv(mean)})/{_csv(std)}"
        self._runner = build_runner(
            _from_bytes(tower, mean, std),
            device=device,
            size=size,
            batch=batch,
            half=half,
            compiled=compiled,
        )
        self.dim = self._runner.dim

    def embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Turn frames (n, size, size, 3) RGB into features (n, D)."""
        return self._runner.embed(pixels)

    def close(self) -> None:
        """End what runs in the background."""
        self._runner.close()


def _from_bytes(
    tower: torch.nn.Module, mean: tuple[float, ...], std: tuple[float, ...]
) -> torch.nn.Module:
    """Return the tower as a network from bytes (n, size, size, 3) to features (n, D)."""
    import torch

    class Features(torch.nn.Module):
        """Normalise, run the tower."""

        mean: torch.Tensor
        std: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.tower = tower
            self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255)
            self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1) * 255)

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            images = pixels.permute(0, 3, 1, 2).float()  # (n, 3, size, size)
            features = self.tower((images - self.mean) / self.std)
            if isinstance(features, tuple):  # CoCa's tower returns its tokens too
                features = features[0]
            assert isinstance(features, torch.Tensor)
            return features

    return Features().eval()


def build_clip(
    form: str,
    *,
    device: str,
    threads: int,
    trust_weights: bool,
    batch: int,
    half: bool,
    compiled: bool,
) -> Backbone:
    """Build the image tower that a ``clip:`` name asks for.

    Args:
        form: What follows ``clip:``.
        device: ``cpu``, ``cuda`` or ``cuda:N``, one that is there.
        threads: CPU threads of torch in this process.
        trust_weights: Whether pickled weights files may be read.
        batch: The most frames that a GPU gets at once.
        half: Whether a GPU computes in float16.
        compiled: Whether ``torch.compile`` makes a GPU's kernels.

    Raises:
        UsageError: If the model or its weights are not to be had, or the GPU's memory is too
            small for the batch; the hint says what to do.
    """
    source, model = load_clip(form, trust_weights=trust_weights)
    import torch

    torch.set_num_threads(threads)
    facts = model.visual.preprocess_cfg
    return ClipBackbone(
        model.visual,
        name=source.name,
        size=_side(facts["size"], source.name),
        weights_sha256=sha256_of(source.weights),
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
        device=device,
        batch=batch,
        half=half,
        compiled=compiled,
    )


def load_clip(form: str, *, trust_weights: bool) -> tuple[ClipSource, Any]:
    """Find a model and build both of its towers, in evaluation mode.

    Args:
        form: What follows ``clip:``.
        trust_weights: Whether pickled weights files may be read.

    Raises:
        UsageError: If the model or its weights are not to be had.
    """
    with quiet_libraries():
        source = find_clip(form, trusted=trust_weights)
        return source, _load(source)


def _load(source: ClipSource) -> Any:
    """Build the model without weights, then load exactly the file that was found."""
    import open_clip

    try:
        model = open_clip.create_model(
            source.model,
            pretrained=source.pretrained,
            load_weights=False,
            pretrained_text=False,
            force_quick_gelu=source.quick_gelu,
        )
        open_clip.load_checkpoint(model, str(source.weights), weights_only=True)
    except Exception as error:  # a wrong file meets assertions, unpicklers, missing keys ...
        reason = str(error).strip().split("\n")[0]
        raise UsageError(
            f"weights `{source.weights}` do not fit `{source.name}`: {reason}",
            hint="check that the file is complete and of this very model",
        ) from error
    return model.eval()


def _side(size: int | tuple[int, int] | list[int], name: str) -> int:
    """Return the side of a square input.

    Raises:
        UsageError: If the input is not square.

    Example:
        >>> _side((224, 224), "clip:a/b")
        224
    """
    height, width = (size, size) if isinstance(size, int) else size
    if height != width:
        raise UsageError(f"backbone `{name}` wants frames of {width}x{height}, not a square")
    return int(height)


def _csv(numbers: tuple[float, ...]) -> str:
    return ",".join(f"{n:.8g}" for n in numbers)


def build_clip_named(rest: str, options: BackboneOptions) -> Backbone:
    """Build ``clip:REST``; see :func:`build_clip`.

    Raises:
        UsageError: If ``rest`` is empty, and as :func:`build_clip`.
    """
    if not rest:
        raise unknown_backbone("clip:")
    return build_clip(
        rest,
        device=options.device,
        threads=options.threads,
        trust_weights=options.trust_weights,
        batch=options.batch,
        half=options.half,
        compiled=options.compiled,
    )
