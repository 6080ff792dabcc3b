"""Saying beforehand what an extraction takes."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpipe import command
from chainpipe.pipeline.console import Console
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.extraction.estimate import estimate, representative_rows
from chainpipe.pipeline.extraction.extract import extract
from chainpipe.pipeline.extraction.options import ExtractOptions
from chainpipe.pipeline.extraction.signals import Interrupted
from chainpipe.pipeline.store import parts_of
from tests.pipeline.extraction.test_extract import clips, options, tiny, videos

__all__ = ["clips", "options", "tiny", "videos"]  # fixtures


def test_an_estimate_counts_what_is_left_and_leaves_nothing_behind(
    options: ExtractOptions, tmp_path: Path
) -> None:
    asked = options.changed(per_segment=3, views=2, workers=2)
    before = sorted(tmp_path.rglob("*"))
    found = estimate(asked, console=Console(quiet=True))
    assert sorted(tmp_path.rglob("*")) == before
    assert not parts_of(options.out).exists()
    sizes = [path.stat().st_size for path in options.source.rglob("*.mp4")]
    assert (found.videos, found.listed, found.sampled) == (4, 4, 4)
    assert found.bytes_in == sum(sizes)
    assert found.bytes_out == 4 * 5 * (1 + 3 + 2) * 1280 * 2
    assert (found.shards, found.workers) == (1, 2)
    assert found.decode_hours > 0
    assert found.wall_hours == pytest.approx((found.decode_hours + found.backbone_hours) / 2)


def test_a_finished_store_leaves_nothing_to_do(options: ExtractOptions) -> None:
    extract(options)
    found = estimate(options, console=Console(quiet=True))
    assert (found.videos, found.shards, found.decode_hours, found.bytes_out) == (0, 0, 0, 0)
    with pytest.raises(UsageError, match="frames: 5 / 6"):
        estimate(options.changed(frames=6), console=Console(quiet=True))


def test_planning_a_restart_leaves_unfinished_work_alone(options: ExtractOptions, tiny) -> None:
    tiny.before = lambda: os.kill(os.getpid(), signal.SIGTERM) if tiny.calls == 3 else None
    with pytest.raises(Interrupted):
        extract(options, backbone=tiny)
    unfinished = sorted(parts_of(options.out).rglob("*"))
    assert any(path.name.startswith("shard-") for path in unfinished)
    found = estimate(options.changed(restart=True), console=Console(quiet=True))
    assert found.videos == 4
    assert sorted(parts_of(options.out).rglob("*")) == unfinished


def test_many_machines_share_the_work(options: ExtractOptions) -> None:
    asked = options.changed(
        engine="slurm", engine_options=(("jobs", "20"),), workers=4, unit_videos=3
    )
    found = estimate(asked, console=Console(quiet=True))
    assert (found.workers, found.shards) == (80, 2)


def test_the_verb_prints_it(videos: Path, tmp_path: Path, capsys) -> None:
    words = ["extract", str(videos), "--out", str(tmp_path / "f.h5"), "--frames", "2", "--plan"]
    assert command.run(words) == 0
    assert "4 of 4" in capsys.readouterr().out
    assert command.run([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["videos"] == 4
    assert not (tmp_path / "f.h5").exists()


@given(st.lists(st.integers(0, 10**9), min_size=1), st.integers(1, 20))
def test_the_sample_is_spread_over_the_sizes(sizes: list[int], count: int) -> None:
    rows = representative_rows(np.array(sizes, np.int64), count)
    assert len(set(rows)) == len(rows) == min(count, len(sizes))
    chosen = [sizes[row] for row in rows]
    assert chosen == sorted(chosen)
    if count >= len(sizes):
        assert sorted(chosen) == sorted(sizes)
