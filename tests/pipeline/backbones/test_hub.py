"""Models in the hub's cache, laid there as its client lays them, without a network."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from chainpipe.pipeline.backbones import build_backbone
from chainpipe.pipeline.errors import UsageError
from tests.pipeline.backbones.tiny_models import FRAMES, save_video_encoder

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of a machine without network."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def snapshot(cache: Path, repository: str) -> Path:
    """Return the folder of a repository's files in the cache."""
    root = cache / f"models--{repository.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(COMMIT)
    folder = root / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    return folder


def test_a_timm_network_of_the_cache_needs_no_network(cache: Path) -> None:
    repository = timm.get_pretrained_cfg("test_vit").hf_hub_id
    folder = snapshot(cache, repository)
    torch.manual_seed(0)
    save_file(timm.create_model("test_vit").state_dict(), folder / "model.safetensors")
    backbone = build_backbone("timm:test_vit", device="cpu")
    assert backbone.name == "timm:test_vit"
    file = build_backbone(f"timm:test_vit/{folder / 'model.safetensors'}", device="cpu")
    pixels = np.full((1, file.size, file.size, 3), 77, np.uint8)
    assert np.array_equal(backbone.embed(pixels), file.embed(pixels))
    assert backbone.weights_sha256 == file.weights_sha256


def test_a_video_encoder_of_the_cache_needs_no_network(cache: Path, tmp_path: Path) -> None:
    saved = save_video_encoder(tmp_path / "saved", "vjepa2")
    shutil.copytree(saved, snapshot(cache, "some/encoder"), dirs_exist_ok=True)
    backbone = build_backbone("hf:some/encoder", device="cpu")
    assert backbone.name == "hf:some/encoder"
    local = build_backbone(f"hf:{saved}", device="cpu")
    pixels = np.full((FRAMES, local.size, local.size, 3), 77, np.uint8)
    assert np.array_equal(backbone.embed(pixels), local.embed(pixels))
    with pytest.raises(UsageError, match="neither on this machine nor to be fetched"):
        build_backbone("hf:some/other", device="cpu")
