"""Exported models in ONNX Runtime, beside the numpy runtime and the torch network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from chainpipe import command
from chainpipe.hashing.config import AnyConfig, Config
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.methods.chain.method import CHAIN
from chainpipe.hashing.methods.conmh import CONMH
from chainpipe.hashing.methods.crovca import CROVCA
from chainpipe.hashing.methods.fit import tensors_of
from chainpipe.hashing.methods.onnx_export.compare import BitComparison, DifferentBit, compare
from chainpipe.hashing.methods.onnx_export.file import OnnxHasher, onnx_bytes
from chainpipe.hashing.methods.registry import load_hasher
from chainpipe.hashing.model_folder.folder import ModelFacts, read_facts, save_model
from chainpipe.hashing.models.hasher import with_values
from chainpipe.hashing.models.linear_hash import LinearHash
from chainpipe.hashing.runs.options import TrainOptions
from chainpipe.hashing.runs.train import train
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Fingerprint
from chainpipe.pipeline.store import open_store
from tests.hashing import small
from tests.hashing.conftest import planted_features
from tests.hashing.models.test_fused_hasher import NETWORKS, SMALL, drawn_network

MakeStore = Callable[..., Path]

CONFIGS: dict[str, AnyConfig | None] = {
    "chain": small.small({**small.SIZES, **small.TASKS}, optim__epochs=2),
    "conmh": apply(CONMH.config, {**small.CONMH, "optim.epochs": 1}),
    "crovca-like": apply(CROVCA.config, {"optim.epochs": 1, "optim.batch_size": 16}),
    "pca-itq": None,
    "hashing-baseline": None,
    "lsh": None,
}


_EMPTY = onnx.helper.make_graph([], "another", [], [])


def facts_of(config: Config, bits: int) -> ModelFacts:
    return ModelFacts(
        "chain", bits, 0, Fingerprint("cnn", "00", 12, "fit=crop"), "", config=asdict(config)
    )


@pytest.mark.parametrize("changes", NETWORKS)
def test_the_file_gives_the_models_values_for_any_number_of_videos_and_frames(
    changes: dict[str, object],
) -> None:
    features = planted_features(300, 30, 12)
    config = apply(Config(), {**SMALL, **changes})
    model = drawn_network(config, features, bits=64)
    hasher = CHAIN.load(config, tensors_of(model))
    exported = OnnxHasher(onnx_bytes(facts_of(config, 64), tensors_of(model)))
    for videos, frames in ((300, 30), (300, 9), (1, 30), (2, 1)):
        part = features[:videos, :frames]
        own, found = with_values(hasher).values(part), exported.values(part)
        with torch.no_grad():
            theirs = model(model.project(torch.from_numpy(part))).values.numpy()
        assert found.shape == (videos, 64)
        if config.hash.binarize == "frame":  # sums of signs: one more or less moves a value
            assert (found != own).mean() < 1e-3
            continue
        scale = np.abs(own).mean()
        np.testing.assert_allclose(found, own, atol=2e-5 * scale, rtol=0)
        if frames > 1:  # of one frame there is no trend, which torch computes but for rounding
            np.testing.assert_allclose(found, theirs, atol=2e-5 * scale, rtol=0)
        different = (found >= 0) != (own >= 0)
        assert (np.abs(own[different]) < 1e-5 * scale).all()
        assert different.sum() <= max(1, 1e-4 * own.size)


@pytest.mark.parametrize("method", CONFIGS)
def test_every_method_is_exported_with_its_facts(
    make_store: MakeStore, planted: np.ndarray, capsys: pytest.CaptureFixture[str], method: str
) -> None:
    store = make_store(planted)
    folder, out = store.with_name("m"), store.with_name("hasher.onnx")
    options = TrainOptions(method=method, bits=11, config=CONFIGS[method], out=folder, device="cpu")
    with open_store(store) as opened:
        train(opened, options)
        features = opened.features(slice(None)).astype(np.float32)
    capsys.readouterr()
    words = ["export", "model", "--model", str(folder), "--out", str(out)]
    assert command.run([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["onnx"], told["method"]) == (1, str(out), method)
    assert (told["videos"], told["compared"], told["equal"]) == (40, 440, 1.0)

    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    [found] = session.run(["values"], {"features": features})
    expected = load_hasher(folder)[1].encode(features)
    assert np.array_equal(found >= 0, expected)
    half = session.run(["values"], {"features": features[:3, :5]})[0] >= 0
    assert np.array_equal(half, load_hasher(folder)[1].encode(features[:3, :5]))

    said = {entry.key: entry.value for entry in onnx.load(out).metadata_props}
    facts = read_facts(folder)
    weights = (folder / "model.safetensors").read_bytes()
    assert said["chainpipe.model_sha256"] == hashlib.sha256(weights).hexdigest()
    assert said["chainpipe.bits"] == "11"
    assert said["chainpipe.backbone"] == facts.fingerprint.backbone
    assert said["chainpipe.preprocessing"] == facts.fingerprint.preprocessing
    assert said["chainpipe.version"] == facts.version
    packed = np.packbits(found >= 0, axis=1, bitorder="little")
    assert "byte j // 8, place j % 8, least significant first" in said["chainpipe.packing"]
    assert command.run(["encode", "--model", str(folder)]) == 0
    with np.load(folder / "codes.npz") as codes:
        assert np.array_equal(codes["codes"], packed)


def linear_model(folder: Path, features: np.ndarray, store: Path, *, shift: float = 0) -> Path:
    """Save an LSH model whose every direction is one feature."""
    hashed = LinearHash(
        features.mean(axis=(0, 1)).astype(np.float32) + np.float32(shift),
        np.eye(12, dtype=np.float32),
    )
    facts = replace(facts_of(Config(), 12), method="lsh", config={}, store=str(store))
    save_model(folder, facts, {"mean": hashed.mean, "directions": hashed.directions}, {})
    return folder


def test_bits_that_differ_are_listed_with_both_values(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    path = make_store(planted)
    own = linear_model(tmp_path / "own", planted, path)
    moved = linear_model(tmp_path / "moved", planted, path, shift=0.05)
    hasher = with_values(load_hasher(own)[1])
    other = with_values(load_hasher(moved)[1])
    tensors = {"mean": other.mean, "directions": other.directions}  # type: ignore[attr-defined]
    with open_store(path) as store:
        found = compare(store, hasher, OnnxHasher(onnx_bytes(read_facts(moved), tensors)))
        features = store.features(slice(None)).astype(np.float32)
        paths = store.videos.paths
    values, exported = hasher.values(features), other.values(features)
    expected = [
        (paths[row], bit, values[row, bit])
        for row, bit in np.argwhere((values >= 0) != (exported >= 0)).tolist()
    ]
    assert expected
    assert [(one.path, one.bit, np.float32(one.value)) for one in found.different] == expected
    assert all(one.exported < 0 <= one.value for one in found.different)
    assert (found.videos, found.bits) == (40, 480)
    assert found.equal == 1 - len(expected) / 480
    assert found.largest == pytest.approx(0.05, abs=1e-5)
    if len(expected) > 1:
        with pytest.raises(UsageError, match=f"{len(expected)} of 480 bits .* nothing was written"):
            found.check()


def test_one_bit_in_ten_thousand_may_differ_and_of_fewer_bits_one() -> None:
    one = DifferentBit(b"a.mp4", 3, 1e-9, -1e-9)
    BitComparison(videos=1, bits=8, different=[one]).check()
    BitComparison(videos=10_000, bits=80_000, different=[one] * 8).check()
    with pytest.raises(UsageError, match="9 of 80000 bits"):
        BitComparison(videos=10_000, bits=80_000, different=[one] * 9).check()
    with pytest.raises(UsageError, match="2 of 8 bits"):
        BitComparison(videos=1, bits=8, different=[one] * 2).check()
    assert BitComparison().equal == 1


def test_what_cannot_be_exported_is_one_error_and_writes_nothing(
    make_store: MakeStore,
    planted: np.ndarray,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = make_store(planted)
    with open_store(path) as store:
        train(store, TrainOptions(method="random", bits=8, out=tmp_path / "random"))
    out = tmp_path / "x.onnx"
    linear = linear_model(tmp_path / "linear", planted, tmp_path / "gone.h5")
    tries = {
        (str(tmp_path / "random"), str(out)): (2, "for which ONNX has no operator"),
        (str(tmp_path / "none"), str(out)): (10, "no model in"),
        (str(linear), str(tmp_path / "x.h5")): (2, "does not end in `.onnx`"),
        (str(linear), str(out)): (10, "is gone"),
        (str(linear), "/proc/none/x.onnx"): (10, "is gone"),
    }
    for (model, target), (code, words) in tries.items():
        assert command.run(["export", "model", "--model", model, "--out", target]) == code
        told = " ".join(capsys.readouterr().err.split())
        assert words in told
        assert "hint:" in told
    assert not out.exists()
    words_of = ["export", "model", "--model", str(linear), "--store", str(path)]
    assert command.run([*words_of, "--out", str(tmp_path / "no" / "x.onnx")]) == 5
    for _ in range(2):  # an older export is replaced
        assert command.run(words_of) == 0
    assert (linear / "hasher.onnx").exists()
    for content in (b"text", onnx.helper.make_model(_EMPTY).SerializeToString()):
        out.write_bytes(content)
        assert command.run([*words_of, "--out", str(out)]) == 2
        assert "is no exported model" in " ".join(capsys.readouterr().err.split())
        assert out.read_bytes() == content
