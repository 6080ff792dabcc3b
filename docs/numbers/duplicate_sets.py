"""Made sets of copies with computed truth, as `make_copies.py` writes them, and unseen edits."""

from __future__ import annotations

import csv
import random
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.store import open_store

KINDS = ("single", "triple", "part-of", "part-of edited", "sibling")
ZOOM = "scale=iw*2:ih*2,zoompan=z='min(1+0.0016*on,1.5)':x='iw/2-(iw/zoom/2)'"
WORDS = "drawbox=x=iw*0.12:y=ih*0.80:w=iw*0.76:h=ih*0.05:color=white@0.9:t=fill"
SEPIA = "colorchannelmixer=.393:.769:.189:0:.349:.686:.168:0:.272:.534:.131"
SHAKE = "crop=iw*0.9:ih*0.9:iw*0.05+iw*0.03*sin(t*7):ih*0.05+ih*0.03*cos(t*9)"
UNSEEN = {  # filter of ffmpeg; {u} is a number from 0 to 1
    "hue": "hue=h={hue}",
    "noise": "noise=alls=30:allf=t+u",
    "vignette": "vignette=PI/3.5",
    "sharpen": "unsharp=7:7:2.5:7:7:1",
    "low rate": "fps=8",
    "squash to 4:3": "scale=iw*3/4:ih,setsar=1",
    "turn by 90": "transpose=1",
    "zoom": ZOOM + ":y='ih/2-(ih/zoom/2)':d=1:s={size}:fps=25",
    "subtitles": f"{WORDS}:enable='lt(mod(t,2),1.5)'",
    "shake": SHAKE,
    "sepia": SEPIA,
    "picture in picture": "",
}
RATES = {"low rate": 40, "noise": 30}  # crf, 26 for the others


@dataclass(eq=False)
class MadeSet:
    """The videos of a made set, and what each pair of them is.

    Attributes:
        name: Of its folder.
        store: Its feature store.
        names: Of the videos, as the truth has them.
        files: The videos.
        features: (N, T, D).
        seconds: (N, T).
        durations: (N,).
        blank: Column of the store, (N,).
        empty: Which carry no information by the truth, (N,).
        relations: What pairs of names are, by the truth.
        applied: Edits of each video.
        beside: Store of the set whose videos an unseen one is put among.
    """

    name: str
    store: Path
    names: list[str]
    files: list[Path]
    features: npt.NDArray[np.float32]
    seconds: npt.NDArray[np.float64]
    durations: npt.NDArray[np.float64]
    blank: npt.NDArray[np.uint8]
    empty: npt.NDArray[np.bool_]
    relations: dict[tuple[str, str], dict[str, str]]
    applied: dict[str, str]
    beside: Path | None = None

    def __post_init__(self) -> None:
        row = {name: place for place, name in enumerate(self.names)}
        places = [(row[a], row[b]) for a, b in self.relations if a in row and b in row]
        self._listed = sorted((min(pair), max(pair)) for pair in places)
        self.totals = Counter(self.kind(*pair) for pair in self._listed)

    def pairs_of(self, kind: str) -> list[tuple[int, int]]:
        """Return the pairs of rows of one kind, as far as the truth lists them."""
        return [pair for pair in self._listed if self.kind(*pair) == kind]

    def edits(self, i: int, j: int) -> list[str]:
        """Return the edits of a pair with an unedited side."""
        text = self.applied[self.names[i]] or self.applied[self.names[j]]
        return text.split("+") if text else []

    def kind(self, i: int, j: int) -> str:
        """Return what a pair of rows is: one of KINDS, a kind of negative, or to be ignored."""
        if self.empty[i] or self.empty[j]:
            return "blank"
        a, b = self.names[i], self.names[j]
        row = self.relations.get((a, b)) or self.relations.get((b, a))
        if row is None:
            return "different"
        one_edited = not (self.applied[a] and self.applied[b])
        if row["relation"] == "duplicate":
            if one_edited:
                return {1: "single", 3: "triple"}.get(len(self.edits(i, j)), "sibling")
            return "sibling"
        if row["relation"] == "part-of":
            return "part-of" if one_edited else "part-of edited"
        return row["kind"] if row["relation"] == "different-hard" else row["relation"]


