"""The verb ``search``: queries, distances, filters, words, files that are gone, codes alone."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainpipe import command
from chainpipe.hashing.cli import library_facts as facts_module
from chainpipe.hashing.model_folder.folder import ModelFacts, save_model
from chainpipe.hashing.retrieval.codes import read_codes, write_codes
from chainpipe.hashing.retrieval.distance_names import DISTANCES
from chainpipe.pipeline.errors import DamageError, NotFoundError, UsageError
from chainpipe.pipeline.records import (
    Blank,
    Reader,
    Status,
    StoreMeta,
    VideoFeatures,
    VideoInfo,
)
from tests.hashing.cli.test_cli import NAMES, Stage, stage
from tests.hashing.retrieval.answer_samples import (
    FINGERPRINT,
    make_model,
    make_store,
    make_videos,
    video,
)
from tests.published_sets import write_set

__all__ = ["stage"]  # the fixture
CODES = Path("models/feats-lsh-16/codes.npz")
FIELDS = ["schema", "query", "rank", "path", "id", "distance", "similarity", "answer"]


def add_copies(stage: Stage) -> None:
    """Put two files with the bytes of ``bee/b1.mp4`` into the library."""
    names = [*NAMES, "zoo/copy1.mp4", "zoo/copy2.mp4"]
    make_videos(stage.root, names)
    for name in names[-2:]:
        (stage.root / name).write_bytes((stage.root / "bee/b1.mp4").read_bytes())
    make_store(Path("feats.h5"), stage.root, [video(stage.root, name) for name in names])


@pytest.mark.parametrize("distance", DISTANCES)
def test_each_answer_is_one_line_of_schema_2(stage: Stage, distance: str) -> None:
    (found,) = stage.answers("bee/b1.mp4", "--distance", distance, "-k", "4")
    for rank, line in enumerate(found, start=1):
        assert list(line) == FIELDS
        assert (line["schema"], line["query"], line["rank"]) == (2, "bee/b1.mp4", rank)
        assert bytes.fromhex(str(line["id"])) == video(stage.root, str(line["path"])).video_id
        assert isinstance(line["distance"], int) == (distance == "hamming")
        assert 0 <= float(str(line["similarity"])) <= 1
        assert line["answer"] in (None, "copy", "same-scenes", "similar")
    order = [(line["distance"], NAMES.index(str(line["path"]))) for line in found]
    assert order == sorted(order)


@pytest.mark.parametrize("distance", DISTANCES)
def test_files_with_the_querys_bytes_are_shown_as_such(stage: Stage, distance: str) -> None:
    add_copies(stage)
    how = ["--distance", distance, "-k", "3"]
    (found,) = stage.answers("bee/b1.mp4", *how)
    exact = [one["path"] for one in found if one["distance"] == 0 and one["answer"] == "copy"]
    assert exact == ["zoo/copy1.mp4", "zoo/copy2.mp4"]
    shutil.copy(stage.root / "bee/b1.mp4", "elsewhere.mp4")
    (all_three,) = stage.answers("elsewhere.mp4", *how)
    assert [one["path"] for one in all_three] == ["bee/b1.mp4", *exact]
    assert "same file" in stage.run("search", "bee/b1.mp4", *how)
    assert stage.extracted == []


def test_a_folder_asks_by_each_of_its_videos(stage: Stage) -> None:
    Path("more").mkdir()
    Path("more/x.mp4").write_bytes(b"ant but new")
    shutil.copy(stage.root / "cow/c2.mp4", "more/y.mp4")
    one, other = stage.answers("more", "-k", "2")
    assert (one[0]["query"], other[0]["query"]) == ("more/x.mp4", "more/y.mp4")
    assert other[0]["path"] == "cow/c2.mp4"
    assert stage.extracted == [Path("more/x.mp4")]


def test_many_new_files_show_a_progress_bar(stage: Stage) -> None:
    Path("more").mkdir()
    for number in range(3):
        Path(f"more/{number}.mp4").write_bytes(b"ant %d" % number)
    assert len(stage.answers("more")) == 3
    assert stage.progressed["extract queries"] == 3


def test_nothing_near_is_an_answer(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "chainpipe.hashing.cli.search_words.chance_limit"
    monkeypatch.setattr(words, lambda *args, **how: 2.0)  # no answer is as near
    out = stage.run("search", "bee/b1.mp4", "--no-check", "--json")
    assert json.loads(out) == {
        "schema": 2,
        "query": "bee/b1.mp4",
        **dict.fromkeys(FIELDS[2:]),
    }
    shown = stage.run("search", "bee/b1.mp4", "--no-check", "-k", "2")
    assert "nothing near bee/b1.mp4; the nearest of 12 videos:" in shown
    assert "bee/" in shown


def test_a_radius_says_what_is_near(stage: Stage) -> None:
    (found,) = stage.answers("bee/b1.mp4", "--distance", "hamming")
    radius = found[2]["distance"]
    (near,) = stage.answers("bee/b1.mp4", "--distance", "hamming", "--within", str(radius))
    assert near == [one for one in found if one["distance"] <= radius]  # type: ignore[operator]
    Path("far.mp4").write_bytes(b"zebra")
    out = stage.run("search", "far.mp4", "--within", "0", "--json")
    assert json.loads(out)["path"] is None
    assert "nothing near far.mp4 in 12 videos" in stage.run("search", "far.mp4", "--within", "0")


def test_filters_come_before_the_cut(stage: Stage) -> None:
    (found,) = stage.answers("bee/b1.mp4", "--label", "ant", "--within", "2", "-k", "4")
    assert {str(one["path"])[:4] for one in found} == {"ant/"}
    assert len(found) == 4
    assert "4 of 12 videos may be results" in stage.said
    (both,) = stage.answers(
        "bee/b1.mp4", "--path", "*0.mp4", "--longer", "4", "--shorter", "4", "--within", "2"
    )
    assert sorted(str(one["path"]) for one in both) == ["ant/a0.mp4", "bee/b0.mp4", "cow/c0.mp4"]
    none = json.loads(stage.run("search", "bee/b1.mp4", "--longer", "5", "--json"))
    assert none["path"] is None


@pytest.mark.parametrize("distance", DISTANCES)
def test_files_that_are_gone_are_left_out(stage: Stage, distance: str) -> None:
    how = ["--distance", distance, "--within", "16", "-k", "11"]
    (before,) = stage.answers("bee/b1.mp4", *how)
    gone = [str(before[0]["path"]), str(before[3]["path"])]
    for name in gone:
        (stage.root / name).unlink()
    (after,) = stage.answers("bee/b1.mp4", *how)
    assert [one["path"] for one in after] == [
        one["path"] for one in before if one["path"] not in gone
    ]
    assert "2 results left out: the file is gone" in stage.said
    (first,) = stage.answers("bee/b1.mp4", *how[:-1], "1")
    assert first[0]["path"] == after[0]["path"]


def test_a_library_whose_folder_is_away_is_not_gone(stage: Stage) -> None:
    (before,) = stage.answers("bee/b1.mp4")
    stage.root.rename("elsewhere")
    assert stage.answers("bee/b1.mp4") == [before]
    stage.root.mkdir()  # where a drive is mounted
    assert stage.answers("bee/b1.mp4") == [before]


def test_without_the_store_codes_are_enough(stage: Stage) -> None:
    stage.run("encode")
    (before,) = stage.answers("bee/b1.mp4", "--distance", "hamming")
    Path("feats.h5").unlink()
    (after,) = stage.answers("bee/b1.mp4")
    assert after == before
    assert "distance hamming: bits of the codes that differ" in stage.said
    assert any("is gone" in line and "codes only" in line for line in stage.said)
    Path("new.mp4").write_bytes(b"cow but new")
    (new,) = stage.answers("new.mp4", "--distance", "asymmetric", "-k", "2")
    assert {str(one["path"])[:4] for one in new} == {"cow/"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--distance", "rerank"], "`--distance rerank` reads features"),
        (["--distance", "asymmetric"], "the values of a row are in the store"),
        (["--check"], "`--check` reads features"),
        (["--longer", "3"], "`--longer` and `--shorter` need the store"),
    ],
)
def test_what_needs_the_store_says_so(stage: Stage, words: list[str], message: str) -> None:
    stage.run("encode")
    Path("feats.h5").unlink()
    with pytest.raises(UsageError, match=message) as caught:
        stage.run("search", "bee/b1.mp4", *words)
    assert "--store" in str(caught.value.hint)


def test_a_named_codes_file_is_searched(stage: Stage) -> None:
    stage.run("encode", "videos", "--out", "folder.npz")
    (found,) = stage.answers("bee/b1.mp4", "--codes", "folder.npz", "-k", "3")
    assert {str(one["path"])[:4] for one in found} == {"bee/"}
    assert "folder.npz is not of this store: codes only" in stage.said


def files_and_times() -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in Path().rglob("*")
        if path.is_file()
    }


def other_model(codes: Path) -> None:
    make_model(Path("models/other"), Path("feats.h5").resolve(), bits=32)
    shutil.copy(codes, "other.npz")


def cut(codes: Path) -> None:
    Path("other.npz").write_bytes(codes.read_bytes()[:-40])


def flip(codes: Path) -> None:
    content = bytearray(codes.read_bytes())
    at = content.find(read_codes(codes).packed.tobytes())
    content[at + 5] ^= 16
    Path("other.npz").write_bytes(content)


def empty(codes: Path) -> None:
    write_codes(Path("other.npz"), read_codes(codes)[:0])


def foreign(codes: Path) -> None:
    found = read_codes(codes)
    write_codes(Path("other.npz"), replace(found, origin=replace(found.origin, sha256="00" * 32)))


def text(codes: Path) -> None:
    Path("other.npz").write_text("no codes")


@pytest.mark.parametrize(
    ("spoil", "words", "error", "message"),
    [
        (other_model, ["--model", "models/other"], UsageError, "codes in `other.npz` are of anoth"),
        (foreign, [], UsageError, "codes in `other.npz` are of another model"),
        (cut, [], DamageError, "truncated or damaged"),
        (flip, [], DamageError, "CRC-32"),
        (empty, [], UsageError, "there are no videos to search in `other.npz`"),
        (text, [], NotFoundError, "`other.npz` is not a codes file"),
    ],
)
def test_bad_codes_are_one_error_with_a_hint_and_change_nothing(
    stage: Stage,
    spoil: Callable[[Path], None],
    words: list[str],
    error: type[Exception],
    message: str,
) -> None:
    stage.run("encode")
    spoil(CODES)
    before = files_and_times()
    with pytest.raises(error, match=message) as caught:
        stage.run("search", "bee/b1.mp4", "--codes", "other.npz", *words)
    assert caught.value.hint  # type: ignore[attr-defined]
    assert files_and_times() == before


def test_more_answers_than_videos_are_all_videos(stage: Stage) -> None:
    (found,) = stage.answers("bee/b1.mp4", "-k", "500", "--within", "2")
    assert len(found) == 11


def test_the_library_is_looked_at_once(stage: Stage) -> None:
    learned = "looking at the library once, for later searches, too"
    (first,) = stage.answers("bee/b1.mp4")
    assert learned in stage.said
    stage.said.clear()
    assert stage.answers("bee/b1.mp4") == [first]
    assert learned not in stage.said
    path = Path("models/feats-lsh-16") / facts_module.FILE
    path.write_bytes(path.read_bytes()[:-9])
    assert stage.answers("bee/b1.mp4") == [first]
    assert learned in stage.said
    stage.said.clear()
    rows = [video(stage.root, name) for name in NAMES[1:]]
    make_store(Path("feats.h5"), stage.root, rows)
    stage.answers("bee/b1.mp4")
    assert learned in stage.said


def test_codes_only_distances_do_not_look_at_it(stage: Stage) -> None:
    stage.answers("bee/b1.mp4", "--distance", "hamming")
    assert not (Path("models/feats-lsh-16") / facts_module.FILE).exists()


@pytest.mark.parametrize("backend", ["numpy", "faiss", "auto"])
def test_exact_backends_print_the_same(stage: Stage, backend: str) -> None:
    words = ["search", *NAMES[:9], "--json", "--distance", "hamming"]
    assert stage.run(*words) == stage.run(*words, "--backend", backend)


DIM, LENGTH = 40, 12
PLANTED = replace(FINGERPRINT, dim=DIM)


def moving(seed: int, place: int) -> np.ndarray:
    """Return frames that move in their own way around a place, (12, 40)."""
    way = np.cumsum(np.random.default_rng(seed).normal(size=(LENGTH, DIM)), axis=0)
    return np.asarray(6 * np.random.default_rng(place).normal(size=DIM) + way, np.float32)


def planted_row(name: str, features: np.ndarray, blank: Blank = Blank.NONE) -> VideoFeatures:
    return VideoFeatures(
        path=name.encode(), video_id=hashlib.sha256(name.encode()).digest(), features=features,
        seconds=np.arange(float(LENGTH)), index=np.arange(LENGTH),
        info=VideoInfo(float(LENGTH), 1.0, 64, 48, LENGTH), status=Status.OK,
        reader=Reader.EXACT, size=1, mtime_ns=1, blank=blank,
    )  # fmt: skip


@pytest.fixture
def planted(stage: Stage) -> Stage:
    """Return a stage whose newest model and store have a copy, another take, and blank videos."""
    first = moving(0, 0)
    shifted = first + 0.5 * np.random.default_rng(9).normal(size=DIM).astype(np.float32)
    still = np.repeat(moving(7, 70)[:1], LENGTH, axis=0)
    rows = [
        planted_row("original.mp4", first),
        planted_row("edited.mp4", shifted),
        planted_row("take.mp4", moving(1, 0)),
        planted_row("still.mp4", still),
        planted_row("still too.mp4", still, Blank.STILL),
        *(planted_row(f"{seed}.mp4", moving(seed, seed)) for seed in range(10, 70)),
    ]
    for row in rows:  # what is in the files does not matter here
        (stage.root / row.path.decode()).write_bytes(row.path)
    meta = StoreMeta(PLANTED, LENGTH, dtype="float32")
    store = make_store(Path("planted.h5"), stage.root, rows, meta)
    directions = np.random.default_rng(0).normal(size=(DIM, 32))
    mean = np.mean([row.features for row in rows], axis=(0, 1))
    facts = ModelFacts("lsh", 32, 0, PLANTED, str(store.resolve()), data={"frames": LENGTH})
    save_model(Path("models/planted"), facts, {"mean": mean, "directions": directions}, {})
    return stage


def words_of(stage: Stage, *words: str) -> dict[str, object]:
    """Return the answers' words by path."""
    (found,) = stage.answers(*words, "--model", "models/planted", "--within", "2")
    return {str(one["path"]): one["answer"] for one in found}


