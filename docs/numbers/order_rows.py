r"""Train CHAIN with several settings on sets whose class is the order of frames; print P@1.

    python docs/numbers/order_rows.py build/order/directions.h5 --row "order.weight=0.3" \
        --row "views.mode=segment hash.init=random"

Trains on `train` without labels; every clip of `test` asks all others, as in `order_probe.py`.
Prints a line of JSON for each row: the mean of all seeds, the history's last row, CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from order_probe import Clips, mean_of, read, retrieval

import chainpipe

WATCHED = ("order_accuracy", "order_chance", "val_order_accuracy", "contrastive")


def settings(words: str) -> dict[str, Any]:
    """Return the settings of ``key=value key=value``; JSON values, other words as they are."""
    pairs = [word.split("=", 1) for word in words.split()]
    return {key: _value(value) for key, value in pairs}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def score(path: Path, clips: Clips, row: dict[str, Any], *, bits: int, seed: int) -> dict[str, Any]:
    """Train one model and return its scores on the test clips."""
    start = time.process_time()
    model = chainpipe.train(path, bits=bits, seed=seed, config=row)
    cpu = time.process_time() - start
    codes = model.encode(path)
    signs = np.unpackbits(codes.packed, axis=1, bitorder="little")[:, :bits]
    test = ~clips.train
    rows = signs[test].astype(np.float32) * 2 - 1
    found = retrieval(rows, clips.labels[test], clips.looks[test])
    last = model.history[-1] if model.history else {}
    return {**found, **{name: last[name] for name in WATCHED if name in last}, "CPU s": cpu}


def main() -> None:
    """Train the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--row", action="append", default=[], help="settings, key=value each")
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    clips = read(asked.store)[1]
    warnings.simplefilter("ignore")
    for words in asked.row:
        row = settings(words)
        runs = [
            score(asked.store, clips, row, bits=asked.bits, seed=seed)
            for seed in range(asked.seeds)
        ]
        rounded = {name: round(value, 4) for name, value in mean_of(runs).items()}
        print(json.dumps({"row": words, **rounded}), flush=True)


if __name__ == "__main__":
    main()
