"""A torch network on a GPU: staging buffers, a stream for copies, half precision, compilation."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..errors import UsageError

if TYPE_CHECKING:
    import torch

_LOG = logging.getLogger(__name__)

Pixels = npt.NDArray[np.uint8]
Features = npt.NDArray[np.float32]


class TorchNetwork:
    """Runs batches of frames; copies of one overlap the kernels of the other.

    On a CPU, where the tests run it, the same buffers do the same without streams.

    Args:
        net: From bytes (n, size, size, 3), or (n, F, size, size, 3), to features (n, D).
        device: ``cuda``, ``cuda:N`` or ``cpu``.
        size: Side of its input.
        batch: The most frames at once.
        half: Whether matrix products and convolutions are computed in float16 (bfloat16 is too
            coarse: the CNN's features turn by up to 6 degrees).
        compiled: Whether ``torch.compile`` is to make kernels of its own; then every batch is
            filled up to ``batch``, so that one compilation serves all.
        frames_per_feature: F, how many frames make one feature; a batch counts such segments.

    Attributes:
        dim: D, the length of a feature.
        compiled: Whether it is compiled; not if that failed, which is logged.

    Raises:
        UsageError: If ``batch`` frames do not fit the device's memory.
    """

    def __init__(
        self,
        net: torch.nn.Module,
        *,
        device: str,
        size: int,
        batch: int,
        half: bool,
        compiled: bool,
        frames_per_feature: int = 1,
    ) -> None:
        import torch

        shape = input_shape(size, frames_per_feature)
        self._frames = frames_per_feature

        self._device, self._batch, self._half = torch.device(device), batch, half
        self._net: Callable[..., torch.Tensor] = net.to(device).to(
            memory_format=torch.channels_last
        )
        on_gpu = self._device.type == "cuda"
        self._copies = torch.cuda.Stream(self._device) if on_gpu else None  # type: ignore[no-untyped-call]
        self._next = 0
        self._stages: list[_Stage] = []
        with self._on_device():
            self.compiled = compiled and self._compile(shape)
            # A full batch shows now, not hours later, whether it fits.
            self.dim = self._warm(shape, batch if on_gpu else 1)
            self._stages = [_Stage(self._device, (batch, *shape), self.dim) for _ in range(2)]
            if on_gpu:
                torch.cuda.synchronize()  # the stream for copies waits for nothing by itself

    def submit(self, pieces: Sequence[Pixels]) -> Callable[[], Features]:
        """Copy a batch to the device and start on it, without waiting.

        Args:
            pieces: Frames (m, size, size, 3) each, at most ``batch`` in all.

        Returns:
            Waits for the features, (n, D); to be called before the next but one ``submit``.

        Raises:
            UsageError: If the batch does not fit the device's memory.
        """
        import torch

        stage = self._stages[self._next]
        self._next = 1 - self._next
        count = stage.fill(pieces)
        with self._on_device():
            with torch.cuda.stream(self._copies) if self._copies else contextlib.nullcontext():
                stage.pixels[:count].copy_(stage.host_pixels[:count], non_blocking=True)
            if self._copies:
                torch.cuda.current_stream().wait_stream(self._copies)
            features = self._forward(stage.pixels[: self._batch if self.compiled else count])
            stage.host_features[:count].copy_(features[:count].float(), non_blocking=True)
            if stage.done:
                stage.done.record()
        return lambda: stage.take(count)

    def _forward(self, pixels: torch.Tensor) -> torch.Tensor:
        import torch

        with torch.autocast(self._device.type, dtype=torch.float16, enabled=self._half):
            return self._net(pixels)

    def _warm(self, shape: tuple[int, ...], count: int) -> int:
        import torch

        pixels = torch.zeros((count, *shape), dtype=torch.uint8, device=self._device)
        return int(self._forward(pixels).shape[1])

    def _compile(self, shape: tuple[int, ...]) -> bool:
        """Compile for full batches; keep the plain network if that fails."""
        import torch

        plain = self._net
        self._net = torch.compile(plain, dynamic=False)
        try:
            self._warm(shape, self._batch)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # no compiler, an operator it does not know ...
            reason = str(error).strip().split("\n")[0]
            _LOG.warning("torch.compile failed, going on without: %s", reason)
            self._net = plain
            return False
        return True

    @contextlib.contextmanager
    def _on_device(self) -> Iterator[None]:
        """Make the device the current one, keep no gradients, and say plainly what does not fit."""
        import torch

        try:
            gpu = torch.cuda.device(self._device) if self._copies else contextlib.nullcontext()
            with torch.inference_mode(), gpu:
                yield
        except torch.OutOfMemoryError as error:
            count = self._batch * self._frames
            raise UsageError(
                f"{count} frames at once do not fit the memory of `{self._device}`",
                hint=f"try `--batch {max(count // 2, 1)}`",
            ) from error


def input_shape(size: int, frames_per_feature: int) -> tuple[int, ...]:
    """Return the shape of what makes one feature.

    >>> input_shape(224, 1), input_shape(224, 16)
    ((224, 224, 3), (16, 224, 224, 3))
    """
    return (size, size, 3) if frames_per_feature == 1 else (frames_per_feature, size, size, 3)


class _Stage:
    """The buffers of one batch under way: page-locked ones on the host, one on the device."""

    def __init__(self, device: torch.device, shape: tuple[int, ...], dim: int) -> None:
        import torch

        on_gpu, batch = device.type == "cuda", shape[0]
        self.host_pixels = torch.empty(shape, dtype=torch.uint8, pin_memory=on_gpu)
        self.pixels = torch.zeros(shape, dtype=torch.uint8, device=device)
        self.host_features = torch.empty((batch, dim), pin_memory=on_gpu)
        self.done = torch.cuda.Event() if on_gpu else None  # type: ignore[no-untyped-call]

    def fill(self, pieces: Sequence[Pixels]) -> int:
        """Lay the pieces one behind the other and return how many frames, or segments, they are."""
        rows, start = self.host_pixels.numpy(), 0
        for piece in pieces:
            rows[start : start + len(piece)] = piece
            start += len(piece)
        return start

    def take(self, count: int) -> Features:
        """Wait for the features and return a copy: the buffer is used again."""
        if self.done:
            self.done.synchronize()
        return np.array(self.host_features[:count].numpy())
