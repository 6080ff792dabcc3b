"""`train` from a real store to a real folder: every method, twice, killed, refused."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainpipe.hashing.config import AnyConfig, Config
from chainpipe.hashing.config.overrides import apply, flatten, to_dict
from chainpipe.hashing.methods.base import FitRequest
from chainpipe.hashing.methods.conmh import CONMH
from chainpipe.hashing.methods.registry import METHODS, load_hasher
from chainpipe.hashing.model_folder.folder import read_tensors, save_model
from chainpipe.hashing.runs.options import TrainOptions, default_folder
from chainpipe.hashing.runs.train import TrainReport, train
from chainpipe.hashing.training.callbacks import Callbacks
from chainpipe.pipeline.errors import LockedError, UsageError
from chainpipe.pipeline.store import open_store
from chainpipe.pipeline.store.lock import OutputLock
from tests.hashing.small import SIZES, TASKS

MakeStore = Callable[..., Path]

SMALL = apply(Config(), {**SIZES, **TASKS})

SMALL_CONMH = apply(
    CONMH.config,
    {
        "encoder.hidden_dim": 16,
        "encoder.num_layers": 2,
        "encoder.feed_forward_dim": 16,
        "decoder.hidden_dim": 8,
        "optim.epochs": 4,
        "optim.batch_size": 16,
    },
)
CONFIGS: dict[str, AnyConfig] = {"chain": SMALL, "conmh": SMALL_CONMH}


@pytest.fixture
def options(tmp_path: Path) -> TrainOptions:
    return TrainOptions(bits=12, config=SMALL, out=tmp_path / "models" / "m", device="cpu")


def run(path: Path, options: TrainOptions, watch: Callbacks | None = None) -> TrainReport:
    with open_store(path) as store:
        return train(store, options, watch)


@pytest.mark.parametrize("method", METHODS.names())
@pytest.mark.parametrize("bits", [1, 12, 70])
def test_every_method_makes_a_model_that_encodes(
    make_store: MakeStore, planted: np.ndarray, options: TrainOptions, method: str, bits: int
) -> None:
    config = CONFIGS.get(method)
    report = run(make_store(planted), replace(options, method=method, bits=bits, config=config))
    facts, hasher = load_hasher(report.folder)
    codes = hasher.encode(planted)
    assert (facts.method, facts.bits, hasher.bits) == (method, bits, bits)
    assert (codes.shape, codes.dtype) == ((40, bits), bool)
    assert np.array_equal(codes[7:9], hasher.encode(planted[7:9]))
    for frames in (1, 12, 60):
        other = hasher.encode(np.tile(planted[:5], (1, 7, 1))[:, :frames])
        assert other.shape == (5, bits)
    assert [p.name for p in report.folder.parent.iterdir()] == ["m"]


def test_learned_codes_find_the_planted_classes(
    make_store: MakeStore, planted: np.ndarray, options: TrainOptions
) -> None:
    path = make_store(planted)
    longer = apply(SMALL_CONMH, {"optim.epochs": 30, "optim.lr": 3e-3})
    hits = {}
    for method, config in (("chain", SMALL), ("conmh", longer), ("random", None)):
        out = options.out.with_name(method) if options.out else None
        run(path, replace(options, method=method, out=out, config=config))
        codes = load_hasher(options.out.with_name(method))[1].encode(planted)  # type: ignore[union-attr]
        distance = (codes[:, None] != codes[None]).sum(axis=2) + 99 * np.eye(40)
        nearest = np.argsort(distance, axis=1, kind="stable")[:, :5]
        hits[method] = (nearest % 4 == np.arange(40)[:, None] % 4).mean()
    assert hits["chain"] > 0.9
    assert hits["conmh"] > 0.9
    assert hits["random"] < 0.5


def test_the_folder_holds_weights_config_card_and_curves(
    make_store: MakeStore, planted: np.ndarray, options: TrainOptions
) -> None:
    folder = run(make_store(planted), options).folder
    names = {"model.safetensors", "config.json", "README.md", "history.csv", "curves.png"}
    assert {p.name for p in folder.iterdir()} == names
    card = (folder / "README.md").read_text()
    assert "12-bit video codes" in card
    assert card.startswith("---\nlibrary_name: chainpipe\n")
    assert "| store | `feats.h5` |" in card
    assert "change no code" not in card
    assert "40 (all of the store)" in card
    assert "`order.weight` | `0.1`" in card
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    with open(folder / "history.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert float(rows[0]["contrastive"]) > 0


def test_the_card_of_a_run_without_epochs_counts_what_is_used(
    make_store: MakeStore, planted: np.ndarray, options: TrainOptions
) -> None:
    config = apply(SMALL, {"optim.epochs": 0})
    folder = run(make_store(planted), replace(options, config=config)).folder
    tensors = read_tensors(folder)
    shortcut = sum(t.size for name, t in tensors.items() if "shortcut" in name or "general" in name)
    stored = sum(t.size for name, t in tensors.items() if not name.startswith("pca_"))
    card = (folder / "README.md").read_text()
    assert f"| {shortcut:,} = hash layer {shortcut:,}; {stored - shortcut:,} more are" in card


def test_a_finished_run_is_left_alone_and_other_settings_are_refused(
    make_store: MakeStore, planted: np.ndarray, options: TrainOptions
) -> None:
    path = make_store(planted)
    first = run(path, options)
    again = run(path, options)
    assert again.already_done
    assert again.facts == first.facts
    told = r"bits: 12 / 16; reflection.weight: 0.141 / 0.25; seed: 0 / 1"
    with pytest.raises(UsageError, match=told) as caught:
        run(path, replace(options, bits=16, seed=1))
    assert "--restart" in str(caught.value.hint)
    other = make_store(planted + 1, name="other.h5")
    with pytest.raises(UsageError, match="digest"):
        run(other, options)
    assert run(path, replace(options, bits=16, restart=True)).facts.bits == 16


def test_a_folder_with_something_else_in_it_is_refused(
    make_store: MakeStore, planted: np.ndarray, options: TrainOptions
) -> None:
    assert options.out is not None
    options.out.mkdir(parents=True)
    (options.out / "thesis.tex").touch()
    with pytest.raises(UsageError, match="is not a model"):
        run(make_store(planted), options)
    assert (options.out / "thesis.tex").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bits": 0}, "`--bits 0` is impossible"),
        ({"bits": 257}, "`--bits 257` is impossible"),
        ({"method": "chian"}, "no method `chian`"),
        ({"threads": 0}, "`--threads 0` is impossible"),
        ({"seed": -1}, "`--seed -1` is impossible"),
        ({"seed": 2**63}, "`--seed 9223372036854775808` is impossible"),
        ({"device": "tpu"}, "no device `tpu`"),
    ],
)
def test_impossible_options_leave_nothing_behind(
    make_store: MakeStore,
    planted: np.ndarray,
    options: TrainOptions,
    changes: dict[str, object],
    message: str,
) -> None:
    with pytest.raises(UsageError, match=message):
        run(make_store(planted), replace(options, **changes))  # type: ignore[arg-type]
    assert options.out is not None
    assert not options.out.parent.exists()


def test_two_runs_into_one_folder_do_not_mix(
    make_store: MakeStore, planted: np.ndarray, options: TrainOptions
) -> None:
    assert options.out is not None
    scratch = options.out.with_name("m.training")
    scratch.mkdir(parents=True)
    lock = OutputLock(scratch / "lock", options.out)
    with pytest.raises(LockedError, match=f"process {os.getpid()}"):
        run(make_store(planted), options)
    lock.release()


def test_equal_frames_are_refused_and_an_unknown_model_too(
    make_store: MakeStore, options: TrainOptions, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="same features"):
        run(make_store(np.ones((4, 5, 6))), options)


def test_a_model_of_a_method_from_elsewhere_is_refused(
    make_store: MakeStore, planted: np.ndarray, options: TrainOptions
) -> None:
    report = run(make_store(planted), replace(options, method="lsh"))
    facts = replace(report.facts, method="dkph")
    save_model(report.folder, facts, {"mean": np.zeros(3)}, {})
    with pytest.raises(UsageError, match="no method `dkph`"):
        load_hasher(report.folder)


def test_the_default_folder_names_store_method_and_bits() -> None:
    assert default_folder(Path("/x/my.feats.h5"), "lsh", 64) == Path("models/my.feats-lsh-64")


def test_the_run_is_told_about(
    make_store: MakeStore, planted: np.ndarray, options: TrainOptions
) -> None:
    planted[5, 0, 0] = np.nan
    lines: list[str] = []
    steps: list[tuple[int, int]] = []
    watch = Callbacks(log=lines.append, step=lambda done, total: steps.append((done, total)))
    path = make_store(planted, ids=[0, *range(39)])
    run(path, replace(options, skip_bad=True), watch)
    (decision,) = [line for line in lines if "views are trusted by 0" in line]
    assert decision.startswith("contrastive ")
    lines.remove(decision)
    assert lines == [
        "38 training videos (all of the store)",
        "1 row left out: same bytes as an earlier row",
        "1 row left out: NaN or Inf",
        "no validation: 0.05 of 38 videos is fewer than 16 (validation.fraction)",
        "13.7 kB of training frames are in memory",
    ]
    assert steps == [(n, 12) for n in range(1, 13)]


KILLED = """
import sys, time
from pathlib import Path
from chainpipe.hashing.methods.registry import METHODS
from chainpipe.hashing.config.overrides import apply, parse_assignments
from chainpipe.hashing.runs.train import train
from chainpipe.hashing.training.callbacks import Callbacks
from chainpipe.hashing.runs.options import TrainOptions
from chainpipe.pipeline.store import open_store

