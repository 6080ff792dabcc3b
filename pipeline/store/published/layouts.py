"""Files of each published data set, and the splits of their videos.

Names as the public code reads them: https://github.com/huangmozhi9527/ConMH,
https://github.com/gimpong/AAAI25-S5VH, https://github.com/EliSpectre/CVPR25-AutoSSVH
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...records import Split


@dataclass(frozen=True, slots=True)
class Part:
    """One file of features, and the labels of its videos.

    Attributes:
        feats: HDF5 file with a data set ``feats``, (n, T, D).
        split: What its videos are for.
        labels: MATLAB file with their labels, ``None`` where none are published.
        key: Name of the matrix in it, (n, C).
    """

    feats: str
    split: Split
    labels: str | None = None
    key: str = "labels"


@dataclass(frozen=True, slots=True)
class Layout:
    """One data set: its name, which is that of the folder in the public code, and its parts."""

    name: str
    parts: tuple[Part, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that it consists of."""
        pairs = ((part.feats, part.labels) for part in self.parts)
        return tuple(name for pair in pairs for name in pair if name is not None)


def _train_and_test(name: str) -> Layout:
    parts = ((split, split.name.lower()) for split in (Split.TRAIN, Split.TEST))
    return Layout(
        name,
        tuple(
            Part(f"{name}_{word}_feats.h5", split, f"{name}_{word}_labels.mat")
            for split, word in parts
        ),
    )


LAYOUTS = (
    Layout(
        "fcv",
        (
            Part("fcv_train_feats.h5", Split.TRAIN),
            Part("fcv_test_feats.h5", Split.TEST, "fcv_test_labels.mat"),
        ),
    ),
    Layout(
        "activitynet",
        (
            Part("train_feats.h5", Split.TRAIN),
            Part("test_feats.h5", Split.DATABASE, "re_label.mat", "re_label"),
            Part("query_feats.h5", Split.QUERY, "q_label.mat", "q_label"),
        ),
    ),
    _train_and_test("ucf"),
    _train_and_test("hmdb"),
    Layout(
        "yfcc",
        (
            *(Part(f"yfcc_train_feats_{i}.h5", Split.TRAIN) for i in range(1, 10)),
            *(
                Part(f"yfcc_test_feats_{i}.h5", Split.DATABASE, f"yfcc_test_labels_{i}.mat")
                for i in (1, 2)
            ),
            Part("query1000_feats.h5", Split.QUERY, "query1000_labels.mat"),
        ),
    ),
)


def layout_of(folder: Path) -> Layout | None:
    """Return the data set that a folder holds files of, ``None`` if it holds fewer than two.

    Args:
        folder: Any path; a zarr store or a part of one is never a published set.
    """
    if not folder.is_dir() or (folder / "zarr.json").exists():
        return None
    present = {one.name for one in folder.iterdir()}
    found = max(LAYOUTS, key=lambda layout: len(present & {*layout.files}))
    return found if len(present & {*found.files}) >= 2 else None
