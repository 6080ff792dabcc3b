"""Strips show the right moments, are made once, and say why there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from chainpipe.gallery.build import _silent
from chainpipe.gallery.strips import Strip, StripFolder, frame_size, rising
from chainpipe.pipeline.errors import StorageError
from chainpipe.pipeline.store import FeatureStore, open_store

MOMENTS = (0.05, 1.05, 2.45)


@pytest.fixture
def opened(store: Path) -> Iterator[FeatureStore]:
    with open_store(store) as found:
        yield found


def folder_of(opened: FeatureStore, path: Path, root: Path | None = None) -> StripFolder:
    return StripFolder(path, opened.videos, root or Path(os.fsdecode(opened.root)))


def make(folder: StripFolder, *strips: Strip) -> dict[Strip, str]:
    return folder.make(strips, workers=1, progress=_silent)


def shown_at(path: Path, second: float, size: tuple[int, int]) -> np.ndarray:
    """Return the frame on the screen at a second by decoding everything, (H, W, 3)."""
    with av.open(str(path)) as container:
        frames = [(float(frame.time), frame) for frame in container.decode(video=0)]
    first = frames[0][0]
    picture = [frame for time, frame in frames if time - first <= second + 1e-6][-1].to_image()
    return np.asarray(picture.resize(size), np.float64)


def test_a_strip_shows_what_is_on_the_screen_at_its_moments(
    opened: FeatureStore, tmp_path: Path
) -> None:
    row = next(r for r, name in enumerate(opened.videos.paths) if name.startswith(b"card"))
    width, height = frame_size(opened.videos, row)
    made = make(folder_of(opened, tmp_path), Strip(row, MOMENTS))
    strip = np.asarray(Image.open(tmp_path / made[Strip(row, MOMENTS)]), np.float64)
    assert strip.shape == (height, width * len(MOMENTS), 3)
    path = Path(os.fsdecode(opened.root)) / os.fsdecode(opened.videos.paths[row])
    for place, second in enumerate(MOMENTS):
        part = strip[:, place * width : (place + 1) * width]
        right = np.abs(part - shown_at(path, second, (width, height))).mean()
        wrong = np.abs(part - shown_at(path, second + 1.0, (width, height))).mean()
        assert right < wrong


def test_a_strip_is_made_once(opened: FeatureStore, tmp_path: Path) -> None:
    strip = Strip(0, MOMENTS)
    made = make(folder_of(opened, tmp_path), strip)
    before = (tmp_path / made[strip]).stat().st_mtime_ns
    elsewhere = folder_of(opened, tmp_path, root=tmp_path / "gone")
    assert make(elsewhere, strip) == made  # the videos are not needed any more
    assert not elsewhere.missing
    assert (tmp_path / made[strip]).stat().st_mtime_ns == before


def test_other_moments_are_another_file(opened: FeatureStore) -> None:
    files = {Strip(0, moments).file(opened.videos) for moments in (MOMENTS, MOMENTS[1:], (0.0,))}
    assert len(files) == 3


def test_a_file_that_is_gone_or_changed_has_no_strip(
    opened: FeatureStore, library: Path, tmp_path: Path
) -> None:
    names = [os.fsdecode(name) for name in opened.videos.paths]
    root = tmp_path / "videos"
    shutil.copytree(library, root)
    (root / names[0]).unlink()
    (root / names[1]).write_bytes(b"other bytes")
    folder = folder_of(opened, tmp_path / "strips", root)
    assert set(make(folder, *(Strip(row, (0.1,)) for row in range(3)))) == {Strip(2, (0.1,))}
    assert "No such file" in folder.missing[0]
    assert folder.missing[1] == "the file has changed since it was extracted"


def test_a_copy_stands_in_for_a_file_that_is_gone(tmp_path: Path, make_copies: Path) -> None:
    with open_store(make_copies) as opened:
        root = Path(os.fsdecode(opened.root))
        (root / "a.mp4").unlink()
        folder = folder_of(opened, tmp_path / "strips")
        assert set(make(folder, Strip(0, (0.1,)))) == {Strip(0, (0.1,))}
        assert not folder.missing
        (root / "b.mp4").unlink()
        assert make(folder, Strip(0, (0.2,))) == {}
        assert ["No such file" in folder.missing[row] for row in (0, 1)] == [True, True]


def test_a_file_that_cannot_be_decoded_says_so(tmp_path: Path, make_copies: Path) -> None:
    with open_store(make_copies) as opened:
        root, table = Path(os.fsdecode(opened.root)), opened.videos
        for row, name in enumerate(table.paths):  # as long and as old as it was, and garbled
            path = root / os.fsdecode(name)
            path.write_bytes(b"\0" * int(table.size[row]))
            os.utime(path, ns=(0, int(table.mtime_ns[row])))
        folder = folder_of(opened, tmp_path / "strips")
        assert make(folder, Strip(0, (0.1,))) == {}
        assert folder.missing[0].split(":")[0] in ("corrupt", "no_video", "unreadable")


def test_a_folder_that_cannot_be_written_is_an_error(opened: FeatureStore, tmp_path: Path) -> None:
    (tmp_path / "strips").write_text("a file")
    with pytest.raises(StorageError, match="cannot write"):
        make(folder_of(opened, tmp_path / "strips"), Strip(0, MOMENTS))


def test_strips_that_no_page_shows_are_removed(opened: FeatureStore, tmp_path: Path) -> None:
    folder = folder_of(opened, tmp_path)
    made = make(folder, Strip(0, (0.1,)), Strip(1, (0.1,)))
    (tmp_path / "notes.txt").write_text("mine")
    assert folder.remove_others([made[Strip(0, (0.1,))]]) == 1
    assert (tmp_path / made[Strip(0, (0.1,))]).exists()
    assert (tmp_path / "notes.txt").exists()


def test_moments_rise_and_are_numbers() -> None:
    assert rising([float("nan")] * 3) == ()
    assert rising([3.0, -0.01, 1.0, 1.0002]) == (0.0, 1.0, 3.0)
