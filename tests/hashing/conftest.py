"""Stores with planted truth, for the tests of stage two."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import count as numbers
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from chainpipe.pipeline.records import (
    AugmentationStatistics,
    Fingerprint,
    Reader,
    Split,
    Status,
    StoreMeta,
    VideoFeatures,
    VideoInfo,
)
from chainpipe.pipeline.store import write_store
from tests.hashing.database.servers import (
    MILVUS_REASON,
    milvus_python,
    running_milvus,
    running_postgresql,
)

MakeStore = Callable[..., Path]
_TABLES = numbers()


@pytest.fixture
def make_store(tmp_path: Path) -> MakeStore:
    """Return a function that writes features (N, T, D) as a store and returns its path."""

    def make(
        features: npt.NDArray[np.floating],
        *,
        name: str = "feats.h5",
        ids: Sequence[int] | None = None,
        splits: Sequence[Split] | None = None,
        labels: Sequence[str] | None = None,
        candidates: npt.NDArray[np.floating] | None = None,
        views: npt.NDArray[np.floating] | None = None,
        augmentation: AugmentationStatistics | None = None,
    ) -> Path:
        count, frames, dim = features.shape
        per_segment = 0 if candidates is None else candidates.shape[2]
        rows = (
            VideoFeatures(
                path=b"%04d.mp4" % i,
                video_id=hashlib.sha256(b"%d" % (i if ids is None else ids[i])).digest(),
                features=features[i].astype(np.float16),
                seconds=np.arange(frames, dtype=float),
                index=np.arange(frames),
                info=VideoInfo(float(frames), 1.0, 64, 48, frames),
                status=Status.OK,
                reader=Reader.EXACT,
                size=1,
                mtime_ns=1,
                labels=() if labels is None else (labels[i],),
                split=Split.NONE if splits is None else splits[i],
                **({} if candidates is None else _candidates(candidates[i])),
                views=None if views is None else views[i].astype(np.float16),
            )
            for i in range(count)
        )
        write_store(
            tmp_path / name,
            root=b"/videos",
            meta=StoreMeta(
                Fingerprint("cnn", "00", dim, "fit=crop"),
                frames,
                per_segment=per_segment,
                views=0 if views is None else views.shape[1],
            ),
            rows=rows,
            count=count,
            label_names=sorted(set(labels or [])),
            augmentation=augmentation,
            allow_nan=True,
        )
        return tmp_path / name

    return make


def _candidates(features: npt.NDArray[np.floating]) -> dict[str, npt.NDArray[np.generic]]:
    """Return candidates (T, C, D) as a row of a store holds them."""
    frames, count, _ = features.shape
    index = np.arange(frames * count).reshape(frames, count)
    return {
        "candidates": features.astype(np.float16),
        "candidate_seconds": index / count,
        "candidate_index": index,
    }


@pytest.fixture
def planted() -> npt.NDArray[np.float32]:
    """Return 40 videos of 4 classes, 9 frames x 12: class centre + video + frame, (40, 9, 12)."""
    return planted_features(40, 9, 12)


def planted_features(
    videos: int, frames: int, dim: int, *, classes: int = 4, seed: int = 0
) -> npt.NDArray[np.float32]:
    """Draw videos whose class is their number modulo ``classes``."""
    rng = np.random.default_rng(seed)
    centres = 3 * rng.normal(size=(classes, 1, dim))
    own = rng.normal(size=(videos, 1, dim))
    noise = rng.normal(size=(videos, frames, dim))
    return (centres[np.arange(videos) % classes] + own + noise).astype(np.float32)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a real PostgreSQL with pgvector."""
    with running_postgresql() as address:
        yield address


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``HOST:PORT`` of a real Milvus Lite."""
    if milvus_python() is None:
        pytest.skip(MILVUS_REASON)
    with running_milvus(tmp_path_factory.mktemp("milvus")) as address:
        yield address


@pytest.fixture
def table(postgresql: str) -> str:
    """The address of a table that is not there yet."""
    return f"{postgresql}&table=own_{next(_TABLES)}"
