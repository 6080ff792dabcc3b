"""Run a torch backbone: in the calling thread on a CPU, batched across threads on a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from .batching import Batcher, Features, Pixels
from .torch_network import TorchNetwork, input_shape

if TYPE_CHECKING:
    import torch

_CPU_FRAMES = 8  # at once: more are no faster and take more memory


class EmbeddingRunner(Protocol):
    """Embeds frames for any number of threads.

    Attributes:
        dim: D, the length of a feature.
    """

    dim: int

    def embed(self, pixels: Pixels) -> Features:
        """Turn frames (n, size, size, 3) RGB, or segments of F, into features (n, D)."""
        ...

    def close(self) -> None:
        """End what runs in the background."""
        ...


class CpuRunner:
    """Runs the network in whichever thread asks, so that threads never wait for each other."""

    def __init__(self, net: torch.nn.Module, *, size: int, frames_per_feature: int = 1) -> None:
        self._net = net
        self._at_once = max(_CPU_FRAMES // frames_per_feature, 1)
        self.dim = 0
        self.dim = self._run(np.zeros((1, *input_shape(size, frames_per_feature)), np.uint8)).shape[
            1
        ]

    def embed(self, pixels: Pixels) -> Features:
        """Turn frames (n, size, size, 3) RGB, or segments of F, into features (n, D)."""
        features = np.empty((len(pixels), self.dim), np.float32)
        for start in range(0, len(pixels), self._at_once):
            part = slice(start, start + self._at_once)
            features[part] = self._run(pixels[part])
        return features

    def close(self) -> None:
        """Do nothing: nothing runs in the background."""

    def _run(self, pixels: Pixels) -> Features:
        import torch

        with torch.inference_mode():
            features: torch.Tensor = self._net(torch.tensor(pixels))
        return features.numpy()


def build_runner(
    net: torch.nn.Module,
    *,
    device: str,
    size: int,
    batch: int,
    half: bool,
    compiled: bool,
    frames_per_feature: int = 1,
) -> EmbeddingRunner:
    """Put a network on its device.

    Args:
        net: From bytes (n, size, size, 3), or (n, F, size, size, 3), to float32 features (n, D).
        device: As ``pick_device`` returns it.
        size: Side of its input.
        batch: The most frames that a GPU gets at once.
        half: Whether a GPU computes in float16.
        compiled: Whether ``torch.compile`` makes a GPU's kernels.
        frames_per_feature: F, how many frames make one feature.

    Raises:
        UsageError: If ``batch`` frames do not fit the GPU's memory.
    """
    if device == "cpu":
        return CpuRunner(net, size=size, frames_per_feature=frames_per_feature)
    segments = max(batch // frames_per_feature, 1)
    network = TorchNetwork(
        net,
        device=device,
        size=size,
        batch=segments,
        half=half,
        compiled=compiled,
        frames_per_feature=frames_per_feature,
    )
    return Batcher(network, batch=segments)
