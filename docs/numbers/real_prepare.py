"""Make the clips and the stores of the sets; what exists is kept."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from real_sets import COPIES, SHARED

from chainpipe.pipeline.records import VideoFeatures
from chainpipe.pipeline.store import open_store, write_store
from chainpipe.pipeline.store.iterate import iter_rows

KEYWORDS = {"gifs": "gif", "fight": "fight", "tank": "tank"}  # in the name of a folder of clips
LISTS = ("labels.csv", "manifest.csv")  # of a folder of clips: path, label
OWN_KINDS = "gifs"  # its labels are kinds of source; any other folder is one kind


def prepare(stills: Path, videos: Path, tools: Path, out: Path, *, workers: int) -> None:
    """Make everything that is missing, in the order main, camera sets, copies.

    Args:
        stills: A folder of pictures for each class.
        videos: A folder of clips for each of ``gifs``, ``fight`` and ``tank``, with a list of
            labels in each.
        tools: Where ``make_shots.py`` and ``make_copies.py`` are.
        out: Gets ``main.h5`` and the others.
        workers: Processes of one step.
    """
    out.mkdir(parents=True, exist_ok=True)
    shots, each = out / "shots", ["--workers", str(workers)]
    if not (shots / "manifest.csv").exists():
        made = ["--stills", str(stills), "--out", str(shots), "--train", "1500", "--test", "1000"]
        _run([sys.executable, str(tools / "make_shots.py"), *made, *each])
    _extract(shots / "manifest.csv", out / "main.h5", workers=workers)
    clips = clip_folders(videos)
    lists = write_lists(clips, out / "lists")
    for name, folder in clips.items():
        _extract(folder, out / f"{name}.h5", workers=workers, labels=lists[name])
    join_stores([out / f"{name}.h5" for name in clips], out / f"{SHARED}.h5")
    for seed in range(1, COPIES + 1):
        made_at = out / f"copies{seed}"
        if not (made_at / "truth.csv").exists():
            sources = [str(_holding(folder)) for folder in clips.values()]
            how = ["--singles", "15", "--triples", "0", "--edits", "default", "--seed"]
            tool = [sys.executable, str(tools / "make_copies.py"), "--clips", *sources]
            _run([*tool, "--out", str(made_at), *how, str(seed)])
        _extract(made_at / "videos", out / f"copies{seed}.h5", workers=workers)


def write_choosing_sets(folder: Path, listed: Sequence[str], out: Path) -> None:
    """Write a ``main.h5`` of the listed classes only, and every other of them to ``classes.txt``.

    So a default can be chosen by `new-rest` and `new-listed` without a look at any other class.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "classes.txt").write_text("".join(f"{name}\n" for name in listed[::2]))
    with open_store(folder / "main.h5") as store:
        rows = [row for row in iter_rows(store) if not set(row.labels).isdisjoint(listed)]
        write_store(
            out / "main.h5", root=os.fsencode(out.resolve()), meta=store.meta, rows=rows,
            count=len(rows), label_names=sorted(listed),
        )  # fmt: skip


def clip_folders(videos: Path) -> dict[str, Path]:
    """Return the folder of each camera set, found by a word in its name."""
    found = {
        name: folder
        for name, word in KEYWORDS.items()
        for folder in sorted(videos.iterdir())
        if folder.is_dir() and word in folder.name
    }
    if missing := KEYWORDS.keys() - found.keys():
        sys.exit(f"error: `{videos}` has no folder of clips for {', '.join(sorted(missing))}")
    return found


def write_lists(clips: dict[str, Path], out: Path) -> dict[str, Path]:
    """Write a list of labels for each camera set, paths relative to its folder."""
    out.mkdir(exist_ok=True)
    paths = {}
    for name, folder in clips.items():
        paths[name] = out / f"{name}.csv"
        with paths[name].open("w", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerows([("path", "label"), *labelled_clips(folder)])
    return paths


def labelled_clips(folder: Path) -> list[tuple[str, str]]:
    """Return path in the folder and label of each clip that its list names."""
    file = next(folder / name for name in LISTS if (folder / name).exists())
    with file.open(newline="") as text:
        lines = [(line["path"], line["label"]) for line in csv.DictReader(text)]
    inside = _holding(folder).relative_to(folder)
    return [
        (path if (folder / path).exists() else (inside / path).as_posix(), label)
        for path, label in lines
    ]


def _holding(folder: Path) -> Path:
    """Return where the clips of a folder lie."""
    return folder / "videos" if (folder / "videos").is_dir() else folder


def join_stores(parts: Sequence[Path], out: Path) -> None:
    """Write the videos of some stores into one, with the kind of source as label.

    Of :data:`OWN_KINDS` its own labels are kinds, of any other store its name is.
    """
    if out.exists():
        print(f"{out.name} is there", flush=True)
        return
    with ExitStack() as stack:
        stores = {path.stem: stack.enter_context(open_store(path)) for path in parts}
        rows = [_kind(name, row) for name, store in stores.items() for row in iter_rows(store)]
        meta = next(iter(stores.values())).meta
        names = sorted({label for row in rows for label in row.labels})
        write_store(
            out, root=os.fsencode(out.parent.resolve()), meta=meta, rows=rows, count=len(rows),
            label_names=names,
        )  # fmt: skip


def _kind(name: str, row: VideoFeatures) -> VideoFeatures:
    labels = row.labels if name == OWN_KINDS else (name,)
    return replace(row, path=os.fsencode(name) + b"/" + row.path, labels=labels)


def _extract(videos: Path, out: Path, *, workers: int, labels: Path | None = None) -> None:
    """Extract a store unless it is there; an interrupted one continues."""
    if out.exists():
        print(f"{out.name} is there", flush=True)
        return
    words = [str(videos), "--out", str(out), "--workers", str(workers)]
    labelled = ["--labels", str(labels)] if labels else []
    _run([sys.executable, "-m", "chainpipe", "extract", *words, *labelled])


def _run(command: Sequence[str]) -> None:
    print(" ".join(Path(word).name for word in command[:3]), "...", flush=True)
    subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
