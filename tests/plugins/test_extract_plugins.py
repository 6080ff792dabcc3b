"""A backbone and a frame sampler of one's own in `extract`, in its decode processes, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chainpipe.command import run
from chainpipe.pipeline.store import open_store

EXAMPLES = Path(__file__).parents[2] / "examples" / "plugins"
BACKBONE = str(EXAMPLES / "my_backbone.py")


def test_a_backbone_and_a_sampler_make_a_store(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first_second = Path("first_second.py")
    text = (EXAMPLES / "my_sampler.py").read_text()
    first_second.write_text(text.replace("SECONDS = 10.0", "SECONDS = 1.0"))
    words = ["extract", str(library), "--frames", "4", "--backbone", "colours:2"]
    chosen = ["--sampling", "opening", "--plugin", BACKBONE, "--plugin", str(first_second)]
    assert run([*words, *chosen]) == 0
    with open_store(Path("feats.h5")) as store:
        assert store.shape == (8, 4, 12)
        assert store.meta.sampling == "opening"
        assert store.meta.fingerprint.backbone == "colours:2"
        seconds, index = store.seconds(slice(None)), store.index(slice(None))
        features = store.features(slice(None)).astype(np.float32)
    assert (seconds < 1).all()
    frames = round(float((index[:, -1] / seconds[:, -1]).mean()))  # in the first second
    expected = (2 * np.arange(4) + 1) * frames // 8
    np.testing.assert_array_equal(index, np.tile(expected, (8, 1)))
    grey = [
        i for i, row in enumerate(features.reshape(8, 4, 2, 2, 3)) if np.ptp(row, -1).max() < 0.02
    ]
    assert len(grey) == 2  # the clips without colour
    capsys.readouterr()
    train = ["train", "feats.h5", "--method", "pca-itq", "--bits", "8", "--out", "model"]
    assert run(train) == 0
    assert "`colours:2` (12 " in Path("model/README.md").read_text()


def test_unknown_backbones_and_samplers_are_refused(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["extract", str(library), "--backbone", "colours"]) == 2
    assert "`--plugin FILE` adds others" in capsys.readouterr().err
    assert run(["extract", str(library), "--sampling", "opening"]) == 2
    said = capsys.readouterr().err
    assert "error: no sampling `opening`" in said
    assert "hint: one of `uniform`, `segment`" in said


def test_a_sampler_that_returns_something_else_is_told(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("wrong.py").write_text(
        "from chainpipe.plugins import register\n\n"
        "@register.sampler('wrong')\n"
        "def wrong(seconds, duration, frames, rng):\n"
        "    return [len(seconds)] * frames\n"
    )
    words = ["extract", str(library), "--frames", "2", "--sampling", "wrong"]
    assert run([*words, "--plugin", "wrong.py"]) in (1, 2)
    failures = [path.read_text() for path in Path().rglob("*fail*")]
    said = capsys.readouterr().err + "".join(failures)
    assert "the sampler `wrong` must return 2 rising numbers" in said
