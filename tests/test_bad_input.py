"""Each bad input: one error line that names it, a hint, its exit code, nothing half done."""

import os
import shutil
from pathlib import Path

import h5py
import pytest

from chainpipe import command
from tests.pipeline.conftest import draw_clip


def fails(capsys: pytest.CaptureFixture[str], code: int, *words: object) -> str:
    """Run a verb that must fail; return what it said."""
    capsys.readouterr()
    assert command.run([str(word) for word in words]) == code
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("error:") == 1
    assert said.count("hint:") == 1
    return said


def test_a_missing_folder(capsys, tmp_path) -> None:
    said = fails(capsys, 2, "extract", tmp_path / "nowhere", "--out", tmp_path / "f.h5")
    assert "nowhere" in said
    assert not list(tmp_path.iterdir())


def test_an_empty_folder(capsys, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    assert "empty" in fails(capsys, 2, "extract", tmp_path / "empty", "--out", tmp_path / "f.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_no_readable_video(capsys, tmp_path) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").write_text("no video")
    fails(capsys, 2, "extract", tmp_path / "videos", "--out", tmp_path / "f.h5")
    assert not (tmp_path / "f.h5").exists()


def test_one_bad_video_among_good_ones_is_reported_and_passed_over(capsys, tmp_path) -> None:
    draw_clip(tmp_path / "videos" / "good.mp4", seconds=3)
    (tmp_path / "videos" / "bad.mp4").write_bytes(b"")
    out = tmp_path / "f.h5"
    assert command.run(["extract", str(tmp_path / "videos"), "--out", str(out)]) == 3
    assert out.exists()
    assert "bad.mp4" in (tmp_path / "f.h5.failures.csv").read_text()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder nobody can write to")
def test_an_output_that_cannot_be_written(capsys, library) -> None:
    said = fails(capsys, 5, "extract", library, "--out", "/proc/feats.h5")
    assert "/proc" in said


def test_an_output_made_with_other_settings(capsys, library, store) -> None:
    before = store.read_bytes()
    said = fails(capsys, 2, "extract", library, "--out", store, "--frames", 12)
    assert "25" in said
    assert "12" in said
    assert "--restart" in said
    assert store.read_bytes() == before


def test_an_unknown_backbone(capsys, library, tmp_path) -> None:
    words = ["extract", library, "--out", tmp_path / "f.h5", "--backbone", "resnet5"]
    assert "resnet5" in fails(capsys, 2, *words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("bits", [0, -1, 257])
def test_bits_out_of_range(capsys, store, tmp_path, bits) -> None:
    said = fails(capsys, 2, "train", store, "--bits", bits, "--out", tmp_path / "m")
    assert str(bits) in said
    assert not list(tmp_path.iterdir())


def test_features_with_nan(capsys, store, tmp_path) -> None:
    from chainpipe.pipeline.store import iter_rows, open_store, write_store

    with open_store(store) as clean:
        rows = list(iter_rows(clean))
        rows[3].features[0, 0] = float("nan")
        path, names = tmp_path / "nan.h5", clean.videos.label_names
        write_store(
            path,
            root=clean.root,
            meta=clean.meta,
            rows=rows,
            count=len(rows),
            label_names=names,
            allow_nan=True,
        )
    assert "3" in fails(capsys, 2, "train", path, "--out", tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_training_on_one_video(capsys, tmp_path) -> None:
    draw_clip(tmp_path / "videos" / "a.mp4", seconds=3)
    out = tmp_path / "f.h5"
    assert command.run(["extract", str(tmp_path / "videos"), "--out", str(out)]) == 0
    assert "1" in fails(capsys, 2, "train", out, "--out", tmp_path / "m")


def test_a_model_used_on_features_of_another_dimension(capsys, store, model, tmp_path) -> None:
    from dataclasses import replace

    from chainpipe.pipeline.store import iter_rows, open_store, write_store

    with open_store(store) as clean:
        rows = [replace(row, features=row.features[:, :8]) for row in iter_rows(clean)]
        finger = replace(clean.meta.fingerprint, dim=8, backbone="other")
        meta = replace(clean.meta, fingerprint=finger)
        path, names = tmp_path / "other.h5", clean.videos.label_names
        write_store(path, root=clean.root, meta=meta, rows=rows, count=len(rows), label_names=names)
    said = fails(capsys, 2, "encode", "--model", model, "--store", path)
    assert "other" in said
    assert "cnn" in said


def test_encode_before_any_train(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "train" in fails(capsys, 10, "encode")


@pytest.mark.parametrize("verb", ["info", "verify", "train"])
def test_a_file_that_is_not_a_store(capsys, tmp_path, verb) -> None:
    path = tmp_path / "f.h5"
    path.write_text("not a store")
    assert "f.h5" in fails(capsys, 10, verb, path)
    with h5py.File(tmp_path / "g.h5", "w") as file:
        file["feats"] = [1.0]
    if verb != "info":  # which tells what a foreign file holds
        assert "chainpipe import" in fails(capsys, 10, verb, tmp_path / "g.h5")


@pytest.mark.parametrize("verb", ["info", "train"])
def test_a_truncated_store(capsys, store, tmp_path, verb) -> None:
    path = shutil.copy(store, tmp_path / "f.h5")
    os.truncate(path, path.stat().st_size // 2)
    assert "f.h5" in fails(capsys, 4, verb, path)


def test_verify_finds_a_flipped_bit(capsys, store, tmp_path) -> None:
    path = shutil.copy(store, tmp_path / "f.h5")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert command.run(["verify", str(path)]) == 4


def test_an_unknown_option_and_an_unknown_verb(capsys) -> None:
    assert "--nope" in fails(capsys, 2, "extract", "x", "--nope")
    assert "nope" in fails(capsys, 2, "nope")


def test_an_unknown_clip_model_says_what_to_do(capsys, library, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    name = "clip:ViT-B-32/laion2b_s34b_b79k"
    said = fails(capsys, 2, "extract", library, "--out", tmp_path / "f.h5", "--backbone", name)
    assert name in said
