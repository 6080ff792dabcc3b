"""Row functions: the rows of `extract` and `encode`, bit for bit, and errors with their status."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import chainpipe
from chainpipe import DamageError, NotFoundError, UsageError, VideoReadError, command
from chainpipe.pipeline.errors import BugError
from chainpipe.pipeline.extraction import one_video
from chainpipe.pipeline.extraction.memory_file import file_of_bytes
from chainpipe.pipeline.records import Status, VideoError


def test_a_row_is_that_of_extract_from_a_path_and_from_bytes(library: Path, store: Path) -> None:
    with chainpipe.open_store(store) as opened:
        for row, name in enumerate(opened.ids[:2]):
            made = chainpipe.extract_one(library / name)
            assert made.dtype == np.float16
            np.testing.assert_array_equal(made, opened.features[row])
            data = (library / name).read_bytes()
            for given in (data, bytearray(data), memoryview(data)):
                np.testing.assert_array_equal(chainpipe.extract_one(given), opened.features[row])


@pytest.mark.parametrize(
    "settings",
    [
        {"frames": 3, "by": "time", "fit": "pad", "dtype": "float32"},
        {"frames": 2, "sampling": "random", "seed": 3},
    ],
)
def test_settings_are_those_of_extract(
    library: Path, tmp_path: Path, settings: dict[str, object]
) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "a.mp4").write_bytes((library / "card" / "0.mp4").read_bytes())
    with chainpipe.extract(folder, tmp_path / "a.h5", **settings) as opened:  # type: ignore[arg-type]
        made = chainpipe.extract_one(folder / "a.mp4", **settings)  # type: ignore[arg-type]
        assert made.dtype == opened.features.dtype
        np.testing.assert_array_equal(made, opened.features[0])


def test_a_code_is_that_of_encode(
    library: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, model = tmp_path / "codes.npz", tmp_path / "model"
    chainpipe.train(chainpipe.open_store(store), bits=16, method="pca-itq", out=model)
    words = ["encode", str(library / "card"), "--model", str(model), "--out", str(out)]
    assert command.run(words) == 0
    codes = chainpipe.Codes.load(out)
    for row, name in enumerate(codes.ids):
        path = library / "card" / name
        for video in (path, str(path), path.read_bytes(), chainpipe.extract_one(path)):
            made = chainpipe.encode_one(video, model)
            assert made.dtype == np.uint8
            np.testing.assert_array_equal(made, codes.packed[row])
    assert capsys.readouterr()


def test_a_model_that_is_replaced_is_loaded_again(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(40, 3, 12)).astype(np.float32)
    for seed in (0, 1):
        trained = chainpipe.train(features, bits=8, method="lsh", seed=seed)
        trained.save(tmp_path / "model")
        made = np.stack([chainpipe.encode_one(one, tmp_path / "model") for one in features])
        np.testing.assert_array_equal(made, trained.encode(features).packed)


@pytest.mark.parametrize(
    ("video", "status"),
    [
        ("nowhere.mp4", "unreadable"),
        (b"", "corrupt"),
        (b"no video", "corrupt"),
        (b"ffconcat version 1.0\nfile /etc/hostname\n", "refused"),
        (os.devnull, "refused"),
    ],
)
def test_a_video_without_features_is_an_error_with_its_status(
    video: str | bytes, status: str
) -> None:
    with pytest.raises(VideoReadError, match=status) as caught:
        chainpipe.extract_one(video)
    assert caught.value.status == status
    assert caught.value.exit_code == 3
    assert caught.value.hint
    again = pickle.loads(pickle.dumps(caught.value))  # engines send errors to other processes
    assert (str(again), again.status, again.hint) == (
        str(caught.value),
        status,
        caught.value.hint,
    )


def test_settings_and_models_that_are_wrong_are_named(tmp_path: Path, library: Path) -> None:
    video = library / "card" / "0.mp4"
    with pytest.raises(UsageError, match="no backbone `nothing`"):
        chainpipe.extract_one(video, backbone="nothing")
    with pytest.raises(UsageError, match="`frames` is 0"):
        chainpipe.extract_one(video, frames=0)
    for wrong in ({"fit": "x"}, {"by": "x"}, {"reader": "x"}, {"dtype": "f8"}):
        (name,) = wrong
        with pytest.raises(UsageError, match=f"`{name}` is '"):
            chainpipe.extract_one(video, **wrong)
    with pytest.raises(NotFoundError, match="no model in"):
        chainpipe.encode_one(video, tmp_path)
    trained = chainpipe.train(np.ones((20, 12)) * np.arange(20)[:, None], bits=4, method="lsh")
    with pytest.raises(UsageError, match=r"\[3, 4\], not \[T, 12\]"):
        chainpipe.encode_one(np.zeros((3, 4)), trained)
    with pytest.raises(UsageError, match="NaN"):
        chainpipe.encode_one(np.full((3, 12), np.nan), trained)
    with pytest.raises(UsageError, match="no backbone `arrays`"):
        chainpipe.encode_one(video, trained)
    trained.save(tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(DamageError):
        chainpipe.encode_one(np.zeros((3, 12)), tmp_path / "model")


def test_a_bug_of_ours_is_no_fault_of_the_video() -> None:
    error = VideoError(Status.CRASHED, "unexpected KeyError: 'x'", stderr="the traceback")
    made = one_video._as_users_error(error, "a.mp4")
    assert isinstance(made, BugError)
    assert made.trace == "the traceback"


def test_a_decode_child_that_was_killed_is_replaced(library: Path) -> None:
    path = library / "card" / "0.mp4"
    wanted = chainpipe.extract_one(path, frames=2)
    child = one_video.thread_decoder()._child
    assert child is not None
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    np.testing.assert_array_equal(chainpipe.extract_one(path, frames=2), wanted)


def test_threads_have_children_of_their_own_that_end_with_them(library: Path) -> None:
    path = library / "card" / "0.mp4"
    wanted, children = chainpipe.extract_one(path, frames=4), []

    def work(_: int) -> npt.NDArray[np.floating]:
        made = chainpipe.extract_one(path, frames=4)
        children.append(one_video.thread_decoder()._child)
        return made

    with ThreadPoolExecutor(2) as pool:
        for made in pool.map(work, range(4)):
            np.testing.assert_array_equal(made, wanted)
    for child in {id(one): one for one in children}.values():
        assert child is not None
        assert child.wait(timeout=10) is not None


def test_a_forked_process_leaves_the_child_of_its_parent_alone(library: Path) -> None:
    path = library / "card" / "0.mp4"
    script = (
        "import os, sys, chainpipe\n"
        "from chainpipe.pipeline.extraction import one_video\n"
        "path = sys.argv[1]\n"
        "before = chainpipe.extract_one(path, frames=2)\n"
        "child = one_video.thread_decoder()._child\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    held = one_video.thread_decoder()\n"
        "    os._exit(0 if held._child is None else 1)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
        "assert child.poll() is None\n"
        "assert (chainpipe.extract_one(path, frames=2) == before).all()\n"
        "assert one_video.thread_decoder()._child is child\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert not ended.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="sealed files in memory are of Linux")
def test_bytes_become_a_sealed_file_that_goes_away() -> None:
    with file_of_bytes(b"0123") as path:
        assert path.read_bytes() == b"0123"
        descriptor = os.open(path, os.O_RDWR)
        with pytest.raises(PermissionError):
            os.write(descriptor, b"x")
        os.close(descriptor)
        assert path.read_bytes() == b"0123"
    assert not path.exists()
