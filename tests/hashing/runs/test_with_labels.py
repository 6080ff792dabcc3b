"""The script that says what labels would give reads them, and reads nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
CLASSES = 4


def hidden_classes(videos: int, *, seed: int = 0) -> np.ndarray:
    """Draw lively videos whose look, 8 numbers, outweighs what their class changes, 8 others."""
    rng = np.random.default_rng(seed)
    features = 0.3 * rng.normal(size=(videos, 9, 16))
    look = 6 * rng.normal(size=(10, 8))[rng.integers(10, size=videos)]
    features[:, :, :8] += look[:, None] + 8 * rng.normal(size=(videos, 9, 8))
    features[:, :, 8:] += 3 * rng.normal(size=(CLASSES, 8))[np.arange(videos) % CLASSES][:, None]
    return features.astype(np.float32)


def found(store: Path, out: Path, epochs: int) -> float:
    script = ROOT / "docs" / "numbers" / "with_labels.py"
    words = [store, "--bits", "16", "--seeds", "1", "--epochs", epochs, "--out", out]
    command = [sys.executable, str(script), *map(str, words)]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    report = json.loads((out / "with-labels.json").read_text())
    assert report["command"].startswith("python docs/numbers/with_labels.py feats.h5 --bits 16")
    assert report["seeds"] == [pytest.approx(report["at 20"])]
    return float(report["at 20"]["map"])


@pytest.mark.soak
def test_labels_find_what_the_look_hides(make_store: Callable[..., Path], tmp_path: Path) -> None:
    labels = [f"class {i % CLASSES}" for i in range(500)]
    store = make_store(hidden_classes(500), labels=labels)
    start, trained = found(store, tmp_path, 0), found(store, tmp_path, 50)
    assert start < 0.6
    assert trained > start + 0.2
