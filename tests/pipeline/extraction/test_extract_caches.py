"""What one decoding feeds: several backbones, candidates of segments, views, statistics."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from chainpipe.pipeline.augment import Augmentation
from chainpipe.pipeline.decode import DecodeWorker, FrameRequest
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.extraction.extract import extract, extract_all
from chainpipe.pipeline.extraction.features import video_seed
from chainpipe.pipeline.extraction.option_values import limits_named, settings_named, stores_for
from chainpipe.pipeline.extraction.options import ExtractOptions
from chainpipe.pipeline.extraction.signals import Interrupted
from chainpipe.pipeline.records import Status
from chainpipe.pipeline.store import open_store
from tests.pipeline.extraction.test_extract import (
    FRAMES,
    Tiny,
    clips,
    features,
    options,
    tiny,
    videos,
)

__all__ = ["clips", "options", "tiny", "videos"]  # fixtures


class Coarse(Tiny):
    """The mean colour of a frame of another size: D = 3."""

    name = "coarse"
    size = 48
    dim = 3

    def embed(self, pixels):
        self.calls += 1
        return pixels.mean(axis=(1, 2), dtype=np.float32)


@pytest.fixture
def both(options: ExtractOptions, tmp_path: Path) -> ExtractOptions:
    return options.changed(targets=(*options.targets, ("coarse", tmp_path / "coarse.zarr")))


def test_two_backbones_share_one_decoding(both: ExtractOptions, tiny: Tiny) -> None:
    coarse = Coarse()
    one, other = extract_all(both, backbones=[tiny, coarse])
    alone = extract_all(
        both.changed(targets=both.targets[:1], out=both.out.with_name("a.h5")), backbones=[tiny]
    )
    assert (one.decoded, other.decoded) == (4, 4)
    assert one.decode_seconds < 1.6 * alone[0].decode_seconds + 0.1
    for (name, out), backbone in zip(both.targets, (tiny, coarse), strict=True):
        separately = both.changed(targets=both.targets[:1], out=out.with_name(f"alone-{name}.h5"))
        extract(separately, backbone=backbone)
        together = features(out)
        assert all(np.array_equal(together[k], v) for k, v in features(separately.out).items())


def test_a_store_that_is_complete_is_left_alone_while_another_is_made(
    both: ExtractOptions, tiny: Tiny
) -> None:
    extract(both.changed(targets=both.targets[:1]), backbone=tiny)
    calls, before = tiny.calls, both.out.stat().st_mtime_ns
    one, other = extract_all(both, backbones=[tiny, Coarse()])
    assert (one.decoded, one.written, other.decoded) == (0, False, 4)
    assert (tiny.calls, both.out.stat().st_mtime_ns) == (calls, before)


def test_twins_are_copied_in_every_store(both: ExtractOptions, videos: Path, tiny: Tiny) -> None:
    shutil.copy(videos / "cat/a.mp4", videos / "z.mp4")
    reports = extract_all(both, backbones=[tiny, Coarse()])
    assert [(r.decoded, r.copied) for r in reports] == [(4, 1), (4, 1)]


def test_candidates_are_the_middles_of_each_segments_runs(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    extract(options.changed(per_segment=3, dtype="float32"), backbone=tiny)
    with open_store(options.out) as store, DecodeWorker() as decoder:
        index = store.candidate_index(slice(None))
        assert index.shape == (4, FRAMES, 3)
        assert np.array_equal(index[:, :, 1], store.index(slice(None)))
        every = decoder.read(videos / "cat/a.mp4", FrameRequest(10, size=32)).pixels
        by_hand = tiny.embed(every[index[0].ravel()]).reshape(FRAMES, 3, -1)
        assert np.array_equal(store.candidates(slice(0, 1))[0], by_hand)
        assert np.array_equal(store.candidates(slice(None))[:, :, 1], store.features(slice(None)))
        assert store.candidate_seconds(slice(0, 1))[0] == pytest.approx(index[0] / 10)


def test_views_are_the_same_for_the_same_seed_and_move_features(
    options: ExtractOptions, tiny: Tiny
) -> None:
    outs = [options.out.with_name(f"{n}.h5") for n in range(3)]
    for out, seed in zip(outs, (7, 7, 8), strict=True):
        extract(options.changed(out=out, views=2, seed=seed), backbone=tiny)
    first, again, other = (views(out) for out in outs)
    assert first.shape == (4, 2, FRAMES, 12)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    with open_store(outs[0]) as store:
        assert store.meta.augmentation == Augmentation().line()
        assert np.abs(first - store.features(slice(None))[:, None]).mean() > 1


def views(out: Path) -> np.ndarray:
    with open_store(out) as store:
        return store.views(slice(None))


def test_views_do_not_depend_on_a_videos_name(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    asked = options.changed(views=1, seed=3)
    extract(asked, backbone=tiny)
    before = views(options.out)
    (videos / "cat/a.mp4").rename(videos / "0.mp4")
    extract(asked.changed(restart=True), backbone=tiny)
    assert np.array_equal(np.sort(before, axis=0), np.sort(views(options.out), axis=0))


@pytest.mark.parametrize("cached", [0, 3])
def test_augmentation_statistics_are_those_of_views(
    options: ExtractOptions, tiny: Tiny, cached: int
) -> None:
    asked = options.changed(views=cached, measure_augmentation=10, dtype="float32")
    extract(asked, backbone=tiny)
    with open_store(options.out) as store:
        found = store.augmentation()
        assert found is not None
        assert (found.videos, found.shifts) == (4, 4 * (cached or 4) * FRAMES)
        if cached:
            shifts = store.views(slice(None)) - store.features(slice(None))[:, None]
            assert found.mean == pytest.approx(shifts.reshape(-1, 12).mean(axis=0), abs=1e-3)
    assert extract(asked, backbone=tiny).written is False
    plain = asked.changed(measure_augmentation=0)
    assert extract(plain, backbone=tiny).written is False


def test_statistics_stay_when_videos_are_added(
    options: ExtractOptions, videos: Path, clips: Path, tiny: Tiny
) -> None:
    extract(options.changed(measure_augmentation=2), backbone=tiny)
    shutil.copy(clips / "4.mp4", videos / "new.mp4")
    extract(options, backbone=tiny)
    with open_store(options.out) as store:
        statistics = store.augmentation()
        assert statistics is not None
        assert (len(store.videos), statistics.videos) == (5, 2)


def test_statistics_of_more_videos_replace_those_of_fewer(
    options: ExtractOptions, tiny: Tiny
) -> None:
    for asked, measured, written in ((2, 2, True), (3, 3, True), (2, 3, False), (9, 4, True)):
        report = extract(options.changed(measure_augmentation=asked), backbone=tiny)
        assert report.written is written
        with open_store(options.out) as store:
            assert store.augmentation().videos == measured
    assert extract(options.changed(measure_augmentation=9), backbone=tiny).written is False


def test_a_signal_stops_the_measuring_amid_a_video(options: ExtractOptions, tiny: Tiny) -> None:
    extract(options, backbone=tiny)
    reached, release = threading.Event(), threading.Event()

    class Stuck(Tiny):
        def embed(self, pixels):
            reached.set()
            release.wait(60)
            return super().embed(pixels)

    def interrupt() -> None:
        reached.wait(60)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(Interrupted):
        extract(options.changed(measure_augmentation=2), backbone=Stuck())
    assert not release.is_set()
    release.set()


@pytest.mark.parametrize("sampling", ["segment", "random", "consecutive", "keyframe"])
def test_every_sampling_is_stored_with_its_moments(
    options: ExtractOptions, tiny: Tiny, sampling: str
) -> None:
    extract(options.changed(sampling=sampling, seed=5), backbone=tiny)
    with open_store(options.out) as store:
        index = store.index(slice(None))
        assert store.meta.sampling == sampling
        assert np.all(np.diff(index) >= 0)
        assert store.seconds(slice(None)) == pytest.approx(index / 10)


def test_numbers_that_are_not_finite_make_a_video_fail(options: ExtractOptions, tiny: Tiny) -> None:
    class Broken(Tiny):
        def embed(self, pixels):
            features = super().embed(pixels)
            if self.calls == 1:
                features[0, 0] = np.nan
            return features

    report = extract(options, backbone=Broken())
    assert (report.exit_code, report.counts) == (3, {Status.OK: 3, Status.CRASHED: 1})
    assert "NaN or infinite" in report.failed[0].message


def test_the_seed_of_a_video_is_that_of_its_bytes() -> None:
    assert video_seed(b"a" * 32, 1) == video_seed(b"a" * 32, 1)
    assert len({video_seed(b"a" * 32, 1), video_seed(b"b" * 32, 1), video_seed(b"a" * 32, 2)}) == 3


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"augmentation": "scale=2,1", "views": 1}, "augmentation `scale=2,1`"),
        ({"augmentation": "scale=2,1", "measure_augmentation": 1}, "augmentation `scale=2,1`"),
        ({"engine_options": (("partition", "gpu"),)}, "`local` has no setting `partition`"),
        ({"seed": 1 << 63, "views": 1}, f"`seed` is {1 << 63}"),
        ({"sampling": "keyframe", "reader": "linear"}, "only the exact reader"),
        ({"sampling": "keyframe", "hwaccel": "cuda"}, "only the exact reader"),
        ({"reader": "exact", "hwaccel": "cuda"}, "uses no hardware decoder"),
        ({"per_segment": -1}, "`per-segment` is -1"),
        ({"sampling": "keyframe", "per_segment": 2}, "key frames have no candidates"),
        ({"targets": (("cnn", Path("f.h5")), ("coarse", Path("f.h5")))}, "one store"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, tiny, wrong, words) -> None:
    with pytest.raises(UsageError, match=words):
        extract(options.changed(**wrong), backbone=tiny)
    assert tiny.calls == 0  # before any work


def test_several_backbones_get_stores_of_their_own() -> None:
    outs = [Path("a.h5"), Path("b.h5")]
    assert stores_for(["cnn", "clip:x"], outs) == [("cnn", outs[0]), ("clip:x", outs[1])]
    with pytest.raises(UsageError, match="3 backbones, but 2 stores"):
        stores_for(["a", "b", "c"], outs)


def test_limits_and_settings_are_read_from_words() -> None:
    assert limits_named(["pixels=70e6", "frames=5"]).pixels == 70_000_000
    with pytest.raises(UsageError, match="no limit `size`"):
        limits_named(["size=1"])
    with pytest.raises(UsageError, match="limit `pixels` is `-1`"):
        limits_named(["pixels=-1"])
    with pytest.raises(UsageError, match="`partition` is no setting"):
        settings_named(["partition"])
    assert json.dumps(settings_named(["a=1"])) == '[["a", "1"]]'
