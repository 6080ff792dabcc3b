"""From a resolved config to the network, and between the network and saved tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import torch
from torch import nn

from ...config import Config
from ...config.model import EncoderConfig, HashConfig
from ...models.binarizers import Binarizer, Continuation, StraightThrough
from ...models.encoders import Encoder, LstmEncoder, MixerEncoder, TransformerEncoder
from ...models.hash_layer import HashLayer
from ...models.hash_model import HashModel
from ...models.pca_whitening import Front
from ...runtime.seeding import seed_of


def build_model(config: Config, front: Front, *, bits: int, seed: int) -> HashModel:
    """Build the network with seeded first weights; torch's own generator is left as it was."""
    dims = front.matrix.shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "weights", 0))
        encoder = _encoder(config.encoder, dims)
        hash_layer = HashLayer(
            dims=dims,
            width=config.encoder.width,
            bits=bits,
            binarize=config.hash.binarize,
            skip=config.hash.init == "pca-itq",
            unit_mean=config.hash.unit_mean,
            binarizer=_binarizer(config.hash),
        )
    return HashModel(front=front, encoder=encoder, hash_layer=hash_layer)


def _binarizer(config: HashConfig) -> Binarizer:
    if config.binarizer == "tanh":
        return Continuation(start=config.tanh_start, end=config.tanh_end)
    return StraightThrough()


def _encoder(config: EncoderConfig, dims: int) -> Encoder:
    width, layers, dropout = config.width, config.layers, config.dropout
    if config.kind == "lstm":
        return LstmEncoder(dims=dims, width=width, layers=layers, dropout=dropout)
    if config.kind == "mlp-mixer":
        return MixerEncoder(
            dims=dims,
            width=width,
            layers=layers,
            points=config.points,
            feed_forward=config.feed_forward,
            dropout=dropout,
        )
    return TransformerEncoder(
        dims=dims,
        width=width,
        layers=layers,
        heads=config.heads,
        feed_forward=config.feed_forward,
        dropout=dropout,
        activation=config.activation,
        bias=config.bias,
        slots=config.slots,
    )


def load_model(config: Config, tensors: Mapping[str, npt.NDArray[Any]]) -> HashModel:
    """Rebuild a trained network from its saved tensors."""
    front = front_of(config, tensors)
    model = build_model(config, front, bits=len(tensors["hash_layer.learned.weight"]), seed=0)
    model.load_state_dict({name: torch.from_numpy(t.copy()) for name, t in tensors.items()})
    return model.eval()


def front_of(config: Config, tensors: Mapping[str, npt.NDArray[Any]]) -> Front:
    """Return the front that a network's tensors hold."""
    mean, matrix, spread = (tensors[f"front_{part}"] for part in ("mean", "matrix", "spread"))
    return Front(mean, matrix, spread, unit_frames=config.input.unit_frames)


def tensors_of(model: nn.Module) -> dict[str, npt.NDArray[Any]]:
    """Return all weights and buffers as arrays."""
    return {name: tensor.cpu().numpy() for name, tensor in model.state_dict().items()}
