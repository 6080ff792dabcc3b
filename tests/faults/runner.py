"""One extraction with a backbone of no weight, started by a test that is going to hurt it.

It says `ready` when everything is loaded, and begins when its stdin ends. Each frame that it
embeds is one line of its log: the process, and the frame's feature in hexadecimal.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import ChainpipeError
from chainpipe.pipeline.extraction import output
from chainpipe.pipeline.extraction.extract import extract
from chainpipe.pipeline.extraction.options import ExtractOptions
from chainpipe.pipeline.extraction.signals import Interrupted


class Quarters:
    """The mean colours of a frame's quarters, D = 12, thought over for ``pause`` seconds."""

    name = "quarters"
    size = 32
    dim = 12
    weights_sha256 = "0" * 64
    normalization = "none"

    def __init__(self, log: Path | None = None, *, pause: float = 0.0) -> None:
        self._pause = pause
        self._log = None if log is None else os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return features of frames, (n, 12)."""
        time.sleep(self._pause)
        quarters = pixels.reshape(-1, 2, 16, 2, 16, 3).mean(axis=(2, 4), dtype=np.float32)
        features = quarters.reshape(-1, 12)
        if self._log is not None:
            lines = (f"{os.getpid()} {row.astype('f2').tobytes().hex()}\n" for row in features)
            os.write(self._log, "".join(lines).encode())
        return features


def main(source: str, out: str, log: str, pause: str, workers: str) -> int:
    """Extract ``source``; return what the command would exit with."""
    output.SHARD_VIDEOS = 1  # every video is a commit
    options = ExtractOptions.of(Path(source), Path(out), frames=3, workers=int(workers))
    print("ready", flush=True)
    sys.stdin.read()
    try:
        return extract(options, backbone=Quarters(Path(log), pause=float(pause))).exit_code
    except (ChainpipeError, Interrupted) as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
