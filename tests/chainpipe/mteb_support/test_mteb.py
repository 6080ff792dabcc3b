"""``mteb`` evaluates codes and features: its scores are ours, ties included."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value, Video

import chainpipe
from chainpipe import NotFoundError, UsageError, VideoReadError
from tests.hashing.conftest import planted_features

mteb = pytest.importorskip("mteb")

VIDEOS, FRAMES, DIM = 60, 3, 12
PAGE = Path(__file__).parents[3] / "docs" / "mteb.md"
KS = (5, 20, 40, 60, 80, 100)


@pytest.fixture(scope="module", autouse=True)
def _offline() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture(scope="module")
def features() -> np.ndarray[Any, Any]:
    made = planted_features(VIDEOS, FRAMES, DIM)
    made += 6 * np.random.default_rng(1).normal(size=(VIDEOS, 1, DIM)).astype(np.float32)
    made[7] = made[3]  # equal videos tie at every distance
    return made


def labels(rows: int = VIDEOS) -> list[Any]:
    """Classes; one video has two, one has none, and one is alone in its class."""
    made: list[Any] = [f"class {row % 4}" for row in range(rows)]
    made[10], made[11], made[12] = ("class 0", "class 1"), None, "alone"
    return made


def splits(rows: int = VIDEOS) -> list[str]:
    return ["train" if row < 20 else "query" if row < 30 else "database" for row in range(rows)]


def scores(model: Any, task: Any) -> dict[str, float]:
    quiet: dict[str, Any] = {"show_progress_bar": False, "co2_tracker": False}
    result = mteb.evaluate(model, task, cache=None, **quiet)
    (found,) = result.task_results[0].scores["test"]
    return dict(found)


def assert_same(found: dict[str, float], wanted: chainpipe.Evaluation) -> None:
    for k in KS:
        assert found[f"chainpipe_map_at_{k}"] == pytest.approx(wanted.map(k), abs=1e-6)
        assert found[f"chainpipe_map_min_at_{k}"] == pytest.approx(wanted.map_min(k), abs=1e-6)
        assert found[f"chainpipe_precision_at_{k}"] == pytest.approx(wanted.precision(k), abs=1e-6)
        assert found[f"chainpipe_recall_at_{k}"] == pytest.approx(wanted.recall(k), abs=1e-6)


@pytest.mark.parametrize("bits", [2, 8])
@pytest.mark.parametrize("marks", [None, splits()])
def test_scores_of_codes_are_ours_with_most_distances_tied(
    features: np.ndarray[Any, Any], bits: int, marks: list[str] | None
) -> None:
    store = chainpipe.store_from_arrays(features, labels=labels(), splits=marks)
    model = chainpipe.train(store, bits=bits, method="pca-itq")
    found = scores(chainpipe.mteb_model(model, store=store), chainpipe.mteb_task(store))
    wanted = chainpipe.evaluate(model.encode(store))
    assert wanted.map_tied(20) != pytest.approx(wanted.map(20), abs=1e-4)  # the order matters
    assert_same(found, wanted)
    assert found["main_score"] == found["chainpipe_map_at_20"]


@pytest.mark.parametrize("marks", [None, splits()])
def test_scores_of_features_are_ours(
    features: np.ndarray[Any, Any], marks: list[str] | None
) -> None:
    store = chainpipe.store_from_arrays(features, labels=labels(), splits=marks)
    found = scores(chainpipe.mteb_model(store=store), chainpipe.mteb_task(store))
    codes = chainpipe.train(store, bits=2, method="lsh").encode(store)
    wanted = chainpipe.evaluate(codes, distance="rerank", rerank_depth=VIDEOS, features=store)
    assert_same(found, wanted)


def test_every_query_that_has_an_answer_is_in_mtebs_own_scores(
    features: np.ndarray[Any, Any],
) -> None:
    """Precision and recall of `mteb` itself are ours where every query has a right answer."""
    store = chainpipe.store_from_arrays(features, labels=np.arange(VIDEOS) % 4)
    model = chainpipe.train(store, bits=8, method="pca-itq")
    found = scores(chainpipe.mteb_model(model, store=store), chainpipe.mteb_task(store))
    wanted = chainpipe.evaluate(model.encode(store))
    for k in KS:
        assert found[f"precision_at_{k}"] == pytest.approx(wanted.precision(k), abs=6e-6)
        assert found[f"recall_at_{k}"] == pytest.approx(wanted.recall(k), abs=6e-6)


def test_answers_come_in_the_order_of_distance_and_row(features: np.ndarray[Any, Any]) -> None:
    store = chainpipe.store_from_arrays(features, labels=labels())
    model = chainpipe.train(store, bits=8, method="pca-itq")
    task = chainpipe.mteb_task(store)
    data = task.dataset["default"]["test"]
    searched = chainpipe.mteb_model(model, store=store)
    with pytest.raises(RuntimeError, match="`index` comes before"):
        searched.search(data["queries"], top_k=5)
    searched.index(data["corpus"])
    found = searched.search(data["queries"], top_k=VIDEOS)
    packed = model.encode(store)
    matrix = packed.distances(packed)
    for query, answers in found.items():
        line = matrix[:, int(query)].astype(int)
        assert list(map(int, answers)) == sorted(range(VIDEOS), key=lambda row: (line[row], row))
        values = list(answers.values())
        assert values == sorted(values, reverse=True)
        assert len(set(values)) == len(values)
        assert [round(-value) for value in values] >= sorted(line)
    some = searched.search(data["queries"], top_k=2, top_ranked={"0": ["5", "9", "4"]})
    assert set(some["0"]) < {"5", "9", "4"}
    assert len(some["0"]) == 2
    assert some["1"] == {}


@pytest.fixture(scope="module")
def videos(library: Path) -> Dataset:
    """Clips as the hub's datasets hold them: bytes in a column of videos that are not decoded."""
    paths = sorted(library.rglob("*.mp4"))[:4]
    columns = Features(
        {
            "id": Value("string"),
            "video": Video(),
            "label": ClassLabel(names=["a", "b"]),
        }
    )
    content = {
        "id": [path.stem + path.parent.name for path in paths],
        "video": [{"path": path.name, "bytes": path.read_bytes()} for path in paths],
        "label": [0, 0, 1, 1],
    }
    return Dataset.from_dict(content, features=columns)


