"""An import that is stopped or killed leaves no store, and the next one is as if it never ran."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store import parts_of, verify
from tests.pipeline.store.store_samples import open_journal, video

from .foreign_samples import run

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGKILL, -9),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.soak),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.soak),
    ],
)
def test_a_stopped_import(number: int, code: int, tmp_path: Path, out: Path) -> None:
    array = np.lib.format.open_memmap(
        tmp_path / "a.npy", mode="w+", dtype="f4", shape=(20_000, 4, 256)
    )
    array[:] = 1
    array.flush()
    command = [sys.executable, "-m", "chainpipe", "import", tmp_path / "a.npy", "--out", out]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not list(out.parent.glob(".feats.h5.*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(number)
        said = process.stderr.read().decode() if process.stderr else ""
    assert process.returncode == code
    assert "Traceback" not in said
    assert not out.exists()
    if number != signal.SIGKILL:
        assert list(out.parent.iterdir()) == []
    np.save(tmp_path / "a.npy", np.ones((5, 4, 8), "f4"))
    run(tmp_path / "a.npy", out)
    assert list(out.parent.iterdir()) == [out]
    assert list(verify(out)) == []


def test_an_extraction_that_is_not_finished_is_left_alone(tmp_path: Path, out: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((5, 4, 8), "f4"))
    with open_journal(out) as journal:
        journal.add([video(0)])
    before = sorted(parts_of(out).iterdir())
    with pytest.raises(UsageError, match="is not finished"):
        run(tmp_path / "a.npy", out, restart=True)
    assert sorted(parts_of(out).iterdir()) == before
