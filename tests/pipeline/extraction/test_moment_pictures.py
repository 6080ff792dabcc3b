"""Pictures of several videos at once: each at its own moments, or the reason why not."""

from pathlib import Path

import numpy as np

from chainpipe.pipeline.extraction.moment_pictures import PictureJob, pictures_at
from chainpipe.pipeline.extraction.single_videos import moments
from chainpipe.pipeline.records import FailedVideo, Status
from tests.pipeline.conftest import MakeClip


def test_each_video_is_read_at_its_own_moments(make_clip: MakeClip, tmp_path: Path) -> None:
    square = make_clip(tmp_path / "square.mp4", size="64x64")
    wide = make_clip(tmp_path / "wide.mp4", size="96x64")
    jobs = [
        PictureJob(wide, (0.3, 1.7), 40),
        PictureJob(square, (0.1, 0.9, 1.5), 64),
        PictureJob(tmp_path / "gone.mp4", (0.0,), 32),
    ]
    found = dict(pictures_at(jobs, workers=2))
    assert isinstance(found[0], np.ndarray)
    assert found[0].shape == (2, 40, 40, 3)  # the whole picture, squeezed
    wanted = moments(square, (0.1, 0.9, 1.5), 64)  # nothing of a square is cut off
    assert np.array_equal(found[1], wanted)
    assert isinstance(found[2], FailedVideo)
    assert found[2].status is Status.UNREADABLE


def test_nothing_wanted_is_nothing_read() -> None:
    assert list(pictures_at([])) == []
