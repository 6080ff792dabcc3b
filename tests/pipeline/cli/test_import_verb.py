"""`chainpipe import` and `chainpipe info` of files of other programs, as somebody types them."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from chainpipe import command
from chainpipe.pipeline.store import open_store
from tests.published_sets import SETS, write_set


@pytest.fixture
def features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of 20 videos of two classes, which differ, in the working folder."""
    monkeypatch.chdir(tmp_path)
    chance = np.random.default_rng(0)
    kinds = np.arange(20) % 2
    array = 4 * chance.normal(size=(2, 1, 16))[kinds] + chance.normal(size=(20, 5, 16))
    np.save("feats.npy", array.astype("f4"))
    np.save("kinds.npy", np.array(["cat", "dog"])[kinds])
    return tmp_path / "feats.npy"


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Run the command; return its exit code and what it wrote."""
    capsys.readouterr()
    code = command.run([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_import_is_import_features(features: Path, capsys) -> None:
    code, out, told = run(
        capsys, "import", features, "--out", "a.h5", "--label-column", "kinds.npy"
    )
    assert (code, out) == (0, "a.h5\n")
    assert "20 of 20 videos" in told
    words = ["--out", "b.h5", "--label-column", "kinds.npy", features]
    assert run(capsys, "import", *words)[0] == 0  # options first
    assert run(capsys, "import", "features", *words, "--restart")[0] == 0
    assert Path("a.h5").read_bytes() == Path("b.h5").read_bytes()
    assert "nothing to do" in run(capsys, "import", *words)[2]


def test_what_is_imported_goes_the_whole_road(features: Path, capsys) -> None:
    assert run(capsys, "import", features, "--label-column", "kinds.npy")[0] == 0
    train = ("train", "feats.h5", "--bits", 16, "--method", "pca-itq")
    for words in (train, ["encode"], ["dedup", "feats.h5"], ["verify", "feats.h5"]):
        assert run(capsys, *words)[0] == 0
    code, out, _ = run(capsys, "search", "4", "-k", 1, "--json")
    assert (code, json.loads(out)["path"] in [str(row) for row in range(0, 20, 2)]) == (0, True)
    code, out, _ = run(capsys, "eval", "--json")
    assert json.loads(out)["map_min"]["5"] > 0.9


def test_a_store_of_features_made_elsewhere_says_that_nothing_here_makes_them(
    features: Path, capsys, library: Path
) -> None:
    assert run(capsys, "import", features, "--backbone", "ViT")[0] == 0
    assert run(capsys, "train", "feats.h5", "--bits", 8, "--method", "pca-itq")[0] == 0
    code, _, told = run(capsys, "search", library / "card" / "0.mp4")
    assert (code, "`imported:ViT`: its features were made elsewhere" in told) == (2, True)
    code, _, told = run(capsys, "update", "feats.h5")
    assert (code, "they were made elsewhere" in told) == (2, True)


def test_the_report_as_json(features: Path, capsys) -> None:
    code, out, _ = run(capsys, "import", features, "--json", "--dtype", "f2", "--every", "2")
    facts = json.loads(out)
    assert (code, facts["schema"], facts["videos"], facts["frames"]) == (0, 1, 20, [5, 5])
    assert (facts["dtype"], facts["every"], facts["unchanged"]) == ("float16", 2.0, False)


def test_what_was_left_out_and_not_read_is_told(features: Path, capsys) -> None:
    array = np.load(features)
    array[3:16] = np.nan
    np.savez("a.npz", feats=array, extra=np.arange(20))
    code, _, told = run(capsys, "import", "a.npz", "--out", "a.h5", "--skip-bad")
    assert code == 0
    assert "13 videos left out: 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 ..." in told
    assert "not read: `extra`" in told


def test_the_store_knows_the_folder_of_the_videos(features: Path, capsys, tmp_path: Path) -> None:
    Path("ids.txt").write_text("\n".join(f"cat/{row}.mp4" for row in range(20)))
    words = ("--id-column", "ids.txt", "--videos", "films")
    assert run(capsys, "import", features, *words, "--labels", "folders")[0] == 0
    with open_store("feats.h5") as store:
        assert store.root == str(tmp_path / "films").encode()
        assert store.videos.label_names == ("cat",)


@pytest.mark.parametrize("name", SETS)
def test_info_tells_the_layout_of_a_published_file(name: str, tmp_path: Path, capsys) -> None:
    write_set(tmp_path / name, name)
    file = next(iter(SETS[name]))
    code, out, _ = run(capsys, "info", tmp_path / name / file, "--json")
    facts = json.loads(out)
    assert (code, facts["layout"], facts["missing"]) == (0, name, [])
    assert facts["arrays"] == [
        {"name": "feats", "shape": [SETS[name][file][0], 6, 10], "dtype": "float32"}
    ]
    assert facts["commands"][0] == f"chainpipe train {tmp_path / name} --bits 64"
    assert f"chainpipe train {tmp_path / name} --bits 64" in run(capsys, "info", tmp_path / name)[1]
    (tmp_path / name / file).rename(tmp_path / file)
    code, out, _ = run(capsys, "info", tmp_path / file, "--json")
    facts = json.loads(out)
    assert (facts["layout"], len(facts["missing"]) > 0) == (name, True)
    assert facts["commands"] == [f"chainpipe import {tmp_path / file} --out feats.h5"]
    assert run(capsys, "import", tmp_path / file, "--out", tmp_path / "feats.h5")[0] == 0


def test_info_of_other_files_gives_the_command_that_works(features: Path, capsys) -> None:
    chance = np.random.default_rng(1)
    bits = chance.integers(0, 2, (20, 16)).astype("u1")
    savemat("rival.mat", {"B": 2.0 * bits - 1, "labels": np.eye(4)[np.arange(20) % 4]})
    np.save("packed.npy", np.packbits(bits, axis=1, bitorder="little"))
    np.savez("both.npz", feats=np.load(features), bits=bits, n=np.arange(20))
    with h5py.File("group.h5", "w") as file:
        for row in range(15):
            file[f"v/{row:02}/emb"] = chance.normal(size=(row + 1, 6)).astype("f4")
    with h5py.File("keys.h5", "w") as file:
        file["x"], file["y"] = np.zeros((4, 3, 2), "f4"), np.zeros((4, 3, 5), "f4")
    wanted = {
        "feats.npy": ["chainpipe import feats.npy --out feats.h5"],
        "rival.mat": ["chainpipe import codes rival.mat --key B --labels labels --out codes.npz"],
        "packed.npy": ["chainpipe import codes packed.npy --bits 16 --out codes.npz"],
        "both.npz": [
            "chainpipe import both.npz --out feats.h5",
            "chainpipe import codes both.npz --key bits --out codes.npz",
        ],
        "group.h5": ["chainpipe import group.h5 --group v --column emb --out feats.h5"],
        "keys.h5": ["chainpipe import keys.h5 --column x --out feats.h5"],
    }
    for name, commands in wanted.items():
        code, out, _ = run(capsys, "info", name, "--json")
        assert (code, json.loads(out)["commands"]) == (0, commands)
        code, out, _ = run(capsys, "info", name)
        assert all(line in out.splitlines() for line in commands)
        for line in commands:
            assert run(capsys, *line.split()[1:], "--restart")[0] == 0, line
    assert "... 3 more" in run(capsys, "info", "group.h5")[1]


def test_info_of_a_pickle_reads_nothing(tmp_path: Path, capsys) -> None:
    (tmp_path / "a.pt").write_bytes(b"\x80\x04K\x01.")
    code, out, _ = run(capsys, "info", tmp_path / "a.pt", "--json")
    assert (code, json.loads(out)["commands"]) == (0, [])
    assert "can run any program" in json.loads(out)["note"]


def test_a_folder_of_arrays_is_no_folder_of_videos(features: Path, capsys) -> None:
    Path("clips").mkdir()
    np.save("clips/a.npy", np.zeros((3, 4), "f4"))
    for words in (["extract", "clips"], ["extract", "feats.npy"]):
        code, _, told = run(capsys, *words, "--out", "x.h5")
        assert code == 2
        assert "chainpipe import" in told


def test_info_of_columns_of_records(tmp_path: Path, capsys) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["records"] = np.zeros((5, 4), [("a", "f4"), ("b", "i4")])
    np.savez(tmp_path / "b.npz", feats=np.zeros((3, 2), "f4"), names=np.array([{}] * 3, object))
    for name, listed in (("a.h5", "records"), ("b.npz", "names")):
        code, out, told = run(capsys, "info", tmp_path / name)
        assert code == 0, told
        assert listed in out
