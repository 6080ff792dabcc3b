"""The verbs encode, search and eval as a user meets them, with a pretended stage one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from chainpipe.hashing.cli import app
from chainpipe.hashing.cli.context import Tools, tools_of
from chainpipe.hashing.retrieval.codes import read_codes, write_codes
from chainpipe.pipeline.errors import (
    ChainpipeError,
    DamageError,
    NotFoundError,
    StorageError,
    UsageError,
)
from chainpipe.pipeline.records import FailedVideo, Split, Status, StoreMeta, VideoFeatures
from tests.hashing.retrieval.answer_samples import (
    FINGERPRINT,
    make_model,
    make_store,
    make_videos,
    video,
)

NAMES = [f"{kind}/{kind[0]}{i}.mp4" for kind in ("ant", "bee", "cow") for i in range(4)]


@dataclass
class Stage:
    """A place with videos, a store, a model, and tools that write down what they are asked."""

    root: Path
    said: list[str] = field(default_factory=list)
    extracted: list[Path] = field(default_factory=list)
    metas: list[StoreMeta] = field(default_factory=list)
    progressed: dict[str, int] = field(default_factory=dict)

    def tools(self) -> Tools:
        return Tools(self.find, self.features, self.thumbnails, self.progress, self.said.append)

    def find(self, folder: Path) -> Sequence[Path]:
        return sorted(folder.rglob("*.mp4"))

    def features(self, paths: Sequence[Path], meta: StoreMeta) -> list[VideoFeatures | FailedVideo]:
        self.extracted += paths
        self.metas.append(meta)
        return [
            replace(video(path.parent, path.name), path=os.fsencode(path))
            if path.read_bytes()
            else FailedVideo(os.fsencode(path), Status.CORRUPT, "no frame decodes")
            for path in paths
        ]

    def thumbnails(self, paths: Sequence[Path], size: int) -> list[np.ndarray | None]:
        return [
            np.full((size // 2, size, 3), 200, np.uint8) if path.exists() else None
            for path in paths
        ]

    @contextmanager
    def progress(self, what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        self.progressed[what] = 0

        def advance(count: int) -> None:
            self.progressed[what] += count

        yield advance

    def run(self, *arguments: str | Path) -> str:
        """Run a verb that must succeed; return its stdout."""
        code, out = self.run_to(*arguments)
        assert code == 0
        return out

    def run_to(self, *arguments: str | Path) -> tuple[int, str]:
        """Run a verb; return its exit code and stdout; errors for users are raised."""
        words = [str(argument) for argument in arguments]
        result = CliRunner().invoke(app, words, obj=self.tools(), env={"COLUMNS": "200"})
        if isinstance(result.exception, Exception):
            raise result.exception
        return result.exit_code, result.stdout

    def answers(self, *arguments: str | Path) -> list[list[dict[str, object]]]:
        """Return the lines that ``search --json`` prints, those of each query by themselves."""
        found: dict[str, list[dict[str, object]]] = {}
        for line in map(json.loads, self.run("search", *arguments, "--json").splitlines()):
            found.setdefault(line["query"], []).append(line)
        return list(found.values())


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "videos"
    make_videos(root, NAMES)
    store = make_store(tmp_path / "feats.h5", root, [video(root, name) for name in NAMES])
    make_model(tmp_path / "models" / "feats-lsh-16", store)
    return Stage(root)


def test_encode_without_arguments_takes_the_newest_model_and_its_store(stage: Stage) -> None:
    out = stage.run("encode")
    path = Path("models/feats-lsh-16/codes.npz")
    assert out == f"{path}\n"
    codes = read_codes(path)
    assert [os.fsdecode(path) for path in codes.paths] == NAMES
    assert codes.names_of(0) == ("ant",)
    assert stage.progressed == {"encode": 12}
    assert stage.said[0] == "model models/feats-lsh-16 (lsh, 16 bits, the newest)"
    assert stage.said[1].endswith("feats.h5 (12 videos, which the model was trained on)")
    assert stage.said[2] == f"wrote {path}: 12 codes of 16 bits"


@pytest.mark.parametrize(
    ("count", "words"), [(12, ")"), (13, "; 1 of them new since)"), (10, "; 2 videos fewer now)")]
)
def test_a_store_that_has_grown_since_the_training_is_told(
    stage: Stage, count: int, words: str
) -> None:
    names = [*NAMES, "zoo/new.mp4"][:count]
    make_videos(stage.root, ["zoo/new.mp4"])
    store = Path("feats.h5").absolute()
    make_store(store, stage.root, [video(stage.root, name) for name in names])
    for older in ({"rows": 12}, {"videos": 11, "copies": 1, "bad": 0, "split": "all"}):
        make_model(Path("models/feats-lsh-16"), store, **older)
        stage.run("search", NAMES[0])
        said = f"feats.h5 ({count} videos, which the model was trained on{words}"
        assert stage.said[1].endswith(said)
        stage.said.clear()


@pytest.mark.parametrize("how", [["other.h5"], ["--store", "other.h5"]])
def test_encode_takes_the_named_store_and_output(stage: Stage, how: list[str]) -> None:
    make_store(Path("other.h5"), stage.root, [video(stage.root, name) for name in NAMES[:3]])
    found = json.loads(stage.run("encode", *how, "--out", "mine.npz", "--json"))
    assert found == {"schema": 1, "codes": "mine.npz", "videos": 3, "bits": 16, "failed": 0}
    assert len(read_codes(Path("mine.npz"))) == 3
    assert not Path("models/feats-lsh-16/codes.npz").exists()


def test_encode_of_a_zarr_store_is_no_folder_of_videos(stage: Stage) -> None:
    rows = [video(stage.root, name) for name in NAMES[:3]]
    make_store(Path("other.zarr"), stage.root, rows)
    Path("other.zarr").rename("plain")
    stage.run("encode", "plain", "--out", "mine.npz")
    assert len(read_codes(Path("mine.npz"))) == 3
    assert stage.extracted == []


def test_encode_of_a_folder_gives_the_codes_of_its_videos(stage: Stage) -> None:
    stage.run("encode")
    stage.run("encode", "videos", "--out", "folder.npz")
    codes, expected = (
        read_codes(Path("folder.npz")),
        read_codes(Path("models/feats-lsh-16/codes.npz")),
    )
    assert codes.paths == expected.paths
    assert np.array_equal(codes.packed, expected.packed)
    assert np.array_equal(codes.video_ids, expected.video_ids)
    assert stage.metas == [StoreMeta(FINGERPRINT, 4)]
    assert stage.progressed["extract and encode"] == 12


def test_encode_of_a_folder_names_bad_videos_and_ends_with_3(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chainpipe.hashing.cli.encode.AT_A_TIME", 5)
    (stage.root / "bee/b1.mp4").write_bytes(b"")
    code, out = stage.run_to("encode", "videos", "--out", "folder.npz", "--json")
    assert code == 3
    assert json.loads(out)["failed"] == 1
    assert "corrupt bee/b1.mp4: no frame decodes" in stage.said
    assert len(read_codes(Path("folder.npz"))) == 11


def test_encode_of_a_folder_without_any_readable_video_is_refused(stage: Stage) -> None:
    Path("bad").mkdir()
    Path("bad/x.mp4").write_bytes(b"")
    with pytest.raises(UsageError, match="no video in `bad` that can be read"):
        stage.run("encode", "bad", "--out", "bad.npz")
    assert not Path("bad.npz").exists()


def test_two_stores_at_once_are_refused(stage: Stage) -> None:
    with pytest.raises(UsageError, match=r"both `a\.h5` and `--store b\.h5` are given"):
        stage.run("encode", "a.h5", "--store", "b.h5")


@pytest.mark.parametrize("verb", [["encode"], ["eval"], ["search", "x.mp4"]])
def test_without_a_model_the_hint_is_to_train(
    stage: Stage, verb: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(NotFoundError, match="no finished model") as caught:
        stage.run(*verb)
    assert "chainpipe train STORE" in str(caught.value.hint)
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("verb", [["encode"], ["eval"], ["search", "ant/a0.mp4"]])
def test_features_of_another_backbone_are_refused(stage: Stage, verb: list[str]) -> None:
    other = replace(FINGERPRINT, backbone="clip:tiny", dim=6)
    make_model(Path("models/other"), Path("feats.h5"), fingerprint=other)
    with pytest.raises(UsageError, match="backbone: clip:tiny / cnn:tiny"):
        stage.run(*verb, "--model", "models/other")
    assert not Path("models/other/codes.npz").exists()


@pytest.mark.parametrize("verb", [["encode"], ["eval"], ["search", "ant/a0.mp4"]])
def test_a_store_that_is_gone_is_named(stage: Stage, verb: list[str]) -> None:
    Path("feats.h5").unlink()
    with pytest.raises(NotFoundError, match=r"trained on is gone: `.*feats\.h5`") as caught:
        stage.run(*verb)
    assert caught.value.hint == "name another with `--store`"


@pytest.mark.parametrize(
    ("verb", "error"),
    [
        (["encode", "missing.h5"], NotFoundError),
        (["encode", "text.h5"], NotFoundError),
        (["encode", "cut.h5"], DamageError),
        (["eval", "--store", "cut.h5"], DamageError),
        (["search", "ant/a0.mp4", "--store", "cut.h5"], DamageError),
        (["encode", "--out", "nowhere/codes.npz"], StorageError),
        (["encode", "--model", "videos"], NotFoundError),
    ],
)
def test_each_mistake_has_its_error_and_a_hint(
    stage: Stage, verb: list[str], error: type[ChainpipeError]
) -> None:
    Path("text.h5").write_text("not a store")
    whole = Path("feats.h5").read_bytes()
    Path("cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(error) as caught:
        stage.run(*verb)
    assert type(caught.value) is error
    assert caught.value.hint
    assert not list(Path().rglob("codes.npz"))


def test_a_damaged_model_is_refused(stage: Stage) -> None:
    weights = Path("models/feats-lsh-16/model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(DamageError, match=r"model\.safetensors"):
        stage.run("encode")


def test_search_ranks_videos_and_leaves_the_query_out(stage: Stage) -> None:
    (found,) = stage.answers("bee/b1.mp4", "--k", "3")
    assert [one["rank"] for one in found] == [1, 2, 3]
    assert {one["path"] for one in found} == {"bee/b0.mp4", "bee/b2.mp4", "bee/b3.mp4"}
    assert "bee/b1.mp4 is left out of its own answers (--keep-self keeps it)" in stage.said
    assert "distance rerank: the first 100 by code, ordered by frame features" in stage.said


def test_search_keeps_the_query_when_asked(stage: Stage) -> None:
    (found,) = stage.answers("bee/b1.mp4", "--keep-self", "-k", "12")
    itself = next(one for one in found if one["path"] == "bee/b1.mp4")
    assert (itself["distance"], itself["similarity"], itself["answer"]) == (0, 1, "copy")
    assert len(found) == 12
    assert not any("left out" in line for line in stage.said)


def test_search_by_id_and_by_file_in_the_store_extract_nothing(stage: Stage) -> None:
    digits = video(stage.root, "bee/b1.mp4").video_id.hex()[:10]
    by_path, by_id, by_file = (
        [{**line, "query": ""} for line in found]
        for found in stage.answers("bee/b1.mp4", digits, stage.root / "bee/b1.mp4")
    )
    assert by_path == by_id == by_file
    assert stage.extracted == []


def test_search_by_a_new_file_extracts_and_encodes_it(stage: Stage) -> None:
    Path("new.mp4").write_bytes(b"cow but new")
    (found,) = stage.answers("new.mp4", "--k", "4")
    assert stage.extracted == [Path("new.mp4")]
    assert len(found) == 4
    assert {str(one["path"])[:4] for one in found} == {"cow/"}


def test_search_uses_codes_on_disk_only_while_they_are_true(stage: Stage) -> None:
    stage.run("encode")
    before = stage.answers("bee/b1.mp4")
    assert stage.progressed.pop("encode") == 12
    stage.answers("bee/b1.mp4")
    assert "encode" not in stage.progressed
    path = Path("models/feats-lsh-16/codes.npz")
    codes = read_codes(path)
    origin = replace(codes.origin, features="00")
    stale = replace(codes, packed=codes.packed ^ 255, origin=origin, table_sha256="00")
    write_codes(path, stale)
    assert stage.answers("bee/b1.mp4") == before
    assert stage.progressed["encode"] == 12


def test_search_refuses_damaged_codes(stage: Stage) -> None:
    stage.run("encode")
    path = Path("models/feats-lsh-16/codes.npz")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DamageError, match=r"codes\.npz"):
        stage.run("search", "bee/b1.mp4")


def test_search_prints_a_table_a_query(stage: Stage) -> None:
    out = stage.run("search", "bee/b1.mp4", "cow/c0.mp4", "--k", "2")
    lines = [line.split() for line in out.splitlines()]
    assert ["nearest", "to", "bee/b1.mp4"] in lines
    assert ["nearest", "to", "cow/c0.mp4"] in lines
    heads = ["rank", "distance", "similarity", "answer", "path", "labels"]
    assert lines.count(heads) == 2
    assert sum(line[:1] in (["1"], ["2"]) for line in lines) == 4


def test_one_bad_query_among_good_ones_ends_with_3(stage: Stage) -> None:
    Path("bad.mp4").write_bytes(b"")
    code, out = stage.run_to("search", "bad.mp4", "bee/b1.mp4", "--json")
    assert code == 3
    assert {json.loads(line)["query"] for line in out.splitlines()} == {"bee/b1.mp4"}
    assert "corrupt bad.mp4: no frame decodes" in stage.said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["empty.mp4"], "no query that can be read"),
        (["nothing.mp4"], r"`nothing\.mp4` is neither"),
        (["bee/b1.mp4", "--k", "0"], "`--k 0` is impossible"),
        (["bee/b1.mp4", "--picture", "sheet.jpg"], r"cannot draw `sheet\.jpg`"),
        (["bee/b1.mp4", "--distance", "cosine"], "no distance `cosine`"),
        (["bee/b1.mp4", "--within", "-1"], "`--within -1` is impossible"),
        (["bee/b1.mp4", "--within", "nan"], "`--within nan` is impossible"),
        (["bee/b1.mp4", "--longer", "-2"], "`--longer -2` is impossible"),
        (["bee/b1.mp4", "--label", "dog"], "no video has the label `dog`"),
        (["bee/b1.mp4", "--backend", "annoy"], "no backend `annoy`"),
    ],
)
def test_bad_searches_are_refused(stage: Stage, arguments: list[str], message: str) -> None:
    Path("empty.mp4").write_bytes(b"")
    with pytest.raises(UsageError, match=message) as caught:
        stage.run("search", *arguments)
    assert caught.value.hint


def test_search_draws_a_contact_sheet_even_when_videos_are_gone(stage: Stage) -> None:
    (stage.root / "bee/b0.mp4").unlink()
    Path("new.mp4").write_bytes(b"cow but new")
    stage.run("search", "bee/b1.mp4", "new.mp4", "--k", "5", "--picture", "sheet.png")
    with Image.open("sheet.png") as sheet:
        colours = {colour for _, colour in sheet.getcolors(1 << 20)}
    assert {(0x1A, 0x98, 0x50), (0xD7, 0x30, 0x27), (0xB0, 0xB8, 0xC0)} <= colours
    assert "wrote sheet.png" in stage.said


def test_eval_prints_scores_and_protocol(stage: Stage) -> None:
    out = stage.run("eval")
    assert "lsh, 16 bits: 12 queries in 12 videos" in out
    assert "No splits: every video asks" in out
    assert "AP@K = (1/K)" in out


def test_scores_on_a_models_own_store_are_kept_in_its_folder(stage: Stage) -> None:
    kept = Path("models/feats-lsh-16/quality.json")
    split_store(stage, "other.h5", Split.TEST, Split.NONE)
    stage.run("eval", "--store", "other.h5")
    assert not kept.exists()
    found = json.loads(stage.run("eval", "--store", "feats.h5", "--json"))
    [entry] = json.loads(kept.read_bytes())["measured"]
    assert (entry["map"], entry["protocol"]) == (found["map"], found["protocol"])
    assert stage.said[-1] == "scores kept in models/feats-lsh-16, which its card shows"


def test_eval_follows_the_splits(stage: Stage) -> None:
    rows = [
        video(stage.root, name, split=Split.QUERY if "0" in name else Split.DATABASE)
        for name in NAMES
    ]
    make_store(Path("split.h5"), stage.root, rows)
    found = json.loads(stage.run("eval", "--store", "split.h5", "--json"))
    assert (found["queries"], found["database"]) == (3, 9)
    assert found["protocol"]["name"] == "query against database"


def split_store(stage: Stage, name: str, asking: Split, searched: Split) -> None:
    """Write a store whose names with a 0 in them ask."""
    rows = [video(stage.root, one, split=asking if "0" in one else searched) for one in NAMES]
    make_store(Path(name), stage.root, rows)


def test_eval_encodes_only_what_the_protocol_needs(stage: Stage) -> None:
    split_store(stage, "tested.h5", Split.TEST, Split.NONE)
    found = json.loads(stage.run("eval", "--store", "tested.h5", "--json"))
    assert (found["queries"], found["database"]) == (3, 3)
    assert stage.progressed == {"encode": 3, "evaluate": 3}


def test_eval_by_name_searches_the_training_videos_and_shows_rivals(stage: Stage) -> None:
    make_model(Path("models/feats-lsh-32"), Path("feats.h5"), bits=32)
    split_store(stage, "ucf.h5", Split.TEST, Split.TRAIN)
    asked = ["eval", "--model", "models/feats-lsh-32", "--store", "ucf.h5", "--protocol", "ucf101"]
    found = json.loads(stage.run(*asked, "--json"))
    assert (found["queries"], found["database"]) == (3, 9)
    assert {peer["label"] for peer in found["peers"]} == {"published"}
    out = stage.run(*asked)
    assert "UCF101's protocol: Each `test` video asks" in out
    assert "published figures are of another set" in out
    assert "measured here" in out


def test_eval_of_fcvid_reports_with_and_without_itself(stage: Stage) -> None:
    split_store(stage, "fcvid.h5", Split.TEST, Split.TEST)
    asked = ["eval", "--store", "fcvid.h5", "--protocol", "fcvid"]
    found = json.loads(stage.run(*asked, "--json"))
    assert found["protocol"]["itself"] == "kept"
    plain = json.loads(stage.run("eval", "--store", "fcvid.h5", "--json"))
    assert found["without_itself"]["map"] == plain["map"]
    assert found["map"]["5"] > plain["map"]["5"]
    out = stage.run(*asked)
    assert "12 videos, itself kept" in out
    assert "12 videos, itself removed" in out
    kept = json.loads(stage.run("eval", "--store", "fcvid.h5", "--keep-self", "--json"))
    assert (kept["protocol"]["name"], kept["map"]) == ("all against all", found["map"])


def test_eval_searches_one_store_with_the_videos_of_another(stage: Stage) -> None:
    zeros = [video(stage.root, name) for name in NAMES if "0" in name]
    others = [video(stage.root, name) for name in NAMES if "0" not in name]
    make_store(Path("zeros.h5"), stage.root, zeros)
    make_store(Path("others.h5"), stage.root, others)
    split_store(stage, "split.h5", Split.QUERY, Split.DATABASE)
    apart = stage.run("eval", "--store", "others.h5", "--queries", "zeros.h5", "--json")
    assert json.loads(apart) == json.loads(stage.run("eval", "--store", "split.h5", "--json"))


@pytest.mark.parametrize("distance", ["asymmetric", "rerank"])
def test_eval_by_another_distance(stage: Stage, distance: str) -> None:
    plain = json.loads(stage.run("eval", "--json"))
    found = json.loads(stage.run("eval", "--distance", distance, "--json"))
    assert (plain["distance"], found["distance"]) == ("hamming", distance)
    assert "pr_radius" not in found
    assert found["map"]["5"] >= plain["map"]["5"]  # the letters of the names are easy to tell
    kept = json.loads(Path("models/feats-lsh-16/quality.json").read_bytes())["measured"]
    assert [entry["distance"] for entry in kept] == ["hamming", distance]
    out = stage.run("eval", "--distance", distance, "--picture", "two.png")
    assert f"lsh, 16 bits, {distance}: 12 queries" in out
    assert f"Distance: {distance}" in out
    assert "radius" not in out
    assert Image.open("two.png").size[0] < 1000  # two panels


@pytest.mark.parametrize("distance", ["asymmetric", "rerank"])
def test_eval_of_two_stores_by_another_distance(stage: Stage, distance: str) -> None:
    zeros = [video(stage.root, name) for name in NAMES if "0" in name]
    rest = [video(stage.root, name) for name in NAMES if "0" not in name]
    make_store(Path("zeros.h5"), stage.root, zeros)
    make_store(Path("others.h5"), stage.root, rest)
    split_store(stage, "split.h5", Split.QUERY, Split.DATABASE)
    how = ["--distance", distance, "--json"]
    apart = json.loads(stage.run("eval", "--store", "others.h5", "--queries", "zeros.h5", *how))
    one = json.loads(stage.run("eval", "--store", "split.h5", *how))
    assert apart["map"]["5"] == pytest.approx(one["map"]["5"], abs=0.1)  # scales differ a little
    assert (apart["queries"], apart["database"]) == (3, 9)


def test_eval_of_several_models_by_another_distance(stage: Stage) -> None:
    make_model(Path("models/feats-lsh-32"), Path("feats.h5").resolve(), bits=32)
    both = ["--model", "models/feats-lsh-16", "--model", "models/feats-lsh-32"]
    how = ["--distance", "rerank", "--rerank-depth", "3"]
    out = stage.run("eval", *both, *how, "--picture", "curves.png")
    assert out.splitlines()[0].startswith("mAP@K, rerank: 12 queries in 12 videos")
    found = json.loads(stage.run("eval", *both, *how, "--json"))["models"]
    assert [one["rerank_depth"] for one in found] == [3, 3]
    alone = json.loads(stage.run("eval", "--model", both[1], *how, "--json"))
    assert found[0]["map"] == alone["map"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--distance", "cosine"], "no distance `cosine`"),
        (["--distance", "rerank", "--rerank-depth", "0"], "0 answers cannot be re-ranked"),
        (["--rerank-depth", "5"], "`--rerank-depth` has no effect with `--distance hamming`"),
        (["--protocol", "kinetics"], "no protocol `kinetics`"),
        (["--protocol", "activitynet"], "does not fit"),
        (["--queries", "feats.h5", "--protocol", "fcvid"], "takes its queries from the store"),
        (["--queries", "feats.h5", "--keep-self"], "another store"),
        (["--picture", "curves.svg"], "cannot draw `curves.svg`"),
    ],
)
def test_eval_refuses_what_does_not_fit_before_any_work(
    stage: Stage, words: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        stage.run("eval", *words)
    assert caught.value.hint
    assert stage.progressed == {}


def test_eval_draws_its_curves(stage: Stage) -> None:
    stage.run("eval", "--picture", "curves.png")
    assert stage.said[-1] == "wrote curves.png"
    assert Image.open("curves.png").size[0] > 1000


def test_eval_compares_several_models_on_one_plot(stage: Stage) -> None:
    make_model(Path("models/feats-lsh-32"), Path("feats.h5").resolve(), bits=32)
    folders = ["models/feats-lsh-16", "models/feats-lsh-32"]
    both = [word for folder in folders for word in ("--model", folder)]
    found = json.loads(stage.run("eval", *both, "--json", "--picture", "curves.png"))["models"]
    for folder, content in zip(folders, found, strict=True):
        assert content.pop("model") == folder
        assert content == json.loads(stage.run("eval", "--model", folder, "--json"))
    assert Image.open("curves.png").size[0] > 1000
    lines = stage.run("eval", *both).splitlines()
    assert lines[0].startswith("mAP@K: 12 queries in 12 videos")
    assert [line.split("  ")[0] for line in lines[3:5]] == [
        "feats-lsh-16 (lsh, 16 bits)",
        "feats-lsh-32 (lsh, 32 bits)",
    ]


@pytest.mark.parametrize(
    ("second", "message"),
    [("models/feats-lsh-16", "given twice"), ("models/other", "trained on different stores")],
)
def test_eval_refuses_models_that_cannot_be_compared(
    stage: Stage, second: str, message: str
) -> None:
    make_model(Path("models/other"), Path("elsewhere.h5"))
    with pytest.raises(UsageError, match=message) as caught:
        stage.run("eval", "--model", "models/feats-lsh-16", "--model", second)
    assert caught.value.hint
    assert stage.progressed == {}


def test_eval_without_labels_is_refused_before_any_work(stage: Stage) -> None:
    rows = [replace(video(stage.root, name), labels=()) for name in NAMES]
    make_store(Path("plain.h5"), stage.root, rows)
    with pytest.raises(UsageError, match="has a label") as caught:
        stage.run("eval", "--store", "plain.h5")
    assert "--labels folders" in str(caught.value.hint)
    assert stage.progressed == {}


def test_nan_in_a_store_is_refused_by_name(stage: Stage) -> None:
    rows = [video(stage.root, name) for name in NAMES]
    rows[3].features[0, 0] = np.nan
    make_store(Path("nan.h5"), stage.root, rows)
    with pytest.raises(UsageError, match=r"NaN or infinite features in `ant/a3\.mp4`"):
        stage.run("encode", "nan.h5")


@pytest.mark.parametrize("words", [["eval"], ["eval", "--queries", "feats.h5"]])
def test_eval_takes_codes_that_fit_and_only_those(stage: Stage, words: list[str]) -> None:
    def evaluated() -> tuple[dict[str, object], bool]:
        stage.said.clear()
        found = json.loads(stage.run(*words, "--json"))
        return found, "codes models/feats-lsh-16/codes.npz" in stage.said

    anew, reused = evaluated()
    assert not reused
    assert anew["map"]["5"] > 0.4
    stage.run("encode")
    assert evaluated() == (anew, True)
    path = Path("models/feats-lsh-16/codes.npz")
    codes = read_codes(path)
    write_codes(path, codes[1:])
    assert evaluated() == (anew, False)


def test_verbs_need_their_tools() -> None:
    context = typer.Context(typer.main.get_command(app), obj="nothing")
    with pytest.raises(TypeError, match="need `Tools` as context, not 'nothing'"):
        tools_of(context)


def test_answers_never_import_torch() -> None:
    names = ("cli", "evaluation.evaluate", "reporting.search_results", "methods.registry")
    modules = ", ".join(f"chainpipe.hashing.{name}" for name in names)
    program = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
