"""Say what a store holds about the order of frames: probes with labels, PCA-ITQ without.

    python docs/numbers/order_probe.py build/order/directions.h5 --bits 64

For sets of `order_sets.py`. A probe is a logistic regression, trained with the labels of `train`
and asked for those of `test`; its C is chosen by cross-validation on `train`. The codes are fitted
on `train` without labels; every test clip asks all others (P@1, mAP@20), and, `other looks`, only
those of other looks. Needs scikit-learn, of the extra `demo`. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainpipe.hashing.methods.pca_itq import fit_pca_itq
from chainpipe.hashing.models.pca import principal_axes_of_rows
from chainpipe.pipeline.records import Split
from chainpipe.pipeline.store import open_store

Floats = npt.NDArray[np.float32]
DIMS = 64  # principal components of a frame that the probes see


def thirds(frames: Floats) -> Floats:
    """Return the concatenated means of each third of clips (N, T, M), (N, 3M)."""
    parts = np.array_split(frames, 3, axis=1)
    return np.concatenate([part.mean(axis=1) for part in parts], axis=1)


def all_frames(frames: Floats) -> Floats:
    """Return all frames, concatenated, (N, TM)."""
    return frames.reshape(len(frames), -1)


def trend(frames: Floats) -> Floats:
    """Return the slope of each feature over time, (N, M)."""
    weights = np.linspace(-1, 1, frames.shape[1], dtype=np.float32)
    return np.einsum("ntm,t->nm", frames, weights / np.abs(weights).sum())


def changes(frames: Floats) -> Floats:
    """Return the mean size of the change from frame to frame, relative to the std, (N, M)."""
    change = np.abs(np.diff(frames, axis=1)).mean(axis=1)
    return change / (frames.std(axis=1) + 1e-3)


INPUTS: dict[str, Callable[[Floats], Floats]] = {
    "mean": lambda frames: frames.mean(axis=1),
    "thirds": thirds,
    "all frames": all_frames,
    "trend": trend,
    "changes": changes,
}


@dataclass(frozen=True, slots=True)
class Clips:
    """What is known of N clips.

    Attributes:
        labels: Class of each, (N,).
        looks: Look of each, (N,).
        train: Whether it may be trained on, (N,).
    """

    labels: npt.NDArray[np.str_]
    looks: npt.NDArray[np.str_]
    train: npt.NDArray[np.bool_]


def projected(frames: Floats, train: npt.NDArray[np.bool_]) -> Floats:
    """Project frames (N, T, D) on the principal components of what varies within clips."""
    within = frames - frames.mean(axis=1, keepdims=True)
    flat = within[train].reshape(-1, frames.shape[2])
    _, axes = principal_axes_of_rows(flat.astype(np.float64), DIMS)
    return (frames @ axes).astype(np.float32)


def probe(x: Floats, clips: Clips) -> float:
    """Return the accuracy of a logistic regression on the clips that are not of ``train``."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    grid = {"logisticregression__C": [1e-4, 1e-3, 1e-2, 1e-1]}
    search = GridSearchCV(model, grid, cv=GroupKFold(3))  # looks are not parted
    found = search.fit(x[clips.train], clips.labels[clips.train], groups=clips.looks[clips.train])
    return float(found.score(x[~clips.train], clips.labels[~clips.train]))


def codes_of(x: Floats, train: npt.NDArray[np.bool_], *, bits: int, seed: int) -> Floats:
    """Return PCA-ITQ codes of all rows, -1 and 1, fitted on those of ``train``."""
    covariance = np.cov(x[train].T.astype(np.float64))
    fitted = fit_pca_itq(x[train], bits, seed=seed, frame_covariance=lambda: covariance)
    values = (x - fitted.mean) @ fitted.directions
    return np.where(values >= 0, 1, -1).astype(np.float32)


def retrieval(
    rows: Floats, labels: npt.NDArray[np.str_], looks: npt.NDArray[np.str_]
) -> dict[str, float]:
    """Return P@1 and mAP@20 of every row asking the others, by cosine; ties by row."""
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    near = unit @ unit.T
    own = looks[:, None] == looks
    far = near.copy()
    np.fill_diagonal(near, -2)
    far[own] = -2
    result = {"P@1": _first(near, labels), "P@1 other looks": _first(far, labels)}
    hit = (labels[_ranked(near)] == labels[:, None])[:, :20]
    ratios = hit.cumsum(axis=1) / np.arange(1, hit.shape[1] + 1)
    return {**result, "mAP@20": float((ratios * hit).sum(axis=1).mean() / 20)}


def _ranked(near: Floats) -> npt.NDArray[np.intp]:
    return np.argsort(-np.round(near, 5), axis=1, kind="stable")


def _first(near: Floats, labels: npt.NDArray[np.str_]) -> float:
    return float((labels[_ranked(near)[:, 0]] == labels).mean())


def read(path: Path) -> tuple[Floats, Clips]:
    """Return the frames (N, T, D) of a store, and what its list says of each clip."""
    with open_store(path) as store:
        frames = store.features(slice(None)).astype(np.float32)
        videos = store.videos
    labels = np.array(videos.label_names)[videos.labels.argmax(axis=1)]
    looks = np.array([re.findall(r"look\d+", os.fsdecode(name))[0] for name in videos.paths])
    return frames, Clips(labels, looks, videos.split == Split.TRAIN)


def report(path: Path, *, bits: int, seeds: int) -> dict[str, Any]:
    """Return the whole JSON."""
    frames, clips = read(path)
    train, test = clips.train, ~clips.train
    few = projected(frames, train)
    probes = {name: probe(made(few), clips) for name, made in INPUTS.items()}
    codes: dict[str, dict[str, float]] = {}
    for name in ("mean", "thirds", "trend", "changes"):
        x = INPUTS[name](few if name == "changes" else frames)
        runs = [codes_of(x, train, bits=bits, seed=seed)[test] for seed in range(seeds)]
        scores = [retrieval(run, clips.labels[test], clips.looks[test]) for run in runs]
        codes[f"PCA-ITQ of {name}"] = mean_of(scores)
        floats = (x - x[train].mean(axis=0))[test]
        codes[f"floats of {name}"] = retrieval(floats, clips.labels[test], clips.looks[test])
    return {
        "command": f"python docs/numbers/order_probe.py {path.name} --bits {bits} --seeds {seeds}",
        "clips": len(frames),
        "test": int(test.sum()),
        "chance": 1 / len(set(clips.labels)),
        "probes": probes,
        "codes": codes,
    }


def mean_of(scores: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each score."""
    return {name: float(np.mean([score[name] for score in scores])) for name in scores[0]}


def main() -> None:
    """Print what a store holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stores", type=Path, nargs="+")
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    for store in asked.stores:
        print(json.dumps(report(store, bits=asked.bits, seeds=asked.seeds), indent=1))


if __name__ == "__main__":
    main()
