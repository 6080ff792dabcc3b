"""Encoding against the network as training sees it, and every kind of encoder from end to end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from chainpipe.hashing.config import Config
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.methods.chain.build_model import build_model
from chainpipe.hashing.methods.chain.method import CHAIN
from chainpipe.hashing.methods.fit import tensors_of
from chainpipe.hashing.methods.registry import build_hasher, load_hasher
from chainpipe.hashing.model_folder.folder import read_facts, read_tensors
from chainpipe.hashing.models.hash_model import HashModel
from chainpipe.hashing.models.pca_whitening import fit_pca_whitening
from chainpipe.hashing.runs.options import TrainOptions
from chainpipe.hashing.runs.train import train
from chainpipe.pipeline.store import open_store
from tests.hashing.conftest import planted_features

MakeStore = Callable[..., Path]

KINDS = ("transformer", "lstm", "mlp-mixer")
SMALL: dict[str, object] = {
    "input.dims": 10,
    "encoder.hidden_dim": 16,
    "encoder.num_heads": 2,
    "encoder.mixer_tokens": 9,
    "encoder.feed_forward_dim": 16,
}
TRAINED: dict[str, object] = {
    "contrastive.weight": 1.0,
    "order.weight": 0.1,
    "scene.weight": 0.1,
    "hash.init": "random",  # so that it is the encoder that must find the classes
    "optim.epochs": 10,
    "optim.batch_size": 16,
    "optim.lr": 0.01,
}


def network(features: np.ndarray, **changes: object) -> HashModel:
    named = {name.replace("__", "."): value for name, value in changes.items()}
    config = apply(Config(), {**SMALL, **named})
    frames = features.reshape(-1, features.shape[2])
    pca = fit_pca_whitening(
        [frames], dims=10, whitening=0.25, l2_normalize=config.input.l2_normalize
    )
    model = build_model(config, pca, bits=32, seed=0)
    torch.manual_seed(0)
    nn.init.normal_(model.hash_layer.head.weight)
    return model.eval()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("binarize", ["video", "frame"])
@pytest.mark.parametrize("l2_normalize", [False, True])
def test_encoding_gives_the_networks_own_values(
    planted: np.ndarray, kind: str, layers: int, binarize: str, l2_normalize: bool
) -> None:
    model = network(
        planted,
        encoder__kind=kind,
        encoder__num_layers=layers,
        hash__binarize=binarize,
        input__l2_normalize=l2_normalize,
    )
    features = torch.from_numpy(planted)
    with torch.no_grad():
        expected = model(model.project(features)).values
    found = torch.from_numpy(model.fused().values(planted))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    sure = expected.abs() > 1e-3
    assert (model.encode(planted) == (expected >= 0).numpy())[sure.numpy()].all()


NETWORKS: list[dict[str, object]] = [
    {},  # the default
    {"encoder.activation": "gelu", "encoder.bias": True, "encoder.position_slots": 0},
    {"encoder.num_layers": 2, "hash.binarize": "frame", "hash.init": "random"},
    {"encoder.kind": "lstm", "encoder.num_layers": 2, "encoder.hidden_dim": 15},
    {"encoder.kind": "mlp-mixer", "encoder.num_layers": 2, "input.l2_normalize": True},
    {"hash.summary": "trend", "hash.l2_normalize": True},
    {"hash.summary": "changes"},
]


@pytest.mark.parametrize("changes", NETWORKS)
def test_numpy_gives_torchs_bits_except_where_a_value_is_0_within_1e_5(
    changes: dict[str, object],
) -> None:
    features = planted_features(400, 9, 12)
    config = apply(Config(), {**SMALL, **changes})
    model = drawn_network(config, features, bits=64)
    hasher = CHAIN.load(config, tensors_of(model))
    with torch.no_grad():
        expected = model(model.project(torch.from_numpy(features))).values.numpy()
    found = hasher.values(features)
    assert np.array_equal(hasher.encode(features), found >= 0)
    assert hasher.bits == 64
    if config.hash.binarize == "frame":  # sums of signs: one more or less moves a value
        assert (found != expected).mean() < 1e-3
        return
    scale = np.abs(expected).mean()
    differing = (found >= 0) != (expected >= 0)
    print(f"{differing.sum()} of {differing.size} bits differ")
    assert (np.abs(expected[differing]) < 1e-5 * scale).all()
    assert differing.sum() <= 2
    np.testing.assert_allclose(found, expected, atol=2e-5 * scale, rtol=0)


def drawn_network(config: Config, features: np.ndarray, *, bits: int) -> HashModel:
    """Return a network whose every weight is drawn, as after a training."""
    frames = features.reshape(-1, features.shape[2])
    l2_normalize = config.input.l2_normalize
    pca = fit_pca_whitening([frames], dims=10, whitening=0.25, l2_normalize=l2_normalize)
    model = build_model(config, pca, bits=bits, seed=0)
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        around = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        nn.init.normal_(weight, mean=around, std=0.3)
    return model.eval()


def test_general_bits_come_first(planted: np.ndarray) -> None:
    half = {"hash.general": 0.5, "hash.min_learned": 1}
    config = apply(Config(), {**SMALL, **half})
    model = drawn_network(config, planted, bits=32)
    assert model.hash_layer.general is not None
    with torch.no_grad():
        expected = model(model.project(torch.from_numpy(planted))).values.numpy()
    found = CHAIN.load(config, tensors_of(model)).values(planted)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_tensors_of_another_network_are_refused(planted: np.ndarray, kind: str) -> None:
    config = apply(Config(), {**SMALL, "encoder.kind": kind})
    tensors = tensors_of(drawn_network(config, planted, bits=8))
    name = "hash_layer.head.weight"
    with pytest.raises(KeyError, match=r"hash_layer\.head\.weight"):
        CHAIN.load(config, {other: tensors[other] for other in tensors if other != name})
    with pytest.raises(ValueError, match=r"`hash_layer\.head\.weight` is \(8, 3\), not"):
        CHAIN.load(config, {**tensors, name: tensors[name][:, :3]})
    with pytest.raises(ValueError, match=r"no tensors \['more'\]"):
        CHAIN.load(config, {**tensors, "more": tensors[name]})


def test_encoding_imports_no_torch(make_store: MakeStore, planted: np.ndarray) -> None:
    store = make_store(planted)
    folder = store.with_name("m")
    config = apply(Config(), {**SMALL, **TRAINED, "optim.epochs": 1})
    with open_store(store) as opened:
        train(opened, TrainOptions(bits=12, config=config, out=folder, device="cpu"))
    program = (
        "import sys; from chainpipe.command import run; code = run(sys.argv[1:]); "
        "sys.exit(code or 'torch' in sys.modules)"
    )
    for words in (["encode"], ["search", "0003.mp4"], ["eval", "--protocol", "leave-one-out"]):
        command = [sys.executable, "-c", program, *words, "--model", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == (2 if words[0] == "eval" else 0), done.stderr  # no labels


@pytest.mark.parametrize("l2_normalize", [False, True])
@pytest.mark.parametrize("init", ["pca-itq", "random"])
def test_the_skip_and_its_length_are_kept(
    planted: np.ndarray, l2_normalize: bool, init: str
) -> None:
    model = network(planted, hash__l2_normalize=l2_normalize, hash__init=init)
    features = torch.from_numpy(planted)
    with torch.no_grad():
        expected = model(model.project(features)).values
    found = torch.from_numpy(model.fused().values(planted))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4", ">f2"])
def test_features_of_any_float_type_and_order_are_read(planted: np.ndarray, dtype: str) -> None:
    stored = planted.astype(dtype)
    stored.flags.writeable = False
    model = network(planted)
    expected = model.encode(stored.astype("<f4"))
    assert np.array_equal(model.encode(stored), expected)
    assert np.array_equal(model.encode(stored[:, ::-1]), model.encode(stored[:, ::-1].copy()))


def test_a_model_encodes_many_long_videos_and_none(planted: np.ndarray) -> None:
    model = network(planted)
    assert model.encode(planted[:0]).shape == (0, 32)
    long = np.tile(planted[:2], (1, 200, 1))  # more frames than are encoded at once
    assert model.encode(long).shape == (2, 32)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_learns_is_saved_and_says_its_size(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path, kind: str
) -> None:
    config = apply(Config(), {**SMALL, **TRAINED, "encoder.kind": kind})
    options = TrainOptions(bits=12, config=config, out=tmp_path / "m", device="cpu")
    with open_store(make_store(planted)) as store:
        train(store, options)
        train(store, replace(options, method="random", out=tmp_path / "random"))
    facts, hasher = load_hasher(tmp_path / "m")
    assert facts.config["encoder"]["kind"] == kind
    assert class_hits(hasher.encode(planted)) > 0.6
    assert class_hits(load_hasher(tmp_path / "random")[1].encode(planted)) < 0.4
    assert hasher.encode(planted[:, :3]).shape == (40, 12)
    encoder, layer = sizes(read_tensors(tmp_path / "m"))
    card = (tmp_path / "m/README.md").read_text()
    assert f"{encoder + layer:,} = encoder ({kind}) {encoder:,} + hash layer {layer:,}" in card
    assert "parameters | 2 |" in (tmp_path / "random/README.md").read_text()


def test_a_model_from_before_some_keys_encodes_as_it_did(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    older = {"encoder.position_slots": 0, "encoder.activation": "gelu", "encoder.bias": True}
    codes, named = {}, {**SMALL, **TRAINED}
    for name, changed in {
        "old": older,
        "new": {},
        "spread": {**older, "encoder.position_slots": 4},
    }.items():
        config = apply(Config(), {**named, **changed})
        options = TrainOptions(bits=32, config=config, out=tmp_path / name, device="cpu")
        with open_store(make_store(planted)) as store:
            train(store, options)
        codes[name] = load_hasher(options.out)[1].encode(planted)
    facts = read_facts(tmp_path / "old")
    for key in older:
        del facts.config["encoder"][key.removeprefix("encoder.")]
    old = build_hasher(facts, read_tensors(tmp_path / "old")).encode(planted)
    assert np.array_equal(old, codes["old"])
    assert not np.array_equal(codes["spread"], codes["old"])
    assert not np.array_equal(codes["new"], codes["old"])


def sizes(tensors: dict[str, np.ndarray]) -> tuple[int, int]:
    """Count an encoder's and a hash layer's numbers one tensor after the other."""
    encoder = layer = 0
    for name, tensor in tensors.items():
        encoder += tensor.size if name.startswith("encoder.") else 0
        layer += tensor.size if name.startswith("hash_layer.") else 0
    return encoder, layer


def class_hits(codes: np.ndarray) -> float:
    """Return which share of the 5 nearest videos is of the same planted class; chance is 0.23."""
    distance = (codes[:, None] != codes[None]).sum(axis=2) + 99 * np.eye(40)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :5]
    return float((nearest % 4 == np.arange(40)[:, None] % 4).mean())
