"""Costs of asking: searches by ids and files, opening, encoding and evaluating what is there."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from bench_encode import as_in_training, network
from cost_library import BITS, content, library, write
from files import X264
from measure import measured, run_command, spread

from chainpipe.hashing.config import Config
from chainpipe.hashing.methods.chain.method import CHAIN
from chainpipe.hashing.methods.fit import tensors_of
from chainpipe.hashing.retrieval.backends import make_index
from chainpipe.hashing.retrieval.codes import read_codes
from chainpipe.hashing.retrieval.query import VideoNames, find_queries
from chainpipe.hashing.retrieval.search import search
from chainpipe.pipeline.decode import ffmpeg_program
from chainpipe.pipeline.store import open_store

ASKED, K = 100, 10
VERB = [sys.executable, "-m", "chainpipe"]
RAW = """
import sys, faiss, numpy as np
faiss.omp_set_num_threads(1)
codes = np.load(sys.argv[1])["codes"]
index = faiss.IndexBinaryFlat(8 * codes.shape[1])
index.add(codes)
index.search(codes[: int(sys.argv[2])], int(sys.argv[3]))
"""


def ours(path: Path, texts: list[str]) -> None:
    """Open codes and answer, as the verb does."""
    codes = read_codes(path)
    asked = find_queries(texts, VideoNames(codes.paths, codes.video_ids, b"/", lambda row: (0, 0)))
    index = make_index(codes.packed, codes.bits, queries=len(asked))
    own = [one.rows for one in asked]
    search(index, np.stack([codes.packed[one[0]] for one in own]), K, left_out=own)


def raw_faiss(path: Path, texts: list[str]) -> None:
    """Open codes and search the first ones."""
    faiss.omp_set_num_threads(1)
    codes = np.load(path)["codes"]
    index = faiss.IndexBinaryFlat(8 * codes.shape[1])
    index.add(codes)
    index.search(codes[: len(texts)], K)


def opened(folder: Path) -> None:
    """Open codes and store as a search does, and look at one row."""
    codes = read_codes(folder / "m" / "codes.npz")
    with open_store(folder / "f.h5", read_table=False) as store:
        store.features(np.array([len(codes) // 2]))


def ids(videos: int, repeats: int) -> dict[str, Any]:
    """Measure searches by ids in one library, opening it, and writing its store."""
    texts = [content(row).hex() for row in range(ASKED)]
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, verb = folder / "m" / "codes.npz", [*VERB, "search", "--model", str(folder / "m")]
        a_row = library(folder, videos)
        ways: dict[str, Callable[[], None]] = {
            "ours, 100 ids, in one process": lambda: ours(path, texts),
            "raw faiss, 100 ids, in one process": lambda: raw_faiss(path, texts),
            "opening codes and store": lambda: opened(folder),
        }
        commands = {
            f"{who}, {count} ids, a command": words
            for count in (1, ASKED)
            for who, words in (
                ("ours", [*verb, "--distance", "hamming", "--json", *texts[:count]]),
                ("raw faiss", [sys.executable, "-c", RAW, str(path), str(count), str(K)]),
            )
        }
        for turn in range(repeats + 1):  # the first fills caches
            spent = {name: _cpu(way) for name, way in ways.items()}
            spent |= {name: _command(words, folder) for name, words in commands.items()}
            for name, cpu in spent.items() if turn else ():
                found.setdefault(name, []).append(cpu)
    return {
        "videos": videos, "bits": BITS, "writer, microseconds a row": round(1e6 * a_row, 1),
        "ours / raw faiss, in one process": _ratio(found, "100 ids, in one process"),
        "ours / raw faiss, a command": _ratio(found, "100 ids, a command"),
        "CPU seconds": {name: spread(values) for name, values in found.items()},
    }  # fmt: skip


def _cpu(way: Callable[[], object]) -> float:
    with measured() as spent:
        way()
    return spent.cpu


def _command(words: Sequence[str], folder: Path) -> float:
    ended = run_command(words, folder=folder)
    if ended.code:
        raise RuntimeError(ended.stderr)
    return ended.cpu


def _ratio(found: dict[str, list[float]], what: str) -> dict[str, float | int]:
    pairs = zip(found[f"ours, {what}"], found[f"raw faiss, {what}"], strict=True)
    return spread([a / b for a, b in pairs])


def draw(path: Path, number: int, size: str = "320x240") -> None:
    """Draw a clip of 10 s; each number has other colours."""
    card = f"testsrc2=size={size}:rate=25:duration=10"
    command = [ffmpeg_program(), "-v", "error", "-f", "lavfi", "-i", card]
    look = ["-vf", f"hue=h={33 * number},noise=alls=8:allf=t:all_seed={number}"]
    subprocess.run([*command, *look, *X264, str(path)], check=True, stdin=subprocess.DEVNULL)


def files(repeats: int) -> dict[str, Any]:
    """Search by new clips of 10 s: 320x240, and 720p beside what its decoding and backbone cost."""
    spent: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for place in ("videos", "one", "five"):
            (folder / place).mkdir()
        for number in range(10):
            draw(folder / f"videos/{number}.mp4", number)
        draw(folder / "small.mp4", 10)
        for number in range(5):
            draw(folder / f"five/{number}.mp4", number, "1280x720")
        draw(folder / "one/0.mp4", 0, "1280x720")
        for words in (
            ["extract", "videos", "--out", "f.h5"],
            ["train", "f.h5", "--method", "pca-itq", "--bits", "64", "--out", "m"],
            ["encode", "--model", "m"],
            ["search", "small.mp4", "--model", "m"],  # looks at the library once
        ):
            subprocess.run([*VERB, *words], cwd=folder, check=True, capture_output=True)
        asked = {"320x240": folder / "small.mp4", "720p": folder / "one" / "0.mp4"}
        for turn in range(repeats):
            for what, path in asked.items():
                words = [*VERB, "search", str(path), "--model", str(folder / "m")]
                spent.setdefault(what, []).append(_command(words, folder))
            made = [
                _command([*VERB, "extract", str(folder / place), "--workers", "1", "--out",
                          str(folder / f"{place}-{turn}.h5")], folder)
                for place in ("one", "five")
            ]  # fmt: skip
            spent.setdefault("720p: decoding and backbone", []).append((made[1] - made[0]) / 4)
    pairs = zip(spent["720p"], spent["720p: decoding and backbone"], strict=True)
    return {
        "CPU seconds": {name: spread(values) for name, values in spent.items()},
        "720p: beyond decoding and backbone": spread([a - b for a, b in pairs]),
    }


def without_torch(videos: int, repeats: int, *, dim: int) -> dict[str, Any]:
    """Encode with CHAIN's network, without torch, and compare with torch bit for bit."""
    features = np.random.default_rng(1).gamma(1.0, 0.5, (min(videos, 500), 25, dim))
    features = features.astype(np.float32)
    model = network(dim)
    codes = CHAIN.load(Config(), tensors_of(model)).encode(features)
    differing = codes != as_in_training(model, features)
    script = (
        "import sys; from chainpipe.command import run; code = run(sys.argv[1:]); "
        "sys.exit(code or 100 * ('torch' in sys.modules))"
    )
    spent: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "f.h5", videos, frames=25, dim=dim, labelled=True)
        words = [*VERB, "train", "f.h5", "--bits", "64", "--out", "m", "--set", "optim.epochs=0"]
        subprocess.run(words, cwd=folder, check=True, capture_output=True)
        encode = ["encode", "--model", str(folder / "m"), "--store", str(folder / "f.h5")]
        judged = ["eval", "--model", str(folder / "m"), "--store", str(folder / "f.h5"), "--json"]
        for _ in range(repeats):
            (folder / "m" / "codes.npz").unlink(missing_ok=True)
            for what, command in (
                ("eval without codes", judged), ("encode", encode), ("eval with codes", judged)
            ):  # fmt: skip
                cpu = _command([sys.executable, "-c", script, *command], folder)
                spent.setdefault(what, []).append(cpu)
    return {
        "videos": videos, "frames": 25, "dim": dim, "torch imported": False,
        "bits compared": differing.size, "bits that differ": int(differing.sum()),
        "CPU seconds": {what: spread(values) for what, values in spent.items()},
    }  # fmt: skip


def help_lines(repeats: int) -> dict[str, float | int]:
    """Measure ``chainpipe --help``."""
    with tempfile.TemporaryDirectory() as folder:
        return spread([_command([*VERB, "--help"], Path(folder)) for _ in range(repeats)])
