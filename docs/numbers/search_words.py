"""Count what `search` says of queries: copies, the same scenes, similar, nothing near.

    python docs/numbers/search_words.py --model models/lib-pca-itq-64 pictures=stills/ clips=new/

Each folder's videos and pictures ask; a line of a Markdown table is printed for each folder and
distance. Queries count by the strongest word among their answers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

from chainpipe.hashing.retrieval.answers import COPY, SAME_SCENES, SIMILAR
from chainpipe.hashing.retrieval.distance_names import HAMMING, RERANK

STRENGTH = (COPY, SAME_SCENES, SIMILAR, None)
HEADS = ("queries", "distance", "count", "copy", "same scenes", "similar", "nothing near")
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def counts(folder: Path, model: Path, distance: str) -> tuple[int, Counter[str | None]]:
    """Search by every file of a folder; return how many asked, and their strongest words."""
    pictures = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    asked = [str(path) for path in pictures] or [str(folder)]
    words = ["search", *asked, "--model", str(model), "--distance", distance, "--json"]
    done = subprocess.run([sys.executable, "-m", "chainpipe", *words], stdout=subprocess.PIPE)
    if done.returncode not in (0, 3):
        raise SystemExit(done.returncode)
    found: dict[str, set[str | None]] = defaultdict(set)
    for line in map(json.loads, done.stdout.splitlines()):
        found[line["query"]].add(line["answer"])
    best = [next(word for word in STRENGTH if word in said) for said in found.values()]
    return len(found), Counter(best)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--model", type=Path, required=True)
    asked = parser.parse_args()
    print("| " + " | ".join(HEADS) + " |\n|---|---|" + "---:|" * (len(HEADS) - 2))
    for name, _, folder in (one.partition("=") for one in asked.folders):
        for distance in (RERANK, HAMMING):
            total, found = counts(Path(folder), asked.model, distance)
            cells = [f"{found[word]}" for word in STRENGTH]
            print(f"| {name} | {distance} | {total} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
