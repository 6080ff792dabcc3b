"""Extraction from end to end: real clips, real decoding, a backbone small enough to check."""

from __future__ import annotations

import csv
import io
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
import psutil
import pytest
from rich.console import Console as RichConsole
from typer.testing import CliRunner

from chainpipe.pipeline.cli import app
from chainpipe.pipeline.cli.store_info import store_facts
from chainpipe.pipeline.console import Console
from chainpipe.pipeline.decode import DecodeWorker, FrameRequest
from chainpipe.pipeline.errors import (
    BugError,
    ChainpipeError,
    DamageError,
    StorageError,
    UsageError,
)
from chainpipe.pipeline.extraction import video_reader
from chainpipe.pipeline.extraction.extract import extract
from chainpipe.pipeline.extraction.option_values import failures_named
from chainpipe.pipeline.extraction.options import ExtractOptions
from chainpipe.pipeline.extraction.report import ExtractReport, failures_path
from chainpipe.pipeline.extraction.signals import Interrupted
from chainpipe.pipeline.records import Blank, Split, Status, VideoError
from chainpipe.pipeline.store import open_store, parts_of

FRAMES = 5


class Tiny:
    """The mean colours of a frame's quarters: D = 12, easily done by hand."""

    name = "tiny"
    size = 32
    dim = 12
    weights_sha256 = "0" * 64
    normalization = "none"

    def __init__(self) -> None:
        self.calls = 0
        self.before: Callable[[], None] = lambda: None

    def embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        self.calls += 1
        self.before()
        quarters = pixels.reshape(-1, 2, 16, 2, 16, 3).mean(axis=(2, 4), dtype=np.float32)
        return quarters.reshape(-1, 12)

    def close(self) -> None:
        self.before = lambda: None


