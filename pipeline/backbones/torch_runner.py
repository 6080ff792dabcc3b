"""Run a torch backbone: in the calling thread on a CPU, batched across threads on a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from .batching import Batcher, Features, Pixels
from .torch_network import TorchNetwork

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
        """Turn frames (n, size, size, 3) RGB into features (n, D)."""
        ...

    def close(self) -> None:
        """End what runs in the background."""
        ...


class CpuRunner:
    """Runs the network in whichever thread asks, so that threads never wait for each other."""

    def __init__(self, net: torch.nn.Module, *, size: int) -> None:
        self._net = net
        self.dim = 0
        self.dim = self._run(np.zeros((1, size, size, 3), np.uint8)).shape[1]

    def embed(self, pixels: Pixels) -> Features:
        """Turn frames (n, size, size, 3) RGB into features (n, D)."""
        features = np.empty((len(pixels), self.dim), np.float32)
        for start in range(0, len(pixels), _CPU_FRAMES):
            part = slice(start, start + _CPU_FRAMES)
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
    net: torch.nn.Module, *, device: str, size: int, batch: int, half: bool, compiled: bool
) -> EmbeddingRunner:
    """Put a network on its device.

    Args:
        net: From bytes (n, size, size, 3) to float32 features (n, D).
        device: As ``pick_device`` returns it.
        size: Side of its input.
        batch: The most frames that a GPU gets at once.
        half: Whether a GPU computes in float16.
        compiled: Whether ``torch.compile`` makes a GPU's kernels.

    Raises:
        UsageError: If ``batch`` frames do not fit the GPU's memory.
    """
    if device == "cpu":
        return CpuRunner(net, size=size)
    network = TorchNetwork(net, device=device, size=size, batch=batch, half=half, compiled=compiled)
    return Batcher(network, batch=batch)
