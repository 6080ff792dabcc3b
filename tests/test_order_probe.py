"""The programs that measure order: planted order is found, and scores are those of `eval`."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chainpipe.pipeline.records import (
    Fingerprint,
    Reader,
    Split,
    Status,
    StoreMeta,
    VideoFeatures,
    VideoInfo,
)
from chainpipe.pipeline.store import write_store

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "docs" / "numbers"
FRAMES, DIM, LOOKS = 9, 12, 12
SMALL = "input.dims=12 encoder.hidden_dim=16 encoder.feed_forward_dim=16"


def run(script: str, *words: str) -> list[dict]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPTS / script), *words]
    done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True)
    text = done.stdout
    return [json.loads(line) for line in text.splitlines()] if "\n{" in text else [json.loads(text)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of 12 looks, two of each look in each of two classes, which drift to opposite sides."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(4 * LOOKS):
        look, way = number // 4, number % 2
        clip = np.repeat(np.random.default_rng(look).normal(0, 3, (1, DIM)), FRAMES, axis=0)
        clip[:, 0] += (1 if way else -1) * np.linspace(-1, 1, FRAMES)
        clip += rng.normal(0, 0.02, clip.shape)
        rows.append(
            VideoFeatures(
                path=f"videos/{number:04d}-look{look:03d}.mp4".encode(),
                video_id=hashlib.sha256(clip.tobytes()).digest(),
                features=clip.astype(np.float16),
                seconds=np.arange(FRAMES, dtype=float),
                index=np.arange(FRAMES),
                info=VideoInfo(float(FRAMES), 1.0, 64, 48, FRAMES),
                status=Status.OK,
                reader=Reader.EXACT,
                size=1,
                mtime_ns=1,
                labels=(("down", "up")[way],),
                split=Split.TRAIN if look < LOOKS * 2 // 3 else Split.TEST,
            )
        )
    path = tmp_path_factory.mktemp("order") / "order.h5"
    meta = StoreMeta(Fingerprint("cnn", "00", DIM, "fit=crop"), FRAMES)
    names = ["down", "up"]
    write_store(path, root=b"/v", meta=meta, rows=rows, count=len(rows), label_names=names)
    return path


def test_planted_order_is_in_the_trend_and_not_in_the_mean(store: Path) -> None:
    (found,) = run("order_probe.py", str(store), "--bits", "8", "--seeds", "1")
    assert found["chance"] == 0.5
    assert (found["clips"], found["test"]) == (48, 16)
    assert found["probes"]["trend"] == 1.0
    assert found["probes"]["mean"] < 0.8
    assert found["codes"]["PCA-ITQ of trend"]["P@1 other looks"] == 1.0
    assert found["codes"]["floats of mean"]["P@1"] < 0.8


def test_the_preset_finds_planted_order(store: Path) -> None:
    preset = f"{SMALL} hash.summary=trend optim.epochs=0"
    rows = (f"{SMALL} optim.epochs=0", preset)
    found = run("order_rows.py", str(store), "--bits", "8", "--row", rows[0], "--row", rows[1])
    assert [line["row"] for line in found] == [*rows]
    assert found[0]["P@1"] < 0.8
    assert found[1]["P@1"] == found[1]["P@1 other looks"] == 1.0


def test_a_video_of_two_scenes_is_found_by_one(store: Path) -> None:
    rows = [f"{SMALL} optim.epochs=0", f"{SMALL} scene.weight=0.3 optim.epochs=2"]
    found = run("scene_probe.py", str(store), "--bits", "16", "--row", rows[0], "--row", rows[1])
    assert found[0]["videos"] == 4 * LOOKS
    assert found[0]["P@1"] > 5 / (4 * LOOKS)
    assert found[0]["halves apart"] < 1
    assert found[1]["scene loss"] > 0
