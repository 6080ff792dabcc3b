"""Extracts a folder with a backbone slow enough to be killed midway; run by test_extract_kill."""

import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline import run
from pipeline.errors import ChainpipeError
from pipeline.extract import extract
from pipeline.interrupt import Interrupted
from pipeline.options import ExtractOptions


class Slow:
    """A frame's mean colour, thought over for a while."""

    name = "slow"
    size = 32
    dim = 3
    weights_sha256 = "0" * 64
    normalization = "none"

    def embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        time.sleep(0.05)
        return pixels.mean(axis=(1, 2), dtype=np.float32)


def main(source: str, out: str) -> int:
    run.SHARD_VIDEOS = 1  # every video is a commit
    options = ExtractOptions(Path(source), Path(out), frames=3, workers=2)
    try:
        return extract(options, backbone=Slow()).exit_code
    except (ChainpipeError, Interrupted) as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
