"""The ONNX file of a model: one input, one output, and what it is as metadata."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from ...model_folder.folder import ModelFacts
from ...models.hasher import F32
from .networks import values_network

OPSET = 17
INPUT, OUTPUT = "features", "values"
PACKING = (
    "bit j of a code is values[j] >= 0; it is byte j // 8, place j % 8, least significant first"
)


def onnx_bytes(facts: ModelFacts, tensors: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Return a model as an ONNX file: ``features`` (B, T, D) to ``values`` (B, K), both float32.

    Args:
        facts: Facts of the model; they become the file's metadata.
        tensors: Its tensors.

    Raises:
        UsageError: If its method has no network that ONNX can hold.
    """
    import onnx

    graph = _export(values_network(facts, tensors), facts.fingerprint.dim)
    model = onnx.load_from_string(graph)
    onnx.helper.set_model_props(model, metadata_of(facts))
    model.producer_name, model.producer_version = "chainpipe", facts.version
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def metadata_of(facts: ModelFacts) -> dict[str, str]:
    """Return what the file says of a model, text by name."""
    features = facts.fingerprint
    return {
        "chainpipe.version": facts.version,
        "chainpipe.method": facts.method,
        "chainpipe.bits": str(facts.bits),
        "chainpipe.model_sha256": facts.weights_sha256,
        "chainpipe.backbone": features.backbone,
        "chainpipe.backbone_sha256": features.weights_sha256,
        "chainpipe.dim": str(features.dim),
        "chainpipe.preprocessing": features.preprocessing,
        "chainpipe.packing": PACKING,
    }


def is_exported(path: Path) -> bool:
    """Return whether a file is an ONNX file that :func:`onnx_bytes` made."""
    import onnx

    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception:  # what protobuf raises is no part of its interface
        return False
    return any(one.key == "chainpipe.model_sha256" for one in model.metadata_props)


class OnnxHasher:
    """An exported model, run by ONNX Runtime.

    Args:
        content: The file's bytes.
    """

    def __init__(self, content: bytes) -> None:
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1
        settings.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            content, settings, providers=["CPUExecutionProvider"]
        )

    def values(self, features: npt.NDArray[np.floating]) -> F32:
        """Map videos (B, T, D) to values (B, K)."""
        given = {INPUT: np.ascontiguousarray(features, np.float32)}
        return np.asarray(self._session.run([OUTPUT], given)[0], np.float32)


def _export(network: nn.Module, dim: int) -> bytes:
    import torch

    file: Any = io.BytesIO()
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network,
                (torch.zeros(2, 6, dim),),
                file,
                dynamo=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes={INPUT: {0: "videos", 1: "frames"}, OUTPUT: {0: "videos"}},
            )
    finally:
        logging.getLogger("torch.onnx").setLevel(level)
    return bytes(file.getvalue())
