"""From arrays or videos to codes and scores, by `import chainpipe` alone."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import chainpipe
from chainpipe import command
from chainpipe.hashing.retrieval.codes import read_codes
from tests.hashing.conftest import planted_features

FEATURES = planted_features(40, 9, 12)
LABELS = [f"class {row % 4}" for row in range(40)]
SMALL = {
    "input.dims": 10,
    "encoder.hidden_dim": 16,
    "encoder.feed_forward_dim": 16,
    "optim.batch_size": 16,
}


def tree(folder: Path) -> set[Path]:
    """Return what is in a folder, without the empty one that torch itself makes."""
    return {path for path in folder.rglob("*") if not path.name.startswith("torchinductor")}


@pytest.fixture(scope="module")
def model() -> chainpipe.Model:
    return chainpipe.train(FEATURES, bits=16, config=SMALL, epochs=2)


def test_tasks_are_compared_in_memory_too() -> None:
    model = chainpipe.train(FEATURES, bits=16, config=SMALL, epochs=2, compare_tasks=True)
    assert list(model.facts.data["task_effects"]) == ["contrastive", "order", "scene"]


def test_training_writes_nothing_without_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path)
    before = tree(tmp_path)
    steps: list[tuple[int, int]] = []
    epochs: list[float] = []
    lines: list[str] = []
    model = chainpipe.train(
        FEATURES,
        bits=16,
        config=SMALL,
        epochs=2,
        progress=lambda done, total: steps.append((done, total)),
        on_epoch=lambda row, total: epochs.append(row["epoch"]),
        log=lines.append,
    )
    assert tree(tmp_path) == before
    assert steps[-1][0] == steps[-1][1] > 0
    assert epochs == [1, 2]
    assert any("40 training videos" in line for line in lines)
    assert [row["epoch"] for row in model.history][-1] == 2


def test_same_seed_same_codes_and_the_config_can_be_given_again(model: chainpipe.Model) -> None:
    again = chainpipe.train(FEATURES, bits=16, config=model.config, seed=model.seed)
    assert again.config == model.config
    assert np.array_equal(again.encode(FEATURES).packed, model.encode(FEATURES).packed)
    other = chainpipe.train(FEATURES, bits=16, config=SMALL, epochs=2, seed=1)
    assert not np.array_equal(other.encode(FEATURES).packed, model.encode(FEATURES).packed)


def test_a_model_is_the_same_after_saving_and_loading(
    model: chainpipe.Model, tmp_path: Path
) -> None:
    codes = model.encode(FEATURES)
    model.save(tmp_path / "model")
    loaded = chainpipe.load_model(str(tmp_path / "model"))
    assert repr(loaded) == repr(model) == "Model(chain, 16 bits, 12 features per frame)"
    assert (loaded.method, loaded.bits, loaded.seed) == ("chain", 16, 0)
    assert loaded.config == model.config
    assert loaded.history == model.history
    assert np.array_equal(loaded.encode(FEATURES).packed, codes.packed)
    assert (tmp_path / "model/README.md").is_file()
    codes.search(loaded.encode(FEATURES[:2]))  # of one model


def test_out_is_a_model_folder_that_is_loaded_the_second_time(tmp_path: Path) -> None:
    how = {"bits": 8, "method": "pca-itq", "out": tmp_path / "model"}
    first = chainpipe.train(FEATURES, **how)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    second = chainpipe.train(FEATURES, **how)  # type: ignore[arg-type]
    assert first.facts == second.facts
    with pytest.raises(chainpipe.UsageError, match="other settings"):
        chainpipe.train(FEATURES, **{**how, "bits": 9})  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["chain", "conmh", "pca-itq", "lsh", "random"])
def test_one_frame_a_video_trains_and_encodes(method: str) -> None:
    how = {} if method in ("pca-itq", "lsh", "random") else {"epochs": 1}
    model = chainpipe.train(FEATURES[:, 0], bits=8, method=method, **how)  # type: ignore[arg-type]
    codes = model.encode(FEATURES[:, 0])
    assert codes.packed.shape == (40, 1)
    assert np.array_equal(codes.packed, model.encode(FEATURES[:, :1]).packed)


def test_codes_find_planted_classes(model: chainpipe.Model, tmp_path: Path) -> None:
    store = chainpipe.store_from_arrays(FEATURES, labels=LABELS)
    codes = model.encode(store)
    result = chainpipe.evaluate(codes)
    assert result.map(5) > 0.9
    assert result.to_json()["queries"] == 40
    plain = model.encode(FEATURES)
    assert chainpipe.evaluate(plain, LABELS).scores == result.scores
    apart = chainpipe.evaluate(plain[8:], LABELS[8:], queries=codes[:8])
    assert len(apart.protocol.queries) == 8
    assert len(apart.protocol.database) == 32


def test_codes_are_evaluated_by_every_distance(model: chainpipe.Model) -> None:
    codes, values = model.encode(FEATURES), model.values(FEATURES)
    assert np.array_equal(values >= 0, codes.numpy())
    how = {"asymmetric": {"values": values}, "rerank": {"features": FEATURES, "rerank_depth": 5}}
    asking = {
        "asymmetric": {"values": values[:8]},
        "rerank": {"features": FEATURES[8:], "query_features": FEATURES[:8], "rerank_depth": 5},
    }
    for name, given in how.items():
        found = chainpipe.evaluate(codes, LABELS, distance=name, **given)  # type: ignore[arg-type]
        assert found.map(5) > 0.9
        assert found.to_json()["distance"] == name
        apart = chainpipe.evaluate(
            codes[8:], LABELS[8:], queries=replace(codes[:8], **named(codes)), distance=name,
            **asking[name],  # type: ignore[arg-type]
        )  # fmt: skip
        assert apart.map(5) > 0.8


def named(codes: chainpipe.Codes) -> dict[str, object]:
    """Return the labels of the first 8 codes."""
    labels = np.eye(4, dtype=np.uint8)[np.arange(8) % 4]
    return {"labels": labels, "label_names": tuple(f"class {kind}" for kind in range(4))}


def test_the_magnitude_of_values_is_kept_in_the_codes_file(
    model: chainpipe.Model, tmp_path: Path
) -> None:
    codes = model.encode(FEATURES)
    expected = np.abs(model.values(FEATURES)).mean(axis=0)
    np.testing.assert_allclose(codes.value_scale, expected, rtol=1e-5)
    codes.save(tmp_path / "codes.npz")
    assert np.array_equal(
        chainpipe.Codes.load(tmp_path / "codes.npz").value_scale, codes.value_scale
    )
    chainpipe.Codes.from_bits(codes.numpy()).save(tmp_path / "bits.npz")  # as files of before
    assert "value_scale" not in np.load(tmp_path / "bits.npz")
    assert chainpipe.Codes.load(tmp_path / "bits.npz").value_scale is None
    with pytest.raises(ValueError, match="`value_scale` must be"):
        replace(codes, value_scale=np.zeros(3, np.float32))


def test_splits_are_respected(model: chainpipe.Model) -> None:
    splits = ["train"] * 20 + ["query"] * 8 + ["database"] * 12
    store = chainpipe.store_from_arrays(FEATURES, labels=LABELS, splits=splits)
    lines: list[str] = []
    trained = chainpipe.train(store, bits=8, method="lsh", log=lines.append)
    assert lines[0] == "20 training videos (train split)"
    result = chainpipe.evaluate(trained.encode(store))
    assert (len(result.protocol.queries), len(result.protocol.database)) == (8, 12)


def test_encoding_tells_how_far_it_is(model: chainpipe.Model) -> None:
    told: list[tuple[int, int]] = []
    model.encode(np.repeat(FEATURES, 7, axis=0), progress=lambda *said: told.append(said))
    assert told == [(256, 280), (280, 280)]


def test_a_model_of_arrays_names_no_store_to_the_command(
    model: chainpipe.Model, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model.save(tmp_path / "model")
    assert command.run(["encode", "--model", str(tmp_path / "model")]) == 10
    assert "trained on arrays" in capfd.readouterr().err


def test_the_road_from_videos(library: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    out = tmp_path / "feats.h5"
    with chainpipe.extract(
        library, str(out), frames=4, progress=lambda *said: told.append(said)
    ) as store:
        assert told[-1] == (8, 8)
        assert store.shape == (8, 4, 1280)
        assert store.backbone == "cnn:efficientnet-lite0"
        assert store.failed == ()
        assert (store.root / store.ids[0]).is_file()
        model = chainpipe.train(store, bits=16)
        codes = model.encode(store)
        assert np.array_equal(codes.packed, model.encode(store.features[:]).packed)
    codes.save(tmp_path / "codes.npz")
    assert np.array_equal(read_codes(tmp_path / "codes.npz").packed, codes.packed)
    assert chainpipe.Codes.load(str(tmp_path / "codes.npz")).ids == store.ids
    with chainpipe.extract(library, out, frames=4) as again:  # nothing to do
        assert np.array_equal(again.video_ids, store.video_ids)
    assert np.array_equal(model.encode(str(out)).packed, codes.packed)


def test_failure_signatures_are_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chainpipe.train(FEATURES, bits=8, method="lsh")
