"""A library that moved is not decoded again, one that shrank loses rows only when asked to."""

from __future__ import annotations

import os
import shutil
import unicodedata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chainpipe.pipeline.cli import app
from chainpipe.pipeline.errors import LockedError, NotFoundError, UsageError
from chainpipe.pipeline.extraction.extract import extract
from chainpipe.pipeline.extraction.missing_files import MissingFiles, missing_files
from chainpipe.pipeline.extraction.options import ExtractOptions
from chainpipe.pipeline.extraction.relocate import relocate
from chainpipe.pipeline.extraction.report import ExtractReport
from chainpipe.pipeline.extraction.signals import Interrupted, StopRequest
from chainpipe.pipeline.records import Split
from chainpipe.pipeline.store import Journal, open_store, parts_of, verify
from tests.pipeline.extraction.test_extract import (
    Tiny,
    clips,
    features,
    labels,
    options,
    paths,
    spoil,
    tiny,
    videos,
)

__all__ = ["clips", "options", "tiny", "videos"]  # fixtures


def root_of(out: Path) -> Path:
    with open_store(out) as store:
        return Path(os.fsdecode(store.root))


def again(options: ExtractOptions, tiny: Tiny, source: Path, **changed: object) -> ExtractReport:
    return extract(options.changed(source=source, **changed), backbone=tiny)


def touch(folder: Path) -> None:
    """Give every file another time, as a copy without times has it."""
    for path in folder.rglob("*.mp4"):
        os.utime(path, ns=(1, 1_000_000_000))


@pytest.mark.parametrize(
    "how", ["move", "copy", "copy without times", "move deeper", "from deeper"]
)
@pytest.mark.parametrize("name", ["feats.h5", "feats.zarr"])
def test_a_moved_library_is_not_decoded_again(
    options: ExtractOptions, videos: Path, tiny: Tiny, tmp_path: Path, how: str, name: str
) -> None:
    options = options.changed(labels="folders", out=tmp_path / name)
    if how == "from deeper":
        videos.rename(tmp_path / "inner")
        videos.mkdir()
        (tmp_path / "inner").rename(videos / "inner")
    extract(options, backbone=tiny)
    before, named = features(options.out), labels(options.out)
    new = tmp_path / "new"
    if how.startswith("copy"):
        shutil.copytree(videos, new)
        if how == "copy without times":
            touch(new)
    elif how == "move deeper":
        videos.rename(tmp_path / "inner")
        new.mkdir()
        (tmp_path / "inner").rename(new / "inner")
    elif how == "from deeper":
        (videos / "inner").rename(new)
    else:
        videos.rename(new)
    report = again(options, tiny, new, labels=None)
    assert (report.decoded, report.gone, report.exit_code, tiny.calls) == (0, 0, 0, 4)
    assert root_of(options.out) == new
    prefix = {"move deeper": "inner/"}.get(how, "")
    after = features(options.out)
    for path, row in before.items():
        assert (after[prefix + path.removeprefix("inner/")] == row).all()
    assert sorted(labels(options.out).values()) == sorted(named.values())
    assert not again(options, tiny, new, labels=None).written
    assert list(verify(options.out)) == []


def test_files_that_move_inside_a_moved_library_are_found(
    options: ExtractOptions, videos: Path, tiny: Tiny, tmp_path: Path
) -> None:
    extract(options, backbone=tiny)
    new = videos.rename(tmp_path / "new")
    (new / "cat/a.mp4").rename(new / "e.mp4")
    (new / "dog").rename(new / "wolf")
    report = again(options, tiny, new)
    assert (report.decoded, tiny.calls) == (0, 4)
    assert sorted(paths(options.out)) == ["cat/b.mp4", "e.mp4", "wolf/c.mp4", "wolf/d.mp4"]


def test_a_copy_in_another_unicode_form_is_found(
    options: ExtractOptions, videos: Path, tiny: Tiny, tmp_path: Path
) -> None:
    for number, path in enumerate(sorted(videos.rglob("*.mp4"))):
        path.rename(path.with_name(f"caf\u00e9 {number}.mp4"))
    extract(options, backbone=tiny)
    new = shutil.copytree(videos, tmp_path / "new")
    for path in sorted(new.rglob("*.mp4")):
        path.rename(path.with_name(unicodedata.normalize("NFD", path.name)))
    touch(new)
    shutil.rmtree(videos)
    assert again(options, tiny, new).decoded == 0
    assert len(paths(options.out)) == 4


