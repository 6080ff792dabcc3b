"""The model folder: write, read, damage."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from chainpipe.hashing.model_folder.folder import (
    ModelFacts,
    check_fingerprint,
    newest_model,
    read_facts,
    read_tensors,
    save_model,
)
from chainpipe.pipeline.errors import DamageError, NotFoundError, StorageError, UsageError
from chainpipe.pipeline.records import Fingerprint

FACTS = ModelFacts(
    method="lsh",
    bits=8,
    seed=3,
    fingerprint=Fingerprint("cnn", "ab", 4, "fit=crop"),
    store="/data/feats.h5",
    data={"videos": 5},
)
TENSORS = {"mean": np.arange(4.0, dtype=np.float32), "directions": np.ones((4, 8), np.float32)}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    facts = save_model(tmp_path / "m", FACTS, TENSORS, {"README.md": b"hello"})
    assert read_facts(tmp_path / "m") == facts
    place = {"store_from_folder": os.path.relpath(FACTS.store, tmp_path / "m")}
    expected = replace(FACTS, data={**FACTS.data, **place})
    assert replace(facts, weights_sha256="", created="", version="") == expected
    read = read_tensors(tmp_path / "m")
    assert all(np.array_equal(read[name], TENSORS[name]) for name in TENSORS)
    assert (tmp_path / "m/README.md").read_bytes() == b"hello"
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_a_new_model_replaces_the_old_folder_whole(tmp_path: Path) -> None:
    save_model(tmp_path / "m", FACTS, TENSORS, {"codes.npz": b"old"})
    save_model(tmp_path / "m", replace(FACTS, seed=4), TENSORS, {})
    assert read_facts(tmp_path / "m").seed == 4
    assert not (tmp_path / "m/codes.npz").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot write"):
        save_model(tmp_path / "file" / "m", FACTS, TENSORS, {})


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_any_changed_byte_or_cut_is_damage(tmp_path: Path, name: str) -> None:
    save_model(tmp_path / "m", FACTS, TENSORS, {})
    path = tmp_path / "m" / name
    whole = path.read_bytes()
    changed = whole.replace(b'"seed": 3', b'"seed": 4') if name == "config.json" else None
    for bad in (changed or whole[:-1] + b"\x01", whole[: len(whole) // 2]):
        path.write_bytes(bad)
        with pytest.raises(DamageError, match=name):
            read_tensors(tmp_path / "m")


def test_missing_weights_and_missing_parts_are_damage(tmp_path: Path) -> None:
    save_model(tmp_path / "m", FACTS, TENSORS, {})
    (tmp_path / "m/model.safetensors").unlink()
    with pytest.raises(DamageError, match="is missing"):
        read_tensors(tmp_path / "m")
    (tmp_path / "m/config.json").write_text(json.dumps({"format": "chainpipe-model"}))
    with pytest.raises(DamageError, match="parts are missing"):
        read_facts(tmp_path / "m")


def test_a_folder_without_a_model_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no model in"):
        read_facts(tmp_path)
    (tmp_path / "config.json").write_text("[1, 2]")
    with pytest.raises(NotFoundError, match="is not a chainpipe model"):
        read_facts(tmp_path)


def test_a_model_of_a_later_chainpipe_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path / "m", FACTS, TENSORS, {})
    path = tmp_path / "m/config.json"
    path.write_text(path.read_text().replace('"version": 1', '"version": 2', 1))
    with pytest.raises(UsageError, match="format 2, newer than 1"):
        read_facts(tmp_path / "m")


def test_the_newest_model_is_the_last_one_finished(tmp_path: Path) -> None:
    for name in ("b", "a", ".a.1234.tmp"):
        save_model(tmp_path / name, FACTS, TENSORS, {})
        time.sleep(0.002)
    assert newest_model(tmp_path) == tmp_path / "a"


def test_no_model_at_all_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no finished model") as caught:
        newest_model(tmp_path / "models")
    assert "chainpipe train" in str(caught.value.hint)


def test_features_of_another_backbone_are_refused_with_both_names() -> None:
    check_fingerprint(FACTS, FACTS.fingerprint)
    other = replace(FACTS.fingerprint, backbone="clip:ViT-B-32/x", dim=512)
    with pytest.raises(UsageError, match=r"cnn / clip:ViT-B-32/x.*dim: 4 / 512"):
        check_fingerprint(FACTS, other)


def rewritten(folder: Path, change: dict[str, object], weights: bytes | None = None) -> Path:
    """Change a model as its maker could: with checksums that fit."""
    path = folder / "config.json"
    content = json.loads(path.read_text())
    content["model"] |= change
    if weights is not None:
        (folder / "model.safetensors").write_bytes(weights)
        content["model"]["weights_sha256"] = hashlib.sha256(weights).hexdigest()
    line = json.dumps(content["model"], sort_keys=True).encode()
    content["checksum"] = hashlib.sha256(line).hexdigest()
    path.write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    "change",
    [
        {"bits": "8"},
        {"bits": None},
        {"method": 5},
        {"store": 5},
        {"data": None},
        {"data": []},
        {"data": {"plugins": "x"}},
        {"data": {"plugins": [{"file": "/a.py"}]}},
        {"data": {"plugins": [{"kind": "loss", "name": 5, "file": "/a.py"}]}},
        {"fingerprint": {"backbone": 5, "weights_sha256": "", "dim": 4, "preprocessing": ""}},
        {"fingerprint": {"backbone": "", "weights_sha256": "", "dim": "4", "preprocessing": ""}},
    ],
)
def test_metadata_of_other_types_is_damage(tmp_path: Path, change: dict[str, object]) -> None:
    save_model(tmp_path / "m", FACTS, TENSORS, {})
    with pytest.raises(DamageError, match="does not describe a model"):
        read_facts(rewritten(tmp_path / "m", change))


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (b"", "holds no weights"),
        ((2**60).to_bytes(8, "little") + b"{}", "holds no weights"),
        (save({"a": np.array([1, np.nan])}), "NaN or infinite weights: `a`"),
    ],
)
def test_weights_that_are_none_are_damage(tmp_path: Path, weights: bytes, words: str) -> None:
    save_model(tmp_path / "m", FACTS, TENSORS, {})
    with pytest.raises(DamageError, match=words):
        read_tensors(rewritten(tmp_path / "m", {}, weights))
