"""Torch networks from features (B, T, D) to values (B, K), of the methods that have one.

They have no masks and no training branches, so that an exported graph takes any B and T.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor, nn

from chainpipe.pipeline.errors import UsageError

from ...config import Config
from ...config.overrides import apply, from_dict
from ...model_folder.folder import ModelFacts
from ...models.encoders.positional_encoding import sinusoidal_encoding_at
from ..chain.build_model import load_model
from ..conmh.config import ConmhConfig
from ..conmh.network import ConmhModel
from ..crovca.config import CrovcaConfig
from ..crovca.network import CrovcaModel
from ..registry import METHODS

Arrays = Mapping[str, npt.NDArray[Any]]
_STILL = 0.01  # as in `models.clip_summary`


class ChainValues(nn.Module):
    """CHAIN's values; ``model`` is its trained network.

    Args:
        config: Of the model.
        tensors: Its tensors.
    """

    def __init__(self, config: Config, tensors: Arrays) -> None:
        super().__init__()
        self.model = load_model(config, tensors)

    def forward(self, features: Tensor) -> Tensor:
        """Map features (B, T, D) to values (B, K)."""
        layer = self.model.hash_layer
        clips = self.model.project(features)
        encoded = self.model.encoder(clips)
        if layer.binarize == "frame":
            return signs(layer.values(encoded, clips)).mean(dim=1)
        return layer.values(encoded.mean(dim=1), WHOLE_SUMMARIES[layer.summary](clips))


class ConmhValues(nn.Module):
    """ConMH's values: the mean of the frames' signs.

    Args:
        config: Of the model.
        tensors: Its tensors.
    """

    def __init__(self, config: ConmhConfig, tensors: Arrays) -> None:
        super().__init__()
        encoder = config.encoder
        self.model = ConmhModel(
            dims=tensors["input_proj.weight"].shape[1],
            hidden_dim=encoder.hidden_dim,
            num_layers=encoder.num_layers,
            num_heads=encoder.num_heads,
            feed_forward_dim=encoder.feed_forward_dim,
            bits=len(tensors["hash.weight"]),
        )
        _load(self.model, tensors)

    def forward(self, features: Tensor) -> Tensor:
        """Map features (B, T, D) to values (B, K)."""
        model, places = self.model, torch.arange(features.shape[1])
        hidden = model.input_proj(features) + sinusoidal_encoding_at(places, model.hidden_dim)
        for block in model.blocks:
            hidden = block(hidden)
        encoded = model.output_proj(model.norm(hidden))
        return signs(model.hash_norm(model.hash(encoded))).mean(dim=1)


class CrovcaValues(nn.Module):
    """CroVCA-like's values.

    Args:
        config: Of the model.
        tensors: Its tensors.
    """

    def __init__(self, config: CrovcaConfig, tensors: Arrays) -> None:
        super().__init__()
        self.model = CrovcaModel(
            mean=torch.from_numpy(tensors["pca_mean"].copy()),
            matrix=torch.from_numpy(tensors["pca_matrix"].copy()),
            hidden_dim=config.head.hidden_dim,
            bits=len(tensors["norm.running_mean"]),
        )
        _load(self.model, tensors)

    def forward(self, features: Tensor) -> Tensor:
        """Map features (B, T, D) to values (B, K)."""
        model = self.model
        projected = (features.mean(dim=1) - model.pca_mean) @ model.pca_matrix
        values: Tensor = model.norm(model.head(projected))
        return values


class LinearValues(nn.Module):
    """Values of a linear hash of the mean feature.

    Args:
        config: ``None``: these methods have no keys.
        tensors: Its tensors.
    """

    mean: Tensor
    directions: Tensor

    def __init__(self, config: None, tensors: Arrays) -> None:
        super().__init__()
        for name in ("mean", "directions"):
            self.register_buffer(name, torch.from_numpy(tensors[name].copy()))

    def forward(self, features: Tensor) -> Tensor:
        """Map features (B, T, D) to values (B, K)."""
        return (features.mean(dim=1) - self.mean) @ self.directions


NETWORKS: dict[str, Callable[[Any, Arrays], nn.Module]] = {
    "chain": ChainValues,
    "conmh": ConmhValues,
    "crovca-like": CrovcaValues,
    "pca-itq": LinearValues,
    "hashing-baseline": LinearValues,
    "lsh": LinearValues,
}


def values_network(facts: ModelFacts, tensors: Arrays) -> nn.Module:
    """Return the network of a model, from features (B, T, D) float32 to values (B, K).

    Args:
        facts: Facts of the model.
        tensors: Its tensors.

    Raises:
        UsageError: If its method has no network that ONNX can hold.
    """
    if facts.method not in NETWORKS:
        known = ", ".join(f"`{name}`" for name in NETWORKS)
        reason = (
            "its codes are drawn from a SHA-256 of the features, for which ONNX has no operator"
            if facts.method == "random"
            else "it is a plug-in's"
        )
        message = f"a model of the method `{facts.method}` has no ONNX form: {reason}"
        raise UsageError(message, hint=f"methods that have one: {known}")
    method = METHODS[facts.method]
    config = method.config
    if config is not None:
        config = from_dict(facts.config, apply(config, method.legacy_defaults))
    return NETWORKS[facts.method](config, tensors).eval()


def signs(values: Tensor) -> Tensor:
    """Return 1 where a value is >= 0, else -1; any shape."""
    return torch.where(values >= 0, 1.0, -1.0)


def _trend(frames: Tensor) -> Tensor:
    count = frames.shape[1]
    position = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    weights = -math.sqrt(2) * torch.cos(math.pi * position)  # (T,); 0 for one frame
    return (frames * weights.float()[:, None]).mean(dim=1)


def _changes(frames: Tensor) -> Tensor:
    count = torch.ones_like(frames[:1, 1:, :1]).sum(dim=1).clamp(min=1)  # max(T - 1, 1), traced
    steps = (frames[:, 1:] - frames[:, :-1]).abs().sum(dim=1) / count
    around = frames - frames.mean(dim=1, keepdim=True)
    return steps / (around.square().mean(dim=1).sqrt() + _STILL)


# `models.clip_summary.SUMMARIES` of clips without masked frames, (B, T, M) to (B, M).
WHOLE_SUMMARIES: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda frames: frames.mean(dim=1),
    "trend": _trend,
    "changes": _changes,
}


def _load(model: nn.Module, tensors: Arrays) -> None:
    model.load_state_dict({name: torch.from_numpy(t.copy()) for name, t in tensors.items()})
