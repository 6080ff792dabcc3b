"""An update follows the files, keeps the codes right, and says what changed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import chainpipe
from chainpipe.hashing.duplicates.decisions import (
    DecidedPair,
    Decision,
    add_decisions,
    decisions_beside,
)
from chainpipe.hashing.matching.records import Relation
from chainpipe.hashing.methods.registry import load_hasher
from chainpipe.hashing.retrieval.codes import read_codes
from chainpipe.hashing.retrieval.encode_windows import encode_windows
from chainpipe.library import codes_refresh
from chainpipe.library.changes import Changes
from chainpipe.library.known_videos import FILE
from chainpipe.library.report_lines import facts_of, lines_of
from chainpipe.library.store_choice import only_store, store_of_folder
from chainpipe.library.update import STATE, UpdateOptions, update_library
from chainpipe.pipeline.errors import DamageError, LockedError, NotFoundError, UsageError
from chainpipe.pipeline.extraction.extract import extract
from chainpipe.pipeline.extraction.options import ExtractOptions
from chainpipe.pipeline.store import open_store, verify
from chainpipe.pipeline.store.lock import OutputLock
from tests.chainpipe.library.library_samples import Home, clips, home, options, tiny, videos
from tests.pipeline.conftest import draw_clip
from tests.pipeline.extraction.test_extract import Tiny, labels

__all__ = ["clips", "home", "options", "tiny", "videos"]  # fixtures


@pytest.fixture
def drawn_copies(tmp_path: Path) -> Path:
    """A moving picture and a copy of it."""
    folder = tmp_path / "drawn"
    moving = ("-vf", "scroll=h=0.02,hue=H=2*PI*t/3")
    draw_clip(folder / "one.mp4", *moving, seconds=3, size="96x64")
    draw_clip(folder / "two.mp4", *moving, "-crf", "35", seconds=3, size="96x64")
    return folder


def test_an_update_with_nothing_to_do_says_so(home: Home) -> None:
    first = home.update()
    assert (first.changes, first.encoded, first.exit_code) == (Changes(), 4, 0)
    report = home.update()
    assert not report.written
    assert (report.videos, report.encoded, report.decoded, report.new) == (4, 0, 0, ())
    assert list(lines_of(report)) == [f"{home.store}: 4 videos: nothing changed"]


def test_everything_follows_the_files(home: Home, tmp_path: Path) -> None:
    home.update()
    home.add(4, "cat/e.mp4")
    home.add(5, "dog/d.mp4")  # other bytes under the same name
    (home.videos / "cat/a.mp4").rename(home.videos / "dog/moved.mp4")
    kept = (home.videos / "cat/b.mp4").rename(tmp_path / "b.mp4")
    report = home.update()
    assert report.changes == Changes(
        added=(b"cat/e.mp4",),
        changed=(b"dog/d.mp4",),
        moved=((b"cat/a.mp4", b"dog/moved.mp4"),),
        gone=(b"cat/b.mp4",),
    )
    assert (report.encoded, report.decoded, report.missing, report.videos) == (2, 2, 1, 5)
    assert (report.exit_code, report.written) == (0, True)
    assert not home.update().changes
    kept.rename(home.videos / "cat/b.mp4")
    report = home.update()
    assert report.changes == Changes(back=(b"cat/b.mp4",))
    assert (report.encoded, report.decoded, report.missing) == (0, 0, 0)
    (home.videos / "cat/b.mp4").unlink()
    report = home.update(prune=True)
    assert report.changes == Changes(dropped=(b"cat/b.mp4",))
    assert (report.encoded, report.missing) == (0, 0)
    assert sorted(home.paths()) == ["cat/e.mp4", "dog/c.mp4", "dog/d.mp4", "dog/moved.mp4"]
    assert list(verify(home.store)) == []


def test_new_failures_are_an_error_once(home: Home) -> None:
    home.update()
    (home.videos / "bad.mp4").write_text("no video")
    report = home.update()
    assert (report.exit_code, report.failed) == (3, 1)
    assert [video.path for video in report.new_failures] == [b"bad.mp4"]
    (home.videos / "bad.mp4").rename(home.videos / "cat/worse.mp4")
    report = home.update()
    assert (report.exit_code, report.failed, report.new_failures) == (0, 1, ())
    home.add(4, "cat/worse.mp4")
    report = home.update()
    assert (report.exit_code, report.failed) == (0, 0)
    assert report.changes == Changes(added=(b"cat/worse.mp4",))


def test_copies_of_what_is_there_are_told(home: Home) -> None:
    home.update()
    shutil.copy(home.videos / "cat/a.mp4", home.videos / "twin.mp4")
    report = home.update()
    assert (report.decoded, report.encoded) == (0, 0)
    (video,) = report.copies
    first = video.answers[0]
    assert (first.path, first.relation, first.exact, first.distance) == (
        *(b"cat/a.mp4", Relation.COPY, True, 0),
    )
    assert "copy          twin.mp4 ~ cat/a.mp4: the same bytes" in list(lines_of(report))


@pytest.mark.parametrize("decision", [Decision.IGNORE, Decision.ACCEPT])
def test_decisions_of_people_are_kept(home: Home, drawn_copies: Path, decision: Decision) -> None:
    home.update()
    for path in sorted(drawn_copies.iterdir()):
        shutil.copy(path, home.videos)
    with_names = {v.path: {a.path for a in v.answers} for v in home.update().new}
    pair = next((a, b) for a, found in with_names.items() for b in found)
    with open_store(home.store) as store:
        ids = dict(zip(store.videos.paths, [bytes(i).hex() for i in store.videos.ids], strict=True))
    made = DecidedPair(ids[pair[0]], ids[pair[1]], decision)
    add_decisions(decisions_beside(home.store), [made])
    shutil.rmtree(home.store.with_name(home.store.name + STATE))
    for path in drawn_copies.iterdir():
        (home.videos / path.name).unlink()
    home.update(prune=True)
    for path in sorted(drawn_copies.iterdir()):
        shutil.copy(path, home.videos)
    found = {v.path: v.answers for v in home.update().new}
    relations = [a.relation for a in found[pair[0]] if a.path == pair[1]]
    assert relations == ([Relation.COPY] if decision is Decision.ACCEPT else [])


def test_a_store_of_frames_per_time_is_updated(
    videos: Path, clips: Path, tmp_path: Path, tiny: Tiny
) -> None:
    made = ExtractOptions.of(videos, tmp_path / "films.h5", every=0.25, workers=1)
    home = Home(videos, clips, made, tiny)
    home.update()
    home.add(4, "e.mp4")
    home.add(0, "f.mp4")
    report = home.update()
    assert (report.changes.added, report.encoded) == ((b"e.mp4", b"f.mp4"), 1)
    assert [video.path for video in report.copies] == [b"f.mp4"]
    found = read_codes(home.model / "codes.npz").windows
    with open_store(home.store) as store:
        wanted = encode_windows(store, load_hasher(home.model)[1])
    assert found is not None
    for name in ("packed", "rows", "starts", "ends"):
        assert np.array_equal(getattr(found, name), getattr(wanted, name))


def test_the_report_is_json(home: Home) -> None:
    home.update()
    home.add(4, "neu\udce9.mp4")
    home.add(0, "copy.mp4")
    facts = json.loads(json.dumps(facts_of(home.update())))
    assert facts["schema"] == 1
    assert facts["added"] == ["copy.mp4", "neu\udce9.mp4"]
    (copied, new) = facts["similar"]
    assert copied["answers"][0] == {
        "path": "cat/a.mp4", "answer": "copy", "exact": True, "distance": 0,
        "reason": "the same bytes",
    }  # fmt: skip
    assert (new["path"], facts["encoded"], facts["new_failures"]) == ("neu\udce9.mp4", 1, [])


def test_without_a_model_features_give_the_answers(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    extract(options, backbone=tiny)
    shutil.copy(videos / "cat/a.mp4", videos / "twin.mp4")
    asked = UpdateOptions(settle=0)
    report = update_library(options.out, asked, backbone=tiny)
    assert (report.model, report.codes, report.encoded) == (None, None, 0)
    assert [video.path for video in report.copies] == [b"twin.mp4"]


def test_codes_of_another_time_are_made_anew(home: Home, tiny: Tiny) -> None:
    home.update()
    home.add(4, "cat/e.mp4")
    extract(ExtractOptions.of(home.videos, home.store, frames=5), backbone=tiny)
    home.add(5, "cat/f.mp4")
    report = home.update()  # codes are of the last update's rows
    assert (report.encoded, report.changes.added) == (2, (b"cat/e.mp4", b"cat/f.mp4"))
    (home.store.with_name(home.store.name + STATE) / FILE).unlink()
    home.add(6, "cat/g.mp4")
    assert home.update().encoded == 1  # those of the store before this run
    (home.model / "codes.npz").unlink()
    assert home.update().encoded == 7
    chainpipe.train(home.store, bits=16, method="pca-itq", out=home.model.with_name("n"))
    report = home.update()
    assert (report.model, report.encoded) == (home.model.with_name("n"), 7)


def test_what_is_gone_is_told_also_without_a_state(home: Home) -> None:
    home.update()
    shutil.rmtree(home.store.with_name(home.store.name + STATE))
    (home.videos / "cat/b.mp4").unlink()
    assert home.update().changes == Changes(gone=(b"cat/b.mp4",))
    assert home.update().changes == Changes()


def test_labels_follow_into_the_codes(
    options: ExtractOptions, videos: Path, clips: Path, tiny: Tiny
) -> None:
    home = Home(videos, clips, options.changed(labels="folders"), tiny)
    home.update()
    home.add(4, "bird/e.mp4")
    home.update()
    assert labels(home.store)["bird/e.mp4"] == ("bird",)
    assert home.check_codes().label_names == ("bird", "cat", "dog")


def test_a_store_of_a_list_takes_no_other_files(
    options: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    listed = videos / "list.csv"
    listed.write_text("path,label\ncat/a.mp4,x\ncat/b.mp4,y\n")
    extract(options.changed(source=listed), backbone=tiny)
    asked = UpdateOptions(settle=0)
    assert not update_library(options.out, asked, backbone=tiny).changes
    listed.write_text("path,label\ncat/a.mp4,x\ncat/b.mp4,y\ndog/c.mp4,z\n")
    report = update_library(options.out, asked, backbone=tiny)
    assert report.changes == Changes(added=(b"dog/c.mp4",))
    assert labels(options.out)["dog/c.mp4"] == ("z",)
    listed.unlink()
    with pytest.raises(UsageError, match=r"the list of videos of .* is gone") as caught:
        update_library(options.out, asked, backbone=tiny)
    assert "--videos" in str(caught.value.hint)


def test_a_library_that_moved_is_followed(home: Home, tmp_path: Path) -> None:
    home.update()
    new = home.videos.rename(tmp_path / "new")
    with pytest.raises(UsageError, match=r"the folder of the videos of .* is gone"):
        home.update()
    report = home.update(videos=new)
    assert (report.root, report.decoded, report.changes) == (os.fsencode(new), 0, Changes())


def test_an_unplugged_library_loses_nothing(home: Home, tmp_path: Path) -> None:
    home.update()
    drive = (home.videos / "cat").rename(tmp_path / "cat")
    report = home.update(prune=True)
    assert report.changes == Changes(gone=(b"cat/a.mp4", b"cat/b.mp4"))
    drive.rename(home.videos / "cat")
    assert home.update(prune=True).changes == Changes(back=(b"cat/a.mp4", b"cat/b.mp4"))


def test_a_second_update_is_locked_out(home: Home) -> None:
    home.update()
    folder = home.store.with_name(home.store.name + STATE)
    lock = OutputLock(folder / "lock", home.store)
    with pytest.raises(LockedError, match=f"process {os.getpid()}"):
        home.update()
    lock.release()
    home.update()


def test_damage_is_told_and_nothing_written(home: Home) -> None:
    home.update()
    codes = home.model / "codes.npz"
    whole = codes.read_bytes()
    codes.write_bytes(whole[: len(whole) // 2])
    home.add(4, "e.mp4")
    with pytest.raises(DamageError, match=r"codes\.npz"):
        update_library(home.store, UpdateOptions(settle=0), backbone=home.tiny)
    codes.unlink()
    report = home.update()
    assert (report.changes.added, report.encoded) == ((b"e.mp4",), 5)
    (home.store.with_name(home.store.name + STATE) / FILE).write_bytes(b"PK\x03\x04 no state")
    assert not home.update().changes


def test_a_killed_update_is_told_by_the_next_one(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.update()
    home.add(4, "e.mp4")

    class KilledError(BaseException):
        pass

    def kill(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(codes_refresh, "write_codes", kill)
        with pytest.raises(KilledError):
            home.update()
    (home.videos / "cat/b.mp4").unlink()
    report = home.update()
    assert report.changes == Changes(added=(b"e.mp4",), gone=(b"cat/b.mp4",))
    assert (report.decoded, report.encoded) == (0, 1)


def test_the_store_of_a_folder_is_found(home: Home, tmp_path: Path) -> None:
    assert only_store(tmp_path) == home.store
    assert store_of_folder(home.videos, [tmp_path]) == home.store
    assert store_of_folder(home.clips, [tmp_path]) is None
    (tmp_path / "other.h5").write_text("another file")
    assert only_store(tmp_path) == home.store
    with pytest.raises(NotFoundError, match="no feature store in"):
        only_store(home.videos)
    shutil.copy(home.store, tmp_path / "second.h5")
    with pytest.raises(
        UsageError, match=r"several feature stores in .*: `feats\.h5`, `second\.h5`"
    ):
        only_store(tmp_path)
    with pytest.raises(UsageError, match="several stores of"):
        store_of_folder(home.videos, [tmp_path])


def test_settings_that_no_default_has_are_kept(
    options: ExtractOptions, videos: Path, clips: Path, tiny: Tiny
) -> None:
    odd = options.changed(
        per_segment=2, views=1, seed=3, fit="pad", dtype="float32", by="time", strict=True
    )
    home = Home(videos, clips, odd, tiny)
    with open_store(home.store) as store:
        before = store.meta
    home.add(4, "e.mp4")
    home.update()
    with open_store(home.store) as store:
        assert store.meta == before
        assert len(store.videos) == 5


def test_python_updates_too(store: Path, tmp_path: Path) -> None:
    shutil.copy(store, tmp_path / "feats.h5")
    said: list[str] = []
    report = chainpipe.update(tmp_path / "feats.h5", log=said.append)
    assert (report.changes, report.exit_code, report.videos) == (Changes(), 0, 8)
    with pytest.raises(NotFoundError):
        chainpipe.update(tmp_path / "none.h5")
