"""The whole road as a new user walks it: extract, train, encode, search, eval, demo."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from chainpipe import command
from chainpipe.pipeline.decode import ffmpeg_program
from tests.pipeline.conftest import draw_clip

ROOT = Path(__file__).parents[1]


def test_the_three_commands_of_the_card_work_as_written(library, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(library, "videos")
    assert command.run(["extract", "videos/", "--out", "feats.h5"]) == 0
    assert command.run(["train", "feats.h5", "--bits", "32"]) == 0
    assert command.run(["encode"]) == 0
    with np.load("models/feats-chain-32/codes.npz") as codes:
        assert codes["codes"].shape == (8, 4)
        assert int(codes["bits"]) == 32


def test_search_by_a_new_file_finds_its_twin(library, model, tmp_path, capsys) -> None:
    duplicate = shutil.copy(library / "card" / "0.mp4", tmp_path / "new.mp4")
    with open(duplicate, "ab") as file:
        file.write(b"\0" * 8)  # other bytes, the same pictures
    words = ["search", str(duplicate), "--model", str(model), "--k", "3", "--json"]
    assert command.run(words) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (first["path"], first["distance"]) == ("card/0.mp4", 0)


def test_search_by_a_picture_finds_the_clip_it_is_from(library, model, tmp_path, capsys) -> None:
    path = tmp_path / "a.jpg"
    frame = ["-ss", "1", "-i", str(library / "grey/0.mp4"), "-frames:v", "1", str(path)]
    subprocess.run([ffmpeg_program(), "-v", "error", *frame], check=True)
    words = ["search", str(path), "--model", str(model), "--within", "2", "--json"]
    assert command.run(words) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert first["path"].startswith("grey/")
    assert first["answer"] != "copy"


def test_search_draws_a_picture(library, model, tmp_path) -> None:
    picture = tmp_path / "answers.png"
    words = ["search", "card/0.mp4", "--model", str(model), "--picture", str(picture)]
    assert command.run(words) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_encode_a_folder_of_new_videos(model, tmp_path) -> None:
    draw_clip(tmp_path / "new" / "x.mp4", seconds=3)
    out = tmp_path / "new.npz"
    words = ["encode", str(tmp_path / "new"), "--model", str(model), "--out", str(out)]
    assert command.run(words) == 0
    with np.load(out) as codes:
        assert codes["codes"].shape == (1, 2)


def test_eval_prints_the_contract_s_object(model, capsys) -> None:
    assert command.run(["eval", "--model", str(model), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == 1
    assert set(found["map"]) == {"5", "20", "40", "60", "80", "100"}
    assert found["queries"] == found["database"] == 8


def test_demo_on_a_folder_without_labels_gives_the_picture_and_no_table(
    library, tmp_path, capsys
) -> None:
    for number, path in enumerate(sorted(library.rglob("*.mp4"))):
        (tmp_path / "mine").mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / "mine" / f"{number}.mp4")
    out = tmp_path / "out"
    words = ["demo", str(tmp_path / "mine"), "--out", str(out), "--bits", "16", "--seeds", "2"]
    assert command.run(words) == 0
    printed, said = capsys.readouterr()
    assert "mAP@5" not in printed
    assert "no labels: nothing is measured, so `--seeds` is not used" in said
    assert (out / "neighbours.png").exists()
    assert (out / "models" / "chain-16" / "codes.npz").exists()


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["eval", "--help"]])
def test_help_imports_neither_networks_nor_decoders(words: list[str]) -> None:
    program = (
        f"import sys; from chainpipe import command; command.run({words}); "
        "print([name for name in ('torch', 'av', 'onnxruntime') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert shown.stdout.strip().endswith("[]")


@pytest.mark.timeout(300)
def test_the_built_wheel_holds_every_module_and_runs(tmp_path) -> None:
    source = tmp_path / "source"
    keep = ["pyproject.toml", "README.md", "LICENSE", "chainpipe", "pipeline", "hashing"]
    for name in keep:
        source.mkdir(exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, symlinks=True)
        else:
            shutil.copy(ROOT / name, source / name)
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
    ]
    subprocess.run([*build, str(source)], check=True)
    [wheel] = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("pipeline", "hashing"):
        paths = (ROOT / folder).rglob("*.py")
        modules = {f"chainpipe/{path.relative_to(ROOT)}" for path in paths}
        assert modules <= inside
    target = tmp_path / "installed"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target)]
    subprocess.run([*install, str(wheel)], check=True)
    program = (
        f"import sys; sys.path.insert(0, {str(target)!r})\n"
        "from chainpipe import command, pipeline\n"
        f"assert pipeline.__file__.startswith({str(target)!r}), pipeline.__file__\n"
        "sys.exit(command.run(['--version']))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "chainpipe" in shown.stdout
