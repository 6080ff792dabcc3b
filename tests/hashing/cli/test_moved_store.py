"""A model finds its store after both were moved, and never takes another one for it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainpipe.hashing.cli.moved_store import is_model_of, with_moved_store
from chainpipe.hashing.data.training_set import content_sample, holds_training_rows, training_rows
from chainpipe.hashing.model_folder.folder import CONFIG, read_facts, write_facts
from chainpipe.pipeline.errors import NotFoundError
from chainpipe.pipeline.records import Split
from chainpipe.pipeline.store import open_store
from tests.hashing.cli.test_cli import NAMES, Stage, stage
from tests.hashing.retrieval.answer_samples import make_model, make_store, make_videos, video

__all__ = ["stage"]  # fixture


def train(folder: Path, store: Path) -> None:
    """Save a model that knows which videos it was trained on."""
    with open_store(store) as opened:
        rows = training_rows(opened)
        sample = content_sample(opened, rows.rows)
        facts = {"rows": len(opened.videos), "digest": rows.digest, "content_sample": sample}
        make_model(folder, store, **facts)


@pytest.fixture
def project(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with videos, store and model that was moved as a whole."""
    (tmp_path / "old").mkdir()
    for name in ("feats.h5", "models", "videos"):
        (tmp_path / name).rename(tmp_path / "old" / name)
    train(tmp_path / "old/models/m", tmp_path / "old/feats.h5")
    monkeypatch.chdir(tmp_path)
    return (tmp_path / "old").rename(tmp_path / "new")


@pytest.mark.parametrize("verb", ["encode", "eval", "search"])
def test_a_project_that_moved_works(stage: Stage, project: Path, verb: str) -> None:
    words = [str(project / "videos" / NAMES[0])] if verb == "search" else []
    stage.run(verb, *words, "--model", project / "models/m")
    (line,) = [line for line in stage.said if line.startswith("store ")]
    assert line == "store new/feats.h5 (12 videos, which the model was trained on)"


@pytest.mark.parametrize("place", ["models/m", "models", "."])
def test_an_older_model_finds_its_store_beside_it(project: Path, place: str) -> None:
    folder = project / "models/m"
    facts = read_facts(folder)
    write_facts(folder, replace(facts, data={**facts.data, "store_from_folder": ""}))
    store = (project / "feats.h5").rename(project / place / "feats.h5")
    assert with_moved_store(folder, read_facts(folder)).store == str(store)


def test_a_store_elsewhere_is_found_where_it_was_from_the_model(
    stage: Stage, tmp_path: Path
) -> None:
    (tmp_path / "a/b/c/d").mkdir(parents=True)
    store = (tmp_path / "feats.h5").rename(tmp_path / "a/other.h5")
    train(tmp_path / "a/b/c/d/m", store)
    (tmp_path / "a").rename(tmp_path / "z")
    folder = tmp_path / "z/b/c/d/m"
    assert with_moved_store(folder, read_facts(folder)).store == str(tmp_path / "z/other.h5")
    assert "store_from_folder" in json.loads((folder / CONFIG).read_text())["model"]["data"]


def test_another_library_where_the_store_was_is_not_taken(
    stage: Stage, project: Path, tmp_path: Path
) -> None:
    root = tmp_path / "others"
    names = ["x.mp4", "y.mp4", "z.mp4"]
    make_videos(root, names)
    (tmp_path / "old").mkdir()
    make_store(tmp_path / "old/feats.h5", root, [video(root, name) for name in names])
    folder = project / "models/m"
    assert with_moved_store(folder, read_facts(folder)).store == str(project / "feats.h5")


def test_another_store_of_the_same_name_is_not_taken(
    stage: Stage, project: Path, tmp_path: Path
) -> None:
    (project / "feats.h5").unlink()
    root = tmp_path / "others"
    names = ["x.mp4", "y.mp4", "z.mp4"]
    make_videos(root, names)
    make_store(project / "feats.h5", root, [video(root, name) for name in names])
    with pytest.raises(NotFoundError, match="trained on is gone"):
        stage.run("encode", "--model", project / "models/m")
    (project / "feats.h5").write_bytes(b"no store")
    with pytest.raises(NotFoundError, match="trained on is gone"):
        stage.run("encode", "--model", project / "models/m")


@pytest.mark.parametrize("how", ["pruned", "split anew"])
def test_a_store_that_was_changed_and_moved_is_found(project: Path, how: str) -> None:
    store, root = project / "feats.h5", project / "videos"
    rows = [video(root, name) for name in NAMES]
    if how == "pruned":
        rows = rows[2:]
    else:
        rows[0], rows[5] = (replace(rows[n], split=Split.TEST) for n in (0, 5))
    store.unlink()
    make_store(store, root, rows)
    folder = project / "models/m"
    assert with_moved_store(folder, read_facts(folder)).store == str(store)
    store.unlink()
    make_store(store, root, rows[-2:])  # too few of them
    assert with_moved_store(folder, read_facts(folder)).store != str(store)


def test_the_store_of_a_copied_model_stays_the_old_one(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, project.parent / "old")
    folder = project / "models/m"
    facts = read_facts(folder)
    assert with_moved_store(folder, facts).store == str(tmp_path / "old/feats.h5")
    assert is_model_of(folder, facts, tmp_path / "old/feats.h5")
    assert is_model_of(folder, facts, project / "feats.h5")
    other = (project / "feats.h5").rename(project / "other.h5")
    assert not is_model_of(folder, facts, other)


def test_a_store_that_grew_is_known_by_its_first_rows(tmp_path: Path) -> None:
    root = tmp_path / "videos"
    make_videos(root, NAMES)
    rows = [video(root, name) for name in NAMES]
    rows[2].features[0, 0] = np.nan
    rows[3] = replace(rows[3], split=Split.VAL)
    with open_store(make_store(tmp_path / "a.h5", root, rows[:6])) as store:
        trained = training_rows(store, skip_bad=True)
        assert holds_training_rows(store, rows=6, digest=trained.digest)
    with open_store(make_store(tmp_path / "b.h5", root, rows)) as store:
        assert holds_training_rows(store, rows=6, digest=trained.digest)
        assert not holds_training_rows(store, rows=7, digest=trained.digest)
    with open_store(make_store(tmp_path / "c.h5", root, rows[1:])) as store:
        assert not holds_training_rows(store, rows=6, digest=trained.digest)
