"""What moves in pixels: planted crops, mirrors, bars, speeds, and takes of one scene."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from chainpipe.hashing.duplicates.pairs import VideoPair
from chainpipe.hashing.duplicates.pixel_check import (
    SIDE,
    GreyClip,
    cut,
    grey,
    lay_on,
    movement_alignment,
    sureness,
    without_bars,
)
from chainpipe.hashing.duplicates.recheck import COPY, PixelRecheck, looked_at
from chainpipe.hashing.duplicates.videos import ComparedVideos
from chainpipe.hashing.matching.records import Relation, Verdict
from chainpipe.pipeline.records import FailedVideo, Frames, Reader, Status, VideoInfo
from chainpipe.pipeline.store import open_store
from tests.hashing.duplicates.duplicate_samples import library, write

F32 = npt.NDArray[np.float32]
FRAMES = 50
NOTHING = Verdict(Relation.NOTHING, "")


def scene(take: int, *, place: int = 0, frames: int = FRAMES, size: int = 96) -> F32:
    """Return a film of blobs that wander over a still background, (frames, size, size)."""
    still = np.random.default_rng(place)
    base = cut(still.uniform(40, 200, (12, 12)).astype(np.float32), (0, 1, 0, 1), size)
    rng = np.random.default_rng(1000 + take)
    y, x = np.mgrid[:size, :size] / size
    film = np.repeat(base[None], frames, axis=0)
    for _ in range(3):
        path = np.cumsum(rng.normal(size=(frames, 2)) * 0.04, axis=0) + rng.uniform(0.2, 0.8, 2)
        path = np.abs((path + 1) % 2 - 1)
        for at, (top, left) in enumerate(path):
            film[at] += 90 * np.exp(-((y - top) ** 2 + (x - left) ** 2) / 0.01)
    return film.astype(np.float32)


def clip(film: F32, seconds: float = 10.0) -> GreyClip:
    count = len(film)
    times = (np.arange(count) + 0.5) * seconds / count
    return GreyClip.of(cut(film, (0, 1, 0, 1), SIDE), times, seconds)


def bars(film: F32) -> F32:
    wide = np.full((len(film), 130, 150), 12, np.float32)
    wide[:, 20 : 20 + film.shape[1], 30 : 30 + film.shape[2]] = film
    return wide


EDITS = {
    "the same": lambda film: film,
    "mirrored": lambda film: film[:, :, ::-1],
    "cropped": lambda film: film[:, 8:88, 5:85],
    "mirrored and cropped": lambda film: film[:, 12:84, 4:76][:, :, ::-1],
    "within bars": bars,
    "darker": lambda film: 0.6 * film + 10,
    "noisy": lambda film: film + np.random.default_rng(0).normal(0, 12, film.shape),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_moves_as_its_original_does(edit: str) -> None:
    film = scene(1)
    one, other = clip(film), clip(np.asarray(EDITS[edit](film), np.float32))
    for a, b in ((one, other), (other, one)):
        layout = lay_on(a, b)
        found = movement_alignment(a, b, layout)
        assert found is not None
        assert layout.mirrored == ("mirrored" in edit)
        assert layout.likeness > 0.9
        assert sureness(found) > 2 * COPY
        assert looked_at(NOTHING, a, b).relation is Relation.COPY


def test_another_take_of_the_scene_moves_otherwise() -> None:
    for take in range(2, 6):
        a, b = clip(scene(1)), clip(scene(take))
        assert lay_on(a, b).likeness > 0.5
        assert looked_at(NOTHING, a, b) is NOTHING


def test_a_copy_whose_pixels_move_otherwise_is_rejected() -> None:
    place = np.repeat(scene(1)[:1], FRAMES, axis=0)
    lively = np.random.default_rng(7).uniform(0, 1, (12, 12)) ** 3  # where something moves
    takes = []
    for take in (1, 2):
        moves = lively * np.random.default_rng(take).normal(size=(FRAMES, 12, 12))
        takes.append(clip(place + 40 * cut(moves.astype(np.float32), (0, 1, 0, 1), 96)))
    assert lay_on(*takes).likeness > 0.9
    copy = Verdict(Relation.COPY, "moves alike")
    assert looked_at(copy, *takes).relation is Relation.SAME_SCENES
    assert looked_at(NOTHING, *takes) is NOTHING


def test_strangers_stay_strangers() -> None:
    for other in range(2, 8):
        a, b = clip(scene(1)), clip(scene(other, place=other))
        assert looked_at(NOTHING, a, b) is NOTHING


def test_a_faster_copy_is_aligned_at_its_speed() -> None:
    film = scene(1, frames=75)
    a, b = clip(film, 15.0), clip(film[::3], 12.0)
    found = movement_alignment(a, b, lay_on(a, b))
    assert found is not None
    assert found.runs[0].speed == pytest.approx(0.8, abs=0.02)
    assert found.share_a > 0.9


def test_a_cut_copy_is_aligned_at_its_place() -> None:
    film = scene(1, frames=100)
    a, b = clip(film, 20.0), clip(film[20:80], 12.0)
    found = movement_alignment(a, b, lay_on(a, b))
    assert found is not None
    assert found.runs[0].offset == pytest.approx(-4.0, abs=0.3)
    assert found.share_b > 0.9
    assert looked_at(NOTHING, a, b).relation is Relation.COPY


def test_bars_are_found_and_pictures_without_have_none() -> None:
    top, bottom, left, right = without_bars(bars(scene(1)))
    assert (top, bottom) == pytest.approx((20 / 130, 116 / 130), abs=0.02)
    assert (left, right) == pytest.approx((30 / 150, 126 / 150), abs=0.02)
    assert without_bars(scene(1)) == (0.0, 1.0, 0.0, 1.0)


def test_cut_is_the_mean_of_what_each_pixel_covers() -> None:
    rng = np.random.default_rng(0)
    picture = rng.uniform(size=(12, 16)).astype(np.float32)
    assert cut(picture, (0.25, 0.75, 0.5, 1.0), 2) == pytest.approx(
        picture[3:9, 8:].reshape(2, 3, 2, 4).mean(axis=(1, 3)), abs=1e-6
    )


def test_the_same_noise_on_one_picture_proves_nothing() -> None:
    picture = np.repeat(scene(1, frames=1), FRAMES, axis=0)
    noise = np.random.default_rng(5).normal(size=(FRAMES, 12, 12)).astype(np.float32)
    for level, relation in ((2.0, Relation.NOTHING), (12.0, Relation.COPY)):
        film = picture + level * cut(noise, (0, 1, 0, 1), picture.shape[-1])
        assert looked_at(NOTHING, clip(film), clip(film + 3)).relation is relation


def test_a_still_video_proves_nothing() -> None:
    still = np.repeat(scene(1)[:1], FRAMES, axis=0)
    assert looked_at(NOTHING, clip(still), clip(still)) is NOTHING


def decoded(film: F32) -> Frames:
    pixels = np.repeat(film.clip(0, 255).astype(np.uint8)[..., None], 3, axis=-1)
    times = np.arange(len(film)) / 5
    info = VideoInfo(len(film) / 5, 5.0, film.shape[2], film.shape[1], len(film))
    return Frames(pixels, times, np.arange(len(film)), info, Status.OK, Reader.EXACT)


def test_each_video_is_decoded_once_and_what_cannot_be_read_stays(tmp_path: object) -> None:
    asked: list[bytes] = []

    def decode(paths: object, frames: int, side: int) -> list[Frames | FailedVideo]:
        found: list[Frames | FailedVideo] = []
        for path in paths:  # type: ignore[attr-defined]
            name = path.name.encode()
            asked.append(name)
            if name == b"again.mp4":
                found.append(FailedVideo(name, Status.CORRUPT, "no frame decodes"))
            else:
                found.append(decoded(cut(scene(1), (0, 1, 0, 1), side)))
        return found

    from contextlib import nullcontext
    from pathlib import Path

    path = write(Path(str(tmp_path)) / "feats.h5", library())
    pairs = [VideoPair(0, 1, NOTHING), VideoPair(0, 2, NOTHING)]
    pairs.append(VideoPair(0, 6, Verdict(Relation.PART_OF, "a part")))
    with open_store(path) as store:
        recheck = PixelRecheck(decode)
        videos = ComparedVideos(store)
        found = recheck(videos, pairs, lambda what, total: nullcontext(lambda steps: None))
    assert sorted(asked) == [b"again.mp4", b"copy.mp4", b"original.mp4"]
    assert recheck.unreadable == {2: "no frame decodes"}
    assert {(one.a, one.b): one.verdict.relation for one in found} == {
        (0, 1): Relation.COPY,
        (0, 2): Relation.NOTHING,
        (0, 6): Relation.PART_OF,
    }


def test_grey_weighs_colours_as_eyes_do() -> None:
    red, green = ([[[[255, 0, 0]]]], [[[[0, 255, 0]]]])
    assert grey(np.array(red, np.uint8)).item() < grey(np.array(green, np.uint8)).item()
