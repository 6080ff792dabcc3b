"""The verb dedup as a user meets it: real clips, real copies, real files, one process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import chainpipe
from chainpipe import command
from chainpipe.pipeline.console import restored
from chainpipe.pipeline.decode import ffmpeg_program
from tests.hashing.duplicates.duplicate_samples import META, library, write

WEIRD = os.fsdecode(b"it's new\nline \xff.mp4")


def ffmpeg(*arguments: str | Path) -> None:
    words = [ffmpeg_program(), "-v", "error", "-y", "-nostdin", *map(str, arguments)]
    subprocess.run(words, check=True)


def film(path: Path, seed: int, seconds: int = 6) -> Path:
    """Draw a film of its own: a game of life that never repeats."""
    path.parent.mkdir(parents=True, exist_ok=True)
    life = f"life=s=80x60:mold=10:r=10:seed={seed}:ratio=0.3:death_color=#{seed * 7 % 256:02x}3060"
    ffmpeg("-f", "lavfi", "-i", life, "-t", str(seconds), "-vf", "scale=160:-2", path)
    return path


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight films; of one a smaller, a mirrored and an equal file; a black and a still video."""
    root = tmp_path_factory.mktemp("dedup") / "videos"
    for seed in range(1, 9):
        film(root / f"film{seed}.mp4", seed)
    one = root / "film1.mp4"
    ffmpeg("-i", one, "-vf", "scale=120:-2", "-crf", "30", root / "-small.mp4")
    ffmpeg("-i", one, "-vf", "hflip,crop=iw*0.9:ih*0.9,scale=144:-2", root / "mirrored.mp4")
    shutil.copy(root / "film2.mp4", root / WEIRD)
    ffmpeg("-f", "lavfi", "-i", "color=black:s=64x48:d=2:r=10", root / "black.mp4")
    ffmpeg("-f", "lavfi", "-i", "smptebars=s=64x48:d=2:r=10", root / "still.mp4")
    return root


