"""``search --text``: a two-tower model that was taught colours, and the embedded backbone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import chainpipe
from chainpipe import command
from tests.pipeline.conftest import draw_clip

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")
safetensors = pytest.importorskip("safetensors.torch")

COLOURS = {
    "red": (200, 30, 30),
    "green": (30, 180, 40),
    "blue": (30, 50, 200),
    "yellow": (220, 210, 40),
    "white": (235, 235, 235),
    "violet": (150, 40, 170),
}
CLIPS = 4  # of each colour
CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 8, "head_width": 16},
    "text_cfg": {"context_length": 12, "width": 32, "heads": 2, "layers": 1},
}
MEAN = STD = [0.5, 0.5, 0.5]
FIELDS = ["schema", "query", "rank", "path", "id", "distance", "similarity", "answer", "seconds"]


def taught_model(folder: Path) -> Path:
    """Save a model that learned which picture fits which colour's word."""
    torch.manual_seed(0)
    model = open_clip.CLIP(**CONFIG)
    tokenizer = open_clip.get_tokenizer("ViT-B-32", context_length=12)
    words = list(COLOURS)
    tokens = tokenizer([f"a photo of {word}." for word in words])
    shades = torch.tensor([COLOURS[word] for word in words], dtype=torch.float32) / 255
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(150):
        noise = torch.randn(len(words), 3, 1, 1) * 0.05 + torch.randn(len(words), 3, 32, 32) * 0.05
        pictures = (shades[:, :, None, None] + noise - 0.5) / 0.5
        seen = model.encode_image(pictures, normalize=True)
        read = model.encode_text(tokens, normalize=True)
        logits = 10 * seen @ read.T
        target = torch.arange(len(words))
        loss = torch.nn.functional.cross_entropy(logits, target)
        loss = loss + torch.nn.functional.cross_entropy(logits.T, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    folder.mkdir()
    facts = {"model_cfg": CONFIG, "preprocess_cfg": {"mean": MEAN, "std": STD}}
    (folder / "open_clip_config.json").write_text(json.dumps(facts))
    safetensors.save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return folder


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of plain clips and a model of it."""
    folder = tmp_path_factory.mktemp("colours")
    rng = np.random.default_rng(0)
    for word, shade in COLOURS.items():
        for number in range(CLIPS):
            near = np.clip(np.array(shade) + rng.integers(-12, 13, 3), 0, 255)
            fill = "color=0x{:02x}{:02x}{:02x}:64x48:d=1,noise=alls=8:allf=t".format(*near)
            path = folder / "videos" / word / f"{number}.mp4"
            draw_clip(path, "-f", "lavfi", "-i", fill, "-map", "1:v", "-r", "5", "-t", "1")
    clip = taught_model(folder / "clip")
    words = ["extract", str(folder / "videos"), "--out", str(folder / "feats.h5")]
    words += ["--backbone", f"clip:local-dir:{clip}", "--frames", "3", "--quiet"]
    assert command.run([*words, "--labels", "folders"]) == 0
    train = ["train", str(folder / "feats.h5"), "--bits", "16", "--method", "pca-itq"]
    assert command.run([*train, "--out", str(folder / "model")]) == 0
    assert command.run(["encode", "--model", str(folder / "model")]) == 0
    return folder


def ask(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, object]]:
    capsys.readouterr()
    assert command.run(["search", "--model", str(folder / "model"), "--json", *words]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


# The sign alone of a text's weights says less than the weights.
@pytest.mark.parametrize(("distance", "least"), [("asymmetric", 0.95), ("hamming", 0.6)])
def test_words_find_what_the_model_was_taught(
    colours: Path, capsys: pytest.CaptureFixture[str], distance: str, least: float
) -> None:
    words = [piece for word in COLOURS for piece in ("--text", f"a photo of {word}.")]
    lines = ask(colours, capsys, *words, "-k", str(CLIPS), "--distance", distance)
    right = [
        str(line["path"]).startswith(str(line["query"]).split()[-1].rstrip(".")) for line in lines
    ]
    assert len(lines) == CLIPS * len(COLOURS)
    assert np.mean(right) >= least
    assert all(list(line) == FIELDS for line in lines)
    assert all(0 <= float(str(line["seconds"])) <= 1 for line in lines)


def test_codes_alone_answer_once_the_bits_are_understood(
    colours: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with_store = ask(colours, capsys, "--text", "a photo of red.", "-k", "3")
    (colours / "feats.h5").rename(tmp_path / "away.h5")
    try:
        alone = ask(colours, capsys, "--text", "a photo of red.", "-k", "3")
        (colours / "model" / "text.npz").rename(tmp_path / "text.npz")
        code = command.run(
            ["search", "--model", str(colours / "model"), "--text", "a photo of red."]
        )
    finally:
        (tmp_path / "away.h5").rename(colours / "feats.h5")
    assert [line["path"] for line in alone] == [line["path"] for line in with_store]
    assert all(line["seconds"] is None for line in alone)
    assert code == 2
    assert "what the bits mean in features is not known yet" in capsys.readouterr().err


def test_a_damaged_decoder_is_made_anew(colours: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = ask(colours, capsys, "--text", "a photo of blue.", "-k", "3")
    path = colours / "model" / "text.npz"
    path.write_bytes(path.read_bytes()[:-40])
    assert ask(colours, capsys, "--text", "a photo of blue.", "-k", "3") == before


def test_the_embedded_backbone_says_what_it_does_not_know(
    store: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert command.run(["search", "--model", str(model), "--text", "okapi"]) == 0
    shown = capsys.readouterr().out
    first, second, *_ = shown.splitlines()
    assert re.fullmatch(r"no word near `okapi`; nearest: `\w+`(, `[^`]+`){2}", first)
    assert second == "answers to the nearest names:"
    words = ["search", "--model", str(model), "--json", "--text", "okapi", "--text", "a zebra"]
    assert command.run(words) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    strange = [line for line in lines if line["query"] == "okapi"]
    assert all(line["unknown"] == ["okapi"] and len(line["nearest"]) == 3 for line in strange)
    assert len(strange) == len(lines) - len(strange)
    assert "unknown" not in lines[-1]


def test_python_finds_what_the_command_finds(
    colours: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ask(colours, capsys, "--text", "a photo of green.", "-k", "5")
    codes = chainpipe.Codes.load(colours / "model" / "codes.npz")
    with chainpipe.open_store(colours / "feats.h5") as store:
        found = chainpipe.TextSearch(store, codes).find("a photo of green.", k=5)
        assert [one.path for one in found] == [line["path"] for line in lines]
        assert [round(one.seconds, 3) for one in found] == [line["seconds"] for line in lines]
        with pytest.raises(chainpipe.UsageError, match="not those of the store's videos"):
            chainpipe.TextSearch(store, codes[:3])
        with pytest.raises(ValueError, match="at least 1"):
            chainpipe.TextSearch(store, codes).find("red", k=0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "there is nothing to search for"),
        (["a.mp4", "--text", "cat"], "both `--text` and `a.mp4` are given"),
        (["--text", "cat", "--distance", "rerank"], "`--distance rerank` compares videos"),
        (["--text", "cat", "--check"], "`--check` compares videos"),
        (["--text", "cat", "--picture", "a.png"], "`--picture` draws the answers to videos"),
    ],
)
def test_what_does_not_fit_words_is_one_error_and_one_hint(
    words: list[str], message: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert command.run(["search", "--model", str(model), *words]) == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert shown.count("error: ") == shown.count("hint: ") == 1
    assert message in shown