def step(done, total):
    print(done, flush=True)
    time.sleep(0.01)

method, *assignments = sys.argv[3:]
config = apply(METHODS[method].config, parse_assignments(assignments))
out = Path(sys.argv[2])
options = TrainOptions(
    method=method, bits=12, config=config, out=out, device="cpu", checkpoint_seconds=0
)
with open_store(Path(sys.argv[1])) as store:
    train(store, options, Callbacks(step=step))
"""


@pytest.mark.parametrize("method", CONFIGS)
def test_a_killed_run_continues_to_the_same_weights(
    make_store: MakeStore, planted: np.ndarray, options: TrainOptions, tmp_path: Path, method: str
) -> None:
    path, out = make_store(planted), tmp_path / "killed"
    config = apply(CONFIGS[method], {"optim.epochs": 20})
    longer = replace(options, method=method, config=config)
    assignments = [f"{name}={json.dumps(v)}" for name, v in flatten(to_dict(config)).items()]
    victim = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), str(out), method, *assignments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert victim.stdout is not None
    stop_at = str(random.randint(2, 50))
    for line in victim.stdout:
        if line.strip() == stop_at:
            victim.send_signal(signal.SIGKILL)
            break
    victim.communicate()
    assert victim.returncode == -signal.SIGKILL
    assert not out.exists()
    lines: list[str] = []
    steps: list[int] = []
    watch = Callbacks(log=lines.append, step=lambda done, total: steps.append(done))
    resumed = run(path, replace(longer, out=out), watch)
    assert "continuing an interrupted run" in lines
    assert steps[0] >= int(stop_at) > 1
    assert resumed.facts.weights_sha256 == run(path, longer).facts.weights_sha256
    assert not out.with_name("killed.training").exists()


def test_an_unfinished_run_with_other_settings_is_refused(
    make_store: MakeStore, planted: np.ndarray, options: TrainOptions
) -> None:
    path = make_store(planted)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(path, options, Callbacks(step=stop))
    with pytest.raises(UsageError, match="seed: 0 / 5"):
        run(path, replace(options, seed=5))
    assert run(path, replace(options, seed=5, restart=True)).facts.seed == 5


def test_the_baselines_never_import_torch(make_store: MakeStore, planted: np.ndarray) -> None:
    code = (
        "import sys; from pathlib import Path; from chainpipe.pipeline.store import open_store\n"
        "from chainpipe.hashing.runs.train import train\n"
        "from chainpipe.hashing.runs.options import TrainOptions\n"
        "from chainpipe.hashing.methods.registry import load_hasher\n"
        "store = open_store(Path(sys.argv[1]))\n"
        "for method in ('pca-itq', 'lsh', 'random'):\n"
        "    out = Path(sys.argv[2]) / method\n"
        "    train(store, TrainOptions(method=method, out=out))\n"
        "    load_hasher(out)[1].encode(store.features(slice(0, 3)))\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    path = make_store(planted)
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(path.parent / "models")],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_pca_itq_is_fitted_on_the_stores_means(make_store: MakeStore, planted: np.ndarray) -> None:
    from chainpipe.hashing.data.training_set import TrainingFrames
    from chainpipe.hashing.methods.pca_itq import fit_pca_itq

    with open_store(make_store(planted)) as store:
        frames = TrainingFrames(store, np.arange(40))
        request = FitRequest(bits=6, seed=2)
        tensors = METHODS["pca-itq"].fit(None, frames, request).tensors
        means = store.features(slice(None)).mean(axis=1, dtype=np.float32)
    expected = fit_pca_itq(means, 6, seed=2, frame_covariance=lambda: np.eye(12))
    np.testing.assert_array_equal(tensors["directions"], expected.directions)