@pytest.fixture(scope="module")
def store(videos: Path) -> Path:
    path = videos.parent / "feats.h5"
    assert command.run(["extract", str(videos), "--out", str(path)]) == 0
    return path


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A store of made features, quickly searched."""
    return write(tmp_path / "feats.h5", library())


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, list[str], str]:
    capsys.readouterr()
    code = command.run(["dedup", *map(str, words)])
    done = capsys.readouterr()
    return code, done.out.splitlines(), done.err


def pairs(lines: list[str]) -> dict[frozenset[str], dict[str, object]]:
    found = (restored(json.loads(line)) for line in lines)
    return {frozenset((one["a"], one["b"])): one for one in found if "answer" in one}


def test_copies_are_found_in_real_files(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, _ = run(capsys, store, "--recheck", "--json")
    assert code == 0
    found = pairs(lines)
    exact = found[frozenset(("film2.mp4", WEIRD))]
    assert (exact["answer"], exact["exact"]) == ("copy", True)
    small = found[frozenset(("film1.mp4", "-small.mp4"))]
    mirrored = found[frozenset(("film1.mp4", "mirrored.mp4"))]
    assert (small["answer"], mirrored["answer"]) == ("copy", "copy")
    assert (small["mirrored"], mirrored["mirrored"]) == (False, True)
    copies = {pair for pair, one in found.items() if one["answer"] == "copy"}
    assert len(copies) == 4
    blank = {one["path"]: one["blank"] for one in map(json.loads, lines) if "blank" in one}
    assert blank == {"black.mp4": "black", "still.mp4": "still"}


def test_the_script_of_real_files_does_what_it_says(
    store: Path, videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "videos"
    shutil.copytree(videos, place)
    moved = tmp_path / "feats.h5"
    assert command.run(["extract", str(place), "--out", str(moved)]) == 0
    script, names, table = (tmp_path / name for name in ("tidy.sh", "copies.txt", "pairs.csv"))
    code, lines, said = run(
        capsys,
        *(moved, "--recheck", "--script", script, "--action", "remove", "--list", names),
        *("--csv", table, "--keep", "resolution,oldest,name"),
    )
    assert code == 0
    assert lines[0].strip() == "Copies"
    assert "2 groups of copies: 3 files of" in said
    assert f"wrote {script}: read it, then run it; it deletes each copy for good" in said
    before = set(os.listdir(place))
    done = subprocess.run(["sh", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "3 done, 0 left alone\n"), done.stderr
    gone = before - set(os.listdir(place))
    assert {"-small.mp4", "mirrored.mp4"} < gone
    assert len(gone) == 3
    code, lines, said = run(capsys, moved, "--recheck", "--json")
    assert pairs(lines) == {}
    assert "3 files no longer there, and left out: " in said


def test_nothing_found_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "feats.h5", library()[-6:])
    code, lines, said = run(capsys, path)
    assert (code, lines) == (0, [])
    assert "no copies (6 videos" in said
    assert run(capsys, path, "--json")[:2] == (0, [])


def test_decisions_are_noted_and_outlive_another_extraction(
    planted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines, said = run(capsys, planted, "--ignore", "a/original.mp4", "a/copy.mp4")
    assert (code, lines) == (0, [])
    assert "`a/original.mp4` and `a/copy.mp4`: no copies, noted in" in said
    file = planted.parent / "decisions.jsonl"
    noted = json.loads(file.read_text())
    assert list(noted) == ["schema", "a", "b", "decision", "path_a", "path_b"]
    found = pairs(run(capsys, planted, "--json")[1])
    assert frozenset(("a/original.mp4", "a/copy.mp4")) not in found
    again = write(planted.parent / "again.h5", library())  # another store of the same bytes
    code, lines, said = run(capsys, again, "--json")
    assert "1 pair left out by decision" in said
    assert run(capsys, again, "--accept", noted["b"][:12], noted["a"][:12])[0] == 0
    assert frozenset(("a/original.mp4", "a/copy.mp4")) in pairs(run(capsys, again, "--json")[1])


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (("--ignore", "a/original.mp4", "nowhere.mp4"), "neither a file nor a video", 2),
        (("--ignore", "film.mp4", "film.mp4"), "are one video", 2),
        (("--keep", "prettiest"), "there is no rule `prettiest`", 2),
        (("--min-overlap", "120"), "an overlap of `120` percent is impossible", 2),
        (("--min-seconds", "-1"), "`-1` seconds in common are impossible", 2),
        (("--max-length-difference", "much"), "`much` is no difference of lengths", 2),
        (("--against", "none.h5"), "there is no feature store `none.h5`", 10),
        (("--new", "--against", "x.h5"), "`--new` and `--against` do not go together", 2),
        (("--csv", "no/such/folder.csv"), "there is no folder `no/such`", 2),
        (("--model", "none"), "none", 10),
        (("--action", "burn"), "burn", 2),
        (("--action", "remove"), "`--action remove` does nothing without a script", 2),
    ],
)
def test_a_wrong_value_is_one_error_and_nothing_is_written(
    planted: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    message: str,
    code: int,
) -> None:
    before = set(os.listdir(planted.parent))
    done, lines, said = run(capsys, planted, *words)
    assert (done, lines) == (code, [])
    assert said.count("error:") == 1
    assert message in " ".join(said.split())
    assert set(os.listdir(planted.parent)) == before


def test_a_garbled_line_of_decisions_is_named(
    planted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = planted.parent / "decisions.jsonl"
    file.write_text("by hand\n")
    for words in ((), ("--ignore", "a/original.mp4", "a/copy.mp4")):
        code, lines, said = run(capsys, planted, *words)
        assert (code, lines) == (2, [])
        assert "line 1 of" in said
        assert said.count("error:") == said.count("hint:") == 1
    assert file.read_text() == "by hand\n"


def test_new_tells_what_came_since_the_last_run(
    planted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = pairs(run(capsys, planted, "--new", "--json")[1])
    assert first
    assert pairs(run(capsys, planted, "--new", "--json")[1]) == {}
    (planted.parent / "feats.h5.dedup.json").write_text("by hand")
    code, _, said = run(capsys, planted, "--new")
    assert code == 4
    assert "delete it: the next run then compares all videos" in " ".join(said.split())


def test_other_features_are_not_compared(planted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dataclasses import replace

    meta = replace(META, fingerprint=replace(META.fingerprint, backbone="other"))
    other = write(planted.parent / "other.h5", library()[:3], meta=meta)
    code, _, said = run(capsys, planted, "--against", other)
    assert code == 2
    assert "`backbone: cnn / other`" in " ".join(said.split())


def test_python_finds_what_the_command_finds(
    planted: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines = [json.loads(line) for line in run(capsys, planted, "--json")[1]]
    found = chainpipe.find_duplicates(planted)
    assert [{"schema": 1, **one} for one in [*found.pairs, *found.blank]] == lines
    assert found.groups[0]["keep"] == "a/original.mp4"
    found.write_script(tmp_path / "tidy.sh", action="hardlink")
    found.write_csv(tmp_path / "pairs.csv")
    found.write_list(tmp_path / "copies.txt")
    with pytest.raises(chainpipe.UsageError, match="no action `burn`"):
        found.write_script(tmp_path / "tidy.sh", action="burn")


def test_python_takes_codes_and_refuses_those_of_another_store(planted: Path) -> None:
    rng = np.random.default_rng(0)
    codes = chainpipe.Codes.from_bits(rng.integers(0, 2, (len(library()), 64)))
    found = chainpipe.find_duplicates(planted, codes=codes)
    assert all(isinstance(one["distance"], int) for one in found.pairs)
    with pytest.raises(chainpipe.UsageError, match="5 codes for a store of"):
        chainpipe.find_duplicates(planted, codes=codes[:5])


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of its own."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.mark.parametrize("option", ["--csv", "--list", "--script"])
def test_no_output_replaces_what_is_read(
    planted: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    before = planted.read_bytes()
    with chainpipe.open_store(planted) as opened:
        root = Path(os.fsdecode(opened.raw.root))
    for taken in (planted, root / "a/original.mp4"):
        taken.parent.mkdir(parents=True, exist_ok=True)
        code, lines, said = run(capsys, planted, option, taken)
        assert (code, lines) == (2, [])
        assert "is read or written by this run already" in said
    assert planted.read_bytes() == before


def test_no_output_replaces_a_video_of_the_other_library(
    planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write(tmp_path / "other.h5", library()[:3], root=tmp_path / "films")
    video = tmp_path / "films" / os.fsdecode(library()[0].path)
    video.parent.mkdir(parents=True)
    video.write_bytes(b"film")
    code, lines, said = run(capsys, planted, "--against", other, "--csv", video)
    assert (code, lines) == (2, [])
    assert "is read or written by this run already" in said
    assert video.read_bytes() == b"film"


def test_groups_are_json_with_or_without_json(
    planted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    groups = run(capsys, planted, "--groups")[1]
    assert groups == run(capsys, planted, "--groups", "--json")[1]
    assert json.loads(groups[0])["keep"] == "a/original.mp4"


def test_two_outputs_need_two_files(planted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = planted.with_name("out")
    assert run(capsys, planted, "--csv", file, "--list", file)[0] == 2
    assert not file.exists()


def test_the_same_file_in_two_stores_may_not_go(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = tmp_path / "names"
    assert run(capsys, store, "--against", store, "--list", names)[0] == 0
    listed = {Path(os.fsdecode(name)).name for name in names.read_bytes().splitlines()}
    assert listed.isdisjoint(f"film{number}.mp4" for number in range(3, 9))