def test_the_second_check_tells_a_copy_from_another_take(planted: Stage) -> None:
    found = words_of(planted, "original.mp4")
    assert found["edited.mp4"] == "copy"
    assert found["take.mp4"] in ("same-scenes", "similar")
    assert [path for path, word in found.items() if word == "copy"] == ["edited.mp4"]


def test_without_the_check_a_copy_is_merely_similar(planted: Stage) -> None:
    found = words_of(planted, "original.mp4", "--no-check")
    assert (found["edited.mp4"], found["take.mp4"]) == ("similar", "similar")
    assert words_of(planted, "original.mp4", "--distance", "hamming")["edited.mp4"] == "similar"
    checked = words_of(planted, "original.mp4", "--distance", "hamming", "--check")
    assert checked["edited.mp4"] == "copy"


def test_videos_without_information_are_never_copies(planted: Stage) -> None:
    assert words_of(planted, "still.mp4")["still too.mp4"] == "similar"
    assert words_of(planted, "still too.mp4")["still.mp4"] == "similar"


def test_most_unrelated_videos_are_near_to_nothing(planted: Stage) -> None:
    near = [words_of(planted, f"{seed}.mp4").values() for seed in range(10, 30)]
    assert sum(any(words) for words in near) <= 4


def test_published_features_are_searched_without_the_second_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They do not say when their frames are shown."""
    monkeypatch.chdir(tmp_path)
    write_set(Path("hmdb"), "hmdb")
    assert command.run(["train", "hmdb", "--bits", "8", "--method", "lsh"]) == 0
    asked = ["search", "hmdb_test_feats.h5#5", "--within", "2", "--json"]
    for _ in range(2):  # the second reads what the first learned
        capsys.readouterr()
        assert command.run([*asked, "-k", "7"]) == 0
        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert len(found) == 7
        assert {line["answer"] for line in found} <= {"similar", None}
    assert command.run([*asked, "--check"]) == 2
    assert "does not know when its frames are shown" in capsys.readouterr().err
