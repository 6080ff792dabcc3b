"""One extraction for each failing operation of a disk; run by test_disk with the disk preloaded.

Everything is loaded once; each extraction runs in a fork. A line of JSON tells how one ended: how
many operations it made, its exit code, and what it said.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path

from chainpipe.pipeline.errors import ChainpipeError
from chainpipe.pipeline.extraction import output
from chainpipe.pipeline.extraction.extract import extract
from chainpipe.pipeline.extraction.options import ExtractOptions
from tests.faults.runner import Quarters

FOREVER = 1 << 40


def main() -> None:
    """Answer each line of stdin (out, first and last failing operation, errno) with one line."""
    output.SHARD_VIDEOS = 1
    source = Path(sys.argv[1])
    for line in sys.stdin:
        if os.fork() == 0:
            _extract(source, *json.loads(line))
        os.wait()


def _extract(source: Path, out: str, first: int, last: int, number: int) -> None:
    disk = ctypes.CDLL(None)
    options = ExtractOptions.of(source, Path(out), frames=3, workers=1)
    os.environ["FAILING_DISK_FOLDER"] = str(Path(out).parent)
    disk.disk_fail(ctypes.c_long(first), ctypes.c_long(last), number)
    try:
        code, words = extract(options, backbone=Quarters()).exit_code, ""
    except ChainpipeError as error:
        code, words = error.exit_code, str(error)
    except BaseException as error:
        code, words = 1, repr(error)
    calls = disk.disk_calls()
    disk.disk_fail(ctypes.c_long(-1), ctypes.c_long(-1), 0)
    print(json.dumps({"calls": calls, "code": code, "words": words}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
