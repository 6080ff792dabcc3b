"""Words find pictures: average precision of class names, by floats and by codes.

    python docs/numbers/text_search.py FOLDER [--out text-search.csv]

FOLDER holds a folder of pictures for each class; its name, with `_` as a space, is the query. A
picture is a video of one frame. AP is over all pictures, those of the class being right; classes
whose folder starts with `_` are never asked for. The model and the decoder learn from half of the
pictures (a seeded draw) and answers are taken from all, or both from all.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

import chainpipe
from chainpipe.hashing.retrieval.asymmetric import bit_weights
from chainpipe.hashing.retrieval.bitpack import unpack
from chainpipe.hashing.retrieval.feature_decoder import fit_decoder
from chainpipe.pipeline.backbones import build_backbone
from chainpipe.pipeline.backbones.texts import build_text_side

F32 = npt.NDArray[np.float32]
BITS, METHODS, SEEDS = (16, 32, 64), ("chain", "pca-itq"), range(3)
FIELDS = (
    "method",
    "bits",
    "seed",
    "learned_from",
    "unknown",
    "asked",
    "floats",
    "asymmetric",
    "hamming",
)


def features_of(files: list[Path]) -> F32:
    """Return the features of pictures, (N, 1280): shorter side to 224 pixels, centre crop."""
    backbone = build_backbone("cnn", threads=1)
    found = [backbone.embed(_square(file, backbone.size)[None])[0] for file in files]
    backbone.close()
    return np.array(found)


def _square(file: Path, size: int) -> npt.NDArray[np.uint8]:
    picture = Image.open(file).convert("RGB")
    scale = size / min(picture.size)
    width, height = (max(size, round(side * scale)) for side in picture.size)
    left, top = (width - size) // 2, (height - size) // 2
    resized = picture.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized.crop((left, top, left + size, top + size)))


def average_precision(scores: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> float:
    """Return the AP over all rows in the order (score, row)."""
    hits = right[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean())


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("text-search.csv"))
    options = parser.parse_args()
    files = sorted(options.folder.glob("*/*.jpg"))
    classes = np.array([file.parent.name for file in files])
    names = sorted({name for name in classes if not name.startswith("_")})
    means = features_of(files)
    matches = build_text_side("cnn:efficientnet-lite0").match([n.replace("_", " ") for n in names])
    unknown = [one.text for one in matches if not one.known]
    print("told as unknown, and asked by the nearest names:", ", ".join(unknown))
    directions = np.array([one.direction for one in matches])
    right = [classes == name for name in names]

    def score(found: npt.NDArray[np.floating]) -> float:
        """Return the mean AP over all names."""
        aps = [average_precision(line, hits) for line, hits in zip(found, right, strict=True)]
        return round(sum(aps) / len(names), 4)

    floats = score(directions @ means.T)
    with options.out.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(FIELDS)
        for bits in BITS:
            for method in METHODS:
                for seed in SEEDS:
                    for part in (1.0, 0.5):
                        rng = np.random.default_rng(seed)
                        rows = rng.permutation(len(files))[: int(len(files) * part)]
                        frames = means[:, None]
                        model = chainpipe.train(frames[rows], bits=bits, method=method, seed=seed)
                        codes = model.encode(frames)
                        decoder = fit_decoder([(codes.packed[rows], means[rows])], bits)
                        signs = np.where(unpack(codes.packed, bits), 1, -1)
                        weights = bit_weights(decoder.values(directions))
                        line = (
                            *(method, bits, seed, "all" if part == 1 else "half"),
                            *(len(unknown), len(names), floats),
                            *(score(weights @ signs.T), score(np.sign(weights) @ signs.T)),
                        )
                        table.writerow(line)
                        file.flush()
                        print(*line)


if __name__ == "__main__":
    main()
