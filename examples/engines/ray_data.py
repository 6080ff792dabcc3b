"""Frame features of many videos with Ray Data: Ray schedules, chainpipe decodes.

Run ``python ray_data.py VIDEOS OUT.parquet``; it needs ``pip install 'ray[data]'``.
"""

import sys
from pathlib import Path

import numpy as np
import ray
from ray.data import ActorPoolStrategy, Dataset

import chainpipe

BATCH = 4  # videos a call: what is lost when a worker dies


class Extractor:
    """An actor: its decode process and its backbone stay from one batch to the next."""

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Add the features of each video, (B, T * D), and why it has none."""
        features, status = [], []
        for path in batch["path"]:
            try:
                features.append(chainpipe.extract_one(path).ravel())
                status.append("ok")
            except chainpipe.VideoReadError as error:
                features.append(np.zeros(0, np.float16))
                status.append(error.status)
        held = np.empty(len(features), object)  # rows of different lengths
        held[:] = features
        return {**batch, "features": held, "status": np.array(status)}


def extracted(paths: list[str], actor: type = Extractor, workers: int = 2) -> Dataset:
    """Return a dataset with a row a video; a worker that dies is replaced, its batch done again."""
    blocks = -(-len(paths) // BATCH)
    rows = ray.data.from_items([{"path": path} for path in paths], override_num_blocks=blocks)
    pool = ActorPoolStrategy(size=workers)
    return rows.map_batches(actor, batch_size=BATCH, compute=pool)


if __name__ == "__main__":
    videos, out = Path(sys.argv[1]), sys.argv[2]
    extracted(sorted(map(str, videos.rglob("*.mp4")))).write_parquet(out)
