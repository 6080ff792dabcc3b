"""Failure signatures: planted failures show theirs, a healthy run shows none, histories by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chainpipe.hashing.config import Config
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.config.presets import Survey, resolve
from chainpipe.hashing.methods.chain.build_model import build_model
from chainpipe.hashing.methods.chain.build_trainer import build_trainer, make_clips
from chainpipe.hashing.methods.chain.init_hash_layer import init_hash_layer
from chainpipe.hashing.models.pca_whitening import fit_pca_whitening
from chainpipe.hashing.monitoring.failure_signatures import (
    START_KEPT,
    HistoryRow,
    all_failure_signatures,
    failure_signatures,
    new_failure_signatures,
)
from chainpipe.hashing.runtime.determinism import deterministic_torch
from chainpipe.hashing.training.callbacks import Callbacks
from chainpipe.hashing.training.trainer import Trainer

SMALL: dict[str, object] = {
    "input.dims": 24,
    "encoder.hidden_dim": 32,
    "encoder.num_heads": 2,
    "encoder.feed_forward_dim": 32,
    "hash.distill_steps": 20,
    "contrastive.weight": 1.0,
    "order.weight": 0.1,
    "scene.weight": 0.1,
    "similarity.weight": 0.0,
    "reflection.weight": 0.0,
    "neighbours.k": 3,
    "neighbours.update_every": 1,
    "optim.epochs": 20,
    "optim.batch_size": 64,
    "optim.lr": 1e-3,
    "optim.weight_decay": 0.02,
    "neighbours.source": "means",
}
EASY: dict[str, object] = {
    "views.mode": "random",
    "views.num_frames": 9,
    "views.noise": 0.0,
    "views.feature_dropout": 0.0,
    "neighbours.k": 0,
}
ORDER_ONLY: dict[str, object] = {
    "contrastive.weight": 0.0,
    "scene.weight": 0.0,
    "order.weight": 10.0,
    "order.num_frames": 0,
    "order.label_std": 0.5,
    "hash.init": "random",
    "neighbours.k": 0,
    "optim.lr": 5e-3,
    "optim.epochs": 40,
}
LOST = {"shared codes", "worse than the start"}
BY_HEART: dict[str, object] = {
    "views.noise": 0.0,
    "views.feature_dropout": 0.0,
    "encoder.dropout": 0.0,
    "neighbours.k": 0,
    "order.weight": 0.0,
    "scene.weight": 0.0,
    "optim.lr": 1e-2,
    "optim.epochs": 100,
}


def made_up(videos: int, *, classes: int, seed: int) -> np.ndarray:
    """Draw videos whose frames drift over time, (N, 9, 32); without classes there is no drift."""
    rng = np.random.default_rng(seed)
    own = rng.normal(size=(videos, 1, 32)) + rng.normal(size=(videos, 9, 32))
    if not classes:
        return own.astype(np.float32)
    centres, drift = 2 * rng.normal(size=(classes, 1, 32)), rng.normal(size=32)
    moved = np.linspace(-1, 1, 9)[:, None] * drift
    return (centres[np.arange(videos) % classes] + own + moved).astype(np.float32)


def watched(
    changes: dict[str, object], *, videos: int = 200, classes: int = 40, seed: int = 0
) -> Trainer:
    """Return the training of a small CHAIN, watched by 40 further videos."""
    features = made_up(videos + 40, classes=classes, seed=seed)
    trained, held = features[:videos], features[videos:]
    config = resolve(apply(Config(), {**SMALL, **changes}), Survey(500, 0.5))
    pca = fit_pca_whitening([trained.reshape(-1, 32)], dims=24, whitening=0.0)
    model = build_model(config, pca, bits=16, seed=seed)
    if config.hash.init == "pca-itq":
        init_hash_layer(config, model, pca(trained), seed=seed)
    clips, watching = (make_clips(config, pca, pca(part), seed=seed) for part in (trained, held))
    return build_trainer(config, model, clips, seed=seed, validation=watching)


def names(history: list[HistoryRow]) -> set[str]:
    return {signature.name for signature in failure_signatures(history)}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_healthy_run_shows_none(seed: int) -> None:
    with deterministic_torch(1):
        history = watched({}, seed=seed).run()
    assert all_failure_signatures(history) == []


@pytest.mark.parametrize(
    ("changes", "planted", "others"),
    [
        (EASY, "views too easy", set()),
        # Held-out videos also get worse in such chaos, or not: that depends on the last digits.
        ({"optim.lr": 3.0}, "collapsed bits", {"overfitting", *LOST}),
        (ORDER_ONLY, "order without neighbours", {"collapsed bits", *LOST}),
    ],
    ids=["easy", "collapse", "order"],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_planted_failure_shows_its_signature(
    changes: dict[str, object], planted: str, others: set[str], seed: int
) -> None:
    with deterministic_torch(1):
        found = names(watched(changes, seed=seed).run())
    assert {planted} <= found <= {planted} | others


def test_many_epochs_on_few_videos_are_often_overfitting() -> None:
    with deterministic_torch(1):
        runs = [watched(BY_HEART, videos=8, classes=0, seed=seed).run() for seed in range(6)]
    assert sum("overfitting" in names(history) for history in runs) >= 2


def test_it_is_told_once_and_stops_a_run_that_asks_for_it() -> None:
    told = []
    with deterministic_torch(1):
        whole = watched({"optim.lr": 3.0})
        history = whole.run(callbacks=Callbacks(warn=told.append))
        short = watched({"optim.lr": 3.0, "validation.stop_on_failure": True}).run()
    (only,) = [signature for signature in told if signature.name == "collapsed bits"]
    assert failure_signatures(history)[0].since == only.since
    expected = history[: len(short)]
    expected[-1] |= {START_KEPT: 1.0}  # after such chaos
    assert short == expected
    assert short[-1]["epoch"] == only.since < history[-1]["epoch"] == 20


GOOD: HistoryRow = {
    "contrastive": 2.0,
    "val_contrastive": 3.0,
    "val_positive_cosine": 0.4,
    "val_contrastive_accuracy": 0.4,
    "val_order_accuracy": 0.1,
    "val_order_chance": 0.1,
    "val_bit_entropy": 0.9,
    "val_dead_bits": 0.0,
    "val_bit_correlation": 0.1,
    "val_distinct_codes": 0.9,
    "val_neighbours_kept": 0.5,
    "val_new_kept": 0.5,
    "val_halves_found": 0.5,
}


def rows(*changes: dict[str, float]) -> list[HistoryRow]:
    return [{**GOOD, **change, "epoch": epoch} for epoch, change in enumerate(changes)]


DEAD = {"val_bit_entropy": 0.4}


def test_one_look_is_not_enough_and_the_start_does_not_count() -> None:
    assert names(rows({}, DEAD)) == set()
    assert names(rows(DEAD, DEAD)) == set()
    assert names(rows({}, {}, DEAD)) == set()
    assert names(rows({}, DEAD, DEAD)) == {"collapsed bits"}


def test_what_is_gone_at_the_end_is_still_told() -> None:
    history = rows({}, DEAD, DEAD, DEAD, {}, {})
    assert failure_signatures(history) == []
    (gone,) = all_failure_signatures(history)
    assert (gone.since, gone.until) == (2, 3)
    assert str(gone) == (
        "collapsed bits (from epoch 2 to epoch 3, gone at the end): "
        "a bit has 0.40 bits of entropy on average"
    )


def test_only_the_row_that_confirms_it_is_new() -> None:
    history = rows({}, DEAD, DEAD, DEAD)
    new = [new_failure_signatures(history[:end]) for end in range(len(history) + 1)]
    assert [len(found) for found in new] == [0, 0, 0, 1, 0]
    assert new_failure_signatures([*history[:3], {"epoch": 3, "loss": 1.0}]) == []


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ({"val_dead_bits": 0.3}, {"collapsed bits"}),
        ({"val_bit_correlation": 0.7}, {"collapsed bits"}),
        ({"val_positive_cosine": 0.97, "val_contrastive_accuracy": 0.6}, {"views too easy"}),
        ({"val_positive_cosine": 0.97, "val_contrastive_accuracy": 0.1}, set()),
        ({"val_contrastive_accuracy": 0.99}, {"views too easy"}),
        ({"val_contrastive_accuracy": 0.99, "val_halves_found": 0.6}, set()),
        ({"val_order_accuracy": 0.5}, set()),
        (
            {"val_order_accuracy": 0.5, "val_neighbours_kept": 0.4},
            {"order without neighbours"},
        ),
        (
            {
                "val_order_accuracy": 0.5,
                "val_neighbours_kept": 0.4,
                "val_halves_found": 0.6,
            },
            set(),
        ),
        ({"val_neighbours_kept": 0.4}, set()),
        ({"val_new_kept": 0.42}, {"new content lost"}),
        ({"val_new_kept": 0.43}, set()),
        ({"val_distinct_codes": 0.80}, {"shared codes"}),
        ({"val_distinct_codes": 0.82}, set()),
        ({"val_new_kept": 0.24, "val_halves_found": 0.46}, {"new content lost"}),
        ({"val_new_kept": 0.26, "val_halves_found": 0.4}, {"new content lost"}),
        (
            {"val_new_kept": 0.24, "val_halves_found": 0.44},
            {"new content lost", "worse than the start"},
        ),
        ({"val_halves_found": 0.4}, set()),
    ],
)
def test_each_rule_by_hand(last: dict[str, float], expected: set[str]) -> None:
    assert names(rows({}, last, last)) == expected


def test_without_a_region_all_held_out_videos_are_compared_with_the_start() -> None:
    plain = {name: value for name, value in GOOD.items() if name != "val_new_kept"}

    def history(**last: float) -> list[HistoryRow]:
        return [{**plain, "epoch": 0}, *({**plain, **last, "epoch": epoch} for epoch in (1, 2))]

    worse = names(history(val_neighbours_kept=0.24, val_halves_found=0.4))
    assert worse == {"worse than the start"}
    assert names(history(val_neighbours_kept=0.24)) == set()
    assert names(history(val_neighbours_kept=0.26, val_halves_found=0.4)) == set()


RISEN: dict[str, float] = {"contrastive": 1.0, "val_contrastive": 3.5}


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ({**RISEN, "val_halves_found": 0.4}, True),
        ({**RISEN, "val_neighbours_kept": 0.4}, True),
        (RISEN, False),
        ({**RISEN, "val_contrastive": 3.1, "val_halves_found": 0.4}, False),
        ({**RISEN, "contrastive": 2.5, "val_halves_found": 0.4}, False),
        ({**RISEN, "val_contrastive": 3.0, "val_neighbours_kept": 0.4}, True),
        ({**RISEN, "val_contrastive": 2.5, "val_neighbours_kept": 0.4}, False),
    ],
)
def test_overfitting_needs_both_losses_and_the_codes(
    last: dict[str, float], expected: bool
) -> None:
    assert names(rows({}, {}, last, last)) == ({"overfitting"} if expected else set())


def test_a_history_without_looks_says_nothing() -> None:
    assert all_failure_signatures([{"epoch": 1, "loss": math.pi}]) == []
    assert new_failure_signatures([]) == []
