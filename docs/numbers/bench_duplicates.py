"""Measure the second check beside rivals on made copies with computed truth.

    python docs/numbers/bench_duplicates.py prepare --clips FOLDER... --tools FOLDER --out SET
    python docs/numbers/bench_duplicates.py unseen --set SET --out OTHER
    python docs/numbers/bench_duplicates.py measure SET... [--with SET]
    python docs/numbers/bench_duplicates.py growth
    python docs/numbers/bench_duplicates.py report

`prepare` needs `make_copies.py` in the folder of tools: it makes the videos, and extracts them.
`unseen` puts edits on a set's originals that `make_copies.py` does not know.
"""

from __future__ import annotations

import argparse
import csv
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from duplicate_rivals import (
    NEAR_PDQ,
    NEAR_PHASH,
    collage_hash,
    frame_hashes,
    grey_pictures,
    matched_share,
)
from duplicate_sets import KINDS, MadeSet, make_unseen, read_set

from chainpipe.api.duplicates import find_duplicates
from chainpipe.hashing.matching.candidates import pairs_by_codes, pairs_by_vectors
from chainpipe.hashing.matching.information import frame_reasons
from chainpipe.hashing.matching.quick_filter import likely, moving
from chainpipe.hashing.matching.records import FrameSequence, Relation, Verdict
from chainpipe.hashing.matching.second_check import SecondCheck
from chainpipe.hashing.matching.space import unit
from chainpipe.hashing.methods.pca_itq import fit_pca_itq
from chainpipe.hashing.models.pca import mean_covariance
from chainpipe.pipeline.store import open_store

HERE = Path(__file__).parent
ROWS, GROWTH = HERE / "duplicates.csv", HERE / "duplicates-growth.csv"
PRECISION = 0.99
NEGATIVE = ("different", "take", "retake", "intro", "start", "template", "shares-a-little", "near")
CALLED = (Relation.COPY, Relation.PART_OF)
Scores = npt.NDArray[np.float64]
Pairs = npt.NDArray[np.int64]


def recalls(scores: Scores, kinds: npt.NDArray[np.str_], made: MadeSet) -> dict[str, float]:
    """Return recall at a precision of .99 over all pairs, and above every negative.

    A true answer is a copy and its unedited original; two copies of one original are left out, so
    that they do not thin out wrong answers.
    """
    order = np.argsort(-scores, kind="stable")
    right = np.isin(kinds[order], ["single", "triple"])
    wrong = np.isin(kinds[order], [*NEGATIVE, "blank"])
    precision = right.cumsum() / np.maximum(right.cumsum() + wrong.cumsum(), 1)
    enough = np.flatnonzero((precision >= PRECISION) & right)
    last = scores[order[enough[-1]]] if len(enough) else np.inf
    top = scores[np.isin(kinds, [*NEGATIVE, "blank"])].max(initial=-np.inf)
    found = {}
    for kind in ("single", "triple"):
        total = max(made.totals[kind], 1)
        found[f"{kind} at .99"] = float(((kinds == kind) & (scores >= last)).sum() / total)
        found[f"{kind} above all"] = float(((kinds == kind) & (scores > top)).sum() / total)
    return found


def all_pairs(count: int) -> Pairs:
    """Return all pairs of rows, (P, 2)."""
    return np.stack(np.triu_indices(count, 1), axis=1)


def rival_scores(made: MadeSet) -> dict[str, Callable[[int, int], float]]:
    """Return a score of each pair of rows for each rival."""
    pictures = [grey_pictures(path) for path in made.files]
    pdq = [frame_hashes(video, 16) for video in pictures]
    phash = [frame_hashes(video, 8) for video in pictures]
    collages = [collage_hash(video) for video in pictures]
    means = made.features.mean(axis=1)
    vectors = unit(means - means.mean(axis=0))
    return {
        "vPDQ's rule": lambda i, j: matched_share(pdq[i], pdq[j], NEAR_PDQ),
        "pHash votes of 25 frames": lambda i, j: matched_share(phash[i], phash[j], NEAR_PHASH),
        "collage hash": lambda i, j: -float((collages[i] != collages[j]).sum()),
        "cosine of means": lambda i, j: float(vectors[i] @ vectors[j]),
    }


