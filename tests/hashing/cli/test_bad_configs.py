"""Every bad config and option of `train`: one error line with the value, one hint, exit code 2."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from chainpipe import command
from chainpipe.pipeline.records import Split

MakeStore = Callable[..., Path]
LOSSES = ("contrastive", "order", "scene", "similarity", "reflection")
NO_TASK = [f"{name}.weight=0" for name in LOSSES]

KEYS = {  # by `--set`, and by a TOML file: what the error must name
    "optim.rte=1": "optim.rte",
    "optim=3": "`optim`",
    "scene.num_clusters=10": "`scene.num_clusters` is 10, but the videos have 9 frames",
    "views.num_frames=10": "`views.num_frames` is 10, but the videos have 9 frames",
    "views.window=10": "`views.window` is 10, but the videos have 9 frames",
    "order.num_frames=10": "`order.num_frames` is 10, but the videos have 9 frames",
    "views.temporal_jitter=9": "`views.temporal_jitter` is 9, but the videos have 9 frames",
    "views.num_frames=0": "`views.num_frames` is `0`",
    "order.shuffle_fraction=0.01": "0 of 8 frames are permuted",
    "order.weight=nan": "`order.weight` is `nan`",
    "scene.weight=-1": "`scene.weight` is `-1`",
    "contrastive.weight=-0.1": "`contrastive.weight` is `-0.1`",
    "similarity.weight=inf": "`similarity.weight` is `inf`",
    "contrastive.temperature=0": "`contrastive.temperature` is `0`",
    "neighbours.min_cosine=2": "`neighbours.min_cosine` is `2`",
    "neighbours.probability=1.5": "`neighbours.probability` is `1.5`",
    "optim.batch_size=1": "`optim.batch_size` is `1`",
    "optim.batch_size=2.5": "`optim.batch_size` is `2.5`",
    "optim.lr=inf": "`optim.lr` is `inf`",
    "optim.lr=nan": "`optim.lr` is `nan`",
    "optim.epochs=-1": "`optim.epochs` is `-1`",
    "encoder.kind='rnn'": "`encoder.kind` is `rnn`",
    "encoder.num_heads=3": "`encoder.hidden_dim` 176 is not divisible by 3 heads",
    "encoder.dropout=1": "`encoder.dropout` is `1`",
    "input.dims=0": "`input.dims` is `0`",
    "input.whitening=true": "`input.whitening` is `True`",
    "hash.tanh_end=0.5": "`hash.tanh_end` 0.5 is less than `hash.tanh_start` 1",
    "views.spatial='on'": "the store has no augmented views",
    "views.shift=1": "the store has no statistics of augmentation",
}

OPTIONS = {  # as typed: what the error must name
    "--bits 0": "`--bits 0`",
    "--bits 257": "`--bits 257`",
    "--bits many": "--bits",
    "--method chian": "`chian`",
    "--device tpu": "`tpu`",
    "--threads 0": "`--threads 0`",
    "--time-limit soon": "`--time-limit soon`",
    "--time-limit 0s": "`--time-limit 0s`",
    "--seed -1": "`--seed -1`",
    "--seed 9223372036854775808": "`--seed 9223372036854775808`",
    "--method pca-itq --seed -1": "`--seed -1`",
    "--epochs -3": "`optim.epochs` is `-3`",
    "--set foo": "`--set foo`",
    "--set =3": "no config key ``",
    "--config nowhere.toml": "`nowhere.toml`: No such file",
    "--config .": "`.`: Is a directory",
    "--method lsh --set optim.lr=1": "`--method lsh` has no config keys",
    "--method lsh --epochs 3": "`--method lsh` has no config keys",
    "--method conmh --paper": "`--method conmh` has no `--paper` preset",
    "--method conmh --set encoder.hidden_dim=3": "`encoder.hidden_dim` 3 is too small for 6 heads",
    "--method conmh --set optim.epochs=0": "`optim.epochs` is `0`",
    "--method conmh --set mask.ratio=1": "`mask.ratio` is `1`",
    "--epochs 2 --set " + " --set ".join(NO_TASK): "every loss has weight 0",
    "--out .": "exists and is not a model",
}

FILES = {  # a TOML file's bytes: what the error must name
    b"[optim\n": "is not TOML",
    b"\xff\xfe": "is not TOML",
    b"rate = 1\n": "`rate` is not a section",
    b"[optim]\nlr = [1]\n": "`optim.lr` is `[1]`",
    b"[optim.lr]\nhigh = 1\n": "`optim.lr` is `{'high': 1}`",
    b"[optim]\nlr = 2026-01-01\n": "`optim.lr` is `2026-01-01`",
    b"[optim]\nlr = 1\nlr = 2\n": "is not TOML",
}


@pytest.fixture
def refused(
    make_store: MakeStore,
    planted: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., str]:
    """Return a function that runs `train`, which must refuse, and returns its error line."""
    monkeypatch.chdir(tmp_path)
    store = make_store(planted)

    def run(*words: str, store: Path = store) -> str:
        before = sorted(tmp_path.rglob("*"))
        assert command.run(["train", str(store), *words]) == 2
        printed = capsys.readouterr()
        lines = [line for line in printed.err.splitlines() if line]
        assert printed.out == ""
        assert [line.split(":")[0] for line in lines if ": " in line][-2:] == ["error", "hint"]
        assert sum(line.startswith(("error:", "hint:")) for line in lines) == 2
        assert set(tmp_path.rglob("*")) - set(before) <= {tmp_path / "models"}
        return next(line for line in lines if line.startswith("error:"))

    return run


@pytest.mark.parametrize("source", ["--set", "--config"])
@pytest.mark.parametrize(("assignment", "named"), KEYS.items(), ids=list(KEYS))
def test_a_bad_key_is_refused(
    refused: Callable[..., str], tmp_path: Path, assignment: str, named: str, source: str
) -> None:
    if source == "--set":
        assert named in refused("--set", assignment)
        return
    section, dot, rest = assignment.partition(".")
    text = f"[{section}]\n{rest}\n" if dot else f"{assignment}\n"
    (tmp_path / "run.toml").write_text(text)
    assert named in refused("--config", "run.toml")


@pytest.mark.parametrize(("words", "named"), OPTIONS.items(), ids=list(OPTIONS))
def test_a_bad_option_is_refused(refused: Callable[..., str], words: str, named: str) -> None:
    assert named in refused(*words.split())


@pytest.mark.parametrize(("content", "named"), FILES.items(), ids=list(FILES.values()))
def test_a_bad_file_is_refused(
    refused: Callable[..., str], tmp_path: Path, content: bytes, named: str
) -> None:
    (tmp_path / "run.toml").write_bytes(content)
    assert named in refused("--config", "run.toml")


@pytest.mark.parametrize("split", [Split.VAL, Split.TEST, Split.QUERY])
def test_a_store_without_training_videos_is_refused(
    refused: Callable[..., str], make_store: MakeStore, planted: np.ndarray, split: Split
) -> None:
    path = make_store(planted[:3], name="apart.h5", splits=[split] * 3)
    assert "0 different videos to train on" in refused(store=path)


def test_the_program_itself_ends_with_the_code(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "chainpipe", "train", str(make_store(planted))]
    done = subprocess.run(
        [*command, "--set", "order.weight=nan", "--out", str(tmp_path / "m")],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: `order.weight` is `nan`\n\nhint: it takes a number")
