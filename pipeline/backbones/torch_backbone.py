"""A backbone around a torch network: bytes are cropped, scaled and normalised, then embedded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..errors import UsageError
from ..options import BackboneOptions
from .reasons import reason_of
from .torch_runner import build_runner

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class InputFacts:
    """How frames become a network's input.

    Attributes:
        size: Side of the square that a frame is resized and cropped to first.
        crop: Side of the network's input, the middle of that square; at most ``size``.
        mean: Subtracted of each colour, of values from 0 to 1.
        std: What the difference is divided by.
        resize: ``bilinear`` or ``bicubic``.
        frames_per_feature: F, how many frames make one feature.
    """

    size: int
    crop: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: str = "bilinear"
    frames_per_feature: int = 1

    @property
    def normalization(self) -> str:
        """How bytes become numbers, one canonical line."""
        line = f"(x/255-{_csv(self.mean)})/{_csv(self.std)}"
        return line if self.crop == self.size else f"crop={self.crop} {line}"


class TorchBackbone:
    """A frozen torch network; ``embed`` may run in many threads.

    Args:
        net: From normalised colours (n, 3, crop, crop), or (n, F, 3, crop, crop), to features
            (n, D).
        name: The backbone's.
        facts: How frames become its input.
        weights_sha256: Of its weights.
        options: Where and how it runs.

    Attributes:
        name: The backbone's full name.
        size: Side of the squares it takes.
        dim: D, the length of a feature.
        weights_sha256: Of its weights.
        normalization: How bytes become numbers.
        resize: ``bilinear`` or ``bicubic``.
        frames_per_feature: F, how many frames make one feature.

    Raises:
        UsageError: If the network takes no such input, or a batch does not fit a GPU's memory.
    """

    def __init__(
        self,
        net: torch.nn.Module,
        *,
        name: str,
        facts: InputFacts,
        weights_sha256: str,
        options: BackboneOptions,
    ) -> None:
        import torch

        torch.set_num_threads(options.threads)
        self.name, self.size, self.weights_sha256 = name, facts.size, weights_sha256
        self.normalization, self.resize = facts.normalization, facts.resize
        self.frames_per_feature = facts.frames_per_feature
        try:
            self._runner = build_runner(
                from_bytes(net, facts),
                device=options.device,
                size=facts.size,
                batch=options.batch,
                half=options.half,
                compiled=options.compiled,
                frames_per_feature=facts.frames_per_feature,
            )
        except (RuntimeError, ValueError, AssertionError, IndexError, TypeError) as error:
            raise _wrong_input(name, facts, error) from error
        self.dim = self._runner.dim

    def embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Turn frames (n F, size, size, 3) RGB into features (n, D)."""
        if self.frames_per_feature > 1:
            pixels = pixels.reshape(-1, self.frames_per_feature, *pixels.shape[1:])
        return self._runner.embed(pixels)

    def close(self) -> None:
        """End what runs in the background."""
        self._runner.close()


def from_bytes(net: torch.nn.Module, facts: InputFacts) -> torch.nn.Module:
    """Return a network from bytes (n, size, size, 3), or (n, F, size, size, 3), to features."""
    import torch

    class Features(torch.nn.Module):
        """Crop, normalise, run the network."""

        mean: torch.Tensor
        std: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.net = net
            self.register_buffer("mean", torch.tensor(facts.mean).view(3, 1, 1))
            self.register_buffer("std", torch.tensor(facts.std).view(3, 1, 1))

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            edge, side = (facts.size - facts.crop) // 2, facts.crop
            middle = pixels[..., edge : edge + side, edge : edge + side, :]
            colours = middle.movedim(-1, -3).float() / 255
            features = self.net((colours - self.mean) / self.std)
            if features.ndim != 2:
                raise ValueError(f"its output has the shape {tuple(features.shape)}, not (n, D)")
            assert isinstance(features, torch.Tensor)
            return features

    return Features().eval()


def require_square(size: object, name: str) -> int:
    """Return the side of a square that a library gives as a number, a pair or a dictionary.

    Raises:
        UsageError: If it is not square.

    Example:
        >>> require_square((224, 224), "timm:a"), require_square({"shortest_edge": 256}, "hf:a")
        (224, 256)
    """
    if isinstance(size, int | float):
        return int(size)
    found = size if isinstance(size, tuple | list) else dict(size).values()  # type: ignore[call-overload]
    values = [int(value) for value in found if value]
    sides = set(values)
    if len(sides) != 1:
        shown = "x".join(str(value) for value in values) or "no size"
        raise UsageError(f"backbone `{name}` wants frames of {shown}, not a square")
    return sides.pop()


def _wrong_input(name: str, facts: InputFacts, error: Exception) -> UsageError:
    shape = f"{facts.crop}x{facts.crop} pixels"
    if facts.frames_per_feature > 1:
        shape = f"{facts.frames_per_feature} frames of {shape}"
    return UsageError(
        f"backbone `{name}` makes no feature of {shape}: {reason_of(error)}",
        hint="check that its configuration and its weights are of one model",
    )


def _csv(numbers: tuple[float, ...]) -> str:
    return ",".join(f"{number:.8g}" for number in numbers)