def candidates(made: MadeSet, check: SecondCheck) -> dict[str, Pairs]:
    """Return the candidates of each way to find them."""
    means = made.features.mean(axis=1)
    covariance = mean_covariance([made.features.reshape(-1, made.features.shape[2])]).covariance
    bits = fit_pca_itq(means, 64, seed=0, frame_covariance=lambda: covariance)
    codes = np.packbits(bits.encode(made.features), axis=1, bitorder="little")
    found = {
        "floats, 50 nearest": pairs_by_vectors(unit(means - means.mean(axis=0))),
        "PCA-ITQ's 64 bits, 50 nearest or within 16": pairs_by_codes(codes),
    }
    keys = {int(i) * len(means) + int(j) for pairs in found.values() for i, j in pairs}
    every = np.array(sorted(keys))
    found["both"] = np.stack([every // len(means), every % len(means)], axis=1)
    return found


def measure(made: MadeSet, rows: list[dict[str, object]], *, rivals: bool) -> None:
    """Measure all rows of one set."""

    def note(row: str, **values: float | str) -> None:
        print(made.name, row, values, flush=True)
        rows.extend(
            {"set": made.name, "row": row, "what": k, "value": v} for k, v in values.items()
        )

    with open_store(made.store) as store:
        check = SecondCheck.fit(store)
    note("set", videos=len(made.names), **{k: made.totals[k] for k in KINDS})
    told = np.array([bool(reason) for reason in frame_reasons(made.features, check.space)])
    apart = (made.blank > 0) | told
    note("set apart", empty=int((apart & made.empty).sum()), of=int(made.empty.sum()),
         others=int((apart & ~made.empty).sum()))  # fmt: skip
    ways = candidates(made, check)
    for name, pairs in ways.items():
        kinds = np.array([made.kind(i, j) for i, j in pairs])
        shares = {k: float((kinds == k).sum() / max(made.totals[k], 1)) for k in KINDS[:4]}
        note(f"candidates: {name}", pairs=len(pairs), **shares)
    pairs = ways["floats, 50 nearest"]
    pairs = pairs[~apart[pairs[:, 0]] & ~apart[pairs[:, 1]]]
    projected = check.space.project(made.features)
    moved = moving(projected)
    started = time.process_time()
    worth, total = likely(moved, pairs), len(pairs)
    each = (time.process_time() - started) / max(len(pairs), 1)
    videos = [
        FrameSequence(projected[i], made.seconds[i], float(made.durations[i]))
        for i in range(len(made.names))
    ]
    started = time.process_time()
    verdicts = [check.compare_projected(videos[i], videos[j]) for i, j in worth]
    spent = (time.process_time() - started) / max(len(worth), 1)
    kept = {(int(i), int(j)) for i, j in worth}
    dropped = [(i, j) for i, j in pairs if (i, j) not in kept and made.kind(i, j) in KINDS]
    lost = [check.compare_projected(videos[i], videos[j]) for i, j in dropped]
    pairs, kinds = worth, np.array([made.kind(i, j) for i, j in worth])
    called = [v.relation in CALLED for v, k in zip(verdicts, kinds, strict=True) if k in KINDS]
    missed = sum(v.relation in CALLED for v in lost)
    note("filter", kept=len(worth) / max(total, 1), microseconds=each * 1e6,
         lost=missed / max(sum(called) + missed, 1))  # fmt: skip
    note("second check", milliseconds=spent * 1e3)
    scores = np.array([score_of(v) for v in verdicts])
    note("second check", **recalls(scores, kinds, made), **answers(verdicts, kinds, made))
    for recheck in (False, True):
        measure_command(made, note, recheck=recheck)
    if rivals:
        measure_rivals(made, apart, note)


def measure_command(made: MadeSet, note: Callable[..., None], *, recheck: bool) -> None:
    """Measure what the command answers, its groups aside: ``dedup`` and ``dedup --recheck``."""
    name = "dedup --recheck" if recheck else "dedup"
    row = {str(path): number for number, path in enumerate(made.files)}
    started = time.process_time() + _children()
    found = find_duplicates(made.store, against=made.beside, recheck=recheck)
    spent = time.process_time() + _children() - started
    roots = [open_root(made.store), open_root(made.beside or made.store)]
    pairs, relations = [], []
    for pair in found.pairs:
        ends = [row.get(str(root / pair[end])) for root, end in zip(roots, "ab", strict=True)]
        if None not in ends:
            pairs.append(sorted(end for end in ends if end is not None))
            relations.append(pair["answer"])
    both, said = np.array(pairs, np.int64).reshape(-1, 2), np.array(relations, np.str_)
    kinds = np.array([made.kind(i, j) for i, j in both], np.str_)
    copies = said == "copy"
    right = int((copies & np.isin(kinds, ["single", "triple", "sibling"])).sum())
    wrong = int((copies & np.isin(kinds, [*NEGATIVE, "blank"])).sum())
    called = np.isin(said, [one.value for one in CALLED])
    note(name, precision=right / max(right + wrong, 1), right=right, wrong=wrong,
         blanks=int((called & (kinds == "blank")).sum()), **shares_of(said, kinds, made),
         seconds=spent / len(made.names))  # fmt: skip
    for kind in ("single", "triple"):
        of: dict[str, list[bool]] = {}
        hits = {(int(i), int(j)) for i, j in both[copies]}
        for i, j in made.pairs_of(kind):
            for edit in made.edits(i, j):
                of.setdefault(edit, []).append((i, j) in hits)
        note(f"{name}, {kind} by edit", **{e: float(np.mean(v)) for e, v in sorted(of.items())})


def _children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def open_root(store: Path) -> Path:
    """Return the folder of a store's videos."""
    with open_store(store) as opened:
        return Path(opened.root.decode())


def measure_rivals(made: MadeSet, apart: npt.NDArray[np.bool_], note: Callable[..., None]) -> None:
    """Measure the rules of others over all pairs, with blank videos and without them."""
    lively = ~made.empty & ~apart
    every = all_pairs(len(made.names))
    every_kinds = np.array([made.kind(i, j) for i, j in every])
    left = lively[every[:, 0]] & lively[every[:, 1]]
    for name, score in rival_scores(made).items():
        found = np.array([score(i, j) for i, j in every])
        note(name, **recalls(found, every_kinds, made))
        note(f"{name}, blanks left out", **recalls(found[left], every_kinds[left], made))


def score_of(verdict: Verdict) -> float:
    """Return the score of a pair, lower where it is named otherwise than a copy."""
    if verdict.alignment is None:
        return -1.0
    named = verdict.relation is not Relation.COPY and verdict.reason.startswith("the same cuts")
    return verdict.alignment.score - 0.1 * named


def answers(
    verdicts: list[Verdict], kinds: npt.NDArray[np.str_], made: MadeSet
) -> dict[str, float]:
    """Return what was called copy or part of, by kind, with the limits as they are."""
    return shares_of(np.array([v.relation.value for v in verdicts]), kinds, made)


def shares_of(
    relations: npt.NDArray[np.str_], kinds: npt.NDArray[np.str_], made: MadeSet
) -> dict[str, float]:
    """Return which share of each kind was called what; of negatives, how many."""
    found = {}
    for kind in ("single", "triple", "sibling", *NEGATIVE):
        said = int(((relations == "copy") & (kinds == kind)).sum())
        wrong = kind in NEGATIVE
        found[f"{kind} called copy"] = said if wrong else said / max(made.totals[kind], 1)
    for kind in ("part-of", "part-of edited"):
        said = int(((relations == "part-of") & (kinds == kind)).sum())
        found[f"{kind} called part of"] = said / max(made.totals[kind], 1)
    others = np.isin(kinds, NEGATIVE)
    found["others called part of"] = int(((relations == "part-of") & others).sum())
    return found


def growth(sizes: list[int]) -> list[dict[str, float]]:
    """Measure candidates and filter on made videos: clusters of related ones, 25 frames of 256."""
    from chainpipe.hashing.matching.alignment import align

    found = []
    for count in sizes:
        rng = np.random.default_rng(0)
        scenes = rng.standard_normal((max(1, count // 20), 64)).astype(np.float32)
        lift = rng.standard_normal((64, 256)).astype(np.float32) / 8
        held = np.empty((count, 25, 256), np.float16)
        for row in range(count):
            path = rng.standard_normal((25, 64)).astype(np.float32).cumsum(axis=0) * 0.15
            held[row] = unit((scenes[row % len(scenes)] + path) @ lift)
        started = time.process_time()
        means = unit(np.concatenate([
            held[at : at + 1024].astype(np.float32).mean(axis=1) for at in range(0, count, 1024)
        ]))  # fmt: skip
        axes = np.linalg.qr(rng.standard_normal((256, 64)))[0].astype(np.float32)
        codes = np.packbits((means - means.mean(axis=0)) @ axes >= 0, axis=1)
        pairs = pairs_by_codes(codes)
        searched = time.process_time()
        moved = np.concatenate([moving(held[at : at + 1024]) for at in range(0, count, 1024)])
        worth = likely(moved, pairs)
        filtered = time.process_time()
        clock = np.arange(25.0) + 0.5
        some = worth[:: max(1, len(worth) // 500)]
        checked = time.process_time()
        for i, j in some:
            a, b = (FrameSequence(held[k].astype(np.float32), clock, 25.0) for k in (i, j))
            align(a, b)
        each = (time.process_time() - checked) / max(len(some), 1)
        found.append({
            "videos": count,
            "candidate pairs": len(pairs),
            "pairs checked": len(worth),
            "CPU s candidates": round(searched - started, 2),
            "CPU s filter": round(filtered - searched, 2),
            "ms a checked pair": round(each * 1e3, 3),
            "CPU min in all": round((filtered - started + each * len(worth)) / 60, 2),
            "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        })  # fmt: skip
        print(found[-1], flush=True)
    return found


def save(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows as CSV."""
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def prepare(arguments: argparse.Namespace) -> None:
    """Make a set of copies, and extract its features."""
    script = arguments.tools / "make_copies.py"
    words = ["--clips", *map(str, arguments.clips), "--out", str(arguments.out)]
    words += ["--seed", str(arguments.seed), "--originals", str(arguments.originals)]
    subprocess.run([sys.executable, str(script), *words, *arguments.rest], check=True)
    extract(arguments.out)


def extract(folder: Path) -> None:
    """Extract the features of a set's videos."""
    words = ["extract", str(folder / "videos"), "--out", str(folder / "feats.h5")]
    subprocess.run([sys.executable, "-m", "chainpipe", *words], check=True)


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("prepare")
    one.add_argument("--clips", type=Path, nargs="+", required=True)
    one.add_argument("--tools", type=Path, required=True)
    one.add_argument("--out", type=Path, required=True)
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--originals", type=int, default=24)
    one.add_argument("rest", nargs="*", help="after --: further options of make_copies.py")
    two = verbs.add_parser("unseen")
    two.add_argument("--set", type=Path, required=True)
    two.add_argument("--out", type=Path, required=True)
    three = verbs.add_parser("measure")
    three.add_argument("sets", type=Path, nargs="+")
    three.add_argument("--beside", type=Path, help="set whose videos an unseen one is put among")
    three.add_argument("--out", type=Path, default=ROWS)
    three.add_argument("--no-rivals", action="store_true")
    four = verbs.add_parser("growth")
    four.add_argument("--sizes", type=int, nargs="+", default=[1000, 3000, 10_000])
    verbs.add_parser("report")
    arguments = parser.parse_args()
    if arguments.verb == "prepare":
        prepare(arguments)
    elif arguments.verb == "unseen":
        make_unseen(arguments.set, arguments.out)
        extract(arguments.out)
    elif arguments.verb == "measure":
        rows: list[dict[str, object]] = []
        for folder in arguments.sets:
            made = read_set(folder, arguments.beside)
            measure(made, rows, rivals=not arguments.no_rivals)
            save(arguments.out, rows)
    elif arguments.verb == "growth":
        save(GROWTH, growth(arguments.sizes))
    else:
        from duplicate_report import write_report

        write_report(ROWS, GROWTH, HERE / "duplicates.md", HERE / "duplicates.png")


if __name__ == "__main__":
    main()