def children() -> set[psutil.Process]:
    """The processes that this one has begun; earlier tests may have left some."""
    return set(psutil.Process().children(recursive=True))


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six different clips of a second, and one that has three frames only."""
    folder = tmp_path_factory.mktemp("clips")
    for number in range(7):
        seconds = 0.3 if number == 6 else 1
        card = f"testsrc2=duration={seconds}:size=64x48:rate=10,hue=h={50 * number}"
        program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", card]
        subprocess.run([*program, "-threads", "1", str(folder / f"{number}.mp4")], check=True)
    return folder


@pytest.fixture
def videos(clips: Path, tmp_path: Path) -> Path:
    """A folder of two classes with two clips each."""
    folder = tmp_path / "videos"
    for number, name in enumerate(("cat/a.mp4", "cat/b.mp4", "dog/c.mp4", "dog/d.mp4")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clips / f"{number}.mp4", folder / name)
    return folder


@pytest.fixture
def tiny() -> Tiny:
    return Tiny()


@pytest.fixture
def options(videos: Path, tmp_path: Path) -> ExtractOptions:
    return ExtractOptions.of(videos, tmp_path / "feats.h5", frames=FRAMES, workers=1)


def paths(out: Path) -> list[str]:
    with open_store(out) as store:
        return [os.fsdecode(path) for path in store.videos.paths]


def features(out: Path) -> dict[str, npt.NDArray[np.floating]]:
    with open_store(out) as store:
        return dict(zip(paths(out), store.features(slice(None)), strict=True))


def spoil(folder: Path, clips: Path) -> dict[str, Status]:
    """Add one bad video of each kind; return what should become of them."""
    whole = (clips / "0.mp4").read_bytes()
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("not a video\n" * 99)
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 3])
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"]
    sound = ["-f", "lavfi", "-i", "sine=duration=1"]
    subprocess.run([*ffmpeg, *sound, str(folder / "sound.mp4")], check=True)
    none = ["-f", "lavfi", "-i", "testsrc=size=64x48", "-frames:v", "0"]
    subprocess.run([*ffmpeg, *none, str(folder / "none.mkv")], check=True)
    os.mkfifo(folder / "pipe.mp4")
    return {
        "empty.mp4": Status.CORRUPT, "text.mp4": Status.CORRUPT, "cut.mp4": Status.CORRUPT,
        "sound.mp4": Status.NO_VIDEO, "pipe.mp4": Status.REFUSED,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["feats.h5", "feats.zarr"])
def test_a_folder_becomes_a_store_of_its_videos_in_order(
    options: ExtractOptions, tiny: Tiny, tmp_path: Path, name: str
) -> None:
    options = options.changed(out=tmp_path / name, workers=2, labels="folders")
    report = extract(options, backbone=tiny)
    assert (report.exit_code, report.counts, report.decoded) == (0, {Status.OK: 4}, 4)
    with open_store(tmp_path / name) as store:
        assert store.shape == (4, FRAMES, 12)
        assert store.videos.paths == (b"cat/a.mp4", b"cat/b.mp4", b"dog/c.mp4", b"dog/d.mp4")
        assert [store.videos.names_of(row) for row in range(4)] == [("cat",)] * 2 + [("dog",)] * 2
        assert store.index(slice(0, 1)).tolist() == [[1, 3, 5, 7, 9]]
        assert list(store.damage()) == []
    assert not parts_of(tmp_path / name).exists()


def test_the_store_says_which_track_was_read_and_what_was_mended(
    options: ExtractOptions, videos: Path, clips: Path, tiny: Tiny
) -> None:
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"]
    first, second = (["-i", str(clips / f"{number}.mp4")] for number in (6, 5))
    tracks = ["-map", "0:v", "-map", "1:v", "-c", "copy", "-disposition:v:0", "0"]
    film = [*tracks, "-disposition:v:1", "default", str(videos / "film.mkv")]
    subprocess.run([*ffmpeg, *first, *second, *film], check=True)
    part = videos / "joined.ts"
    subprocess.run([*ffmpeg, *second, "-c", "copy", str(part)], check=True)
    part.write_bytes(2 * part.read_bytes())
    extract(options, backbone=tiny)
    with open_store(options.out) as store:
        rows = zip(store.videos.paths, store.videos.track.tolist(), strict=True)
        facts = store_facts(store)
        assert store.videos.frames.tolist() == [10, 10, 10, 10, 10, 20]
    assert {path for path, track in rows if track != 0} == {b"film.mkv"}
    note = "its clock starts anew or jumps at 1 place"
    assert facts["mended"] == [{"path": "joined.ts", "note": note}]
    shown = CliRunner().invoke(app, ["info", str(options.out)], env={"COLUMNS": "200"})
    assert note in shown.output


def test_features_are_what_backbone_and_decoder_give_apart(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    extract(options.changed(dtype="float32"), backbone=tiny)
    with DecodeWorker() as decoder:
        for name, ours in features(options.out).items():
            frames = decoder.read(videos / name, FrameRequest(FRAMES, size=32))
            by_hand = np.stack([tiny.embed(frame[None])[0] for frame in frames.pixels])
            np.testing.assert_array_equal(ours, by_hand)


def test_equal_bytes_are_decoded_once(options: ExtractOptions, videos: Path, tiny: Tiny) -> None:
    for name in ("cat/twin.mp4", "z.mp4"):
        shutil.copy(videos / "cat/a.mp4", videos / name)
    report = extract(options, backbone=tiny)
    assert (tiny.calls, report.decoded, report.copied) == (4, 4, 2)
    rows = features(options.out)
    assert list(rows) == sorted(rows)
    np.testing.assert_array_equal(rows["z.mp4"], rows["cat/a.mp4"])


def test_bad_videos_among_good_ones_are_named_and_passed_over(
    options: ExtractOptions, videos: Path, clips: Path, tiny: Tiny
) -> None:
    shutil.copy(clips / "6.mp4", videos / "short.mp4")
    expected = spoil(videos, clips)
    report = extract(options.changed(workers=2), backbone=tiny)
    assert report.exit_code == 3
    ended = {os.fsdecode(video.path): video.status for video in report.failed}
    assert ended.pop("none.mkv") in (Status.NO_VIDEO, Status.CORRUPT)  # a header and no frame
    assert ended == expected
    assert report.counts[Status.OK] == 4
    assert report.counts[Status.SHORT] == 1
    assert set(paths(options.out)).isdisjoint(expected)
    with failures_path(options.out).open(newline="") as file:
        listed = {row["path"]: row["status"] for row in csv.DictReader(file)}
    assert listed == {os.fsdecode(v.path): v.status.label for v in report.failed}


def test_a_second_run_has_nothing_to_do(options: ExtractOptions, tiny: Tiny) -> None:
    extract(options, backbone=tiny)
    before = options.out.stat()
    report = extract(options, backbone=tiny)
    assert (report.decoded, report.written, tiny.calls) == (0, False, 4)
    assert options.out.stat() == before
    assert not parts_of(options.out).exists()


def test_new_videos_are_added_after_the_old_ones(
    options: ExtractOptions, videos: Path, clips: Path, tiny: Tiny
) -> None:
    extract(options, backbone=tiny)
    old = features(options.out)
    shutil.copy(clips / "4.mp4", videos / "aaa.mp4")
    assert extract(options, backbone=tiny).decoded == 1
    new = features(options.out)
    assert list(new) == [*old, "aaa.mp4"]
    assert all(np.array_equal(new[name], old[name]) for name in old)


def test_a_changed_video_is_redone_in_its_place(
    options: ExtractOptions, videos: Path, clips: Path, tiny: Tiny
) -> None:
    extract(options, backbone=tiny)
    old = features(options.out)
    shutil.copy(clips / "5.mp4", videos / "cat/b.mp4")
    assert extract(options, backbone=tiny).decoded == 1
    new = features(options.out)
    assert list(new) == list(old)
    assert [name for name in old if not np.array_equal(old[name], new[name])] == ["cat/b.mp4"]


def test_a_touched_video_is_not_decoded_again(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    extract(options, backbone=tiny)
    before = features(options.out)
    os.utime(videos / "cat/b.mp4", (0, 0))
    report = extract(options, backbone=tiny)
    assert (report.decoded, report.copied, tiny.calls) == (0, 1, 4)
    with open_store(options.out) as store:
        assert store.videos.mtime_ns[1] == 0
    after = features(options.out)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert not extract(options, backbone=tiny).written


def test_a_video_that_became_unreadable_loses_its_row(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    extract(options, backbone=tiny)
    (videos / "cat/b.mp4").write_text("overwritten")
    assert extract(options, backbone=tiny).exit_code == 3
    assert paths(options.out) == ["cat/a.mp4", "dog/c.mp4", "dog/d.mp4"]


def test_a_moved_video_takes_its_row_along(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    options = options.changed(labels="folders")
    extract(options, backbone=tiny)
    (videos / "cat/a.mp4").rename(videos / "dog/e.mp4")
    report = extract(options, backbone=tiny)
    assert (report.decoded, report.copied, report.gone, tiny.calls) == (0, 1, 0, 4)
    assert paths(options.out) == ["cat/b.mp4", "dog/c.mp4", "dog/d.mp4", "dog/e.mp4"]
    with open_store(options.out) as store:
        assert store.videos.names_of(3) == ("dog",)


def test_a_list_without_a_copy_keeps_the_copys_row(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    shutil.copy(videos / "cat/a.mp4", videos / "cat/copy.mp4")
    extract(options, backbone=tiny)
    before = paths(options.out)
    (videos / "list.csv").write_text("path\ncat/a.mp4\n")
    report = extract(options.changed(source=videos / "list.csv"), backbone=tiny)
    assert report.gone == 4
    assert paths(options.out) == before


def test_the_row_of_a_video_that_is_gone_is_kept_until_a_restart(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    extract(options, backbone=tiny)
    (videos / "cat/a.mp4").unlink()
    assert extract(options, backbone=tiny).gone == 1
    assert len(paths(options.out)) == 4
    extract(options.changed(restart=True), backbone=tiny)
    assert paths(options.out) == ["cat/b.mp4", "dog/c.mp4", "dog/d.mp4"]


def test_other_labels_need_no_decoding(options: ExtractOptions, tmp_path: Path, tiny: Tiny) -> None:
    extract(options.changed(labels="folders"), backbone=tiny)
    (tmp_path / "labels.csv").write_text("path,label,split\nvideos/cat/a.mp4,tiger;big,query\n")
    report = extract(options.changed(labels=tmp_path / "labels.csv"), backbone=tiny)
    assert (report.written, tiny.calls) == (True, 4)
    with open_store(options.out) as store:
        assert store.videos.label_names == ("big", "cat", "dog", "tiger")
        assert store.videos.names_of(0) == ("big", "tiger")


def labels(out: Path) -> dict[str, tuple[str, ...]]:
    with open_store(out) as store:
        names = [store.videos.names_of(row) for row in range(len(store.videos))]
    return dict(zip(paths(out), names, strict=True))


def test_folders_are_labels_only_if_asked_for(options: ExtractOptions, tiny: Tiny) -> None:
    assert extract(options, backbone=tiny).labelled == 0
    assert set(labels(options.out).values()) == {()}
    report = extract(options.changed(labels="folders"), backbone=tiny)
    assert (report.labelled, report.rows, tiny.calls) == (4, 4, 4)
    assert labels(options.out)["cat/a.mp4"] == ("cat",)


def test_a_store_with_labels_keeps_them_when_nobody_names_any(
    options: ExtractOptions, videos: Path, clips: Path, tmp_path: Path, tiny: Tiny
) -> None:
    (tmp_path / "splits.csv").write_text("path,split\nvideos/dog/c.mp4,test\n")
    extract(options.changed(labels="folders"), backbone=tiny)
    extract(options.changed(labels=tmp_path / "splits.csv"), backbone=tiny)
    before = options.out.read_bytes()
    assert not extract(options, backbone=tiny).written
    assert options.out.read_bytes() == before
    shutil.copy(clips / "4.mp4", videos / "cat/new.mp4")  # new
    shutil.copy(clips / "5.mp4", videos / "dog/d.mp4")  # other bytes under its path
    (videos / "cat/b.mp4").rename(videos / "moved.mp4")
    report = extract(options, backbone=tiny)
    assert (report.labelled, report.rows) == (4, 5)
    assert labels(options.out) == {
        "cat/a.mp4": ("cat",),
        "dog/c.mp4": ("dog",),
        "dog/d.mp4": ("dog",),
        "cat/new.mp4": (),
        "moved.mp4": ("cat",),
    }
    with open_store(options.out) as store:
        assert store.videos.split.tolist() == [Split.NONE, Split.TEST, *[Split.NONE] * 3]


def failing_first(status: Status) -> Callable[..., object]:
    """Make the first video that is read fail, then read as usual."""
    real, failed = video_reader.read_features, []

    def read(decoder: object, path: Path, *rest: object) -> object:
        if not failed:
            failed.append(path)
            raise VideoError(status, "planted")
        return real(decoder, path, *rest)  # type: ignore[arg-type]

    return read


def test_a_passing_failure_is_tried_again_by_the_next_run(
    options: ExtractOptions, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_reader, "read_features", failing_first(Status.TIMEOUT))
    assert extract(options, backbone=tiny).counts == {Status.OK: 3, Status.TIMEOUT: 1}
    report = extract(options, backbone=tiny)
    assert (report.decoded, report.counts) == (1, {Status.OK: 4})
    assert not failures_path(options.out).exists()


def test_twins_of_a_passing_failure_are_read_themselves(
    options: ExtractOptions, videos: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(videos / "dog")
    for name in ("b", "c"):
        shutil.copy(videos / "cat/a.mp4", videos / f"cat/{name}.mp4")
    monkeypatch.setattr(video_reader, "read_features", failing_first(Status.CHANGED))
    report = extract(options, backbone=tiny)
    assert report.counts == {Status.OK: 2, Status.CHANGED: 1}
    assert (report.decoded, report.copied) == (1, 1)


def test_twins_of_a_lasting_failure_fail_likewise(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    for name in ("x.mp4", "y.mp4"):
        (videos / name).write_text("the same words")
    report = extract(options, backbone=tiny)
    assert {v.path: v.status for v in report.failed} == dict.fromkeys(
        (b"x.mp4", b"y.mp4"), Status.CORRUPT
    )


def test_a_lasting_failure_is_tried_again_when_asked(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    (videos / "x.mp4").write_text("no video")
    extract(options, backbone=tiny)
    assert extract(options, backbone=tiny).failed[0].attempts == 1
    again = options.changed(retry=failures_named(["corrupt"]))
    assert extract(again, backbone=tiny).failed[0].attempts == 2
    assert len(paths(options.out)) == 4


def test_a_failed_file_that_was_replaced_is_tried_again(
    options: ExtractOptions, videos: Path, clips: Path, tiny: Tiny
) -> None:
    (videos / "x.mp4").write_text("no video")
    extract(options, backbone=tiny)
    shutil.copy2(clips / "5.mp4", videos / "x.mp4")
    assert extract(options, backbone=tiny).counts == {Status.OK: 5}


def test_a_partly_decodable_video_fails_when_strict(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    card = "testsrc2=duration=3:size=320x240:rate=10"
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", card]
    whole = videos / "whole.mp4"
    subprocess.run([*program, "-movflags", "faststart", str(whole)], check=True)
    data = whole.read_bytes()
    whole.rename(videos / "cat/cut.mp4").write_bytes(data[: len(data) * 6 // 10])
    assert extract(options, backbone=tiny).counts == {Status.OK: 4, Status.PARTIAL: 1}
    strict = options.changed(strict=True, restart=True)
    report = extract(strict, backbone=tiny)
    assert (report.exit_code, report.failed[0].path) == (3, b"cat/cut.mp4")
    assert "could be decoded" in report.failed[0].message or "are there" in report.failed[0].message
    assert "cat/cut.mp4" not in paths(options.out)


@pytest.mark.parametrize(
    ("change", "told"), [({"frames": 6}, "frames: 5 / 6"), ({"fit": "pad"}, "fit=crop .*fit=pad")]
)
def test_other_settings_are_refused_and_leave_the_store_alone(
    options: ExtractOptions, tiny: Tiny, change: dict[str, object], told: str
) -> None:
    extract(options, backbone=tiny)
    before = options.out.read_bytes()
    with pytest.raises(UsageError, match=told) as caught:
        extract(options.changed(**change), backbone=tiny)  # type: ignore[arg-type]
    assert "--restart" in str(caught.value.hint)
    assert options.out.read_bytes() == before


def test_nothing_is_added_to_a_damaged_store(
    options: ExtractOptions, videos: Path, clips: Path, tiny: Tiny
) -> None:
    extract(options, backbone=tiny)
    cut = options.out.read_bytes()[:-1]
    options.out.write_bytes(cut)
    shutil.copy(clips / "4.mp4", videos / "new.mp4")
    with pytest.raises(DamageError):
        extract(options, backbone=tiny)
    assert options.out.read_bytes() == cut


def test_restart_replaces_the_store_with_other_settings(
    options: ExtractOptions, tiny: Tiny
) -> None:
    extract(options, backbone=tiny)
    extract(options.changed(frames=3, restart=True), backbone=tiny)
    with open_store(options.out) as store:
        assert store.shape == (4, 3, 12)


def test_no_readable_video_is_an_error_that_leaves_nothing(
    tmp_path: Path, clips: Path, tiny: Tiny
) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/empty.mp4").touch()
    options = ExtractOptions.of(tmp_path / "bad", tmp_path / "out" / "feats.h5")
    options.out.parent.mkdir()
    with pytest.raises(UsageError, match="none of 1 video can be read") as caught:
        extract(options, backbone=tiny)
    assert "`empty.mp4`, is corrupt" in str(caught.value.hint)
    assert list(options.out.parent.iterdir()) == []


@pytest.mark.parametrize("make", [True, False])
def test_an_empty_or_missing_folder_is_refused(tmp_path: Path, tiny: Tiny, make: bool) -> None:
    if make:
        (tmp_path / "videos").mkdir()
    with pytest.raises(ChainpipeError, match="videos") as caught:
        extract(ExtractOptions.of(tmp_path / "videos", tmp_path / "feats.h5"), backbone=tiny)
    assert caught.value.exit_code == 2
    assert not (tmp_path / "feats.h5.parts").exists()


def test_a_place_that_cannot_be_written_is_a_storage_error(
    options: ExtractOptions, tmp_path: Path, tiny: Tiny
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"feats\.h5"):
        extract(options.changed(out=tmp_path / "file" / "feats.h5"), backbone=tiny)


@pytest.mark.parametrize("field", ["frames", "workers", "threads"])
def test_numbers_below_one_are_refused(options: ExtractOptions, field: str) -> None:
    with pytest.raises(UsageError, match=f"`{field}` is 0"):
        options.changed(**{field: 0})  # type: ignore[arg-type]


def test_an_unknown_class_of_failures_is_refused() -> None:
    with pytest.raises(UsageError, match="no class of failures `ok`"):
        failures_named(["ok"])
    assert failures_named(["all"]) == {status for status in Status if status >= Status.PARTIAL}


def test_a_signal_stops_it_and_keeps_what_is_finished(
    options: ExtractOptions, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_at_third() -> None:
        if tiny.calls == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    tiny.before = stop_at_third
    others = children()
    with pytest.raises(Interrupted) as caught:
        extract(options, backbone=tiny)
    assert caught.value.exit_code == 143
    assert children() <= others
    assert not options.out.exists()
    again = Tiny()
    report = extract(options, backbone=again)
    assert report.counts == {Status.OK: 4}
    assert tiny.calls + again.calls <= 6  # at most the videos in hand are redone


def test_an_altered_shard_is_named_and_made_anew(options: ExtractOptions, tiny: Tiny) -> None:
    tiny.before = lambda: os.kill(os.getpid(), signal.SIGTERM) if tiny.calls == 3 else None
    with pytest.raises(Interrupted):
        extract(options, backbone=tiny)
    shard = next(parts_of(options.out).glob("shard-*.h5"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    said = io.StringIO()
    again = extract(
        options, backbone=Tiny(), console=Console(console=RichConsole(file=said, width=200))
    )
    assert again.counts == {Status.OK: 4}
    assert f"warning: missing or altered, and made anew: {shard.name} of" in said.getvalue()


def test_an_exception_of_ours_in_every_video_is_a_bug_and_keeps_its_traceback(
    options: ExtractOptions, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['av'] = None\n")
    with monkeypatch.context() as broken:
        broken.setenv("PYTHONPATH", str(tmp_path))
        with pytest.raises(BugError, match="ModuleNotFoundError") as caught:
            extract(options, backbone=tiny)
    assert caught.value.exit_code == 1
    listed = failures_path(options.out)
    assert f"`{listed}`" in str(caught.value.hint)
    with open(listed, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["status"] for row in rows} == {"crashed"}
    assert all("import av" in row["stderr"] for row in rows)
    assert not options.out.exists()
    extract(options, backbone=tiny)  # the next release reads them
    assert options.out.exists()


def test_a_bug_ends_the_run_and_its_children(options: ExtractOptions, tiny: Tiny) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a bug")

    tiny.before = fail
    others = children()
    with pytest.raises(ZeroDivisionError, match="a bug"):
        extract(options.changed(workers=2), backbone=tiny)
    assert children() <= others


def test_odd_names_survive_store_and_list(
    options: ExtractOptions, videos: Path, clips: Path, tiny: Tiny
) -> None:
    names = [b"-dash.mp4", b"new\nline.mp4", b"byte\xff.mp4", b'quo"te,.mp4', b"file:x.mp4"]
    for number, name in enumerate(names):
        target = os.path.join(os.fsencode(videos), name)
        shutil.copy(clips / f"{number}.mp4", target)
        with open(target.replace(b".mp4", b"-bad.mp4"), "w") as file:
            file.write("no video")
    report = extract(options, backbone=tiny)
    with open_store(options.out) as store:
        assert set(names) <= set(store.videos.paths)
    with failures_path(options.out).open(errors="surrogateescape", newline="") as file:
        listed = {os.fsencode(row["path"]) for row in csv.DictReader(file)}
    assert listed == {name.replace(b".mp4", b"-bad.mp4") for name in names}
    assert isinstance(report, ExtractReport)


def test_a_store_marks_videos_without_information(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i"]
    subprocess.run([*ffmpeg, "color=black:64x48:d=1", str(videos / "black.mp4")], check=True)
    shutil.copy(videos / "black.mp4", videos / "again.mp4")
    extract(options, backbone=tiny)
    with open_store(options.out) as store:
        blank = dict(zip(store.videos.paths, map(Blank, store.videos.blank), strict=True))
    assert blank.pop(b"black.mp4") is blank.pop(b"again.mp4") is Blank.BLACK
    assert set(blank.values()) == {Blank.NONE}
