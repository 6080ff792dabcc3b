"""Networks of timm against timm called plainly, with its own preprocessing."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from chainpipe.pipeline.backbones import build_backbone, fingerprint_of, resize_of
from chainpipe.pipeline.backbones.weights import sha256_of
from chainpipe.pipeline.errors import UsageError

NETWORKS = ("test_vit", "test_convnext", "mobilenetv3_small_050")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of random networks, with their classifiers, as safetensors."""
    folder = tmp_path_factory.mktemp("timm")
    for name in NETWORKS:
        torch.manual_seed(0)
        net = timm.create_model(name, pretrained=False)
        save_file(net.state_dict(), folder / f"{name}.safetensors")
    return folder


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def plainly(name: str, folder: Path, pixels: np.ndarray) -> np.ndarray:
    """timm's own transform and forward pass, without the classifier."""
    net = timm.create_model(name, pretrained=False, num_classes=0)
    weights = load_file(folder / f"{name}.safetensors")
    net.load_state_dict({key: weights[key] for key in net.state_dict()})
    net.eval()
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(net))
    with torch.no_grad():
        return net(torch.stack([transform(Image.fromarray(one)) for one in pixels])).numpy()


@pytest.mark.parametrize("name", NETWORKS)
def test_features_are_timms_own_of_the_same_frames(folder: Path, name: str) -> None:
    file = folder / f"{name}.safetensors"
    backbone = build_backbone(f"timm:{name}/{file}", device="cpu")
    assert backbone.weights_sha256 == sha256_of(file)
    shape = (3, backbone.size, backbone.size, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    expected = plainly(name, folder, pixels)
    assert backbone.dim == expected.shape[1]
    np.testing.assert_allclose(backbone.embed(pixels), expected, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(backbone.embed(pixels[:1]), expected[:1], atol=1e-5, rtol=1e-5)


def test_the_preprocessing_is_what_timm_states(folder: Path) -> None:
    name = f"timm:mobilenetv3_small_050/{folder / 'mobilenetv3_small_050.safetensors'}"
    backbone = build_backbone(name, device="cpu")
    config = timm.data.resolve_model_data_config(timm.create_model("mobilenetv3_small_050"))
    assert backbone.size == int(config["input_size"][1] / config["crop_pct"]) == 256
    assert resize_of(backbone) == config["interpolation"] == "bicubic"
    line = fingerprint_of(backbone, fit="pad").preprocessing
    colours = "(x/255-0.485,0.456,0.406)/0.229,0.224,0.225"
    assert line == f"size=256 fit=pad resize=bicubic crop=224 {colours}"


def test_another_size_is_part_of_the_name(folder: Path) -> None:
    file = folder / "test_vit.safetensors"
    small = build_backbone(f"timm:test_vit/{file}:size=96", device="cpu")
    plain = build_backbone(f"timm:test_vit/{file}", device="cpu")
    assert small.name == f"timm:test_vit/{file}:size=96"
    assert small.size < plain.size
    assert small.dim == plain.dim
    convolutions = f"timm:test_convnext/{folder / 'test_convnext.safetensors'}:size=64"
    assert build_backbone(convolutions, device="cpu").size >= 64


def test_a_saved_folder_says_its_architecture(folder: Path, tmp_path: Path) -> None:
    config = {"architecture": "test_vit", "num_classes": 1000}
    config["pretrained_cfg"] = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    os.link(folder / "test_vit.safetensors", tmp_path / "model.safetensors")
    backbone = build_backbone(f"timm:local-dir:{tmp_path}", device="cpu")
    assert backbone.name == f"timm:local-dir:{tmp_path}"
    assert backbone.normalization.endswith("(x/255-0.1,0.2,0.3)/0.4,0.5,0.6")


def test_a_pickle_is_read_only_when_trusted(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    torch.save({"state_dict": load_file(folder / "test_vit.safetensors")}, file)
    with pytest.raises(UsageError, match="are a pickle"):
        build_backbone(f"timm:test_vit/{file}", device="cpu")
    trusted = build_backbone(f"timm:test_vit/{file}", device="cpu", trust_weights=True)
    plain = build_backbone(f"timm:test_vit/{folder / 'test_vit.safetensors'}", device="cpu")
    pixels = np.zeros((1, plain.size, plain.size, 3), np.uint8)
    assert np.array_equal(trusted.embed(pixels), plain.embed(pixels))


def test_weights_that_lack_a_layer_are_refused(folder: Path, tmp_path: Path) -> None:
    weights = load_file(folder / "test_vit.safetensors")
    weights.pop(next(key for key in weights if key.startswith("blocks.")))
    save_file(weights, tmp_path / "cut.safetensors")
    with pytest.raises(UsageError, match=r"do not fit .* Missing key"):
        build_backbone(f"timm:test_vit/{tmp_path / 'cut.safetensors'}", device="cpu")


def test_weights_of_more_than_the_network_do_no_harm(folder: Path, tmp_path: Path) -> None:
    weights = load_file(folder / "test_vit.safetensors")
    save_file(weights | {"another.weight": torch.zeros(2)}, tmp_path / "more.safetensors")
    found = build_backbone(f"timm:test_vit/{tmp_path / 'more.safetensors'}", device="cpu")
    plain = build_backbone(f"timm:test_vit/{folder / 'test_vit.safetensors'}", device="cpu")
    pixels = np.full((1, plain.size, plain.size, 3), 99, np.uint8)
    assert np.array_equal(found.embed(pixels), plain.embed(pixels))


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("timm:", "no backbone `timm:`", "timm:NAME"),
        ("timm:test_vitt", "timm has no model `test_vitt`", "`test_vit`"),
        ("timm:test_vit", "neither on this machine nor to be fetched", "timm/test_vit"),
        ("timm:test_vit/none.safetensors", "there are no weights", "timm:NAME"),
        ("timm:local-dir:nowhere", "there is no folder `nowhere`", "local-dir"),
        ("timm:local-dir:.", "no `config.json` with an `architecture`", "local-dir"),
        ("timm:hf-hub:a/b", "neither on this machine nor to be fetched", "hf download a/b"),
        ("timm:test_vit:size=0", "no whole number", ":size=16"),
        ("timm:test_vit:frames=2", "is not a setting", ":size="),
    ],
)
def test_what_is_not_there_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str, hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message) as caught:
        build_backbone(name, device="cpu")
    assert hint in str(caught.value.hint)
