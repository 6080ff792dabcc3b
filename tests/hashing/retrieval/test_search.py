"""What a query means, what its answers are, and when codes on disk may be used again."""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpipe.hashing.methods.registry import load_hasher
from chainpipe.hashing.model_folder.folder import ModelFacts
from chainpipe.hashing.retrieval import encode as encode_module
from chainpipe.hashing.retrieval.codes import pack, unpack
from chainpipe.hashing.retrieval.encode import (
    belongs,
    encode_features,
    encode_store,
    encode_videos,
    saved_codes,
)
from chainpipe.hashing.retrieval.index import FaissFlat
from chainpipe.hashing.retrieval.packed_paths import PackedPaths
from chainpipe.hashing.retrieval.query import Query, VideoNames, find_queries
from chainpipe.hashing.retrieval.search import search
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Split
from chainpipe.pipeline.store import FeatureStore, open_store
from tests.hashing.retrieval.answer_samples import (
    make_model,
    make_store,
    make_videos,
    random_bits,
    video,
)

NAMES = ["ant/a1.mp4", "ant/a2.mp4", "bee/b1.mp4", "bee/b2.mp4"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_videos(tmp_path / "videos", NAMES)
    (tmp_path / "videos/bee/copy.mp4").write_bytes((tmp_path / "videos/ant/a1.mp4").read_bytes())
    return tmp_path / "videos"


@pytest.fixture
def store(tmp_path: Path, root: Path) -> Iterator[FeatureStore]:
    rows = [video(root, name) for name in [*NAMES, "bee/copy.mp4"]]
    with open_store(make_store(tmp_path / "feats.h5", root, rows)) as opened:
        yield opened


@pytest.fixture
def facts(tmp_path: Path, store: FeatureStore) -> ModelFacts:
    return make_model(tmp_path / "model", store.path)


def names_of(store: FeatureStore) -> VideoNames:
    videos = store.videos

    def file_state(row: int) -> tuple[int, int]:
        return int(videos.size[row]), int(videos.mtime_ns[row])

    return VideoNames(videos.paths, videos.ids, store.root, file_state)


def find_query(text: str | Path, store: FeatureStore) -> Query:
    return find_queries([str(text)], names_of(store))[0]


def rows_of(store: FeatureStore, text: str | Path) -> tuple[int, ...]:
    return find_query(text, store).rows


def test_a_file_under_the_root_is_its_row_and_its_copies(store: FeatureStore, root: Path) -> None:
    assert rows_of(store, root / "ant/a2.mp4") == (1,)
    assert rows_of(store, root / "bee/copy.mp4") == (4, 0)


def test_a_path_as_stored_is_its_row(store: FeatureStore) -> None:
    assert rows_of(store, "bee/b1.mp4") == (2,)


def test_a_file_elsewhere_with_the_same_bytes_is_in_the_store(
    store: FeatureStore, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "again.mp4").write_bytes((root / "bee/b2.mp4").read_bytes())
    assert rows_of(store, tmp_path / "again.mp4") == (3,)


def test_a_file_that_changed_since_is_a_new_video(store: FeatureStore, root: Path) -> None:
    (root / "bee/b2.mp4").write_bytes(b"something else")
    query = find_query(root / "bee/b2.mp4", store)
    assert (query.rows, query.file) == ((), root / "bee/b2.mp4")


def test_a_file_that_was_only_touched_is_still_known_by_its_bytes(
    store: FeatureStore, root: Path
) -> None:
    os.utime(root / "bee/b2.mp4", (1, 1))
    assert rows_of(store, root / "bee/b2.mp4") == (3,)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("bee/b1.mp5", "did you mean `bee/b1.mp4`"),
        ("B2.MP4", "did you mean `bee/b2.mp4`?"),
        ("my/long/folder/of/videos/bee/b1.mp4", "did you mean `bee/b1.mp4`"),
        ("nothing alike", "such as `ant/a1.mp4`, `ant/a2.mp4`, `bee/b1.mp4`"),
        ("", "such as `ant/a1.mp4`"),
    ],
)
def test_the_nearest_paths_are_named(store: FeatureStore, text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_query(text, store)
    assert hint in str(caught.value.hint)
    assert "info" not in str(caught.value.hint)


def test_digits_of_an_id_are_its_row_in_either_case(store: FeatureStore) -> None:
    digits = bytes(store.videos.ids[2]).hex()
    assert rows_of(store, digits) == rows_of(store, digits[:8].upper()) == (2,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc1234", "`abc1234` is too short for a video's id"),
        ("00000000", "no video of this store has an id that starts with `00000000`"),
        ("nowhere.mp4", r"`nowhere\.mp4` is neither a file nor a video of this store"),
        ("", "`` is neither a file"),
        ("two\nlines", r"`two\\nlines` is neither"),
    ],
)
def test_what_is_neither_file_nor_video_is_refused(
    store: FeatureStore, text: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        rows_of(store, text)
    assert caught.value.hint


def test_digits_of_several_videos_are_refused(store: FeatureStore) -> None:
    ids = store.videos.ids.copy()
    ids[1, :4] = ids[0, :4]
    with pytest.raises(UsageError, match="could be 2 different videos"):
        find_queries([bytes(ids[0, :4]).hex()], replace(names_of(store), ids=ids))


def test_a_file_that_cannot_be_read_is_refused(
    store: FeatureStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "x.mp4").write_bytes(b"x")
    monkeypatch.setattr(hashlib, "file_digest", denied)
    with pytest.raises(UsageError, match=r"x\.mp4.*Permission denied"):
        rows_of(store, tmp_path / "x.mp4")


def test_answers_are_ranked_and_leave_out_what_they_should() -> None:
    bits = random_bits(50, 6)
    index, queries = FaissFlat(pack(bits), 6), pack(bits[:3])
    left_out = [(0,), (), (2, 5, 7)]
    for i, answers in enumerate(search(index, queries, 8, left_out=left_out)):
        everyone = sorted((int((bits[i] ^ code).sum()), row) for row, code in enumerate(bits))
        expected = [pair for pair in everyone if pair[1] not in left_out[i]][:8]
        assert [(a.distance, a.row) for a in answers] == expected
        assert [a.rank for a in answers] == list(range(1, 9))


def test_fewer_videos_than_k_give_all_of_them() -> None:
    codes = pack(random_bits(4, 6))
    found = search(FaissFlat(codes, 6), codes[:1], 10, left_out=[(0,)])
    assert len(found[0]) == 3


def test_a_search_checks_its_arguments() -> None:
    codes = pack(random_bits(4, 6))
    with pytest.raises(ValueError, match="k must be at least 1"):
        search(FaissFlat(codes, 6), codes[:1], 0, left_out=[()])
    with pytest.raises(ValueError, match=r"shorter|longer"):
        search(FaissFlat(codes, 6), codes[:2], 1, left_out=[()])


def test_a_store_is_encoded_in_blocks_with_all_its_columns(
    store: FeatureStore, facts: ModelFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode_module, "BLOCK", 2)
    hasher = load_hasher(tmp_path / "model")[1]
    done: list[int] = []
    codes = encode_store(store, facts, hasher, progress=done.append)
    assert np.array_equal(unpack(codes.packed, 16), hasher.encode(store.features(slice(None))))
    assert codes.paths == store.videos.paths
    assert codes.names_of(2) == ("bee",)
    assert codes.origin.sha256 == facts.weights_sha256
    assert done == [2, 2, 1]


def test_videos_without_a_store_get_the_codes_of_their_rows(
    store: FeatureStore, facts: ModelFacts, root: Path, tmp_path: Path
) -> None:
    hasher = load_hasher(tmp_path / "model")[1]
    whole = encode_store(store, facts, hasher)
    rows = [video(root, name, split=Split.TEST) for name in NAMES]
    codes = encode_videos(rows, facts, hasher)
    assert np.array_equal(codes.packed, whole.packed[:4])
    assert [codes.names_of(row) for row in range(4)] == [("ant",)] * 2 + [("bee",)] * 2
    assert codes.split.tolist() == [Split.TEST] * 4
    assert len(encode_videos([], facts, hasher)) == 0


def test_nan_is_refused_by_name(facts: ModelFacts, tmp_path: Path) -> None:
    hasher = load_hasher(tmp_path / "model")[1]
    features = np.zeros((6, 4, 6), np.float32)
    features[1:5, 0, 0] = np.nan, np.inf, -np.inf, np.nan
    names = [b"%d.mp4" % i for i in range(6)]
    with pytest.raises(UsageError, match=r"`1\.mp4`, `2\.mp4`, `3\.mp4` and 1 more"):
        encode_features(hasher, features, names)


def test_codes_belong_to_one_model_and_one_state_of_a_store(
    store: FeatureStore, facts: ModelFacts, tmp_path: Path
) -> None:
    codes = encode_store(store, facts, load_hasher(tmp_path / "model")[1])
    assert belongs(codes, facts, store)
    assert not belongs(codes, replace(facts, weights_sha256="00" * 32), store)
    videos = store.videos
    for column, others in (("checksums", videos.checksums ^ 1), ("labels", 1 - videos.labels)):
        other = copy.copy(store)
        vars(other).update(videos=replace(videos, **{column: others}), table_sha256="")
        assert not belongs(codes, facts, other)
        assert not belongs(replace(codes, table_sha256=""), facts, other)


def test_saved_codes_of_a_store_do_not_need_its_table(
    store: FeatureStore, facts: ModelFacts, tmp_path: Path
) -> None:
    codes = encode_store(store, facts, load_hasher(tmp_path / "model")[1])
    codes.save(tmp_path / "new.npz")
    replace(codes, table_sha256="").save(tmp_path / "old.npz")  # as before 0.3
    for name, needs_table in (("new.npz", False), ("old.npz", True)):
        with open_store(store.path, read_table=False) as opened:
            found = saved_codes(tmp_path / name, opened, facts)
            assert found is not None
            assert np.array_equal(found.packed, codes.packed)
            assert ("_table" in vars(opened)) == needs_table
    assert saved_codes(tmp_path / "none.npz", store, facts) is None


def test_some_of_a_stores_codes_are_not_all_of_them(
    store: FeatureStore, facts: ModelFacts, tmp_path: Path
) -> None:
    hasher = load_hasher(tmp_path / "model")[1]
    for codes in (
        encode_store(store, facts, hasher)[:3],
        encode_store(store, facts, hasher, rows=np.arange(3)),
    ):
        codes.save(tmp_path / "codes.npz")
        assert saved_codes(tmp_path / "codes.npz", store, facts) is None


def test_many_queries_are_found_in_one_pass_as_one_by_one(
    store: FeatureStore, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "new.mp4").write_bytes(b"new")
    texts = [str(root / "ant/a2.mp4"), "bee/copy.mp4", str(tmp_path / "new.mp4")]
    texts += [bytes(one).hex()[:length] for one in store.videos.ids for length in (8, 9, 64)]
    names = names_of(store)
    one_by_one = [find_queries([text], names)[0] for text in texts]
    assert find_queries(texts, names) == one_by_one
    assert one_by_one[1].rows == (4, 0)
    assert [one.rows for one in one_by_one[3:6]] == [(0, 4)] * 3


@given(st.lists(st.binary(max_size=4), max_size=8), st.binary(max_size=4))
def test_packed_paths_are_a_tuple_of_paths(paths: list[bytes], other: bytes) -> None:
    packed = PackedPaths.of(paths)
    assert packed == tuple(paths)
    assert [packed[row] for row in range(-len(paths), len(paths))] == paths * 2
    for part in (slice(None), slice(1, -1), slice(5, 2), slice(None, None, -2)):
        assert packed[part] == tuple(paths)[part]
    for path in (*paths, other):
        assert packed.find(path) == (paths.index(path) if path in paths else None)


def test_packed_paths_check_their_offsets() -> None:
    for offsets in ([], [1, 2], [0, 1], [0, 3, 1, 2]):
        with pytest.raises(ValueError, match="path offsets do not fit"):
            PackedPaths(np.zeros(2, np.uint8), np.array(offsets, np.int64))
