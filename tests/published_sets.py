"""Small files in exactly the layout of the published data sets, with planted classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from scipy.io import savemat

FRAMES, DIM, CLASSES = 6, 10, 4
SETS: dict[str, dict[str, tuple[int, str | None, str]]] = {
    "fcv": {
        "fcv_train_feats.h5": (40, None, ""),
        "fcv_test_feats.h5": (30, "fcv_test_labels.mat", "labels"),
    },
    "activitynet": {
        "train_feats.h5": (40, None, ""),
        "test_feats.h5": (30, "re_label.mat", "re_label"),
        "query_feats.h5": (10, "q_label.mat", "q_label"),
    },
    "ucf": {
        "ucf_train_feats.h5": (40, "ucf_train_labels.mat", "labels"),
        "ucf_test_feats.h5": (12, "ucf_test_labels.mat", "labels"),
    },
    "hmdb": {
        "hmdb_train_feats.h5": (40, "hmdb_train_labels.mat", "labels"),
        "hmdb_test_feats.h5": (12, "hmdb_test_labels.mat", "labels"),
    },
    "yfcc": {
        **{f"yfcc_train_feats_{i}.h5": (5, None, "") for i in range(1, 10)},
        "yfcc_test_feats_1.h5": (15, "yfcc_test_labels_1.mat", "labels"),
        "yfcc_test_feats_2.h5": (14, "yfcc_test_labels_2.mat", "labels"),
        "query1000_feats.h5": (8, "query1000_labels.mat", "labels"),
    },
}
"""For each set, its feature files: videos, file of the labels and the matrix's name."""


def write_set(folder: Path, name: str, *, dtype: str = "float32") -> dict[str, npt.NDArray[Any]]:
    """Write a whole set; return each file's content by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    centres = 3 * rng.normal(size=(CLASSES, 1, DIM))
    written: dict[str, npt.NDArray[Any]] = {}
    for file, (count, label_file, key) in SETS[name].items():
        kinds = rng.integers(0, CLASSES, count)
        noise = rng.normal(size=(count, 1, DIM)) + rng.normal(size=(count, FRAMES, DIM))
        written[file] = (centres[kinds] + noise).astype(dtype)
        write_feats(folder / file, written[file])
        if label_file is not None:
            written[label_file] = np.eye(CLASSES)[kinds]
            savemat(folder / label_file, {key: written[label_file]})
    return written


def write_feats(path: Path, feats: npt.NDArray[Any], key: str = "feats") -> None:
    """Write one file of features as the public code's own do."""
    with h5py.File(path, "w") as file:
        file[key] = feats
