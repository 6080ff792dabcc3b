"""Single videos without a store: queries and thumbnails."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
import pytest

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.extraction.extract import extract
from chainpipe.pipeline.extraction.options import ExtractOptions
from chainpipe.pipeline.extraction.single_videos import (
    extract_features,
    find_videos,
    fit_of,
    thumbnails,
)
from chainpipe.pipeline.records import FailedVideo, Fingerprint, Status, StoreMeta, VideoFeatures
from chainpipe.pipeline.store import iter_rows, open_store


class Mean:
    """A frame's mean colour."""

    name, size, dim, weights_sha256, normalization = "mean", 32, 3, "0" * 64, "none"

    def embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return pixels.mean(axis=(1, 2), dtype=np.float32)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Red, green and blue clips of three seconds."""
    folder = tmp_path_factory.mktemp("videos")
    for colour in ("blue", "green", "red"):
        card = f"color={colour}:size=64x48:rate=5:duration=3"
        program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", card]
        subprocess.run([*program, "-threads", "1", str(folder / f"{colour}.mp4")], check=True)
    return folder


@pytest.mark.parametrize("fit", ["crop", "squash", "pad"])
def test_a_query_has_the_features_that_a_store_would_hold(
    videos: Path, tmp_path: Path, fit: str
) -> None:
    options = ExtractOptions.of(videos, tmp_path / "feats.h5", frames=4, fit=fit, by="time")  # type: ignore[arg-type]
    extract(options, backbone=Mean())
    files = [videos / "red.mp4", tmp_path / "none.mp4", videos / "blue.mp4"]
    with open_store(options.out) as store:
        red, none, blue = extract_features(files, store.meta, backbone=Mean(), workers=2)
        rows = {os.fsdecode(row.path): row for row in iter_rows(store)}
    assert isinstance(none, FailedVideo)
    assert none.status == Status.UNREADABLE
    for ours, row in ((red, rows["red.mp4"]), (blue, rows["blue.mp4"])):
        assert isinstance(ours, VideoFeatures)
        assert ours.video_id == row.video_id
        assert ours.features.dtype == np.float16
        np.testing.assert_array_equal(ours.features, row.features)


def test_a_query_with_another_backbone_is_refused(videos: Path) -> None:
    meta = StoreMeta(Fingerprint("mean", "1" * 64, 3, "size=32 fit=crop resize=bilinear none"), 4)
    with pytest.raises(UsageError, match=r"weights_sha256: 1111.* / 0000"):
        extract_features([videos / "red.mp4"], meta, backbone=Mean())
    with pytest.raises(UsageError, match="no backbone `mean`"):
        extract_features([videos / "red.mp4"], meta)


def test_preprocessing_that_does_not_say_the_fit_is_refused() -> None:
    meta = StoreMeta(Fingerprint("mean", "00", 3, "size=32"), 4)
    with pytest.raises(UsageError, match="preprocessing `size=32`"):
        fit_of(meta)
    assert fit_of(replace(meta, fingerprint=Fingerprint("mean", "00", 3, "fit=crop"))) == "crop"


def test_thumbnails_come_in_order_with_gaps_for_what_is_no_video(
    videos: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    files = [videos / "red.mp4", tmp_path / "text.mp4", videos / "blue.mp4"]
    red, text, blue = thumbnails(files, 40)
    assert text is None
    assert red is not None
    assert blue is not None
    assert red.shape == blue.shape == (40, 40, 3)
    assert red.mean(axis=(0, 1)).argmax() == 0
    assert blue.mean(axis=(0, 1)).argmax() == 2


def test_no_paths_give_no_answers() -> None:
    assert thumbnails([], 40) == []


def test_videos_are_found_in_folders_lists_and_by_themselves(videos: Path, tmp_path: Path) -> None:
    assert [path.name for path in find_videos(videos)] == ["blue.mp4", "green.mp4", "red.mp4"]
    (tmp_path / "list.csv").write_text(f"path\n{videos / 'red.mp4'}\n")
    (found,) = find_videos(tmp_path / "list.csv")
    assert found.resolve() == (videos / "red.mp4").resolve()
    assert find_videos(videos / "red.mp4") == [videos / "red.mp4"]
