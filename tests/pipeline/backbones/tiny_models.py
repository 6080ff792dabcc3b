"""Tiny random models of each library, saved to disk as the library itself saves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import torch

SIDE, FRAMES = 32, 4
VISION: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
TEXT: dict[str, Any] = {**VISION, "vocab_size": 16, "max_position_embeddings": 8}
CROP: dict[str, Any] = {
    "size": {"shortest_edge": SIDE},
    "crop_size": {"height": SIDE, "width": SIDE},
}


def save_video_encoder(folder: Path, kind: str) -> Path:
    """Save one of transformers' video encoders: ``vjepa2``, ``videomae``, ``xclip`` ..."""
    import transformers as library

    torch.manual_seed(0)
    seen = {"image_size": SIDE, "patch_size": 16, "num_frames": FRAMES, **VISION}
    model, processor = {
        "videomae": lambda: (
            library.VideoMAEModel(library.VideoMAEConfig(**seen)),
            library.VideoMAEImageProcessor(**CROP),
        ),
        "timesformer": lambda: (
            library.TimesformerModel(library.TimesformerConfig(**seen)),
            library.VideoMAEImageProcessor(**CROP),
        ),
        "vivit": lambda: (
            library.VivitModel(library.VivitConfig(**seen | {"tubelet_size": [2, 16, 16]})),
            library.VivitImageProcessor(size={"shortest_edge": 36}, crop_size=CROP["crop_size"]),
        ),
        "vjepa2": lambda: (
            library.VJEPA2Model(
                library.VJEPA2Config(
                    crop_size=SIDE,
                    patch_size=16,
                    frames_per_clip=FRAMES,
                    hidden_size=24,
                    num_hidden_layers=1,
                    num_attention_heads=2,
                    pred_hidden_size=24,
                    pred_num_attention_heads=2,
                    pred_num_hidden_layers=1,
                    pred_num_mask_tokens=1,
                )
            ),
            library.VJEPA2VideoProcessor(crop_size=SIDE),
        ),
        "xclip": lambda: (
            library.XCLIPModel(
                library.XCLIPConfig(
                    text_config=TEXT,
                    vision_config=seen
                    | {
                        "mit_hidden_size": 16,
                        "mit_intermediate_size": 32,
                        "mit_num_hidden_layers": 1,
                        "mit_num_attention_heads": 2,
                    },
                    projection_dim=16,
                    prompt_layers=1,
                    prompt_num_attention_heads=2,
                )
            ),
            library.CLIPImageProcessor(**CROP),
        ),
        "videoprism": lambda: (
            library.VideoPrismClipModel(
                library.VideoPrismConfig(
                    text_config=TEXT,
                    vision_config={
                        "image_size": 36,
                        "num_frames": FRAMES,
                        "num_spatial_layers": 1,
                        "num_temporal_layers": 1,
                        "num_auxiliary_layers": 1,
                        "tubelet_size": [1, 18, 18],
                        "hidden_size": 16,
                        "num_attention_heads": 2,
                        "intermediate_size": 32,
                    },
                )
            ),
            library.LlavaOnevisionVideoProcessor(size={"height": 36, "width": 36}),
        ),
    }[kind]()
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def save_clip(folder: Path) -> Path:
    """Save a CLIP of transformers with its processor."""
    import transformers as library
    from tokenizers import Tokenizer, models

    torch.manual_seed(0)
    vision = {"image_size": SIDE, "patch_size": 16, **VISION}
    config = library.CLIPConfig(text_config=TEXT, vision_config=vision, projection_dim=12)
    words = Tokenizer(models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
    tokens = library.PreTrainedTokenizerFast(tokenizer_object=words, pad_token="?")
    library.CLIPModel(config).eval().save_pretrained(folder)
    library.CLIPProcessor(library.CLIPImageProcessor(**CROP), tokens).save_pretrained(folder)
    return folder


def save_sentence_model(folder: Path, source: Path, *, pooled: int = 0) -> Path:
    """Save a model of sentence-transformers around one of transformers in ``source``."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    modules: list[Any] = [Transformer(str(source))]
    if pooled:
        modules.append(Pooling(pooled, pooling_mode="mean"))
    SentenceTransformer(modules=modules, device="cpu").save(str(folder))
    return folder


class _Convolution(torch.nn.Module):
    def __init__(self, gives: str, takes: str) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 8, 4, 4)
        self.gives, self.takes = gives, takes

    def forward(self, pixels: torch.Tensor) -> Any:
        if self.takes == "bytes":
            pixels = pixels.permute(0, 3, 1, 2).float() / 255
        maps: torch.Tensor = self.layer(pixels)
        return {
            "vector": maps.mean((2, 3)),
            "map": maps,
            "tokens": maps.flatten(2).transpose(1, 2),
            "both": (maps.mean((2, 3)), maps),
        }[self.gives]


def save_onnx(path: Path, *, gives: str = "vector", takes: str = "floats", batch: int = 0) -> Path:
    """Export a convolution; ``gives`` is ``vector``, ``map``, ``tokens`` or ``both``."""
    torch.manual_seed(0)
    pixels = torch.zeros(batch or 1, 3, SIDE, SIDE)
    if takes == "bytes":
        pixels = torch.zeros(batch or 1, SIDE, SIDE, 3, dtype=torch.uint8)
    names = ["features", "map"] if gives == "both" else ["features"]
    free = {} if batch else {name: {0: "n"} for name in ("pixels", *names)}
    torch.onnx.export(
        _Convolution(gives, takes).eval(),
        (pixels,),
        str(path),
        dynamo=False,
        opset_version=17,
        input_names=["pixels"],
        output_names=names,
        dynamic_axes=free,
    )
    return path


def with_weights_in(path: Path, source: Path, location: str) -> Path:
    """Write a copy of an ONNX file whose weights are said to lie at ``location``."""
    onnx.save(
        onnx.load(source),
        path,
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    path.write_bytes(model.SerializeToString())
    return path
