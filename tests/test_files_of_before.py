"""Files that 0.1.0 made before config keys, options, tensors and classes were renamed still work.

``made_before_renaming.tar.xz`` holds stores, models with the codes they gave, configs, an
unfinished extraction, an interrupted training and an experiment, as commit 90ec764 left them; its
README has the commands. Where a run may be refused, it is refused in words and nothing is lost.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from chainpipe.pipeline.console import json_text
from chainpipe.pipeline.store import open_store

ARCHIVE = Path(__file__).with_name("made_before_renaming.tar.xz")
MODELS = (
    *("chain-default", "chain-every-key", "chain-paper", "chain-lstm", "chain-mixer"),
    *("chain-tanh", "chain-tasks", "conmh", "conmh-every-key", "pca-itq", "lsh", "random"),
)
CONFIGS = ("chain", "chain-every-key", "chain-paper", "conmh", "conmh-every-key")
STORES = ("old.h5", "old.zarr", "real.h5")
READ_ONLY = ("old.zarr", "expected", "config", "commands.json")  # linked, for they are many files
TRAINED = ("chain-every-key", "conmh-every-key")  # the configs that a training is started with
NOT_NETWORKS = ("pca-itq", "lsh", "random")
SAME_BITS = 0.999  # of a network's codes, where another torch rounds otherwise


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive's files; nobody alters them."""
    folder = tmp_path_factory.mktemp("before")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture
