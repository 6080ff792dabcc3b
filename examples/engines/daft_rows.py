"""Codes of many videos with Daft: Daft schedules, chainpipe decodes and encodes.

Run ``python daft_rows.py VIDEOS MODEL OUT.parquet``; it needs ``pip install daft``.
"""

import sys
from pathlib import Path

import daft
from daft import DataType

import chainpipe


@daft.cls(max_concurrency=2, use_process=True)
class Encoder:
    """A worker: its decode process, backbone and model stay from one video to the next."""

    def __init__(self, model: str) -> None:
        self.model = chainpipe.load_model(model)

    @daft.method(return_dtype=DataType.binary())
    def code(self, path: str) -> bytes | None:
        """Return the packed code of a video; None where it cannot be read."""
        try:
            return chainpipe.encode_one(path, self.model).tobytes()
        except chainpipe.VideoReadError:
            return None


def encoded(paths: list[str], model: str) -> daft.DataFrame:
    """Return a table with a row a video."""
    encoder = Encoder(model)
    table = daft.from_pydict({"path": paths})
    return table.with_column("code", encoder.code(daft.col("path")))


if __name__ == "__main__":
    videos, model, out = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    encoded(sorted(map(str, videos.rglob("*.mp4"))), model).write_parquet(out)
