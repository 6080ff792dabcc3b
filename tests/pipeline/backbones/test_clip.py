"""CLIP backbones: every form of the name, with small models made on the spot."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from chainpipe.pipeline.backbones import build_backbone
from chainpipe.pipeline.backbones.weights import sha256_of
from chainpipe.pipeline.errors import UsageError

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")
safetensors = pytest.importorskip("safetensors.torch")

CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 8, "head_width": 16},
    "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1},
}
MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model as open_clip saves it."""
    folder = tmp_path_factory.mktemp("clip")
    facts = {"model_cfg": CONFIG, "preprocess_cfg": {"mean": MEAN, "std": STD}}
    (folder / "open_clip_config.json").write_text(json.dumps(facts))
    torch.manual_seed(0)
    state = open_clip.CLIP(**CONFIG).state_dict()
    safetensors.save_file(state, folder / "open_clip_model.safetensors")
    return folder


@pytest.fixture
def tiny(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The same architecture among open_clip's own, under the name ``tiny``."""
    from open_clip import factory

    (tmp_path / "tiny.json").write_text(json.dumps(CONFIG))
    monkeypatch.setattr(factory, "_MODEL_CONFIG_PATHS", [*factory._MODEL_CONFIG_PATHS])
    open_clip.add_model_config(tmp_path / "tiny.json")
    yield "tiny"
    factory._MODEL_CONFIG_PATHS.pop()
    factory._rescan_model_configs()


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def embedding_by_hand(folder: Path) -> np.ndarray:
    """open_clip's own loading and ``encode_image``."""
    model = open_clip.create_model(f"local-dir:{folder}").eval()
    images = (PIXELS.transpose(0, 3, 1, 2) / 255 - np.reshape(MEAN, (3, 1, 1))) / np.reshape(
        STD, (3, 1, 1)
    )
    with torch.no_grad():
        return model.encode_image(torch.from_numpy(images.astype(np.float32))).numpy()


def test_a_saved_folder_gives_open_clips_own_embedding(folder: Path) -> None:
    backbone = build_backbone(f"clip:local-dir:{folder}", device="cpu")
    assert (backbone.size, backbone.dim) == (32, 16)
    assert backbone.normalization == "(x/255-0.4,0.5,0.6)/0.2,0.25,0.3"
    assert backbone.weights_sha256 == sha256_of(folder / "open_clip_model.safetensors")
    np.testing.assert_allclose(backbone.embed(PIXELS), embedding_by_hand(folder), atol=1e-4)


def test_a_relative_path_becomes_a_name_that_works_everywhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    backbone = build_backbone(f"clip:local-dir:{folder.name}/../{folder.name}", device="cpu")
    assert backbone.name == f"clip:local-dir:{folder}"


def test_a_safetensors_file_is_read(folder: Path, tiny: str) -> None:
    file = folder / "open_clip_model.safetensors"
    backbone = build_backbone(f"clip:{tiny}/{file}", device="cpu")
    assert backbone.name == f"clip:tiny/{file}"
    assert build_backbone(backbone.name, device="cpu").embed(PIXELS).shape == (3, 16)


@pytest.mark.parametrize("suffix", [".pt", ".bin", ".pth"])
def test_a_pickle_is_read_only_when_trusted(
    folder: Path, tiny: str, tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / f"weights{suffix}"
    torch.save(safetensors.load_file(folder / "open_clip_model.safetensors"), file)
    with pytest.raises(UsageError, match="are a pickle") as caught:
        build_backbone(f"clip:{tiny}/{file}")
    assert "--trust-weights" in str(caught.value.hint)
    trusted = build_backbone(f"clip:{tiny}/{file}", device="cpu", trust_weights=True)
    assert trusted.embed(PIXELS).shape == (3, 16)


def test_code_in_a_trusted_pickle_still_does_not_run(tiny: str, tmp_path: Path) -> None:
    class Canary:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "ran"),)

    torch.save(Canary(), tmp_path / "bad.pt")
    with pytest.raises(UsageError, match="do not fit"):
        build_backbone(f"clip:{tiny}/{tmp_path / 'bad.pt'}", trust_weights=True)
    assert not (tmp_path / "ran").exists()