@pytest.fixture(scope="module")
def hasher(store: Path) -> chainpipe.Model:
    with chainpipe.open_store(store) as opened:
        return chainpipe.train(opened, bits=8, method="pca-itq")


def test_a_task_of_the_hub_is_decoded_here_and_found_in_a_store(
    videos: Dataset, hasher: chainpipe.Model, store: Path
) -> None:
    """`VSC2022Retrieval` itself on local clips in its layout: nothing is downloaded."""
    with chainpipe.open_store(store) as opened:
        wanted = hasher.encode(opened).packed[:4]
        for model in (
            chainpipe.mteb_model(hasher),
            chainpipe.mteb_model(hasher, store=opened),
        ):
            task = mteb.get_tasks(tasks=["VSC2022Retrieval"])[0]
            ids = videos["id"]
            relevant = {one: {one: 1} for one in ids}
            columns = videos.select_columns(["id", "video"])
            task.dataset = {
                "default": {
                    "test": {
                        "corpus": columns,
                        "queries": columns,
                        "relevant_docs": relevant,
                        "top_ranked": None,
                    }
                }
            }
            task.data_loaded = True
            found = scores(model, task)
            assert found["hit_rate_at_10"] == 1.0
            np.testing.assert_array_equal(model._corpus, wanted)


def test_a_classification_of_the_hub_gets_vectors(
    videos: Dataset, hasher: chainpipe.Model, store: Path
) -> None:
    task = mteb.get_tasks(tasks=["HMDB51Classification"])[0]
    task.dataset = DatasetDict({"train": videos, "test": videos})
    task.data_loaded = True
    task.n_experiments = 2
    with chainpipe.open_store(store) as opened:
        model = chainpipe.mteb_model(hasher, store=opened)
        assert scores(model, task)["accuracy"] == 1.0
        bits = hasher.encode(opened).numpy(signed=True)[:4]
    vectors = model._representation.embeddings(model._reader.read(videos))
    np.testing.assert_array_equal(vectors, bits)
    distances = (hasher.bits - vectors @ vectors.T) / 2
    np.testing.assert_allclose(model.similarity(vectors, vectors), 1 - 2 * distances / 8, atol=1e-6)
    np.testing.assert_allclose(model.similarity_pairwise(vectors, vectors), 1, atol=1e-6)