def test_unfinished_work_moves_along(
    options: ExtractOptions, videos: Path, tiny: Tiny, tmp_path: Path
) -> None:
    class StopError(Exception):
        pass

    def stop_at_the_third() -> None:
        if tiny.calls == 3:
            raise StopError

    tiny.before = stop_at_the_third
    with pytest.raises(StopError):
        extract(options, backbone=tiny)
    tiny.before = lambda: None
    new = videos.rename(tmp_path / "new")
    report = again(options, tiny, new)
    assert (report.decoded, report.rows) == (2, 4)
    assert root_of(options.out) == new


@pytest.mark.parametrize("kind", ["other videos", "a part", "few are left"])
def test_another_folder_is_refused_and_nothing_changes(
    options: ExtractOptions, videos: Path, clips: Path, tiny: Tiny, tmp_path: Path, kind: str
) -> None:
    extract(options, backbone=tiny)
    before = options.out.read_bytes()
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(clips / "5.mp4", other)
    if kind != "other videos":
        shutil.copy2(videos / "cat/a.mp4", other)
    if kind == "a part":
        shutil.copy2(videos / "cat/b.mp4", other)
        shutil.copy2(videos / "dog/c.mp4", other)
    if kind == "few are left":
        shutil.rmtree(videos)
    told = {"other videos": "0 of its 4", "a part": "3 of its 4", "few are left": "1 of its 4"}
    with pytest.raises(UsageError, match=f"made from `.*videos`; {told[kind]} videos in") as caught:
        again(options, tiny, other)
    assert "`chainpipe relocate`" in str(caught.value.hint)
    with pytest.raises(UsageError, match=told[kind]) as caught:
        relocate(options.out, other)
    assert caught.value.hint == "name the folder that holds its videos now"
    assert options.out.read_bytes() == before
    assert not parts_of(options.out).exists()


def test_relocate_finds_every_video_by_its_bytes(
    options: ExtractOptions, videos: Path, tiny: Tiny, tmp_path: Path
) -> None:
    shutil.copy(videos / "cat/a.mp4", videos / "copy.mp4")
    (videos / "bad.mp4").write_text("no video")
    extract(options.changed(labels="folders"), backbone=tiny)
    before, named = features(options.out), labels(options.out)
    new = videos.rename(tmp_path / "new")
    touch(new)
    (new / "dog/c.mp4").rename(new / "e.mp4")
    (new / "dog/d.mp4").unlink()
    report = relocate(options.out, new)
    assert (report.root, report.found, report.renamed) == (new, 4, 1)
    assert report.missing == (b"dog/d.mp4",)
    after = features(options.out)
    old = {"e.mp4": "dog/c.mp4"}
    assert all((row == before[old.get(path, path)]).all() for path, row in after.items())
    assert set(after) == {"cat/a.mp4", "cat/b.mp4", "copy.mp4", "e.mp4", "dog/d.mp4"}
    assert labels(options.out)["e.mp4"] == named["dog/c.mp4"]
    with open_store(options.out) as store:
        assert [video.path for video in store.failed] == [b"bad.mp4"]
    last = again(options, tiny, new)
    assert (last.decoded, last.copied, tiny.calls) == (0, 0, 4)
    assert list(verify(options.out)) == []


