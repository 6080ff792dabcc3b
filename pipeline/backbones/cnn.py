"""The embedded default: EfficientNet-Lite0, whose ImageNet weights come with the installation.

On a CPU it runs in ONNX Runtime one frame at a time, four times as fast as in torch; torch is
needed only for the export at the very first use. On a GPU it runs in torch.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from . import BackboneOptions, unknown_backbone
from .base import Backbone
from .efficientnet_lite0 import EXPORT_FORM, WEIGHTS_SHA256, export_in_child, load_lite0
from .torch_runner import build_runner
from .weights import cached


class _Lite0:
    """The facts of EfficientNet-Lite0, however it runs."""

    name = "cnn:efficientnet-lite0"
    size = 224
    dim = 1280
    weights_sha256 = WEIGHTS_SHA256
    normalization = "(x-127)/128"


class OnnxLite0(_Lite0):
    """EfficientNet-Lite0 in ONNX Runtime on the CPU; ``embed`` may run in many threads."""

    def __init__(self, model: bytes, *, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )

    def embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Turn frames (n, 224, 224, 3) RGB into features (n, 1280)."""
        features = np.empty((len(pixels), self.dim), np.float32)
        for row, frame in enumerate(pixels):  # batch 1 is the fastest per CPU-second
            features[row] = self._session.run(None, {"pixels": frame[None]})[0][0]
        return features

    def close(self) -> None:
        """Do nothing: nothing runs in the background."""


class TorchLite0(_Lite0):
    """EfficientNet-Lite0 in torch, for a GPU; ``embed`` may run in many threads."""

    def __init__(self, device: str, *, batch: int, half: bool, compiled: bool) -> None:
        self._runner = build_runner(
            load_lite0(), device=device, size=self.size, batch=batch, half=half, compiled=compiled
        )

    def embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Turn frames (n, 224, 224, 3) RGB into features (n, 1280)."""
        return self._runner.embed(pixels)

    def close(self) -> None:
        """End what runs in the background."""
        self._runner.close()


def build_cnn(*, device: str, threads: int, batch: int, half: bool, compiled: bool) -> Backbone:
    """Build EfficientNet-Lite0 for a device.

    Args:
        device: ``cpu``, ``cuda`` or ``cuda:N``, one that is there.
        threads: CPU threads that one call of ``embed`` may use.
        batch: The most frames that a GPU gets at once.
        half: Whether a GPU computes in float16.
        compiled: Whether ``torch.compile`` makes a GPU's kernels.

    Raises:
        UsageError: If the weights are not installed, or the GPU's memory is too small for
            the batch.
        DamageError: If the installed weights are not the published ones.
    """
    if device != "cpu":
        return TorchLite0(device, batch=batch, half=half, compiled=compiled)
    name = f"efficientnet-lite0-{WEIGHTS_SHA256[:16]}-{EXPORT_FORM}.onnx"
    return OnnxLite0(cached(name, export_in_child), threads=threads)


def build_cnn_named(rest: str, options: BackboneOptions) -> Backbone:
    """Build ``cnn`` or ``cnn:efficientnet-lite0``.

    Raises:
        UsageError: If ``rest`` names another network, and as :func:`build_cnn`.
    """
    if rest not in ("", "efficientnet-lite0"):
        raise unknown_backbone(f"cnn:{rest}")
    return build_cnn(
        device=options.device,
        threads=options.threads,
        batch=options.batch,
        half=options.half,
        compiled=options.compiled,
    )
