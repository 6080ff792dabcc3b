"""Repairing a store: just the damaged rows are extracted again, the rest stays bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from chainpipe import command
from chainpipe.pipeline.errors import DamageError, LockedError, NotFoundError, UsageError
from chainpipe.pipeline.extraction.extract import extract
from chainpipe.pipeline.extraction.options import ExtractOptions
from chainpipe.pipeline.extraction.repair_store import repair
from chainpipe.pipeline.records import Status
from chainpipe.pipeline.store import Journal, open_store, verify
from tests.pipeline.extraction.test_extract import Tiny, clips, options, tiny, videos

__all__ = ["clips", "options", "tiny", "videos"]  # fixtures


def arrays(out: Path) -> list[np.ndarray]:
    every = slice(None)
    with open_store(out) as store:
        return [store.features(every), store.candidates(every), store.views(every)]


def spoil(out: Path, row: int) -> None:
    """Flip a bit in the middle of the row's features, wherever the format keeps them."""
    with open_store(out) as store:
        wanted = store.features(slice(row, row + 1)).tobytes()
    files = [out] if out.is_file() else sorted(p for p in out.rglob("feats/c/*") if p.is_file())
    for file in files or sorted(p for p in (out / "feats").rglob("*") if p.is_file()):
        data = bytearray(file.read_bytes())
        if (place := data.find(wanted)) >= 0:
            data[place + len(wanted) // 2] ^= 4
            file.write_bytes(data)
            return
    raise AssertionError("the row was not found")


@pytest.fixture(params=["feats.h5", "feats.zarr"])
def made(options: ExtractOptions, tiny: Tiny, tmp_path: Path, request) -> ExtractOptions:
    asked = options.changed(out=tmp_path / request.param, per_segment=3, views=2, seed=4)
    extract(asked, backbone=tiny)
    return asked


def test_a_damaged_row_is_extracted_again_and_nothing_else(
    made: ExtractOptions, tiny: Tiny
) -> None:
    before, calls = arrays(made.out), tiny.calls
    spoil(made.out, 2)
    assert any("row 2" in line for line in verify(made.out))
    report = repair(made.out, backbone=tiny)
    assert (report.repaired, report.exit_code) == ((b"dog/c.mp4",), 0)
    assert tiny.calls == calls + 1
    assert list(verify(made.out)) == []
    assert all(np.array_equal(a, b) for a, b in zip(arrays(made.out), before, strict=True))
    assert extract(made, backbone=tiny).written is False


def test_a_whole_store_is_left_alone(made: ExtractOptions, tiny: Tiny) -> None:
    before = made.out.stat().st_mtime_ns
    assert repair(made.out, backbone=tiny).damage == ()
    assert made.out.stat().st_mtime_ns == before


def test_a_row_whose_video_is_gone_is_lost_and_named(
    made: ExtractOptions, videos: Path, tiny: Tiny
) -> None:
    spoil(made.out, 1)
    (videos / "cat/b.mp4").unlink()
    report = repair(made.out, backbone=tiny)
    assert report.exit_code == 3
    assert [(v.path, v.status) for v in report.failed] == [(b"cat/b.mp4", Status.UNREADABLE)]
    assert list(verify(made.out)) == []
    with open_store(made.out) as store:
        assert store.videos.paths == (b"cat/a.mp4", b"dog/c.mp4", b"dog/d.mp4")


def test_videos_that_moved_are_found_for_a_repair(
    made: ExtractOptions, videos: Path, tiny: Tiny, tmp_path: Path
) -> None:
    before = arrays(made.out)
    spoil(made.out, 2)
    damaged = [path.read_bytes() for path in [made.out] if path.is_file()]
    new = videos.rename(tmp_path / "new")
    (new / "dog/c.mp4").rename(new / "e.mp4")
    with pytest.raises(UsageError, match="the folder of its videos is gone") as caught:
        repair(made.out, backbone=tiny)
    assert "--videos" in str(caught.value.hint)
    with pytest.raises(UsageError, match=r"1 damaged video not in `.*cat`: `dog/c\.mp4`"):
        repair(made.out, videos=new / "cat", backbone=tiny)
    assert [path.read_bytes() for path in [made.out] if path.is_file()] == damaged
    report = repair(made.out, videos=new, backbone=tiny)
    assert (report.repaired, report.failed) == ((b"dog/c.mp4",), ())
    assert list(verify(made.out)) == []
    assert all(np.array_equal(a, b) for a, b in zip(arrays(made.out), before, strict=True))


def test_a_store_whose_table_is_gone_is_not_repairable(options, tiny) -> None:
    extract(options, backbone=tiny)
    data = options.out.read_bytes()
    options.out.write_bytes(data[:600] + bytes(len(data) - 600))
    with pytest.raises(DamageError) as caught:
        repair(options.out, backbone=tiny)
    assert "--restart" in str(caught.value.hint)


def test_a_store_that_is_being_written_is_not_touched(made: ExtractOptions, tiny: Tiny) -> None:
    with open_store(made.out) as store:
        root, meta = store.root, store.meta
    with Journal.open(made.out, root=root, meta=meta), pytest.raises(LockedError, match="process"):
        repair(made.out, backbone=tiny)


@pytest.mark.parametrize("name", ["none.h5", "nowhere/none.h5"])
def test_what_is_not_there_cannot_be_repaired(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFoundError, match="there is no feature store"):
        repair(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_the_verb_says_what_it_did(store: Path, capsys, tmp_path: Path) -> None:
    copy = tmp_path / "copy.h5"
    copy.write_bytes(store.read_bytes())
    assert command.run(["repair", str(copy)]) == 0
    assert "nothing to do" in capsys.readouterr().err
    spoil(copy, 3)
    assert command.run(["verify", str(copy)]) == 4
    assert "repair" in capsys.readouterr().err
    assert command.run(["repair", str(copy), "--json"]) == 0
    said = capsys.readouterr()
    assert len(json.loads(said.out)["repaired"]) == 1
    assert "1 row extracted again" in said.err
    assert command.run(["verify", str(copy)]) == 0
