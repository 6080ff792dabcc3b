"""Clips are found in films where they were cut out, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainpipe import command
from chainpipe.hashing.films.finder import ClipFinder
from chainpipe.hashing.films.index_file import index_path, read_index, write_index
from chainpipe.hashing.films.library import ModelWindows, clip_finder, clip_meta, coarseness
from chainpipe.hashing.models.linear_hash import LinearHash
from chainpipe.hashing.retrieval.encode_windows import encode_windows
from chainpipe.pipeline.errors import DamageError, UsageError
from chainpipe.pipeline.store import FeatureStore, open_store
from tests.hashing.films.made_films import DIM, META, MadeFilm, film_store, joined

FILMS = [MadeFilm(seed, seconds) for seed, seconds in ((1, 300.0), (2, 90.0), (3, 200.0))]


@contextmanager
def quiet(title: str, total: int | None) -> Iterator[object]:
    yield lambda count: None


def finder_of(store: FeatureStore, **more: object) -> ClipFinder:
    return clip_finder(store, index_file=None, progress=quiet, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeatureStore]:
    with open_store(film_store(tmp_path_factory.mktemp("films") / "films.h5", FILMS)) as opened:
        yield opened


@pytest.fixture(scope="module")
def finder(store: FeatureStore) -> ClipFinder:
    return finder_of(store)


@pytest.mark.parametrize("seed", range(6))
def test_a_clip_is_found_with_its_times(finder: ClipFinder, seed: int) -> None:
    rng = np.random.default_rng(seed)
    row, seconds = int(rng.integers(3)), float(rng.uniform(4, 25))
    speed = float(rng.choice([0.8, 1.0, 1.0, 1.25]))
    start = float(rng.uniform(0, FILMS[row].seconds - speed * seconds))
    (found,) = finder.find(FILMS[row].clip(start, seconds, speed=speed, seed=seed))
    assert found.row == row
    assert found.start == pytest.approx(start, abs=0.5)
    assert found.end == pytest.approx(start + speed * seconds, abs=0.5)
    assert (found.query_start, found.query_end) == (0.0, seconds)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_in_no_film_is_not_found(finder: ClipFinder, seed: int) -> None:
    stranger = MadeFilm(100 + seed, 40.0)
    assert finder.find(stranger.clip(3.0, 4.0 + 2 * seed, seed=seed)) == []


def test_a_clip_that_starts_with_something_else_says_which_part_of_it(finder: ClipFinder) -> None:
    other = MadeFilm(50, 30.0)
    clip = joined([other.clip(2.0, 5.0), FILMS[0].clip(100.0, 12.0, shift=0.0)])
    (found,) = finder.find(clip)
    assert found.query_start == pytest.approx(5.0, abs=0.8)
    assert found.query_end == pytest.approx(17.0, abs=0.3)
    assert found.start == pytest.approx(100.0, abs=0.8)
    assert found.end == pytest.approx(112.0, abs=0.5)


def test_a_compilation_has_several_places(finder: ClipFinder) -> None:
    pieces = [(0, 40.0), (2, 150.0), (1, 20.0)]
    clip = joined([FILMS[row].clip(start, 30.0, shift=0.0) for row, start in pieces])
    found = sorted(finder.find(clip), key=lambda one: one.query_start)
    assert [one.row for one in found] == [0, 2, 1]
    for number, (place, (_, start)) in enumerate(zip(found, pieces, strict=True)):
        assert place.start == pytest.approx(start, abs=1.0)
        assert place.query_start == pytest.approx(30.0 * number, abs=1.0)


def test_a_long_clip_is_one_place(finder: ClipFinder) -> None:
    (found,) = finder.find(FILMS[0].clip(50.0, 150.0))
    assert found.start == pytest.approx(50.0, abs=0.5)
    assert found.end == pytest.approx(200.0, abs=0.5)
    assert (found.query_start, found.query_end) == (0.0, 150.0)
    assert found.speed == pytest.approx(1.0, abs=0.01)


def test_what_is_shown_twice_is_found_twice(tmp_path: Path) -> None:
    class Twice(MadeFilm):
        def at(self, moments: object) -> np.ndarray:
            times = np.asarray(moments, np.float64)
            return super().at(np.where((times >= 150) & (times < 170), times - 100, times))

    films = [Twice(9, 240.0)]
    with open_store(film_store(tmp_path / "films.zarr", films)) as store:
        found = finder_of(store).find(films[0].clip(52.0, 15.0))
    assert sorted(round(one.start) for one in found) == [52, 152]


def test_a_model_gives_the_candidates(store: FeatureStore, finder: ClipFinder) -> None:
    rng = np.random.default_rng(0)
    hasher = LinearHash(np.zeros(DIM, np.float32), rng.normal(size=(DIM, 64)).astype(np.float32))
    windows = encode_windows(store, hasher)
    assert len(windows) == len(finder.index)
    assert windows.rows.tolist() == finder.index.rows.tolist()
    assert (windows.ends - windows.starts == 2.0).all()
    by_model = finder_of(store, model=ModelWindows(hasher, windows))
    clip = FILMS[2].clip(77.0, 9.0)
    assert by_model.find(clip) == finder.find(clip)


def test_a_store_of_t_frames_is_searched_as_coarsely_as_it_is(tmp_path: Path) -> None:
    meta = replace(META, every=0.0, frames=25)
    films = [MadeFilm(seed, 20.0) for seed in range(20, 32)]
    with open_store(film_store(tmp_path / "feats.h5", films, meta)) as store:
        assert coarseness(store) == (0.8, 0.8)
        (found,) = finder_of(store).find(films[4].clip(4.0, 12.0))
    assert (found.row, round(found.start), round(found.end)) == (4, 4, 16)
    assert clip_meta(meta).every == clip_meta(META).every == 0.25


def test_a_store_of_short_and_long_videos_tells_both_steps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meta = replace(META, every=0.0, frames=25)
    films = [MadeFilm(seed, seconds) for seed, seconds in ((1, 5.0), (2, 20.0), (3, 100.0))]
    path = film_store(tmp_path / "feats.h5", films, meta)
    with open_store(path) as store:
        assert coarseness(store) == (0.2, 4.0)
    assert command.run(["find", str(path), "--in", str(path)]) == 2
    said = capsys.readouterr().err
    assert "25 frames of each video, one every 0.2 to 4.0 s: times are that coarse" in said
    assert "films need `extract --every 0.5`" in said


def test_an_index_is_kept_and_made_anew_where_it_does_not_fit(
    store: FeatureStore, tmp_path: Path
) -> None:
    file, said = tmp_path / "films.find.npz", []
    first = clip_finder(store, index_file=file, progress=quiet, log=said.append)
    kept = read_index(file, store.table_sha256)
    assert kept is not None
    assert np.array_equal(kept.packed, first.index.packed)
    assert kept.threshold == first.index.threshold
    again = clip_finder(store, index_file=file, progress=quiet, log=said.append)
    clip = FILMS[1].clip(30.0, 8.0)
    assert again.find(clip) == first.find(clip)
    assert said == []
    assert read_index(file, "0" * 64) is None
    data = file.read_bytes()
    for bad in (data[: len(data) // 2], data[:9999] + bytes([data[9999] ^ 1]) + data[10000:]):
        file.write_bytes(bad)
        with pytest.raises(DamageError, match="film index"):
            read_index(file, store.table_sha256)
    clip_finder(store, index_file=file, progress=quiet, log=said.append)
    assert said == [f"`{file}` is damaged and made anew"]
    assert file.read_bytes() == data
    assert index_path(Path("a/films.h5")) == Path("a/films.find.npz")
    with pytest.raises(ValueError, match="a model"):
        write_index(file, replace(first.index, hasher=None), "")


def test_a_store_that_knows_no_times_is_refused(tmp_path: Path) -> None:
    import chainpipe
    from chainpipe.pipeline.store.arrays.store import ArrayFeatureStore

    store = chainpipe.store_from_arrays(np.random.default_rng(0).normal(size=(5, 9, 4)))
    assert isinstance(store.raw, ArrayFeatureStore)
    with pytest.raises(UsageError, match="when its frames are shown"):
        finder_of(store.raw)


def test_a_file_of_another_kind_is_never_replaced_by_an_index(
    store: FeatureStore, tmp_path: Path
) -> None:
    for data in (b"a video", b"PK\x03\x04 another archive"):
        file = tmp_path / "clip.mp4"
        file.write_bytes(data)
        with pytest.raises((UsageError, DamageError), match="index"):
            read_index(file, store.table_sha256)
    with np.errstate(all="ignore"), (tmp_path / "codes.npz").open("wb") as other:
        np.savez(other, codes=np.zeros(3))
    with pytest.raises(UsageError, match="not a film index"):
        clip_finder(store, index_file=tmp_path / "codes.npz", progress=quiet)
    with pytest.raises(UsageError, match="not a film index"):
        clip_finder(store, index_file=store.path, progress=quiet)
    with pytest.raises(UsageError, match="not a film index"):
        clip_finder(store, index_file=tmp_path, progress=quiet)
