"""The verbs of stage one, as somebody types them, with the embedded backbone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from chainpipe.pipeline.cli import app
from chainpipe.pipeline.errors import NotFoundError, UsageError
from chainpipe.pipeline.store import open_store


@pytest.fixture(scope="module", autouse=True)
def cache(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep the exported backbone between test runs, away from the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAINPIPE_CACHE", str(request.config.cache.mkdir("backbones")))
        yield


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of a class each."""
    folder = tmp_path_factory.mktemp("cli") / "videos"
    for number, name in enumerate(("cat/a.mp4", "dog/b.mp4")):
        (folder / name).parent.mkdir(parents=True)
        card = f"testsrc2=duration=1:size=64x48:rate=5,hue=h={90 * number}"
        program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", card]
        subprocess.run([*program, "-threads", "1", str(folder / name)], check=True)
    return folder


@pytest.fixture(scope="module")
def store(videos: Path) -> Path:
    """Their store, with one failed video."""
    source = videos.parent / "more"
    shutil.copytree(videos, source)
    (source / "bad.mp4").write_text("no video")
    out = videos.parent / "feats.h5"
    words = "--frames", 4, "--dtype", "float32", "--labels", "folders"
    result = run("extract", source, "--out", out, *words)
    assert result.exit_code == 3, result.output
    return out


def run(*arguments: object) -> Result:
    environment = {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}
    return CliRunner(env=environment).invoke(app, [str(argument) for argument in arguments])


def test_extract_makes_the_store_and_tells_how_it_went(videos: Path, tmp_path: Path) -> None:
    result = run("extract", videos, "--out", tmp_path / "f.h5", "--frames", 3, "--workers", 1)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "videos per second" in result.stderr
    assert re.search(r"labels\W+none", result.stderr)
    with open_store(tmp_path / "f.h5") as opened:
        assert opened.shape == (2, 3, 1280)
        assert opened.meta.fingerprint.backbone == "cnn:efficientnet-lite0"
    again = run("extract", videos, "--out", tmp_path / "f.h5", "--frames", 3, "--quiet")
    assert (again.exit_code, again.output) == (0, "")
    (tmp_path / "l.csv").write_text(f"path,label\n{videos / 'cat/a.mp4'},tiger\n")
    words = "--frames", 3, "--labels", tmp_path / "l.csv"
    listed = run("extract", videos, "--out", tmp_path / "f.h5", *words)
    assert "1 of 2 videos" in listed.stderr
    assert "1 video without a label; `--labels` gives labels" in listed.stderr


def test_extract_reports_facts_to_programs(videos: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(f"path,split\n{videos / 'cat/a.mp4'},train\n")
    out = tmp_path / "f.zarr"
    result = run("extract", tmp_path / "list.csv", "--out", out, "--follow-symlinks", "--json")
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["videos"], facts["decoded"]) == (0, {"short": 1}, 1)
    assert facts["backbone_seconds"] > 0
    assert facts["decode_seconds"] > 0
    assert facts["failures_file"] is None


