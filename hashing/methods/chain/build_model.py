"""Build CHAIN's network from a resolved config, or from saved tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import torch

from ...config import Config
from ...config.model import ENCODERS, HashConfig
from ...models.binarizers import Binarizer, Continuation, StraightThrough
from ...models.encoders import Encoder
from ...models.hash_layer import HashLayer
from ...models.hash_model import HashModel
from ...models.pca_whitening import PcaWhitening
from ...runtime.seeding import derive_seed


def build_model(config: Config, pca: PcaWhitening, *, bits: int, seed: int) -> HashModel:
    """Build the network with seeded initial weights; torch's global generator is restored."""
    dims = pca.matrix.shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "weights", 0))
        encoder: Encoder = ENCODERS[config.encoder.kind].from_config(config.encoder, dims)
        hash_layer = HashLayer(
            dims=dims,
            hidden_dim=config.encoder.hidden_dim,
            bits=bits,
            binarize=config.hash.binarize,
            shortcut=config.hash.init == "pca-itq",
            l2_normalize=config.hash.l2_normalize,
            summary=config.hash.summary,
            binarizer=_binarizer(config.hash),
            general_bits=general_bits(config, bits),
        )
    return HashModel(pca=pca, encoder=encoder, hash_layer=hash_layer)


def general_bits(config: Config, bits: int) -> int:
    """Return G, the number of general bits of K; ``hash.min_learned`` bits or more are learned.

    ``auto`` that no training set has resolved is 0.

    >>> from dataclasses import replace
    >>> half = replace(Config(), hash=replace(Config().hash, general=0.5, min_learned=20))
    >>> [general_bits(half, bits) for bits in (1, 16, 32, 64)]
    [0, 0, 12, 32]
    """
    share, least = config.hash.general, config.hash.min_learned
    if share == "auto":
        return 0
    return max(0, min(int(bits * share), bits - (1 if least == "auto" else least)))


def _binarizer(config: HashConfig) -> Binarizer:
    if config.binarizer == "tanh":
        return Continuation(start=config.tanh_start, end=config.tanh_end)
    return StraightThrough()


def load_model(config: Config, tensors: Mapping[str, npt.NDArray[Any]]) -> HashModel:
    """Rebuild a trained network from its saved tensors."""
    pca = pca_whitening_of(config, tensors)
    parts = ("hash_layer.general.weight", "hash_layer.head.weight")
    bits = sum(len(tensors[part]) for part in parts if part in tensors)
    model = build_model(config, pca, bits=bits, seed=0)
    model.load_state_dict({name: torch.from_numpy(t.copy()) for name, t in tensors.items()})
    return model.eval()


def pca_whitening_of(config: Config, tensors: Mapping[str, npt.NDArray[Any]]) -> PcaWhitening:
    """Return the PCA whitening of a network's tensors."""
    mean, matrix, std = (tensors[f"pca_{part}"] for part in ("mean", "matrix", "std"))
    return PcaWhitening(mean, matrix, std, l2_normalize=config.input.l2_normalize)
