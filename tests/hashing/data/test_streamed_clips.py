"""Training with frames in a file, or outside the GPU: the same weights, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from chainpipe.hashing.config import AnyConfig
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.data import epoch_order
from chainpipe.hashing.data.clips import Clips
from chainpipe.hashing.data.device_placement import keep_on_host
from chainpipe.hashing.data.streamed_clips import TrainingClips
from chainpipe.hashing.data.training_set import TrainingFrames
from chainpipe.hashing.methods.base import FitRequest
from chainpipe.hashing.methods.chain.method import CHAIN
from chainpipe.hashing.methods.conmh import CONMH
from chainpipe.hashing.methods.learned import LearnedMethod
from chainpipe.hashing.mining import nearest_neighbours
from chainpipe.hashing.mining.nearest_neighbours import nearest
from chainpipe.hashing.runtime.determinism import deterministic_torch
from chainpipe.hashing.training.callbacks import Callbacks
from chainpipe.hashing.training.checkpoint import Checkpoint
from chainpipe.pipeline.store import open_store
from tests.hashing.small import NEIGHBOURS, SIZES, TASKS
from tests.hashing.small import small as small_config

MakeStore = Callable[..., Path]

SMALL = {
    **SIZES,
    **TASKS,
    **NEIGHBOURS,
    "contrastive.mask_neighbours": True,
    "similarity.weight": 0.1,
}


small = partial(small_config, SMALL)


CONFIGS: dict[str, tuple[LearnedMethod[Any], AnyConfig]] = {
    "every task": (CHAIN, small()),
    "scenes anew": (CHAIN, small(scene__update_every=2, views__scene_mixup=0.5)),
    "cached": (CHAIN, small(views__mode="segment", views__spatial="on")),
    "frames and lstm": (CHAIN, small(hash__binarize="frame", encoder__kind="lstm")),
    "conmh": (
        CONMH,
        apply(
            CONMH.config,
            {
                "encoder.hidden_dim": 16,
                "encoder.num_layers": 1,
                "decoder.hidden_dim": 8,
                "optim.epochs": 3,
            },
        ),
    ),
}


@pytest.fixture
def path(make_store: MakeStore, planted: np.ndarray) -> Path:
    rng = np.random.default_rng(5)
    candidates = planted[:, :, None] + rng.normal(size=(40, 9, 3, 12))
    views = planted[:, None] + rng.normal(size=(40, 1, 9, 12))
    return make_store(planted, candidates=candidates, views=views)


def fitted(
    path: Path,
    method: LearnedMethod[Any],
    config: AnyConfig,
    *,
    memory: int,
    scratch: Path | None = None,
) -> tuple[dict[str, np.ndarray], list[str]]:
    said: list[str] = []
    with open_store(path) as store:
        frames = TrainingFrames(store, np.arange(40), memory=memory, scratch=scratch)
        request = FitRequest(bits=8, seed=0, device="cpu", callbacks=Callbacks(log=said.append))
        return method.fit(config, frames, request).tensors, said


@pytest.mark.parametrize("name", CONFIGS)
def test_frames_in_a_file_give_the_same_weights(path: Path, tmp_path: Path, name: str) -> None:
    method, config = CONFIGS[name]
    held, said = fitted(path, method, config, memory=10**9)
    assert said[-1].endswith("of training frames are in memory")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    stored, said = fitted(path, method, config, memory=100, scratch=scratch)
    assert said[-1].endswith("of training frames are in a file, taken a batch at a time")
    assert all(np.array_equal(held[key], stored[key]) for key in held | stored)
    names = {file.name.split("-")[0] for file in scratch.iterdir()}
    assert names == {"frames", *(("candidates", "augmented") if name == "cached" else ())}


def test_few_bytes_over_the_limit_make_the_difference(path: Path) -> None:
    size = 40 * 9 * 10 * 4  # frames behind the front
    for memory, place in ((2 * size, "in memory"), (2 * size - 2, "in a file")):
        _, said = fitted(path, CHAIN, small(optim__epochs=1), memory=memory)
        assert place in said[-1]


def trained(path: Path, change: Callable[[Clips], TrainingClips]) -> dict[str, torch.Tensor]:
    with open_store(path) as store, deterministic_torch(1):
        frames = TrainingFrames(store, np.arange(40))
        ready = CHAIN.build(small(), frames, bits=8, seed=0, device=torch.device("cpu"), state=None)
        assert isinstance(ready.trainer.clips, Clips)
        ready.trainer.clips = change(ready.trainer.clips)
        ready.trainer.run()
        return ready.model.state_dict()


def test_a_device_that_is_too_small_gets_batches(path: Path) -> None:
    whole = trained(path, lambda clips: clips)
    parts = trained(path, lambda clips: keep_on_host(clips, torch.device("cpu")))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_an_order_for_disks_gives_the_same_weights_too(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fitted(path, CHAIN, small(), memory=10**9)[0]
    monkeypatch.setattr(epoch_order, "SHARD", 4)
    monkeypatch.setattr(epoch_order, "WINDOW", 3)
    held = fitted(path, CHAIN, small(), memory=10**9)[0]
    stored = fitted(path, CHAIN, small(), memory=100)[0]
    assert all(np.array_equal(held[name], stored[name]) for name in held)
    assert not all(np.array_equal(held[name], whole[name]) for name in held)


def test_an_interrupted_run_in_a_file_ends_with_the_same_bits(path: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    whole = fitted(path, CHAIN, small(), memory=10**9)[0]
    checkpoint = Checkpoint(tmp_path / "state.pt", every=0)
    written = []
    with open_store(path) as store:
        for on_step in (stop, lambda done, total: None):
            frames = TrainingFrames(store, np.arange(40), memory=100, scratch=tmp_path)
            with suppress(KeyboardInterrupt):
                request = FitRequest(
                    bits=8, seed=0, device="cpu", checkpoint=checkpoint,
                    callbacks=Callbacks(step=on_step),
                )  # fmt: skip
                tensors = CHAIN.fit(small(), frames, request).tensors
            written.append({file: file.stat().st_mtime_ns for file in tmp_path.glob("*.f32")})
    assert all(np.array_equal(whole[name], tensors[name]) for name in whole)
    assert written[0] == written[1] != {}


@pytest.mark.parametrize("mutual", [False, True])
@pytest.mark.parametrize(("chunk", "block"), [(256, 32_768), (7, 5), (1, 1), (100, 33)])
def test_neighbours_are_the_same_in_any_blocks(
    monkeypatch: pytest.MonkeyPatch, chunk: int, block: int, mutual: bool
) -> None:
    vectors = torch.randn(101, 6, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(nearest_neighbours, "_CHUNK", chunk)
    monkeypatch.setattr(nearest_neighbours, "_BLOCK", block)
    unit = torch.nn.functional.normalize(vectors, dim=1)
    cosine = (unit @ unit.T).fill_diagonal_(-2)
    expected = cosine.argsort(dim=1, descending=True)[:, :4]
    if mutual:
        back = torch.tensor(
            [[bool((expected[j] == i).any()) for j in row] for i, row in enumerate(expected)]
        )
        expected = expected.masked_fill(~back, -1)
    assert torch.equal(nearest(vectors, 4, mutual=mutual), expected)