def test_a_failed_video_is_warned_of_and_listed(store: Path) -> None:
    listed = store.with_name("feats.h5.failures.csv").read_text()
    assert listed.startswith("path,status,message,attempts,command,stderr\nbad.mp4,corrupt,")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--frames", 0), "frames"),
        (("--by", "colour"), "by"),
        (("--workers", 0), "workers"),
        (("--dtype", "int8"), "dtype"),
    ],
)
def test_a_wrong_option_value_is_refused(
    videos: Path, tmp_path: Path, arguments: tuple[object, ...], told: str
) -> None:
    result = run("extract", videos, "--out", tmp_path / "f.h5", *arguments)
    assert result.exit_code == 2
    assert f"--{told}" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [("--out", "f.npy"), ("--backbone", "resnet5"), ("--retry", "bad")]
)
def test_a_wrong_name_is_refused_before_any_work(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("extract", videos, *arguments)
    assert isinstance(result.exception, UsageError)
    assert list(tmp_path.iterdir()) == []


def test_info_shows_what_is_inside(store: Path) -> None:
    result = run("info", store)
    assert result.exit_code == 0
    for fact in ("2 videos x 4 frames x 1280", "float32", "cat 1, dog 1", "1 corrupt", "bad.mp4"):
        assert fact in result.stdout
    assert result.stderr == ""


def test_info_tells_programs_the_same(store: Path) -> None:
    facts = json.loads(run("info", store, "--json").stdout)
    assert (facts["videos"], facts["frames"], facts["dim"]) == (2, 4, 1280)
    assert facts["labels"] == {"cat": 1, "dog": 1}
    assert facts["splits"] == {"none": 2}
    assert facts["status"] == {"ok": 2, "corrupt": 1}
    assert facts["duration"] == pytest.approx(2)
    assert facts["bytes"] == store.stat().st_size
    assert [video["path"] for video in facts["failed"]] == ["bad.mp4"]


def test_verify_finds_a_whole_store_whole(store: Path) -> None:
    result = run("verify", store)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "is whole: 2 videos" in result.stderr


def test_verify_names_the_damaged_row_and_exits_with_4(store: Path, tmp_path: Path) -> None:
    with open_store(store) as opened:
        row = opened.features(slice(1, 2)).tobytes()
    damaged = bytearray(store.read_bytes())
    damaged[damaged.find(row[:512])] ^= 1
    (tmp_path / "f.h5").write_bytes(damaged)
    result = run("verify", tmp_path / "f.h5")
    assert result.exit_code == 4
    assert "row 1" in result.stdout
    facts = json.loads(run("verify", tmp_path / "f.h5", "--json").stdout)
    assert facts["damage"] == result.stdout.splitlines()


def test_verify_names_the_rows_of_a_store_that_cannot_be_opened(
    store: Path, tmp_path: Path
) -> None:
    with open_store(store) as opened:
        row = opened.features(slice(1, 2)).tobytes()
    damaged = bytearray(store.read_bytes())
    damaged[damaged.find(row[:512])] ^= 1
    damaged[511] ^= 1  # in the block that vouches for the rest
    (tmp_path / "f.h5").write_bytes(damaged)
    result = run("verify", tmp_path / "f.h5", "--json")
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["videos"], len(facts["damage"])) == (4, None, 2)
    assert "row 1 of `feats`" in facts["damage"][1]


@pytest.mark.parametrize("verb", ["info", "verify"])
def test_what_is_not_there_is_told(tmp_path: Path, verb: str) -> None:
    assert isinstance(run(verb, tmp_path / "none.h5").exception, NotFoundError)


def test_verbs_start_without_torch(store: Path) -> None:
    code = (
        "import sys; from chainpipe.pipeline.cli import app; "
        "app(sys.argv[1:], standalone_mode=False); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'av', 'onnxruntime')))"
    )
    for arguments in (["extract", "--help"], ["info", str(store)]):
        program = [sys.executable, "-c", code, *arguments]
        assert subprocess.run(program, check=False, capture_output=True).returncode == 0


def test_extract_tells_what_it_passed_over_and_ignored(videos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    shutil.copytree(videos, folder)
    (folder / "notes.txt").write_text("notes")
    (folder / "film.dat").write_bytes((videos / "cat/a.mp4").read_bytes())
    (tmp_path / "l.csv").write_text("Path;Label;Rating\nvideos\\cat\\a.mp4;tiger;5\nx.mp4;y;1\n")
    words = folder, "--out", tmp_path / "f.h5", "--frames", 2, "--labels", tmp_path / "l.csv"
    told = " ".join(run("extract", *words).stderr.split())
    assert "passed over 2 files by suffix: 1 .dat, 1 .txt; `--any-suffix` reads them, too" in told
    assert "ignored: `rating`" in told
    assert "1 line of" in told
    assert "fits no video: `x.mp4`" in told
    again = run("extract", *words, "--any-suffix", "--accept-failures", "--json")
    facts = json.loads(again.stdout)
    assert (again.exit_code, facts["new_failures"]) == (3, 1)
    assert (facts["copied"], sum(facts["videos"].values())) == (1, 4)
    assert run("extract", *words, "--any-suffix", "--accept-failures").exit_code == 0
    (folder / "dog/b.mp4").unlink()
    told = run("extract", *words, "--prune").stderr
    assert "1 row kept of files in empty or missing folders: `dog/b.mp4`" in told
    (folder / "dog/notes.txt").touch()
    told = run("extract", *words, "--accept-failures").stderr
    assert "1 row of files that are gone: `dog/b.mp4`; `--prune` drops them" in told
    pruned = run("extract", *words, "--prune", "--json")
    assert "1 row of files that are gone: `dog/b.mp4`" in pruned.stderr
    assert json.loads(pruned.stdout)["pruned"] == 1
