"""General codes for few videos: where they are used, and that libraries agree on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainpipe.hashing.config import Config
from chainpipe.hashing.config.presets import Survey
from chainpipe.hashing.data.training_set import TrainingFrames
from chainpipe.hashing.methods.base import FitRequest
from chainpipe.hashing.methods.chain.general_init import PRIOR, general_pca, known_classifier
from chainpipe.hashing.methods.chain.method import CHAIN
from chainpipe.pipeline.backbones.lite0_classifier import NAME, lite0_classifier
from chainpipe.pipeline.store import open_store
from chainpipe.pipeline.store.base import FeatureStore

MakeStore = Callable[..., Path]


def library(videos: int, *, seed: int, dim: int = 1280) -> np.ndarray:
    """Draw features around the classifier's mean that differ in some of its directions."""
    facts, rng = lite0_classifier(), np.random.default_rng(seed)
    own = rng.normal(size=(videos, 1, 1000)) @ facts.directions / 30
    noise = 0.02 * rng.normal(size=(videos, 3, 1280))
    return np.maximum(facts.mean + own + noise, 0).astype(np.float32)[..., :dim]


def frames_of(store: FeatureStore, backbone: str) -> TrainingFrames:
    frames = TrainingFrames(store, np.arange(len(store.videos)))
    made_by = replace(frames.meta.fingerprint, backbone=backbone)
    frames.meta = replace(frames.meta, fingerprint=made_by)
    return frames


@pytest.mark.parametrize(
    ("backbone", "dim", "known"), [(NAME, 1280, True), (NAME, 64, False), ("clip", 1280, False)]
)
def test_a_classifier_is_known_for_its_own_features_only(
    make_store: MakeStore, backbone: str, dim: int, known: bool
) -> None:
    with open_store(make_store(library(3, seed=0, dim=dim))) as store:
        assert (known_classifier(frames_of(store, backbone)) is not None) == known


def test_the_pca_is_that_of_the_directions_centred_between_prior_and_videos() -> None:
    facts = lite0_classifier()
    means = library(8, seed=0).mean(axis=1)
    pca = general_pca(facts, means, dims=12)
    centre = (8 * means.mean(axis=0, dtype=np.float64) + PRIOR * facts.mean) / (8 + PRIOR)
    np.testing.assert_allclose(pca.mean, centre, atol=1e-5)
    _, _, axes = np.linalg.svd(facts.directions, full_matrices=False)
    overlap = np.linalg.svd(axes[:12] @ pca.matrix, compute_uv=False)
    np.testing.assert_allclose(overlap / np.linalg.norm(pca.matrix[:, 0]), 1, atol=1e-4)


def agreement(make_store: MakeStore, backbone: str, count: int) -> float:
    """Return the fraction of equal bits of the codes of two libraries."""
    probe, codes = library(50, seed=99), []
    config = CHAIN.resolve(Config(), Survey(count, 0.5, 3))
    for seed in (1, 2):
        path = make_store(library(count, seed=seed), name=f"{backbone[:3]}{seed}.h5")
        with open_store(path) as store:
            request = FitRequest(bits=32, seed=0, device="cpu")
            tensors = CHAIN.fit(config, frames_of(store, backbone), request).tensors
        codes.append(CHAIN.load(config, tensors).encode(probe))
    return float((codes[0] == codes[1]).mean())


def test_two_libraries_of_few_videos_give_nearly_equal_codes(make_store: MakeStore) -> None:
    general, own = (agreement(make_store, backbone, 12) for backbone in (NAME, "other"))
    assert general > 0.85
    assert own < general - 0.1