def read_set(folder: Path, beside: Path | None = None) -> MadeSet:
    """Read a set, or an unseen one with the originals and strangers of the set it is made of."""
    if beside is None:
        return _read(folder, folder.name, {}, {})
    unseen, base = folder / "unseen.csv", read_set(beside)
    table = list(csv.DictReader(unseen.open()))
    applied = {line["id"]: line["edit"] for line in table}
    own = _read(folder, folder.name, {}, applied)
    used = [i for i, name in enumerate(base.names) if not base.applied[name] or base.empty[i]]
    # Originals that are named in the table, and strangers: what has no edit of its own.
    parent = {line["id"]: line["original"] for line in table}
    relations = {
        k: v for k, v in base.relations.items() if not (base.applied[k[0]] or base.applied[k[1]])
    }
    for name, original in parent.items():
        relations[original, name] = {"relation": "duplicate", "kind": ""}
        for (a, b), row in base.relations.items():
            if original in (a, b) and not (base.applied[a] or base.applied[b]):
                relations[name, b if a == original else a] = row
        for other, theirs in parent.items():
            if theirs == original and other < name:
                relations[other, name] = {"relation": "duplicate", "kind": ""}
    return MadeSet(
        name=folder.name,
        store=own.store,
        names=own.names + [base.names[i] for i in used],
        files=own.files + [base.files[i] for i in used],
        features=np.concatenate([own.features, base.features[used]]),
        seconds=np.concatenate([own.seconds, base.seconds[used]]),
        durations=np.concatenate([own.durations, base.durations[used]]),
        blank=np.concatenate([own.blank, base.blank[used]]),
        empty=np.concatenate([own.empty, base.empty[used]]),
        relations=relations,
        applied={**base.applied, **applied},
        beside=base.store,
    )


def _read(
    folder: Path,
    name: str,
    relations: dict[tuple[str, str], dict[str, str]],
    applied: dict[str, str],
) -> MadeSet:
    empty = set()
    if (folder / "videos.csv").exists():
        videos = list(csv.DictReader((folder / "videos.csv").open()))
        applied = {line["id"]: line["edits"] for line in videos}
        empty = {line["id"] for line in videos if line["role"] == "empty"}
        truth = csv.DictReader((folder / "truth.csv").open())
        relations = {(line["a"], line["b"]): line for line in truth}
    with open_store(folder / "feats.h5") as store:
        paths = [Path(path.decode()) for path in store.videos.paths]
        rows = slice(0, len(paths))
        return MadeSet(
            name=name,
            store=folder / "feats.h5",
            names=[path.stem for path in paths],
            files=[Path(store.root.decode()) / path for path in paths],
            features=store.features(rows).astype(np.float32),
            seconds=store.seconds(rows),
            durations=store.videos.duration[rows],
            blank=store.videos.blank[rows],
            empty=np.array([path.stem in empty for path in paths]),
            relations=relations,
            applied=applied,
        )


def make_unseen(source: Path, out: Path, seed: int = 7) -> None:
    """Put each unseen edit on each original of a set."""
    (out / "videos").mkdir(parents=True, exist_ok=True)
    table = list(csv.DictReader((source / "videos.csv").open()))
    strangers = [line["path"] for line in table if line["role"] == "distractor"]
    drawn, number = random.Random(seed), 0
    with (out / "unseen.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["id", "edit", "original"])
        for original in (line for line in table if line["role"] == "original"):
            for edit in UNSEEN:
                name = f"u{number:04d}"
                number += 1
                lines.writerow([name, edit, original["id"]])
                target = out / "videos" / f"{name}.mp4"
                beside = source / drawn.choice(strangers)
                _edit(source / original["path"], edit, beside, drawn.choice((-80, 70, 110)), target)


def _edit(video: Path, edit: str, beside: Path, hue: int, target: Path) -> None:
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    even = "scale=trunc(iw/2)*2:trunc(ih/2)*2"
    start = [ffmpeg, "-v", "error", "-nostdin", "-y", "-threads", "1"]
    if edit == "picture in picture":
        lay = f"[0:v]scale=320:240,setsar=1[a];[1:v]scale=iw*0.62:-2,{even},setsar=1[b];"
        graph = ["-filter_complex", lay + "[a][b]overlay=W-w-10:H-h-10:shortest=1"]
        words = ["-stream_loop", "-1", "-i", str(beside), "-i", str(video), *graph]
    else:
        told = subprocess.run([ffmpeg, "-i", str(video)], capture_output=True, check=False).stderr
        size = re.search(rb" (\d{2,4}x\d{2,4})", told)
        assert size is not None
        text = UNSEEN[edit].replace("{size}", size[1].decode()).replace("{hue}", str(hue))
        words = ["-i", str(video), "-vf", f"{text},{even},format=yuv420p"]
    coding = ["-c:v", "libx264", "-preset", "superfast", "-crf", str(RATES.get(edit, 26))]
    end = ["-an", *coding, "-threads", "1", "-pix_fmt", "yuv420p", str(target)]
    subprocess.run([*start, *words, *end], check=True)
