"""Extraction with a video encoder: frames, features, moments, resumption, and what is refused."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
import torch
import transformers

from chainpipe import command
from chainpipe.pipeline.decode.frame_sampling import uniform_indices
from chainpipe.pipeline.store import open_store
from tests.pipeline.backbones.tiny_models import FRAMES, SIDE, save_onnx, save_video_encoder
from tests.pipeline.conftest import draw_clip

T = 3  # segments of a video


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of the encoder's size, so that nothing is resized, and a random VideoMAE."""
    folder = tmp_path_factory.mktemp("segments")
    for number in range(6):
        looks = ["-vf", f"hue=h={40 * number}", "-pix_fmt", "yuv444p"]
        size = f"{SIDE}x{SIDE}"
        draw_clip(folder / "videos" / f"{number}.mp4", *looks, seconds=2 + number, size=size)
    save_video_encoder(folder / "encoder", "videomae")
    save_onnx(folder / "net.onnx")
    return folder


@pytest.fixture(scope="module")
def store(folder: Path) -> Path:
    path = folder / "feats.h5"
    assert command.run(words(folder, path)) == 0
    return path


def words(folder: Path, out: Path, *more: str) -> list[str]:
    encoder = f"hf:{folder / 'encoder'}"
    return [
        *("extract", str(folder / "videos"), "--backbone", encoder, "--out", str(out)),
        *("--frames", str(T), "--workers", "2", *more),
    ]


def frames_of(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Decode a clip from its first frame to its last: pictures (N, H, W, 3), seconds (N,)."""
    with av.open(path) as container:
        frames = list(container.decode(video=0))
        pictures = np.stack([frame.to_ndarray(format="rgb24") for frame in frames])
        return pictures, np.array([frame.time for frame in frames])


def test_the_features_are_the_librarys_own_of_the_frames_that_the_rule_names(
    folder: Path, store: Path
) -> None:
    processor = transformers.AutoImageProcessor.from_pretrained(folder / "encoder")
    model = transformers.AutoModel.from_pretrained(folder / "encoder").eval()
    with open_store(store) as found:
        assert found.shape == (6, T, 16)
        assert found.meta.frames == T
        assert found.meta.fingerprint.preprocessing.endswith(f"frames={FRAMES}")
        features = found.features(slice(None)).astype(np.float32)
        for row in range(6):
            pictures, _ = frames_of(folder / "videos" / f"{row}.mp4")
            index = uniform_indices(len(pictures), T * FRAMES).reshape(T, FRAMES)
            for segment, places in enumerate(index):
                inputs = processor([*pictures[places]], return_tensors="pt").pixel_values
                with torch.no_grad():
                    tokens = model(inputs.reshape(1, FRAMES, 3, SIDE, SIDE)).last_hidden_state
                expected = tokens.mean(1)[0].numpy()
                np.testing.assert_allclose(features[row, segment], expected, atol=2e-3, rtol=1e-3)


def test_a_segments_moment_is_that_of_its_middle_frame(folder: Path, store: Path) -> None:
    with open_store(store) as found:
        for row in range(6):
            _, seconds = frames_of(folder / "videos" / f"{row}.mp4")
            every = uniform_indices(len(seconds), T * FRAMES)
            middles = every.reshape(T, FRAMES)[:, FRAMES // 2]
            assert found.index(slice(row, row + 1))[0].tolist() == middles.tolist()
            np.testing.assert_allclose(found.seconds(slice(row, row + 1))[0], seconds[middles])


def test_an_image_network_beside_it_has_its_own_frames(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = f"onnx:{folder / 'net.onnx'}:mean=0:std=1"
    outs = [tmp_path / "segments.h5", tmp_path / "frames.h5"]
    more = ["--backbone", net, "--out", str(outs[1])]
    assert command.run(words(folder, outs[0], *more)) == 0
    with open_store(outs[1]) as frames, open_store(outs[0]) as segments:
        assert segments.shape == (6, T, 16)
        assert frames.shape == (6, T, 8)
        pictures, _ = frames_of(folder / "videos" / "0.mp4")
        assert frames.index([0])[0].tolist() == uniform_indices(len(pictures), T).tolist()
    assert "3 segments of 4 frames: 12 frames of each video" in capsys.readouterr().err
    assert command.run(["info", str(outs[0])]) == 0
    assert "6 videos x 3 segments of 4 frames x 16" in capsys.readouterr().out


def test_views_are_segments_too(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "views.h5"
    assert command.run(words(folder, out, "--views", "2", "--measure-augmentation", "3")) == 0
    with open_store(out) as found:
        views = found.views(slice(None))
        assert views.shape == (6, 2, T, 16)
        assert np.isfinite(views).all()
        assert found.augmentation() is not None


@pytest.mark.parametrize("option", [("--every", "0.5"), ("--per-segment", "2")])
def test_what_needs_a_feature_of_each_frame_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: tuple[str, str]
) -> None:
    assert command.run(words(folder, tmp_path / "none.h5", *option)) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert f"`{option[0]}` needs a feature of each frame" in told
    assert not (tmp_path / "none.h5").exists()


def test_a_killed_run_goes_on_to_the_same_features(
    folder: Path, store: Path, tmp_path: Path
) -> None:
    out = tmp_path / "killed.h5"
    command_line = [sys.executable, "-m", "chainpipe", *words(folder, out)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        command_line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        end = time.monotonic() + 120
        parts = tmp_path / "killed.h5.parts"
        while not parts.exists() and run.poll() is None and time.monotonic() < end:
            time.sleep(0.002)
        run.send_signal(signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL
    assert not out.exists()
    assert command.run(words(folder, out)) == 0
    with open_store(out) as found, open_store(store) as expected:
        assert np.array_equal(found.features(slice(None)), expected.features(slice(None)))
        assert found.videos.paths == expected.videos.paths