def test_the_example_of_the_page_runs(
    store: Path, hasher: chainpipe.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(store, tmp_path / "feats.h5")
    hasher.save(tmp_path / "models" / "feats-chain-32")
    monkeypatch.chdir(tmp_path)
    code = PAGE.read_text().split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)
    with chainpipe.open_store(store) as opened:
        assert_same(names["scores"], chainpipe.evaluate(hasher.encode(opened)))
    names["store"].close()


def test_tasks_that_the_page_names_are_in_the_registry() -> None:
    page = PAGE.read_text()
    named = [
        line.split("`")[1] for line in page.splitlines() if line.startswith("| `") and "v2" in line
    ]
    assert len(named) >= 5
    for name in named:
        (task,) = mteb.get_tasks(tasks=[name], exclude_beta=False)
        assert f"`{task.metadata.dataset['path']}`" in page


def test_errors_name_what_is_wrong(
    features: np.ndarray[Any, Any], tmp_path: Path, store: Path, hasher: chainpipe.Model
) -> None:
    with pytest.raises(NotFoundError):
        chainpipe.mteb_task(tmp_path / "none.h5")
    with pytest.raises(NotFoundError):
        chainpipe.mteb_model(tmp_path)
    with pytest.raises(UsageError, match="label"):
        chainpipe.mteb_task(chainpipe.store_from_arrays(features))
    arrays = chainpipe.store_from_arrays(features, labels=labels())
    with pytest.raises(UsageError, match="no protocol"):
        chainpipe.mteb_task(arrays, protocol="mine")
    alone = chainpipe.store_from_arrays(features, labels=list(map(str, range(len(features)))))
    with pytest.raises(UsageError, match="no query of `one each` has a right answer"):
        chainpipe.mteb_task(alone, name="one each")
    wrong = features.copy()
    wrong[3, 1] = np.nan
    holed = chainpipe.store_from_arrays(wrong, labels=labels())
    with pytest.raises(UsageError, match="NaN or infinite features in `3`"):
        chainpipe.mteb_model(store=holed).index(
            chainpipe.mteb_task(holed).dataset["default"]["test"]["corpus"]
        )
    small = chainpipe.train(arrays, bits=8, method="lsh")
    with (
        chainpipe.open_store(store) as opened,
        pytest.raises(UsageError, match="trained on other features"),
    ):
        chainpipe.mteb_model(small, store=opened)
    corpus = chainpipe.mteb_task(arrays).dataset["default"]["test"]["corpus"]
    with pytest.raises(UsageError, match="is not in the store"):
        chainpipe.mteb_model(small).index(corpus)
    with pytest.raises(UsageError, match="no column `video` but `id`"):
        chainpipe.mteb_model(small).index(corpus.select_columns(["id"]))
    broken = Dataset.from_dict(
        {"id": ["a"], "video": [{"path": "a.mp4", "bytes": b"no video"}]},
        features=Features({"id": Value("string"), "video": Video(decode=False)}),
    )
    with pytest.raises(VideoReadError, match=r"`a.mp4`: corrupt"):
        chainpipe.mteb_model(hasher).index(broken)


def test_without_the_package_there_is_a_hint() -> None:
    script = (
        "import sys; sys.modules['mteb'] = None\n"
        "import chainpipe\n"
        "try:\n"
        "    chainpipe.mteb_model()\n"
        "except chainpipe.UsageError as error:\n"
        "    print(error, '|', error.hint)\n"
    )
    root = str(Path(__file__).parents[3])
    words = [sys.executable, "-c", script]
    said = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True).stdout
    told = "an evaluation by mteb needs the package `mteb`, which is not installed"
    assert said.strip() == f"{told} | pip install 'chainpipe-video[mteb]'"