def test_relocate_drops_a_lost_row_whose_path_another_video_has_now(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    extract(options, backbone=tiny)
    before = features(options.out)
    (videos / "cat/b.mp4").replace(videos / "cat/a.mp4")
    report = relocate(options.out, videos)
    assert (report.missing, report.dropped) == ((b"cat/a.mp4",), (b"cat/a.mp4",))
    after = features(options.out)
    assert set(after) == {"cat/a.mp4", "dog/c.mp4", "dog/d.mp4"}
    assert (after["cat/a.mp4"] == before["cat/b.mp4"]).all()


def test_the_verb_relocate_says_what_it_found(
    options: ExtractOptions, videos: Path, tiny: Tiny, tmp_path: Path
) -> None:
    extract(options, backbone=tiny)
    new = videos.rename(tmp_path / "new")
    (new / "cat/a.mp4").unlink()
    done = CliRunner().invoke(app, ["relocate", str(options.out), str(new), "--json"])
    assert done.exit_code == 0
    assert '"found": 3' in done.stdout
    assert '"cat/a.mp4"' in done.stdout
    assert "1 video found nowhere" in done.stderr


def test_relocate_refuses_what_is_no_finished_store(
    options: ExtractOptions, videos: Path, tiny: Tiny, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError):
        relocate(options.out, videos)
    extract(options, backbone=tiny)
    with pytest.raises(UsageError, match="there is no"):
        relocate(options.out, tmp_path / "none")
    with open_store(options.out) as store:
        meta, root = store.meta, store.root
    with Journal.open(options.out, root=root, meta=meta), pytest.raises(LockedError):
        relocate(options.out, videos)
    (parts_of(options.out)).mkdir(exist_ok=True)
    (parts_of(options.out) / "journal.sqlite").touch()
    with pytest.raises(UsageError, match="not finished"):
        relocate(options.out, videos)


def test_relocate_may_be_stopped(
    options: ExtractOptions, videos: Path, tiny: Tiny, tmp_path: Path
) -> None:
    extract(options, backbone=tiny)
    before = options.out.read_bytes()
    videos.rename(tmp_path / "new")

    class Stopped(StopRequest):
        def check(self) -> None:
            raise Interrupted(2)

    with pytest.raises(Interrupted):
        relocate(options.out, tmp_path / "new", stop=Stopped())
    assert options.out.read_bytes() == before


def test_prune_drops_rows_of_files_that_are_gone(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    extract(options, backbone=tiny)
    (videos / "cat/a.mp4").unlink()
    told = extract(options, backbone=tiny)
    assert (told.missing, told.gone, told.pruned, told.written) == ((b"cat/a.mp4",), 1, 0, False)
    report = extract(options.changed(prune=True), backbone=tiny)
    assert (report.pruned, report.missing, report.gone, tiny.calls) == (1, (), 0, 4)
    assert paths(options.out) == ["cat/b.mp4", "dog/c.mp4", "dog/d.mp4"]
    assert extract(options.changed(prune=True), backbone=tiny).pruned == 0


def test_prune_keeps_what_may_be_on_an_unplugged_drive(
    options: ExtractOptions, videos: Path, tiny: Tiny, tmp_path: Path
) -> None:
    extract(options, backbone=tiny)
    (videos / "cat").rename(tmp_path / "cat")
    (videos / "cat").mkdir()  # an empty mount point
    report = extract(options.changed(prune=True), backbone=tiny)
    assert (report.pruned, len(report.unreachable), report.gone) == (0, 2, 2)
    (videos / "cat").rmdir()  # or a mount point that went with its drive
    report = extract(options.changed(prune=True), backbone=tiny)
    assert (report.pruned, len(report.unreachable)) == (0, 2)
    assert extract(options.changed(prune_folders=True), backbone=tiny).pruned == 2


def test_another_drive_at_the_same_place_prunes_nothing(
    options: ExtractOptions, videos: Path, tiny: Tiny, tmp_path: Path
) -> None:
    extract(options, backbone=tiny)
    videos.rename(tmp_path / "unplugged")
    videos.mkdir()
    shutil.copy(tmp_path / "unplugged/cat/a.mp4", videos / "new.mp4")
    with (videos / "new.mp4").open("ab") as file:
        file.write(b"other")  # another video of its own
    report = extract(options.changed(prune=True), backbone=tiny)
    assert (report.pruned, len(report.unreachable), len(paths(options.out))) == (0, 4, 5)


def test_a_copy_of_a_part_while_the_rest_is_unplugged_prunes_nothing(
    options: ExtractOptions, videos: Path, tiny: Tiny, tmp_path: Path
) -> None:
    extract(options, backbone=tiny)
    shutil.copytree(videos, tmp_path / "copy")
    (tmp_path / "copy/dog/d.mp4").unlink()
    videos.rename(tmp_path / "unplugged")
    report = again(options, tiny, tmp_path / "copy", prune=True)
    assert (report.pruned, report.unreachable, report.gone) == (0, (b"dog/d.mp4",), 1)
    assert again(options, tiny, tmp_path / "copy", prune=True).pruned == 1


def test_labels_follow_the_bytes_of_files_that_change_names(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    table = videos.parent / "labels.csv"
    table.write_text("path,label,split\ncat/a.mp4,black,train\ncat/b.mp4,casino,test\n")
    extract(options.changed(labels=str(table)), backbone=tiny)
    (videos / "cat/a.mp4").rename(videos / "cat/0.mp4")
    (videos / "cat/b.mp4").rename(videos / "cat/a.mp4")
    extract(options, backbone=tiny)
    with open_store(options.out) as store:
        found = {
            path: (store.videos.names_of(row), Split(store.videos.split[row]))
            for row, path in enumerate(store.videos.paths)
        }
    assert found[b"cat/0.mp4"] == (("black",), Split.TRAIN)
    assert found[b"cat/a.mp4"] == (("casino",), Split.TEST)


def test_copies_with_labels_of_their_own_keep_them_after_a_move(
    options: ExtractOptions, videos: Path, tiny: Tiny, tmp_path: Path
) -> None:
    shutil.copy(videos / "cat/a.mp4", videos / "dog/twin.mp4")
    extract(options.changed(labels="folders"), backbone=tiny)
    before = labels(options.out)
    videos.rename(tmp_path / "inner")
    videos.mkdir()
    (tmp_path / "inner").rename(videos / "inner")
    extract(options, backbone=tiny)
    assert {Path(path).relative_to("inner").as_posix(): names
            for path, names in labels(options.out).items()} == before  # fmt: skip


@pytest.mark.parametrize("verb", ["extract", "relocate"])
def test_many_files_of_one_size_are_found(
    options: ExtractOptions, videos: Path, clips: Path, tiny: Tiny, tmp_path: Path, verb: str
) -> None:
    """Raw video: files differ in nothing but their bytes."""
    raw = tmp_path / "raw"
    raw.mkdir()
    for number in range(24):
        head = b"YUV4MPEG2 W16 H16 F10:1 Ip A1:1 C420jpeg\n"
        frames = [b"FRAME\n" + bytes([number * 8 + frame]) * 384 for frame in range(6)]
        (raw / f"{number:02}.y4m").write_bytes(head + b"".join(frames))
    options = options.changed(source=raw)
    extract(options, backbone=tiny)
    before, calls = features(options.out), tiny.calls
    new = raw.rename(tmp_path / "new")
    for number in range(24):
        (new / f"{number:02}.y4m").rename(new / f"x{(number * 7 + 3) % 24:02}.y4m")
    for path in new.iterdir():
        os.utime(path, ns=(1, 1_000_000_000))
    if verb == "relocate":
        report = relocate(options.out, new)
        assert (report.found, report.renamed, report.missing) == (24, 24, ())
    else:
        assert again(options, tiny, new).decoded == 0
    assert tiny.calls == calls
    after = features(options.out)
    for number in range(24):
        assert (after[f"x{(number * 7 + 3) % 24:02}.y4m"] == before[f"{number:02}.y4m"]).all()


@pytest.mark.parametrize("how", ["extract", "relocate, then extract", "renamed"])
def test_known_bad_files_stay_known_where_they_move(
    options: ExtractOptions, videos: Path, clips: Path, tiny: Tiny, tmp_path: Path, how: str
) -> None:
    spoil(videos, clips)
    options = options.changed(accept_failures=True)
    extract(options, backbone=tiny)
    with open_store(options.out) as store:
        before = {video.path: video for video in store.failed}
    new = videos if how == "renamed" else videos.rename(tmp_path / "new")
    bad = [path for path in before if (new / os.fsdecode(path)).is_file()]
    assert all(before[path].video_id for path in bad)
    for path in bad:
        place = new / os.fsdecode(path)
        place.rename(place.with_name(f"moved {place.name}"))
    if how.startswith("relocate"):
        relocate(options.out, new)
        with open_store(options.out) as store:
            names = [os.path.basename(video.path) for video in store.failed]
        assert sum(name.startswith(b"moved ") for name in names) == len(bad)
    report = again(options, tiny, new)
    assert (report.exit_code, report.new_failures, report.decoded) == (0, 0, 0)
    assert len(report.failed) == len(before)
    after = {os.path.basename(video.path): video for video in report.failed}
    for path in bad:
        video = after[b"moved " + os.path.basename(path)]
        known = before[path]
        assert (video.status, video.attempts) == (known.status, known.attempts)


def test_known_bad_files_of_an_unplugged_drive_stay_known(
    options: ExtractOptions, videos: Path, tiny: Tiny, tmp_path: Path
) -> None:
    (videos / "cat/bad.mp4").write_text("no video")
    (videos / "dog/bad.mp4").write_text("no video either")
    options = options.changed(accept_failures=True)
    extract(options, backbone=tiny)
    (videos / "dog/bad.mp4").unlink()
    drive = (videos / "cat").rename(tmp_path / "cat")
    assert [video.path for video in extract(options, backbone=tiny).failed] == [b"cat/bad.mp4"]
    assert not extract(options, backbone=tiny).written
    drive.rename(videos / "cat")
    report = extract(options, backbone=tiny)
    assert (report.exit_code, report.new_failures, len(report.failed)) == (0, 0, 1)


def test_a_copy_of_a_bad_file_is_a_new_failure(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    (videos / "bad.mp4").write_text("no video")
    options = options.changed(accept_failures=True)
    extract(options, backbone=tiny)
    shutil.copy(videos / "bad.mp4", videos / "worse.mp4")
    assert extract(options, backbone=tiny).new_failures == 1
    assert extract(options, backbone=tiny).exit_code == 0


def test_relocate_finds_videos_of_any_suffix(
    options: ExtractOptions, videos: Path, tiny: Tiny, tmp_path: Path
) -> None:
    (videos / "cat/a.mp4").rename(videos / "cat/a.part")
    extract(options.changed(any_suffix=True), backbone=tiny)
    videos.rename(tmp_path / "new")
    assert relocate(options.out, tmp_path / "new", stop=StopRequest()).missing == ()


def test_a_store_never_loses_all_rows(
    options: ExtractOptions, videos: Path, clips: Path, tiny: Tiny
) -> None:
    extract(options, backbone=tiny)
    shutil.rmtree(videos)
    with pytest.raises(UsageError, match="there is no"):
        extract(options.changed(prune=True), backbone=tiny)
    videos.mkdir()
    with pytest.raises(UsageError, match="no videos in"):
        extract(options.changed(prune=True), backbone=tiny)
    listed = videos / "list.csv"
    listed.write_text("path\ncat/a.mp4\n")
    assert len(again(options, tiny, listed, prune=True).unreachable) == 3
    assert len(paths(options.out)) == 4


def test_a_video_that_a_list_leaves_out_is_no_file_that_is_gone(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    extract(options, backbone=tiny)
    (videos / "list.csv").write_text("path\ncat/a.mp4\n")
    report = again(options, tiny, videos / "list.csv", prune=True)
    assert (report.gone, report.missing, report.pruned) == (3, (), 0)


@pytest.mark.parametrize(
    ("made", "gone"),
    [
        (["a/x", "b/y"], {"a/z", "b/z", "c/z", "c/d/z"}),
        (["a/x", "b/"], {"a/z", "c/z", "c/d/z"}),
        (["a/x", "b/.hidden"], {"a/z", "c/z", "c/d/z"}),
        (["a/x", "c"], {"a/z", "b/z"}),
        ([], set()),
    ],
)
def test_a_file_is_gone_only_below_a_folder_in_use(
    tmp_path: Path, made: list[str], gone: set[str]
) -> None:
    root = tmp_path / "root"
    for name in made:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).mkdir() if name.endswith("/") else (root / name).touch()
    listed = ["a/x", "a/z", "b/z", "c/z", "c/d/z"]
    paths_ = [os.fsencode(name) for name in listed]
    found = missing_files(os.fsencode(root), paths_, with_folders=True)
    assert set(found.gone) == {os.fsencode(name) for name in gone}
    strict = {os.fsencode(name) for name in gone if (root / name).parent.exists()}
    assert set(missing_files(os.fsencode(root), paths_).gone) == strict
    left = [name for name in listed if not (root / name).exists() and name not in gone]
    assert found.unreachable == tuple(map(os.fsencode, left))


def test_missing_files_among_others() -> None:
    found = MissingFiles((b"a", b"b"), (b"c",))
    assert found.among([b"b", b"c", b"d"]) == MissingFiles((b"b",), (b"c",))


def test_links_and_paths_out_of_the_root_are_judged_by_their_own_folder(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root/a.mp4").touch()
    (tmp_path / "root/link").symlink_to(tmp_path / "unplugged")
    (tmp_path / "root/one.mp4").symlink_to(tmp_path / "unplugged/one.mp4")
    (tmp_path / "media/other").mkdir(parents=True)
    (tmp_path / "media/other/x.mp4").touch()
    kept = [b"link/b.mp4", b"../media/usb/c.mp4"]
    found = missing_files(
        os.fsencode(tmp_path / "root"), [b"a.mp4", b"one.mp4", *kept, b"../media/other/d.mp4"]
    )
    assert found == MissingFiles((b"../media/other/d.mp4",), tuple(kept))


def test_failures_of_before_are_accepted_on_request(
    options: ExtractOptions, videos: Path, clips: Path, tiny: Tiny
) -> None:
    spoil(videos, clips)
    accepting = options.changed(accept_failures=True)
    assert extract(accepting, backbone=tiny).exit_code == 3
    report = extract(accepting, backbone=tiny)
    assert (report.exit_code, report.new_failures, len(report.failed)) == (0, 0, 6)
    assert extract(options, backbone=tiny).exit_code == 3
    (videos / "worse.mp4").write_text("no video")
    report = extract(accepting, backbone=tiny)
    assert (report.exit_code, report.new_failures, len(report.failed)) == (3, 1, 7)
    assert extract(accepting, backbone=tiny).exit_code == 0
    (videos / "cat/a.mp4").write_text("no video any more")
    assert extract(accepting, backbone=tiny).exit_code == 3
