"""The demo: run the commands on a folder of videos, compare methods, draw search results."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from chainpipe.pipeline.records import VideoTable
from chainpipe.pipeline.store import open_store

from ..methods.chain.method import NO_TASKS
from ..model_folder.folder import read_facts
from ..reporting.example_queries import example_rows, right_answers
from ..retrieval.codes import read_codes
from ..retrieval.distance_names import HAMMING
from .encode import CODES

Run = Callable[[Sequence[str]], tuple[int, str]]
METHODS = {
    "chain": "CHAIN",
    "paper": "CHAIN, plain published shape",
    "pca-itq": "PCA-ITQ of mean features",
    "random": "random codes",
}
MARGIN = 0.01  # mAP below PCA-ITQ above which the demo prints a warning
QUERIES, ANSWERS = 6, 5  # rows and columns of the contact sheet
SEEDS = 5
COMPARED = "compared"  # folder of the models that only stand in the table
SOME_FAILED = 3  # exit code of a command that skipped some videos


@dataclass(frozen=True, slots=True)
class Verbs:
    """Runs commands, and logs each before it runs.

    Attributes:
        run: Runs one command; returns its exit code and its stdout.
        log: Prints one line to stderr.
        restart: Whether what writes the store and the models makes them anew.
    """

    run: Run
    log: Callable[[str], None]
    restart: bool = False

    def __call__(self, *arguments: str | Path) -> str:
        """Log and run one command; return its stdout.

        Raises:
            typer.Exit: If it failed, with its exit code; failed videos do not stop the demo.
        """
        words = [str(argument) for argument in arguments]
        if self.restart and words[0] in ("extract", "train"):
            words.append("--restart")
        self.log(f"$ chainpipe {shlex.join(words)}")
        code, written = self.run(words)
        if code not in (0, SOME_FAILED):
            raise typer.Exit(code)
        return written


def run_demo(
    videos: Path,
    out: Path,
    *,
    bits: int,
    seeds: int | None,
    labels: bool,
    restart: bool = False,
    run: Run,
    log: Callable[[str], None],
) -> None:
    """Run extract, train, encode, eval and search on ``videos``; write all outputs to ``out``.

    Args:
        videos: A folder of videos.
        out: Folder of the store, the models and the contact sheet.
        bits: K, the length of a code.
        seeds: Number of seeds in the table of methods; ``None`` for :data:`SEEDS`.
        labels: Whether the folder names are labels, so that methods can be compared.
        restart: Whether the store and the models of an earlier run are made anew.
        run: Runs one command; returns its exit code and its stdout.
        log: Prints one line to stderr.
    """
    verb = Verbs(run, log, restart)
    store, model = out / "feats.h5", out / "models" / f"chain-{bits}"
    out.mkdir(parents=True, exist_ok=True)
    verb("extract", videos, "--out", store, *(["--labels", "folders"] if labels else []))
    _train(verb, store, model, "chain", bits, 0)
    verb("encode", "--model", model)
    queries, labelled = _queries(store, model / CODES)
    if labelled:
        _compare(verb, store, out, bits=bits, seeds=seeds or SEEDS)
    else:
        log(f"no labels: nothing is measured{', so `--seeds` is not used' if seeds else ''}")
    picture = out / "neighbours.png"
    words = ("--model", model, "--k", str(ANSWERS), "--distance", HAMMING, "--picture", picture)
    print(verb("search", *queries, *words))
    if labelled:
        log("queries: half of those with the most right answers, half of the others, worst last")
    _closing_words(store, model, picture)


def _train(verb: Verbs, store: Path, model: Path, method: str, bits: int, seed: int) -> None:
    chosen = {"chain": [], "paper": ["--paper"]}.get(method, ["--method", method])
    seeded = ["--seed", str(seed)] if seed else []
    verb("train", store, "--bits", str(bits), *chosen, *seeded, "--out", model)


def _queries(path: Path, codes: Path) -> tuple[list[str], bool]:
    """Return example queries, and whether the store has labels.

    With labels, half of them have the most right results and half fewer, the worst last; without,
    they are evenly spaced over the rows.
    """
    with open_store(path) as store:
        videos = store.videos
        if videos.label_names:
            kinds = videos.labels.argmax(axis=1)
            chosen = example_rows(right_answers(read_codes(codes), ANSWERS), kinds, QUERIES)
        else:
            chosen = list(range(len(videos)))[:: max(1, len(videos) // QUERIES)][:QUERIES]
        return [_name(videos, row) for row in chosen], bool(videos.label_names)


def _name(videos: VideoTable, row: int) -> str:
    """Return the path of a video, or its id if the path is not valid UTF-8."""
    try:
        return videos.paths[row].decode()
    except UnicodeDecodeError:
        return bytes(videos.ids[row]).hex()


def _compare(verb: Verbs, store: Path, out: Path, *, bits: int, seeds: int) -> None:
    """Train every method with every seed and print the table of mAP@5."""
    scores = {
        method: [
            _score(verb, store, out, method, bits, seed) for seed in range(_tries(method, seeds))
        ]
        for method in METHODS
    }
    title = f"{bits} bits, mean over the seeds"
    table = Table("codes", "seeds", "mAP@5", "lowest", "highest", title=title)
    for method, values in scores.items():
        ends = f"{min(values):.3f}", f"{max(values):.3f}"
        mean = f"[bold]{np.mean(values):.3f}[/]"
        table.add_row(METHODS[method], str(len(values)), mean, *ends)
    console = Console()
    console.print(table)
    console.print(
        "Protocol: trained on all videos without labels; leave-one-out over all of them; AP divided"
        " by K; ties by (distance, row).",
        soft_wrap=True,
    )
    console.print(_verdict(scores), soft_wrap=True)
    facts = read_facts(out / "models" / f"chain-{bits}")
    if not facts.config["optim"]["epochs"]:
        console.print(f"About CHAIN's row: {NO_TASKS}", soft_wrap=True)


def _tries(method: str, seeds: int) -> int:
    """Return the number of seeds of a method: 1 for the published variant, because it is slow."""
    return 1 if method == "paper" else seeds


def _score(verb: Verbs, store: Path, out: Path, method: str, bits: int, seed: int) -> float:
    model = out / "models" / f"{method}-{bits}"
    if method != "chain" or seed:  # beside `models`, whose newest is what other commands take
        model = out / COMPARED / f"{method}-{bits}-seed{seed}"
        _train(verb, store, model, method, bits, seed)
    found = json.loads(verb("eval", "--model", model, "--json"))
    return float(found["map"]["5"])


def _verdict(scores: dict[str, list[float]]) -> str:
    """Return one sentence that compares CHAIN with PCA-ITQ."""
    chain, itq = float(np.mean(scores["chain"])), float(np.mean(scores["pca-itq"]))
    if chain < itq - MARGIN:
        return (
            f"[yellow]CHAIN's codes are {itq - chain:.3f} below PCA-ITQ's here.[/] On sets this"
            " small telling videos apart can cost more than it brings: docs/guide.md says what to"
            " try."
        )
    return f"CHAIN's codes are {chain - itq:+.3f} against PCA-ITQ's, the mean of the same seeds."


def _closing_words(store: Path, model: Path, picture: Path) -> None:
    print(f"features  {store}")
    print(f"model     {model}")
    print(f"codes     {model / 'codes.npz'}")
    print(f"answers   {picture}")