def before(unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same in a folder of the test's own, which is the working folder."""
    for path in unpacked.iterdir():
        if path.name in READ_ONLY:
            (tmp_path / path.name).symlink_to(path)
        elif path.is_dir():
            shutil.copytree(path, tmp_path / path.name)
        else:
            shutil.copy2(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> int:
    """Run a command line in this process."""
    try:
        entry = importlib.import_module("chainpipe.command")
    except ModuleNotFoundError:
        entry = importlib.import_module("chainpipe")
    code: int = entry.run(list(words))
    return code


def run_apart(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command line in a process of its own, with ``folder`` as its working folder."""
    return subprocess.run(
        [sys.executable, "-m", "chainpipe", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p or os.curdir for p in sys.path)},
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )


def words_of(folder: Path, name: str) -> list[str]:
    """Return the words that made something in the archive."""
    words: list[str] = json.loads((folder / "commands.json").read_text())[name]
    return words


def files_of(folder: Path) -> dict[Path, bytes]:
    """Return all files below a folder but locks, which name whoever held them last."""
    found = (p for p in folder.rglob("*") if p.is_file() and p.name != "lock")
    return {path: path.read_bytes() for path in found}


def refused(code: int, said: str) -> bool:
    """Tell a polite refusal, in words and with a way out, from an ending that is fine."""
    if code == 0:
        return False
    assert code == 2, said
    assert "error: " in said
    assert "hint: " in said
    assert "--restart" in said or "--out" in said
    return True


def same_torch(folder: Path) -> bool:
    made = json.loads((folder / "expected/versions.json").read_text())
    return bool(made["torch"] == torch.__version__)


def check_codes(new: Path, old: Path, *, exactly: bool) -> None:
    """Compare two codes files: bits, ids, paths, labels and splits."""
    with np.load(new) as now, np.load(old) as then:
        for name in ("bits", "ids", "path_bytes", "path_offsets", "labels", "label_names", "split"):
            np.testing.assert_array_equal(now[name], then[name], err_msg=name)
        equal = (np.unpackbits(now["codes"]) == np.unpackbits(then["codes"])).mean()
    assert equal >= (1.0 if exactly else SAME_BITS)


def plain_values(sections: dict[str, dict[str, Any]]) -> Counter[tuple[str, object]]:
    """Count the numbers and switches of a config, whatever their keys are called."""
    values = (value for section in sections.values() for value in section.values())
    return Counter((type(v).__name__, v) for v in values if not isinstance(v, str))


def to_toml(sections: dict[str, dict[str, Any]]) -> str:
    lines: list[str] = []
    for section, values in sections.items():
        lines += [f"[{section}]", *(f"{name} = {json.dumps(v)}" for name, v in values.items())]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", STORES)
def test_a_store_opens_with_equal_arrays_and_verifies(
    before: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    every = slice(None)
    expected = np.load(before / f"expected/{name}.npz")
    with open_store(before / name) as store:
        for part in ("features", "candidates", "views", "seconds", "index"):
            found = getattr(store, part)(every)
            assert found.dtype == expected[part].dtype
            np.testing.assert_array_equal(found, expected[part], err_msg=part)
        for part in ("labels", "split", "ids"):
            np.testing.assert_array_equal(getattr(store.videos, part), expected[part], err_msg=part)
    assert run("verify", name) == 0
    capsys.readouterr()
    assert run("info", name, "--json") == 0
    now, then = json.loads(capsys.readouterr().out), before / f"expected/{name}.info.json"
    old = json.loads(json_text(json.loads(then.read_text())))  # names by the rule of now
    elsewhere = {key for key, value in old.items() if str(value).startswith("/tmp")}
    assert {k: v for k, v in now.items() if k in old and k not in elsewhere} == {
        k: v for k, v in old.items() if k not in elsewhere
    }


@pytest.mark.parametrize("name", MODELS)
def test_a_model_gives_the_codes_it_gave(before: Path, name: str) -> None:
    model = f"models/{name}"
    assert run("encode", "old.h5", "--model", model, "--out", "now.npz") == 0
    exactly = name in NOT_NETWORKS or same_torch(before)
    check_codes(before / "now.npz", before / model / "codes.npz", exactly=exactly)


def test_every_model_of_the_archive_is_tried(before: Path) -> None:
    assert {path.name for path in (before / "models").iterdir()} == set(MODELS)
    assert {path.stem for path in (before / "config").iterdir()} == set(CONFIGS)


@pytest.mark.parametrize("name", ["chain-every-key", "conmh-every-key", "pca-itq"])
def test_a_model_has_the_scores_it_had(
    before: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    old = json.loads((before / "expected/scores.json").read_text())[name]
    capsys.readouterr()
    assert run("eval", "--model", f"models/{name}", "--store", "old.h5", "--json") == 0
    now = json.loads(capsys.readouterr().out)
    assert now["map"] == pytest.approx(old["map"], abs=0 if same_torch(before) else 0.02)


def test_old_codes_are_searched_as_they_are(
    before: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last code is altered: only who reads the old file finds that video the farthest."""
    model = before / "models/pca-itq"
    with np.load(model / "codes.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    path = bytes(arrays["path_bytes"][: arrays["path_offsets"][1]]).decode()
    far = ~arrays["codes"][0]
    arrays["codes"][-1] = far
    np.savez(model / "codes.npz", **arrays)
    words = ("--model", "models/pca-itq", "--store", "old.h5", "--k", "39", "--json")
    capsys.readouterr()
    assert run("search", path, *words, "--distance", "hamming", "--within", "256") == 0
    found = capsys.readouterr().out
    last = bytes(arrays["path_bytes"][arrays["path_offsets"][-2] :]).decode()
    assert found.rfind(last) == max(
        found.rfind(bytes(arrays["path_bytes"][a:b]).decode())
        for a, b in zip(arrays["path_offsets"][1:-1], arrays["path_offsets"][2:], strict=True)
    )


@pytest.mark.parametrize("name", CONFIGS)
def test_an_old_config_file_is_taken_with_every_value(
    before: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    method = "conmh" if name.startswith("conmh") else "chain"
    file = f"config/{name}.toml"
    words = ("train", "old.h5", "--bits", "16", "--method", method, "--config", file)
    old = tomllib.loads((before / file).read_text())
    capsys.readouterr()
    assert run(*words, "--show-config") == 0
    shown = capsys.readouterr().out
    assert not plain_values(old) - plain_values(tomllib.loads(shown))
    if name in TRAINED:
        assert run(*words, "--epochs", "1", "--out", "new") == 0


@pytest.mark.parametrize("name", [name for name in MODELS if name not in NOT_NETWORKS])
def test_every_key_of_a_model_s_config_is_taken(
    before: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a file and by ``--set``: an old key is a key of today or an alias of one."""
    model = json.loads((before / f"models/{name}/config.json").read_text())["model"]
    (before / "old.toml").write_text(to_toml(model["config"]))
    each = [
        word
        for section, values in model["config"].items()
        for key, value in values.items()
        for word in ("--set", f"{section}.{key}={json.dumps(value)}")
    ]
    shown = []
    for chosen in (["--config", "old.toml"], each):
        capsys.readouterr()
        words = ["train", "old.h5", "--method", model["method"], *chosen, "--show-config"]
        assert run(*words) == 0
        shown.append(tomllib.loads(capsys.readouterr().out))
    assert shown[0] == shown[1]
    assert not plain_values(model["config"]) - plain_values(shown[0])


@pytest.mark.parametrize("name", ["chain-every-key", "chain-paper", "conmh-every-key", "pca-itq"])
def test_the_same_training_again_leaves_a_finished_model_alone(
    before: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = files_of(before / "models")
    code = run(*words_of(before, name))
    refused(code, capsys.readouterr().err)
    assert files_of(before / "models") == files


def test_an_interrupted_training_goes_on_or_is_refused(
    before: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = files_of(before / "interrupted.training")
    code = run(*words_of(before, "interrupted"))
    if refused(code, capsys.readouterr().err):
        assert files_of(before / "interrupted.training") == files
        return
    assert not (before / "interrupted.training").exists()
    assert run("encode", "old.h5", "--model", "interrupted", "--out", "now.npz") == 0
    if same_torch(before):
        check_codes(before / "now.npz", before / "expected/interrupted.npz", exactly=True)


def test_an_unfinished_extraction_decodes_what_is_missing(before: Path) -> None:
    expected = json.loads((before / "expected/unfinished.json").read_text())
    (shard,) = (before / "unfinished.h5.parts").glob("shard-*.h5")
    with h5py.File(shard) as file:
        kept = {bytes(i): f for i, f in zip(file["video/id"][:], file["feats"][:], strict=True)}
    done = run_apart(before, *words_of(before, "unfinished"))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["videos"] == {"ok": expected["videos"]}
    assert report["decoded"] == expected["videos"] - expected["done"]
    assert not (before / "unfinished.h5.parts").exists()
    with open_store(before / "unfinished.h5") as store:
        features = store.features(slice(None))
        rows = {bytes(i): f for i, f in zip(store.videos.ids, features, strict=True)}
    assert len(rows) == expected["videos"]
    assert len(kept) == expected["done"]
    for video, row in kept.items():
        np.testing.assert_array_equal(rows[video], row)


def test_the_same_extraction_again_decodes_nothing(before: Path) -> None:
    old = (before / "real.h5").read_bytes()
    done = run_apart(before, *words_of(before, "real"))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["decoded"], report["written"]) == (0, False)
    assert (before / "real.h5").read_bytes() == old


def test_a_finished_experiment_is_kept_or_refused(
    before: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = before / "experiments/methods/runs"
    files = files_of(runs)
    assert files
    page = (before / "experiments/methods/results.csv").read_text()
    code = run(*words_of(before, "experiment"))
    refused(code, capsys.readouterr().err)
    assert files_of(runs) == files  # nothing is trained again
    assert (before / "experiments/methods/results.csv").read_text() == page
