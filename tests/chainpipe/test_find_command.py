"""``chainpipe find`` on real files: a film of known scenes, clips cut out of it and edited."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from PIL import Image

import chainpipe
from chainpipe import command
from chainpipe.pipeline.decode import ffmpeg_program

SCENES = (
    "mandelbrot=size=160x120:rate=12",
    "testsrc2=size=160x120:rate=12",
    "gradients=size=160x120:rate=12:speed=0.05:seed=3",
    "zoneplate=size=160x120:rate=12:kt2=2:kx2=1:ky2=1",
    "mandelbrot=size=160x120:rate=12:start_x=0.28:start_y=0.008:start_scale=0.1",
    "testsrc=size=160x120:rate=12",
)
LONG = 9  # seconds of a scene
SPARE = "sierpinski=size=160x120:rate=12:seed=1"  # in no film


def ffmpeg(*arguments: str | Path) -> None:
    program = [ffmpeg_program(), "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(program, check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film, another one, clips, and the store of the films."""
    folder = tmp_path_factory.mktemp("find")
    for name in ("films", "clips"):
        (folder / name).mkdir()
    inputs = [word for scene in SCENES for word in ("-f", "lavfi", "-t", str(LONG), "-i", scene)]
    joined = "".join(f"[{n}:v]" for n in range(len(SCENES)))
    graph = f"{joined}concat=n={len(SCENES)},format=yuv420p[v]"
    film = folder / "films" / "film.mp4"
    ffmpeg(*inputs, "-filter_complex", graph, "-map", "[v]", "-g", "30", film)
    other = "[0:v]hflip,negate[a];[1:v]vflip[b];[a][b]concat=n=2,format=yuv420p[v]"
    ffmpeg(*inputs[6:18], "-filter_complex", other, "-map", "[v]", folder / "films" / "other.mkv")
    cut = ("-ss", "13.3", "-t", "8.4", "-i", film)
    ffmpeg(*cut, "-vf", "scale=100:-2,eq=brightness=0.1", folder / "clips" / "cut.mp4")
    cut = ("-ss", "30", "-t", "12", "-i", film)
    ffmpeg(*cut, "-vf", "setpts=PTS/1.25", folder / "clips" / "fast.mp4")
    ffmpeg("-f", "lavfi", "-t", "6", "-i", SPARE, folder / "clips" / "stranger.mp4")
    out = folder / "films.h5"
    assert command.run(["extract", str(folder / "films"), "--every", "0.5", "--out", str(out)]) == 0
    return folder


def find(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, list[str], str]:
    capsys.readouterr()
    code = command.run(["find", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err


def test_a_clip_is_found_with_its_times(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, picture = folder / "clips" / "cut.mp4", tmp_path / "ends.png"
    films = folder / "films.h5"
    code, out, _ = find(capsys, clip, "--in", films, "--json", "--picture", picture)
    assert code == 0
    (found,) = map(json.loads, out)
    assert set(found) == {
        *("schema", "query", "path", "start", "end"),
        *("query_start", "query_end", "speed", "score"),
    }
    assert (found["schema"], found["query"], found["path"]) == (1, str(clip), "film.mp4")
    assert found["start"] == pytest.approx(13.3, abs=0.6)
    assert found["end"] == pytest.approx(21.7, abs=0.6)
    with Image.open(picture) as drawn:
        assert drawn.width > 800
    code, out, _ = find(capsys, clip, "--in", films)
    assert code == 0
    assert out[0].startswith("film.mp4 00:00:13")
    assert " speed 1.00 score " in out[0]
    (place,) = chainpipe.find_clip(clip, films)
    assert (place.path, place.start) == ("film.mp4", pytest.approx(found["start"], abs=1e-3))


def test_a_folder_is_looked_for_and_what_is_in_none_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = folder / "clips" / "broken.mp4"
    broken.write_bytes(b"not a video")
    code, out, err = find(capsys, "--all", folder / "clips", "--in", folder / "films.h5", "--json")
    broken.unlink()
    assert code == 3
    assert "corrupt" in err
    found = {Path(one["query"]).name: one for one in map(json.loads, out)}
    assert set(found) == {"cut.mp4", "fast.mp4", "stranger.mp4"}
    assert found["stranger.mp4"]["path"] is None
    assert found["fast.mp4"]["speed"] == pytest.approx(1.25, abs=0.1)
    assert found["fast.mp4"]["start"] == pytest.approx(30, abs=1.0)
    code, out, _ = find(capsys, folder / "clips" / "stranger.mp4", "--in", folder / "films.h5")
    assert (code, out[0].endswith("is in none of 2 videos")) == (0, True)


def test_a_store_of_clips_and_a_model_may_ask(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips, films, model = tmp_path / "clips.zarr", folder / "films.h5", tmp_path / "model"
    command.run(["extract", str(folder / "clips"), "--every", "0.25", "--out", str(clips)])
    train = ["train", str(films), "--bits", "64", "--method", "lsh", "--out", str(model)]
    assert command.run(train) == 0
    assert command.run(["encode", "--model", str(model)]) == 0
    windows = chainpipe.Codes.load(model / "codes.npz").windows
    assert windows is not None
    assert len(windows) == 105 + 33
    code, out, _ = find(capsys, "--all", clips, "--in", films, "--model", model, "--json")
    assert code == 0
    found = [(one["query"], one["path"]) for one in map(json.loads, out)]
    assert found == [("cut.mp4", "film.mp4"), ("fast.mp4", "film.mp4"), ("stranger.mp4", None)]
    codes = model / "codes.npz"
    codes.write_bytes(codes.read_bytes()[:3000])
    code, _, err = find(capsys, folder / "clips" / "cut.mp4", "--in", films, "--model", model)
    assert (code, err.count("error:"), err.count("hint:")) == (4, 1, 1)


def test_what_cannot_be_asked_is_one_error_and_one_hint(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    films, clip = folder / "films.h5", folder / "clips" / "cut.mp4"
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    small = tmp_path / "small.h5"
    fit = ["extract", str(folder / "clips"), "--fit", "pad", "--out", str(small), "--frames", "3"]
    assert command.run(fit) == 0
    for code, words, arguments in (
        (2, "`--in` is missing", (clip,)),
        (2, "no clip is named", ("--in", films)),
        (2, "cannot draw", (clip, "--in", films, "--picture", "x.gif")),
        (2, "no clip that can be read", (text, "--in", films)),
        (2, "features of", ("--all", small, "--in", films)),
        (10, "no feature store", (clip, "--in", tmp_path / "none.h5")),
        (10, "not a chainpipe feature store", (clip, "--in", clip)),
    ):
        found, out, err = find(capsys, *arguments)
        assert (found, out) == (code, []), words
        assert (err.count("error:"), err.count("hint:")) == (1, 1)
        assert words in err
