"""General bits: how many there are, what they are made of, and that no task trains them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from chainpipe.hashing.config import Config
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.config.presets import Survey, paper_config, resolve
from chainpipe.hashing.data.survey import survey_of
from chainpipe.hashing.data.training_set import TrainingFrames
from chainpipe.hashing.methods.chain.build import build
from chainpipe.hashing.methods.chain.build_model import general_bits
from chainpipe.hashing.methods.pca_itq import fit_pca_itq
from chainpipe.hashing.models.hash_model import HashModel
from chainpipe.pipeline.backbones.lite0_classifier import NAME, lite0_classifier
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store import open_store
from tests.hashing.methods.chain.test_general_init import frames_of, library

MakeStore = Callable[..., Path]
LARGE = Survey(1500, 0.6, 25, classifier=True)
SMALL = Survey(200, 0.9, 25, classifier=True)


def count(survey: Survey, bits: int, **changed: float | int | str) -> int:
    """Return the number of general bits of a code."""
    config = apply(Config(), {f"hash.{name}": value for name, value in changed.items()})
    return general_bits(resolve(config, survey), bits)


@pytest.mark.parametrize(("bits", "general"), [(1, 0), (16, 0), (32, 0), (34, 2), (64, 16)])
def test_the_classifier_gives_bits_of_long_codes_only(bits: int, general: int) -> None:
    assert count(LARGE, bits) == general
    assert count(replace(LARGE, classifier=False), bits) == 0


def test_half_of_a_code_is_general_where_views_are_not_trusted() -> None:
    assert [count(SMALL, bits) for bits in (1, 2, 16, 64)] == [0, 1, 8, 32]
    assert resolve(Config(), SMALL).hash.general_from == "videos"


@pytest.mark.parametrize(("bits", "share"), [(16, 0.0), (32, 0.0), (33, 0.125), (64, 0.125)])
def test_long_codes_show_what_pca_itq_leaves_out(bits: int, share: float) -> None:
    assert resolve(Config(), replace(SMALL, bits=bits)).hash.general_residual == share


def test_what_changes_inside_videos_counts_less_where_views_are_trusted() -> None:
    def found(survey: Survey, **changed: str) -> float | str:
        config = apply(Config(), {f"hash.{name}": value for name, value in changed.items()})
        return resolve(config, survey).input.within_whitening

    assert found(LARGE) == 0.25
    assert [found(SMALL), found(replace(LARGE, frames=1)), found(LARGE, summary="trend")] == [0] * 3
    assert resolve(paper_config(), LARGE).input.within_whitening == 0


def test_what_is_set_by_hand_is_kept() -> None:
    assert count(LARGE, 32, min_learned=1) == 8
    assert count(LARGE, 64, general=0.5) == 32
    assert count(LARGE, 64, general=0.0) == 0
    assert count(LARGE, 64, general_from="videos") == 0
    assert count(SMALL, 64, general_from="classifier") == 16
    assert count(LARGE, 64, summary="trend") == 0  # the classifier knows pictures, not changes


@pytest.mark.parametrize(("bits", "weight"), [(8, 0.062), (16, 0.25), (32, 1.0), (64, 1.0)])
def test_short_codes_reflect_less(bits: int, weight: float) -> None:
    assert resolve(Config(), replace(LARGE, bits=bits)).reflection.weight == weight
    assert resolve(paper_config(), replace(LARGE, bits=bits)).reflection.weight == 0


def test_the_published_shape_has_no_general_bits() -> None:
    assert general_bits(resolve(paper_config(), LARGE), 64) == 0


@pytest.mark.parametrize(
    ("backbone", "dim", "known"), [(NAME, 1280, True), (NAME, 64, False), ("clip", 1280, False)]
)
def test_the_survey_knows_the_classifier_of_its_own_features_only(
    make_store: MakeStore, backbone: str, dim: int, known: bool
) -> None:
    with open_store(make_store(library(4, seed=0, dim=dim))) as store:
        frames = frames_of(store, backbone)
        found = survey_of(frames)
    assert found == Survey(4, round(frames.halves_cosine(), 6), 3, classifier=known)


def built(frames: TrainingFrames, **changed: float | int | str) -> HashModel:
    """Build an untrained network of 12 bits of which 4 are general."""
    values = {"general": 1 / 3, "min_learned": 1, "distill_steps": 0} | changed
    config = apply(Config(), {f"hash.{name}": value for name, value in values.items()})
    config = resolve(apply(config, {"input.dims": 24, "optim.epochs": 0}), survey_of(frames))
    made = build(config, frames, bits=12, seed=3, device=torch.device("cpu"), state=None)
    return made.model


def test_general_bits_are_pca_itq_of_the_classifier_around_the_mean_video(
    make_store: MakeStore,
) -> None:
    videos = library(40, seed=0).astype(np.float16).astype(np.float32)  # as a store keeps them
    with open_store(make_store(videos)) as store:
        model = built(frames_of(store, NAME), general_from="classifier")
        values = model(model.project(torch.from_numpy(videos))).values.detach().numpy()
    matrix = model.pca_matrix.numpy()
    pool = lite0_classifier().directions @ matrix
    means = (videos.mean(axis=1) - model.pca_mean.numpy()) @ matrix
    general = fit_pca_itq(pool, 4, seed=3, frame_covariance=lambda: np.eye(24)).directions
    own = fit_pca_itq(means, 8, seed=3, frame_covariance=lambda: np.eye(24))
    np.testing.assert_allclose(values[:, :4], (means - means.mean(axis=0)) @ general, atol=1e-3)
    np.testing.assert_allclose(values[:, 4:], own.project(means), atol=1e-3)


def test_an_unknown_classifier_is_refused(make_store: MakeStore) -> None:
    with open_store(make_store(library(40, seed=0))) as store:
        frames = frames_of(store, "clip")
        with pytest.raises(UsageError, match="the classifier of `clip` is not known") as caught:
            built(frames, general_from="classifier")
    assert "general_from" in caught.value.hint