def test_a_saved_folder_with_only_a_pickle_needs_trust_too(folder: Path, tmp_path: Path) -> None:
    config = (folder / "open_clip_config.json").read_text()
    (tmp_path / "open_clip_config.json").write_text(config)
    state = safetensors.load_file(folder / "open_clip_model.safetensors")
    torch.save(state, tmp_path / "open_clip_pytorch_model.bin")
    with pytest.raises(UsageError, match="are a pickle"):
        build_backbone(f"clip:local-dir:{tmp_path}")


def test_a_folder_without_weights_is_refused(folder: Path, tmp_path: Path) -> None:
    config = (folder / "open_clip_config.json").read_text()
    (tmp_path / "open_clip_config.json").write_text(config)
    with pytest.raises(UsageError, match="holds no weights"):
        build_backbone(f"clip:local-dir:{tmp_path}")


def test_a_folder_without_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no `open_clip_config.json`"):
        build_backbone(f"clip:local-dir:{tmp_path}")


def test_weights_of_another_model_are_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="do not fit `clip:ViT-S-32-alt"):
        build_backbone(f"clip:ViT-S-32-alt/{folder / 'open_clip_model.safetensors'}")


def test_a_broken_weights_file_is_refused(tiny: str, tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(UsageError, match="do not fit"):
        build_backbone(f"clip:{tiny}/{tmp_path / 'w.safetensors'}")


def test_weights_of_an_unknown_suffix_are_refused(tiny: str, tmp_path: Path) -> None:
    (tmp_path / "w.npz").touch()
    with pytest.raises(UsageError, match=r"unknown suffix `\.npz`"):
        build_backbone(f"clip:{tiny}/{tmp_path / 'w.npz'}", trust_weights=True)


def test_a_model_that_is_not_square_is_refused(folder: Path, tmp_path: Path) -> None:
    config = {**CONFIG, "vision_cfg": {**CONFIG["vision_cfg"], "image_size": [32, 16]}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    state = open_clip.CLIP(**config).state_dict()
    safetensors.save_file(state, tmp_path / "open_clip_model.safetensors")
    with pytest.raises(UsageError, match="16x32, not a square"):
        build_backbone(f"clip:local-dir:{tmp_path}")


def test_a_published_model_without_network_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match="neither on this machine nor to be fetched") as caught:
        build_backbone("clip:ViT-B-32/laion2b_s34b_b79k")
    assert "laion/CLIP-ViT-B-32-laion2B-s34B-b79K" in str(caught.value.hint)
    assert "clip:ViT-B-32/FILE.safetensors" in str(caught.value.hint)
    with pytest.raises(UsageError, match="`clip:hf-hub:a/b` are neither") as caught:
        build_backbone("clip:hf-hub:a/b")
    assert "hf download a/b" in str(caught.value.hint)


def test_a_hub_out_of_reach_is_noticed_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    from chainpipe.pipeline.backbones.hub import skip_a_hub_out_of_reach

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    skip_a_hub_out_of_reach()
    assert constants.HF_HUB_OFFLINE


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("clip:ViT-B32/openai", "has no model `ViT-B32`", "`ViT-B-32`"),
        ("clip:ViT-B-32", "names no weights", "`openai`"),
        ("clip:ViT-B-32/opnai", "no published tag of `ViT-B-32`", "`openai`"),
    ],
)
def test_a_wrong_name_is_refused_with_near_ones(name: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        build_backbone(name)
    assert hint in str(caught.value.hint)


def test_a_model_in_the_hubs_cache_is_used_offline(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--org--tiny"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    for file in folder.iterdir():
        (snapshot / file.name).symlink_to(file)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    backbone = build_backbone("clip:hf-hub:org/tiny", device="cpu")
    assert backbone.name == "clip:hf-hub:org/tiny"
    np.testing.assert_allclose(backbone.embed(PIXELS), embedding_by_hand(folder), atol=1e-4)
    assert "".join(capfd.readouterr()) == ""
