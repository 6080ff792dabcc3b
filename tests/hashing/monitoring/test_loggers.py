"""Logs while a training runs: what TensorBoard reads, and the CSV, over an interruption."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from chainpipe.hashing.monitoring.history import history_csv
from chainpipe.hashing.monitoring.loggers import Logs
from chainpipe.pipeline.errors import StorageError, UsageError


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """Return what TensorBoard shows."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder))
    read.Reload()
    tags = read.Tags()["scalars"]
    return {tag: {event.step: event.value for event in read.Scalars(tag)} for tag in tags}


def row(epoch: int, loss: float, **more: float) -> dict[str, float]:
    return {"epoch": epoch, "loss": loss, **more}


def test_both_logs_hold_every_row(tmp_path: Path) -> None:
    rows = [row(1, 0.5), row(2, 0.25, val_loss=0.75)]
    logs = Logs(tmp_path / "logs")
    for each in rows:
        logs.add(each)
        assert (tmp_path / "logs" / "history.csv").read_bytes() == history_csv(
            rows[: int(each["epoch"])]
        )
    logs.close()
    assert scalars(tmp_path / "logs") == {"loss": {1: 0.5, 2: 0.25}, "val_loss": {2: 0.75}}


def test_a_run_that_continues_replaces_what_it_does_again(tmp_path: Path) -> None:
    first = Logs(tmp_path)
    for epoch in (1, 2, 3):
        first.add(row(epoch, 8.0))
    first.close()
    second = Logs(tmp_path)
    for epoch in (3, 4):  # the checkpoint was older than the last row
        second.add(row(epoch, 2.0))
    second.close()
    wanted = [row(1, 8), row(2, 8), row(3, 2), row(4, 2)]
    assert (tmp_path / "history.csv").read_bytes() == history_csv(wanted)
    assert scalars(tmp_path) == {"loss": {1: 8, 2: 8, 3: 2, 4: 2}}


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "epoch,loss\none,two\n"])
def test_another_csv_file_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "history.csv").write_text(content)
    with pytest.raises(UsageError, match="no log of a training"):
        Logs(tmp_path).add(row(1, 0.5))
    assert (tmp_path / "history.csv").read_text() == content


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Logs(tmp_path / "file" / "logs")


def test_without_tensorboard_the_csv_is_written_and_a_line_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    said: list[str] = []
    for epoch in (1.0, 2.0):
        logs = Logs(tmp_path, said.append)
        logs.add({"epoch": epoch, "contrastive": 1 / epoch})
        logs.close()
    assert (tmp_path / "history.csv").read_text().split() == [
        "epoch,contrastive",
        *("1,1", "2,0.5"),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["history.csv"]
    assert "pip install 'chainpipe-video[tensorboard]'" in said[0]
