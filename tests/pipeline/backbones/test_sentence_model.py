"""Models of sentence-transformers against the library called plainly."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sentence_transformers import SentenceTransformer

from chainpipe.pipeline.backbones import (
    build_backbone,
    fingerprint_of,
    frames_per_feature,
    resize_of,
)
from chainpipe.pipeline.errors import UsageError
from tests.pipeline.backbones.tiny_models import (
    FRAMES,
    SIDE,
    save_clip,
    save_sentence_model,
    save_video_encoder,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of pictures and one of videos, as the library saves them."""
    folder = tmp_path_factory.mktemp("st")
    save_sentence_model(folder / "pictures", save_clip(folder / "clip"))
    encoder = save_video_encoder(folder / "vjepa2", "vjepa2")
    save_sentence_model(folder / "videos", encoder, pooled=24)
    return folder


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def test_pictures_get_the_librarys_own_embedding(folder: Path) -> None:
    backbone = build_backbone(f"st:{folder / 'pictures'}", device="cpu")
    assert (backbone.size, backbone.dim, frames_per_feature(backbone)) == (SIDE, 12, 1)
    assert resize_of(backbone) == "bicubic"
    shape = (11, SIDE, SIDE, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    model = SentenceTransformer(str(folder / "pictures"), device="cpu")
    expected = model.encode([Image.fromarray(one) for one in pixels])
    np.testing.assert_allclose(backbone.embed(pixels), expected, atol=1e-5)
    with ThreadPoolExecutor(4) as pool:  # as the workers of an extraction call it
        alone = np.concatenate([*pool.map(backbone.embed, pixels[:, None])])
    np.testing.assert_allclose(alone, expected, atol=1e-5)


def test_videos_get_the_librarys_own_embedding(folder: Path) -> None:
    backbone = build_backbone(f"st:{folder / 'videos'}", device="cpu")
    assert (backbone.size, backbone.dim, frames_per_feature(backbone)) == (36, 24, FRAMES)
    shape = (3, FRAMES, 36, 36, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    model = SentenceTransformer(str(folder / "videos"), device="cpu")
    np.testing.assert_allclose(
        backbone.embed(pixels.reshape(-1, *shape[2:])), model.encode([*pixels]), atol=1e-5
    )


def test_the_configuration_is_part_of_the_fingerprint(folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(folder / "pictures", tmp_path / "other")
    path = other / "processor_config.json"
    config = json.loads(path.read_text())
    config["image_processor"]["image_mean"] = [0.5, 0.5, 0.5]
    path.write_text(json.dumps(config))
    before, after = (
        fingerprint_of(build_backbone(f"st:{place}", device="cpu"), fit="crop")
        for place in (folder / "pictures", other)
    )
    assert before.weights_sha256 == after.weights_sha256
    assert before.preprocessing != after.preprocessing


def test_other_sizes_and_frames_are_part_of_the_name(folder: Path) -> None:
    name = f"st:{folder / 'videos'}:size=48:frames=8"
    backbone = build_backbone(name, device="cpu")
    assert (backbone.name, backbone.size, frames_per_feature(backbone)) == (name, 48, 8)


@pytest.mark.parametrize("trusted", [False, True])
def test_a_model_that_brings_code_is_refused(folder: Path, tmp_path: Path, trusted: bool) -> None:
    other = shutil.copytree(folder / "pictures", tmp_path / "other")
    modules = json.loads((other / "modules.json").read_text())
    modules[0]["type"] = "mine.Mine"
    (other / "modules.json").write_text(json.dumps(modules))
    canary = tmp_path / "ran"
    (other / "mine.py").write_text(f"open({str(canary)!r}, 'w')\nclass Mine: pass\n")
    with pytest.raises(UsageError, match=r"wants to run code of its own, `mine\.Mine`"):
        build_backbone(f"st:{other}", device="cpu", trust_weights=trusted)
    assert not canary.exists()


def test_what_does_not_fit_is_one_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    wrong = {
        "st:": "no backbone `st:`",
        "st:clip": "is no model of sentence-transformers",
        "st:pictures:frames=8": "does not embed videos",
        "st:none/none": "neither on this machine nor",
        "st:pictures:size=big": "no whole number",
    }
    for name, message in wrong.items():
        with pytest.raises(UsageError, match=message):
            build_backbone(name, device="cpu")
    damaged = shutil.copytree(folder / "pictures", folder / "damaged")
    for path in damaged.rglob("config.json"):
        path.write_text("{")
    with pytest.raises(UsageError, match="cannot be loaded"):
        build_backbone("st:damaged", device="cpu")
    for path in damaged.rglob("*.safetensors"):
        path.unlink()
    with pytest.raises(UsageError, match="holds no weights"):
        build_backbone("st:damaged", device="cpu")
