"""How torch backbones run: what a CPU can do of it here, and all of it where there is a GPU."""

import gc
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from chainpipe.pipeline.backbones import build_backbone
from chainpipe.pipeline.backbones.batching import Batcher
from chainpipe.pipeline.backbones.efficientnet_lite0 import load_lite0
from chainpipe.pipeline.backbones.torch_network import TorchNetwork
from chainpipe.pipeline.backbones.torch_runner import CpuRunner, build_runner
from chainpipe.pipeline.errors import UsageError

torch = pytest.importorskip("torch")
Pixels = npt.NDArray[np.uint8]

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Small(torch.nn.Module):
    """Two convolutions and a projection, from bytes."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, stride=2), torch.nn.ReLU(), torch.nn.Conv2d(8, 16, 3),
            torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(),
            torch.nn.Linear(64, 12),
        )  # fmt: skip

    def forward(self, pixels: "torch.Tensor") -> "torch.Tensor":
        return self.layers(pixels.permute(0, 3, 1, 2).float() / 255)


def clip(frames: int, seed: int = 0, size: int = 16) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (frames, size, size, 3), dtype=np.uint8)


def alone(pixels: Pixels) -> npt.NDArray[np.float32]:
    """The plain network, one frame at a time."""
    net = Small().eval()
    with torch.no_grad():
        return np.concatenate([net(torch.tensor(frame[None])).numpy() for frame in pixels])


def small(device: str = "cpu", **changes: object) -> TorchNetwork:
    facts = {"size": 16, "batch": 32, "half": False, "compiled": False, **changes}
    return TorchNetwork(Small().eval(), device=device, **facts)


def cosines(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def test_pieces_of_a_batch_come_back_in_their_order() -> None:
    network = small()
    pieces = [clip(n, seed=n) for n in (3, 1, 7)]
    features = network.submit(pieces)()
    assert (network.dim, features.dtype) == (12, np.float32)
    np.testing.assert_allclose(features, alone(np.concatenate(pieces)), atol=1e-5)


def test_a_batch_keeps_its_features_while_the_next_ones_run() -> None:
    network = small()
    first = network.submit([clip(5, 1)])
    second = network.submit([clip(6, 2)])
    kept = first()
    third = network.submit([clip(7, 3)])
    for seed, features in enumerate((kept, second(), third()), start=1):
        np.testing.assert_allclose(features, alone(clip(4 + seed, seed)), atol=1e-5)


def test_threads_sharing_a_torch_network_get_the_features_of_their_own_frames() -> None:
    batcher = Batcher(small(), batch=32)
    clips = [clip(n % 40, seed=n) for n in range(30)]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(batcher.embed, clips))
    batcher.close()
    for pixels, features in zip(clips, together, strict=True):
        assert features.shape == (len(pixels), 12)
        if len(pixels):
            np.testing.assert_allclose(features, alone(pixels), atol=1e-5)


def test_half_precision_gives_nearly_the_same_float32_features() -> None:
    features = small(half=True).submit([clip(20)])()
    assert features.dtype == np.float32
    assert cosines(features, alone(clip(20))).min() > 0.999
    assert not np.array_equal(features, small().submit([clip(20)])())


def test_the_embedded_cnn_bears_half_precision() -> None:
    pixels = smooth(2)
    full, half = (
        TorchNetwork(
            load_lite0(), device="cpu", size=224, batch=2, half=half, compiled=False
        ).submit([pixels])()
        for half in (False, True)
    )
    assert cosines(full, half).min() > 0.999


def smooth(frames: int) -> Pixels:
    """Ramps of different colours, brightness and direction."""
    ramp = np.linspace(0, 1, 224)[:, None, None] * np.linspace(0, 1, 224)[None, :, None]
    colours = np.random.default_rng(0).uniform(50, 255, (frames, 1, 1, 3))
    return (ramp * colours).astype(np.uint8)


@pytest.mark.soak  # the C++ compiler takes half a minute
def test_compiled_kernels_give_the_same_features_for_batches_of_any_size() -> None:
    network = small(compiled=True, batch=8)
    assert network.compiled
    for frames in (8, 3, 1):
        features = network.submit([clip(frames)])()
        np.testing.assert_allclose(features, alone(clip(frames)), atol=1e-5)


@pytest.mark.filterwarnings("ignore:dynamo_pgo")
def test_a_network_that_cannot_be_compiled_runs_as_it_is(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from torch._inductor import config

    monkeypatch.setattr(config.cpp, "cxx", (str(tmp_path / "no-compiler"),))
    monkeypatch.setattr(config, "force_disable_caches", True)
    torch.compiler.reset()
    with caplog.at_level(logging.WARNING):
        network = small(compiled=True, batch=7)
    assert not network.compiled
    assert "torch.compile failed" in caplog.text
    np.testing.assert_allclose(network.submit([clip(5)])(), alone(clip(5)), atol=1e-5)


def test_on_a_cpu_threads_run_side_by_side() -> None:
    """Each call waits inside the network for the other: one after the other would never end."""
    meeting = threading.Barrier(2)

    class Meeting(Small):
        def forward(self, pixels: "torch.Tensor") -> "torch.Tensor":
            if len(pixels) > 1:
                meeting.wait(timeout=20)
            return super().forward(pixels)

    runner = build_runner(
        Meeting().eval(), device="cpu", size=16, batch=32, half=True, compiled=False
    )
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(runner.embed, [clip(5, 1), clip(5, 2)])
    runner.close()
    np.testing.assert_allclose(one, alone(clip(5, 1)), atol=1e-5)
    np.testing.assert_allclose(other, alone(clip(5, 2)), atol=1e-5)


@pytest.mark.filterwarnings("error")
def test_on_a_cpu_any_number_of_frames_is_embedded_even_read_only_ones() -> None:
    runner = CpuRunner(Small().eval(), size=16)
    pixels = clip(21)
    pixels.flags.writeable = False
    np.testing.assert_allclose(runner.embed(pixels), alone(pixels), atol=1e-5)
    assert runner.embed(pixels[:0]).shape == (0, 12)


@needs_gpu
@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_gpu_gives_the_cpus_features(half: bool, compiled: bool) -> None:
    batcher = Batcher(small("cuda", half=half, compiled=compiled), batch=32)
    clips = [clip(1 + n % 40, seed=n) for n in range(30)]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(batcher.embed, clips))
    batcher.close()
    for pixels, features in zip(clips, together, strict=True):
        assert features.dtype == np.float32
        assert cosines(features, alone(pixels)).min() > 0.999


@needs_gpu
def test_the_cnn_on_a_gpu_is_the_cnn_of_the_cpu() -> None:
    on_gpu = build_backbone("cnn", device="cuda", batch=16)
    pixels = smooth(40)
    ours = on_gpu.embed(pixels)
    on_gpu.close()
    assert cosines(ours, build_backbone("cnn", device="cpu").embed(pixels)).min() > 0.999


@needs_gpu
def test_buffers_for_copies_are_page_locked() -> None:
    assert all(stage.host_pixels.is_pinned() for stage in small("cuda")._stages)


@needs_gpu
def test_a_batch_too_large_for_the_gpu_is_refused_with_a_smaller_one() -> None:
    with pytest.raises(UsageError, match="do not fit the memory of `cuda`") as caught:
        build_backbone("cnn", device="cuda", batch=1_000_000)
    assert "--batch 500000" in str(caught.value.hint)
    del caught
    gc.collect()
    torch.cuda.empty_cache()
