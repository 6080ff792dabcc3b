"""Make all sets of the goal table, measure any method on them, and draw the table.

    python docs/numbers/real_world.py prepare --stills STILLS --videos CLIPS --tools TOOLS --out D
    python docs/numbers/real_world.py choosing --out D --to C
    python docs/numbers/real_world.py measure --out C --listed C/classes.txt --sets 'new-*'
    python docs/numbers/real_world.py measure --out D --method pca-itq --workers 2
    python docs/numbers/real_world.py measure --out D --method cosine
    python docs/numbers/real_world.py measure --out D --name chain --workers 2
    python docs/numbers/real_world.py measure --out D --name 'chain, order' --set order.weight=0.3
    python docs/numbers/real_world.py measure --out D --name 'share 0.5' --joined 0.5 --sets 'new-*'
    python docs/numbers/real_world.py compare --out D --row 'chain, order' --to chain
    python docs/numbers/real_world.py report --out D

`measure` keeps finished runs; `report` writes real-world.md, .png and .csv. Rows called `share ...`
are joined by a line in its picture of own kind against new content.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from fnmatch import fnmatch
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is imported

import real_prepare
import real_report
from real_results import COSINE, Result, Results
from real_runs import Run, run_one, warm_up
from real_sets import SETS

from chainpipe.hashing.config.overrides import apply, parse_assignments
from chainpipe.hashing.experiments.class_split import read_classes
from chainpipe.hashing.methods.registry import METHODS
from chainpipe.pipeline.errors import ChainpipeError

HERE = Path(__file__).parent
TUNING = HERE / "tuning-classes.txt"


def planned(asked: argparse.Namespace) -> list[Run]:
    """Return the runs that are asked for and not finished.

    Raises:
        SystemExit: If a finished run of the same name has other settings.
    """
    names = [name for name in SETS if any(fnmatch(name, each) for each in asked.sets)]
    finished, listed = Results(asked.out), tuple(read_classes(asked.listed))
    runs = [
        Run(
            row=asked.name or asked.method,
            set=name,
            bits=bits,
            seed=seed,
            method=asked.method,
            values=parse_assignments(asked.set),
            paper=asked.paper,
            joined=asked.joined,
            folder=asked.out,
            listed=listed,
        )
        for name in names
        for bits in ([0] if asked.method == COSINE else asked.bits)
        for seed in (_seeds_of_cosine(name, asked.seeds) if asked.method == COSINE else asked.seeds)
    ]
    kept = [run for run in runs if run.key in finished and not asked.restart]
    for run in kept:
        if finished.made(run.key) != run.made():
            hint = "give another `--name`, or measure it again by `--restart`"
            sys.exit(f"error: {run} has other settings\n\nhint: {hint}")
    print(f"{len(runs) - len(kept)} runs, {len(kept)} finished before", flush=True)
    if old := sum(not finished.is_current(run.key) for run in kept):
        print(f"warning: {old} of them by other code; `--restart` measures them again", flush=True)
    done = {run.key for run in kept}
    return [run for run in runs if run.key not in done]


def _seeds_of_cosine(name: str, seeds: Sequence[int]) -> Sequence[int]:
    """Return the seeds whose videos differ: cosine trains nothing."""
    return seeds if name.startswith("copies") else seeds[:1]


def measure(asked: argparse.Namespace) -> None:
    """Run what is missing and print each result."""
    if values := parse_assignments(asked.set):
        if asked.method == COSINE or METHODS[asked.method].config is None:
            sys.exit(f"error: `{asked.method}` has no settings\n\nhint: leave out `--set`")
        apply(METHODS[asked.method].config, values)  # misspelt keys, before anything runs
    runs = planned(asked)
    for done, result in enumerate(_results(runs, workers=asked.workers), 1):
        found = ", ".join(
            f"{name} {scores.map20.mean():.3f} (P@1 {scores.first.mean():.3f})"
            for name, scores in result.scores.items()
        )
        who = f"{result.row}: {result.set}, {result.bits} bits, seed {result.seed}"
        note = f", {result.note}" if result.note else ""
        cost = f"{result.cpu:.0f} CPU s, {result.epochs} epochs{note}"
        print(f"{done}/{len(runs)} {who}: {found}; {cost}", flush=True)


def _results(runs: Sequence[Run], *, workers: int) -> Iterator[Result]:
    """Yield each run's result as soon as it is written; one worker is this process."""
    if workers == 1 or len(runs) < 2:
        warm_up()
        yield from map(run_one, runs)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=warm_up) as pool:
        for future in as_completed([pool.submit(run_one, run) for run in runs]):
            yield future.result()


def numbers(text: str) -> list[int]:
    """Read numbers with commas between."""
    return [int(each) for each in text.split(",")]


def main(words: Sequence[str] | None = None) -> None:
    """Read the command line, or ``words``, and do it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    make = verbs.add_parser("prepare", help="make clips and stores")
    for name in ("stills", "videos", "tools"):
        make.add_argument(f"--{name}", type=Path, required=True)
    half = verbs.add_parser("choosing", help="make sets of the listed classes, to choose on")
    half.add_argument("--to", type=Path, required=True, help="folder of these sets")
    half.add_argument("--listed", type=Path, default=TUNING, help="classes chosen on")
    look = verbs.add_parser("measure", help="train, encode, score")
    look.add_argument("--sets", nargs="+", default=["*"], help=f"patterns of {', '.join(SETS)}")
    look.add_argument("--bits", type=numbers, default=[16, 32, 64], help="16,32,64")
    look.add_argument("--seeds", type=numbers, default=[0, 1, 2, 3, 4], help="0,1,2,3,4")
    look.add_argument("--method", choices=[*METHODS, COSINE], default="chain")
    look.add_argument("--paper", action="store_true", help="the method's published preset")
    look.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    look.add_argument(
        "--joined", type=float, default=0.0, help="share of PCA-ITQ bits, trained apart"
    )
    look.add_argument("--name", help="name of the row, by default the method's")
    look.add_argument("--restart", action="store_true", help="measure finished runs again")
    look.add_argument("--listed", type=Path, default=TUNING, help="classes chosen on")
    draw = verbs.add_parser("report", help="write the page, the picture and the CSV")
    draw.add_argument("--row", default="chain", help="the row that the goals are of")
    draw.add_argument("--frontier", nargs="+", default=["share *"], help="patterns of rows")
    draw.add_argument("--page", type=Path, default=HERE, help="folder of the page")
    two = verbs.add_parser("compare", help="paired differences of two rows, with intervals")
    two.add_argument("--row", default="chain")
    two.add_argument("--to", default="pca-itq", help="the other row")
    for verb in (make, half, look, draw, two):
        verb.add_argument("--out", type=Path, required=True, help="folder of stores and results")
    for verb in (make, look):
        verb.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args(words)
    try:
        if asked.verb == "prepare":
            real_prepare.prepare(
                asked.stills, asked.videos, asked.tools, asked.out, workers=asked.workers
            )
        elif asked.verb == "choosing":
            real_prepare.write_choosing_sets(asked.out, read_classes(asked.listed), asked.to)
        elif asked.verb == "measure":
            measure(asked)
        elif asked.verb == "compare":
            print("\n".join(real_report.compare(asked.out, row=asked.row, other=asked.to)))
        else:
            real_report.report(asked.out, asked.page, row=asked.row, frontier=asked.frontier)
    except ChainpipeError as error:
        sys.exit(f"error: {error}\n\nhint: {error.hint}")


if __name__ == "__main__":
    main()
