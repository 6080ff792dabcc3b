"""Video encoders of transformers against the library called plainly on the same frames."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from chainpipe.pipeline.backbones import build_backbone, fingerprint_of, frames_per_feature
from chainpipe.pipeline.backbones.weights import sha256_of
from chainpipe.pipeline.errors import UsageError
from tests.pipeline.backbones.tiny_models import FRAMES, save_clip, save_video_encoder

KINDS = ("vjepa2", "videomae", "timesformer", "vivit", "xclip", "videoprism")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random encoder of each kind, as transformers saves it."""
    folder = tmp_path_factory.mktemp("hf")
    for kind in KINDS:
        save_video_encoder(folder / kind, kind)
    return folder


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def plainly(folder: Path, kind: str, segments: np.ndarray) -> np.ndarray:
    """The library's own processor and model, for segments (n, F, H, W, 3)."""
    model = transformers.AutoModel.from_pretrained(folder).eval()
    if kind in ("videomae", "timesformer", "xclip"):  # their processors are those of pictures
        processor = transformers.AutoImageProcessor.from_pretrained(folder)
        frames = [processor([*each], return_tensors="pt").pixel_values for each in segments]
        inputs = torch.stack([each.reshape(len(segments[0]), 3, 32, 32) for each in frames])
    else:
        processor = transformers.AutoVideoProcessor.from_pretrained(folder)
        videos = [torch.from_numpy(each).permute(0, 3, 1, 2) for each in segments]
        found = processor(videos, return_tensors="pt", do_sample_frames=False)
        inputs = found[next(iter(found))]
    with torch.no_grad():
        if kind in ("xclip", "videoprism"):
            return model.get_video_features(inputs).pooler_output.flatten(1).numpy()
        if kind == "vjepa2":
            return model.get_vision_features(inputs).mean(1).numpy()
        tokens = model(inputs).last_hidden_state
        return (tokens.mean(1) if kind == "videomae" else tokens[:, 0]).numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_features_are_the_librarys_own_of_the_same_frames(folder: Path, kind: str) -> None:
    backbone = build_backbone(f"hf:{folder / kind}", device="cpu")
    assert frames_per_feature(backbone) == FRAMES
    assert backbone.weights_sha256 == sha256_of(folder / kind / "model.safetensors")
    assert fingerprint_of(backbone, fit="crop").preprocessing.endswith(f" frames={FRAMES}")
    shape = (5 * FRAMES, backbone.size, backbone.size, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    expected = plainly(folder / kind, kind, pixels.reshape(5, FRAMES, *shape[1:]))
    assert expected.shape == (5, backbone.dim)
    np.testing.assert_allclose(backbone.embed(pixels), expected, atol=1e-5, rtol=1e-5)
    alone = backbone.embed(pixels[2 * FRAMES : 3 * FRAMES])
    np.testing.assert_allclose(alone, expected[2:3], atol=1e-5, rtol=1e-5)


def test_another_number_of_frames_is_part_of_the_name(folder: Path) -> None:
    path = folder / "vjepa2"
    backbone = build_backbone(f"hf:{path}:frames=8", device="cpu")
    assert backbone.name == f"hf:{path}:frames=8"
    shape = (16, backbone.size, backbone.size, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    expected = plainly(path, "vjepa2", pixels.reshape(2, 8, *shape[1:]))
    np.testing.assert_allclose(backbone.embed(pixels), expected, atol=1e-5, rtol=1e-5)
    with pytest.raises(UsageError, match="makes no feature of 8 frames of 32x32 pixels"):
        build_backbone(f"hf:{folder / 'videomae'}:frames=8", device="cpu")


def test_an_encoder_whose_weights_lack_a_layer_is_refused(folder: Path, tmp_path: Path) -> None:
    cut = shutil.copytree(folder / "videomae", tmp_path / "cut")
    weights = load_file(cut / "model.safetensors")
    lacks = {key: value for key, value in weights.items() if "layernorm" not in key}
    save_file(lacks, cut / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"do not fit it: \d+ are missing, such as"):
        build_backbone(f"hf:{cut}", device="cpu")


def test_pickled_weights_need_trust(folder: Path, tmp_path: Path) -> None:
    model = shutil.copytree(folder / "videomae", tmp_path / "pickled")
    weights = load_file(model / "model.safetensors")
    (model / "model.safetensors").unlink()
    torch.save(weights, model / "pytorch_model.bin")
    with pytest.raises(UsageError, match="are a pickle"):
        build_backbone(f"hf:{model}", device="cpu")
    trusted = build_backbone(f"hf:{model}", device="cpu", trust_weights=True)
    plain = build_backbone(f"hf:{folder / 'videomae'}", device="cpu")
    pixels = np.full((FRAMES, 32, 32, 3), 9, np.uint8)
    assert np.array_equal(trusted.embed(pixels), plain.embed(pixels))


def test_code_in_a_model_is_never_run(folder: Path, tmp_path: Path) -> None:
    model = shutil.copytree(folder / "videomae", tmp_path / "code")
    config = json.loads((model / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Mine"}}
    (model / "config.json").write_text(json.dumps(config))
    canary = tmp_path / "ran"
    (model / "mine.py").write_text(f"open({str(canary)!r}, 'w')\nclass Mine: pass\n")
    with pytest.raises(UsageError, match="is no model that transformers knows"):
        build_backbone(f"hf:{model}", device="cpu", trust_weights=True)
    assert not canary.exists()


def test_a_folder_without_its_preprocessing_is_refused(folder: Path, tmp_path: Path) -> None:
    model = shutil.copytree(folder / "vjepa2", tmp_path / "bare")
    (model / "video_preprocessor_config.json").unlink()
    with pytest.raises(UsageError, match="does not say how frames become its input"):
        build_backbone(f"hf:{model}", device="cpu")


def test_a_picture_model_and_what_is_not_there_are_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_clip(tmp_path / "clip")
    with pytest.raises(UsageError, match="is a `clip`, not a video encoder") as caught:
        build_backbone("hf:clip", device="cpu")
    assert "`timm:`" in str(caught.value.hint)
    with pytest.raises(UsageError, match="no backbone `hf:`"):
        build_backbone("hf:")
    for place in ("facebook/none", "none"):
        with pytest.raises(UsageError, match="neither on this machine nor") as caught:
            build_backbone(f"hf:{place}", device="cpu")
        assert "HF_HUB_OFFLINE" in str(caught.value.hint)
    with pytest.raises(UsageError, match="there is no folder"):
        build_backbone("hf:/none/of/these", device="cpu")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="is no model that transformers knows"):
        build_backbone("hf:empty", device="cpu")


def test_a_missing_package_is_told_with_its_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    from chainpipe.pipeline.backbones import extras

    real = importlib.util.find_spec
    missing = ("transformers", "sentence_transformers")
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name in missing else real(name))
    for kind, extra in (("hf", "transformers"), ("st", "sentence-transformers")):
        with pytest.raises(UsageError, match="needs the package") as caught:
            build_backbone(f"{kind}:{folder}", device="cpu")
        assert f"pip install 'chainpipe-video[{extra}]'" in str(caught.value.hint)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rescale_factor": 0},
        {"rescale_factor": None},
        {"image_mean": None},
        {"image_mean": "x"},
        {"image_std": [0, 0, 0]},
        {"resample": "abc"},
    ],
)
def test_a_preprocessing_that_makes_no_sense_is_refused(
    folder: Path, tmp_path: Path, wrong: dict
) -> None:
    model = shutil.copytree(folder / "videomae", tmp_path / "model")
    path = model / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | wrong))
    with pytest.raises(UsageError, match="does not say how frames become its input"):
        build_backbone(f"hf:{model}")
