"""Codes of other programs: every form gives the same bits, and whatever does not fit is named."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from chainpipe.hashing.retrieval.foreign_codes import ArrayPlace, CodesPlaces, foreign_codes
from chainpipe.pipeline.errors import NotFoundError, UsageError
from chainpipe.pipeline.records import Split
from tests.pipeline.store.foreign.test_kinds import matlab_7_3

BITS = np.random.default_rng(0).integers(0, 2, (9, 20)).astype(bool)
KINDS = np.arange(9) % 3
WORDS = np.packbits(np.pad(BITS, ((0, 0), (0, 44))), axis=1, bitorder="little").view("<u8")

FORMS = {
    "truth": (BITS, {}),
    "zero_one": (BITS.astype("i4"), {}),
    "signs": (2.0 * BITS - 1, {}),
    "small_signs": (2 * BITS.astype("i1") - 1, {}),
    "real": (np.where(BITS, 0.25, -3.5), {"sign": True}),
    "packed": (np.packbits(BITS, axis=1, bitorder="little"), {"bits": 20}),
    "packed_big": (np.packbits(BITS, axis=1), {"bits": 20, "bit_order": "big"}),
    "words": (WORDS, {"bits": 20}),
    "flat_words": (WORDS[:, 0].astype(">u8"), {"bits": 20}),
}


def at(path: Path, key: str | None = None, labels: ArrayPlace | None = None) -> CodesPlaces:
    return CodesPlaces(ArrayPlace(path, key), labels)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_bits(form: str, tmp_path: Path) -> None:
    array, how = FORMS[form]
    np.save(tmp_path / "a.npy", array)
    found = foreign_codes(at(tmp_path / "a.npy"), **how)
    assert np.array_equal(found.numpy(), BITS)
    assert found.bits == 20


def test_every_format_gives_the_same_bits(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"B": 2.0 * BITS - 1, "L": np.eye(3)[KINDS]})
    matlab_7_3(tmp_path / "b.mat", B=BITS.astype("u1"), L=np.eye(3)[KINDS])
    np.savez(tmp_path / "c.npz", B=BITS, L=np.eye(3)[KINDS])
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["B"], file["L"] = BITS, np.eye(3)[KINDS]
    for path in sorted(tmp_path.iterdir()):
        found = foreign_codes(at(path, "B", ArrayPlace(path, "L")))
        assert np.array_equal(found.numpy(), BITS), path
        assert [found.names_of(row) for row in range(9)] == [(str(one),) for one in KINDS]


@pytest.mark.parametrize(
    "labels",
    [
        KINDS,
        KINDS[:, None].astype("f8"),
        KINDS[None].astype("u1"),
        np.eye(3, dtype=bool)[KINDS],
        KINDS.astype("S1"),
        KINDS.astype("U1"),
    ],
)
def test_labels_of_every_form(labels, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", BITS)
    np.save(tmp_path / "l.npy", labels)
    found = foreign_codes(at(tmp_path / "a.npy", labels=ArrayPlace(tmp_path / "l.npy")))
    assert found.label_names == ("0", "1", "2")
    assert np.array_equal(found.labels.argmax(axis=1), KINDS)


def test_queries_come_first_and_are_marked(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", db=BITS, q=BITS[:2], ids=np.array([f"v{i}" for i in range(9)]))
    place = ArrayPlace(tmp_path / "a.npz", "ids")
    base = CodesPlaces(ArrayPlace(tmp_path / "a.npz", "db"), None, place)
    found = foreign_codes(base, at(tmp_path / "a.npz", "q"))
    assert np.array_equal(found.numpy(), np.concatenate([BITS[:2], BITS]))
    assert found.split.tolist() == [Split.QUERY] * 2 + [Split.DATABASE] * 9
    assert found.ids[:4] == ("0:0", "0:1", "v0", "v1")


@settings(max_examples=25, deadline=None)
@given(
    bits=st.integers(1, 70),
    rows=st.integers(1, 12),
    seed=st.integers(0, 9),
    order=st.sampled_from(["little", "big"]),
)
def test_packed_codes_of_any_length(bits: int, rows: int, seed: int, order: str, tmp_path_factory):
    truth = np.random.default_rng(seed).integers(0, 2, (rows, bits)).astype(bool)
    path = tmp_path_factory.mktemp("packed") / "a.npy"
    np.save(path, np.packbits(truth, axis=1, bitorder=order))
    found = foreign_codes(at(path), bits=bits, bit_order=order)
    assert np.array_equal(found.numpy(), truth)


@pytest.mark.parametrize(
    ("array", "how", "words"),
    [
        (np.zeros((2, 3, 4)), {}, r"is \[2, 3, 4\] float64"),
        (np.zeros(4), {}, r"is \[4\] float64"),
        (np.zeros((0, 4)), {}, r"is \[0, 4\] float64"),
        (np.array([["a"]]), {}, r"is \[1, 1\] <U1"),
        (np.array([[0, 1], [2, 1]]), {}, "holds `2`"),
        (np.array([[0.5, 1.0]]), {}, r"holds `0\.5`"),
        (np.array([[-1, 0, 1]]), {}, "holds -1, 0 and 1"),
        (np.array([[0, np.nan]]), {}, "NaN or infinity in row 0"),
        (np.array([[1.5, np.inf], [0, 1]]), {"sign": True}, "NaN or infinity in row 0"),
        (np.zeros((2, 3), "i4"), {"bits": 8}, "no packed codes of 8 bits"),
        (np.zeros((2, 3), "u1"), {"bits": 25}, "has 3 bytes a code, fewer than 25 bits need"),
        (np.full((2, 3), 255, "u1"), {"bits": 20}, "bits set beyond the 20"),
        (np.packbits(BITS | True, axis=1), {"bits": 20}, "bits set beyond the 20"),
    ],
)
def test_codes_that_are_none(array, how, words: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(UsageError, match=words) as caught:
        foreign_codes(at(tmp_path / "a.npy"), **how)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros(8), "but there are 9 codes"),
        (np.zeros((8, 3)), "but there are 9 codes"),
        (np.zeros((9, 2, 2)), "but there are 9 codes"),
        (np.full((9, 3), 2), "is not one-hot"),
        (np.full(9, 0.5), "holds other than whole numbers"),
        (np.zeros(9, "c16"), "is complex128"),
    ],
)
def test_labels_that_do_not_fit(labels, words: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", BITS)
    np.save(tmp_path / "l.npy", labels)
    with pytest.raises(UsageError, match=words):
        foreign_codes(at(tmp_path / "a.npy", labels=ArrayPlace(tmp_path / "l.npy")))


def test_queries_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, db=BITS, q=BITS[:, :8], same=BITS, hot=np.eye(3)[KINDS], n=KINDS)
    with pytest.raises(UsageError, match="have 8 and 20 bits"):
        foreign_codes(at(path, "db"), at(path, "q"))
    with pytest.raises(UsageError, match=r"`same` of .* has no labels"):
        foreign_codes(at(path, "db", ArrayPlace(path, "n")), at(path, "same"))
    numbers, one_hot = ArrayPlace(path, "n"), ArrayPlace(path, "hot")
    with pytest.raises(UsageError, match="labels of queries and database are"):
        foreign_codes(at(path, "db", numbers), at(path, "same", one_hot))
    np.save(tmp_path / "ids.npy", np.array(["a", "b", "c"]))
    named = CodesPlaces(ArrayPlace(path, "db"), ids=ArrayPlace(tmp_path / "ids.npy"))
    with pytest.raises(UsageError, match="has 3 entries, but there are 9 codes"):
        foreign_codes(named)


def test_places_are_named_in_three_ways(tmp_path: Path) -> None:
    file, beside = tmp_path / "l.npz", tmp_path / "codes.mat"
    np.savez(file, a=KINDS)
    assert ArrayPlace.named(str(file), beside) == ArrayPlace(file)
    assert ArrayPlace.named(f"{file}:a", beside) == ArrayPlace(file, "a")
    assert ArrayPlace.named("a", beside) == ArrayPlace(beside, "a")
    with pytest.raises(NotFoundError, match=r"there is no `gone\.npy`"):
        ArrayPlace.named("gone.npy", beside).load()


def test_labels_that_no_text_or_number_holds(tmp_path: Path) -> None:
    np.save(tmp_path / "codes.npy", BITS)
    np.save(tmp_path / "bytes.npy", np.array([b"\xff", b"cat", b"dog"])[KINDS])
    np.save(tmp_path / "far.npy", KINDS * 1e300)
    codes = foreign_codes(at(tmp_path / "codes.npy", labels=ArrayPlace(tmp_path / "bytes.npy")))
    assert set(codes.label_names) == {"\\xff", "cat", "dog"}
    with pytest.raises(UsageError, match="holds other than whole numbers"):
        foreign_codes(at(tmp_path / "codes.npy", labels=ArrayPlace(tmp_path / "far.npy")))
