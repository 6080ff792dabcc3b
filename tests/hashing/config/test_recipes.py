"""Every recipe: it parses, and runs from files of the published layout to scores beside rivals'."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from chainpipe.hashing.cli import app
from chainpipe.hashing.cli.context import Tools
from chainpipe.hashing.config import Config
from chainpipe.hashing.config.overrides import apply, read_toml
from chainpipe.hashing.evaluation.benchmarks import BENCHMARKS, FEATURES
from chainpipe.hashing.evaluation.published import published
from chainpipe.hashing.retrieval.codes import read_codes
from chainpipe.pipeline.errors import UsageError
from tests.published_sets import SETS, write_feats, write_set

RECIPES = Path(__file__).parents[3] / "recipes"
FOLDERS = {name: features.removeprefix("published:") for features, name in FEATURES.items()}
SMALL = [
    *("--set", "encoder.hidden_dim=16", "--set", "encoder.feed_forward_dim=16"),
    *("--set", "input.dims=8", "--set", "hash.distill_steps=0", "--epochs", "1"),
]
ASKED = {"fcvid": (30, 30), "activitynet": (10, 30), "ucf101": (12, 40), "hmdb51": (12, 40)}
ASKED["yfcc"] = (8, 29)


@contextmanager
def silent(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    yield lambda count: None


def chainpipe(*words: str) -> str:
    tools = Tools(
        find=lambda folder: [],
        features=lambda paths, meta: [],
        thumbnails=lambda paths, side: [],
        progress=silent,
        log=lambda line: None,
    )
    result = CliRunner().invoke(app, list(words), obj=tools)
    if isinstance(result.exception, Exception):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_there_is_a_recipe_for_every_benchmark() -> None:
    assert {path.stem for path in RECIPES.iterdir()} == {*BENCHMARKS}


@pytest.mark.parametrize("name", list(BENCHMARKS))
def test_a_recipe_changes_the_default_and_marks_its_numbers(name: str) -> None:
    path = RECIPES / f"{name}.toml"
    assert apply(Config(), read_toml(path)) != Config()
    text = path.read_text()
    numbers = [line for line in text.splitlines() if line.partition("#")[0].strip(" []").count("=")]
    assert numbers
    assert all("[I]" in line for line in numbers)
    assert f"chainpipe train data/{FOLDERS[name]} --bits 64 --config recipes/{name}.toml" in text


@pytest.mark.parametrize("name", list(BENCHMARKS))
def test_a_recipe_runs_from_published_files_to_scores_beside_rivals(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = f"data/{FOLDERS[name]}"
    write_set(Path(folder), FOLDERS[name], dtype="float16")
    recipe = str(RECIPES / f"{name}.toml")
    model = chainpipe("train", folder, "--bits", "16", "--config", recipe, *SMALL).strip()
    assert model == f"models/{FOLDERS[name]}-chain-16"
    found = json.loads(chainpipe("eval", "--json"))
    assert found["protocol"]["name"] == name
    assert (found["queries"], found["database"]) == ASKED[name]
    assert len(found["peers"]) == len(published(name, bits=16)) > 0
    assert found["map_min"]["5"] > 0.5  # four planted classes: chance is about .1
    assert ("without_itself" in found) == (name == "fcvid")


def test_a_published_folder_is_encoded_and_a_changed_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_set(Path("data/hmdb"), "hmdb")
    chainpipe("train", "data/hmdb", "--bits", "8", "--method", "lsh")
    chainpipe("encode", "data/hmdb", "--out", "codes.npz")
    codes = read_codes(Path("codes.npz"))
    assert len(codes) == 52
    assert codes.paths[45] == b"hmdb_test_feats.h5#5"
    count = SETS["hmdb"]["hmdb_test_feats.h5"][0]
    write_feats(Path("data/hmdb/hmdb_test_feats.h5"), np.zeros((count, 6, 10), np.float32))
    with pytest.raises(UsageError, match="weights_sha256"):
        chainpipe("encode", "data/hmdb")
