"""Draw docs/flow.png: one real query of the demo on its way from frames to answers.

Run `make demo` first, then `make docs`.
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt

from chainpipe.hashing.retrieval.bitpack import unpack
from chainpipe.hashing.retrieval.codes import read_codes
from chainpipe.pipeline.decode import DecodeWorker, FrameRequest
from chainpipe.pipeline.store import open_store

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PICTURE = Path(__file__).with_name("flow.png")
DEMO = Path("demo")
QUERY = b"temple/03.mp4"
SHOWN, SIZE = 3, 144  # frames drawn of the 25, pixels of each
FEATURES = 160  # of the 1280 numbers of a frame
WIDTHS = [SHOWN, 1.9, 1.6, SHOWN]
TITLES = [
    "25 frames (three of them)",
    "features, 25 x 1280",
    "codes, 32 bits",
    "nearest by Hamming distance",
]


def answers(codes: npt.NDArray[np.uint8], row: int) -> npt.NDArray[np.int64]:
    """Return all rows by (distance, row) from one."""
    distance = np.bitwise_count(codes ^ codes[row]).sum(axis=1)
    return np.argsort(distance, kind="stable")


def draw(figure: Figure) -> None:
    """Draw the four steps side by side."""
    codes = read_codes(DEMO / "models" / "chain-32" / "codes.npz")
    boxes = figure.add_gridspec(1, 4, width_ratios=WIDTHS, left=0.01, right=0.99, wspace=0.12)
    axes = [figure.add_subplot(box) for box in boxes]
    with open_store(DEMO / "feats.h5") as store, DecodeWorker() as decoder:
        row = store.videos.paths.index(QUERY)
        folder = Path(store.root.decode())
        order = [r for r in answers(codes.packed, row) if r != row]
        request = FrameRequest(frames=SHOWN, size=SIZE)
        frames = decoder.read(folder / QUERY.decode(), request).pixels
        strip(axes[0], frames)
        features = store.features(slice(row, row + 1))[0].astype(np.float32)
        axes[1].imshow(features[:, :FEATURES], aspect="auto", cmap="magma", vmax=2)
        bits = unpack(codes.packed[[row, *order[:3], order[-1]]], 32)
        axes[2].imshow(bits, aspect="auto", cmap="binary")
        one = FrameRequest(frames=1, size=SIZE)
        found = [store.videos.paths[r].decode() for r in order[:SHOWN]]
        strip(axes[3], np.stack([decoder.read(folder / path, one).pixels[0] for path in found]))
    for axis, title in zip(axes, TITLES, strict=True):
        axis.set_title(title, fontsize=11)
        axis.set_xticks([])
        axis.set_yticks([])


def strip(axis: Axes, pictures: npt.NDArray[np.uint8]) -> None:
    """Draw pictures beside each other."""
    axis.imshow(np.concatenate(list(pictures), axis=1))
    axis.set_frame_on(False)


if __name__ == "__main__":
    figure = plt.figure(figsize=(13, 1.75), dpi=110, layout="constrained")
    draw(figure)
    figure.savefig(PICTURE)
    print(json.dumps({"picture": str(PICTURE), "bytes": PICTURE.stat().st_size}))
