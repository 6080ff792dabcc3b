"""The benchmarks of docs/numbers run, and what is drawn from their JSONs is whole."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chainpipe.hashing.config.model import EncoderConfig

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "docs" / "numbers"


JSONS = ["decode", "backbone", "encode", "extract", "train", "costs", "long_films"]


def run(script: str, *words: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPTS / script), *words]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The JSONs of the quick modes; of extractions, only what they remember."""
    folder = tmp_path_factory.mktemp("numbers")
    places = ("--out", str(folder), "--cache", str(folder / "cache"))
    run("bench_decode.py", "--quick", *places)
    run("bench_backbone.py", "--quick", *places)
    run("bench_encode.py", "--quick", *places)
    run("bench_extract.py", "--quick", "--only", "memory", *places)
    run("bench_train.py", "--quick", *places)
    run("bench_costs.py", "--quick", "--only", "search", "walk", *places)
    run("bench_long_films.py", "--quick", *places)
    run("bench_search.py", "--quick", "--only", "batches", *places)
    return folder


def read(folder: Path, name: str) -> dict:
    return json.loads((folder / f"{name}.json").read_text())


@pytest.mark.parametrize("name", JSONS)
def test_every_json_says_how_it_was_made(out: Path, name: str) -> None:
    found = read(out, name)
    about = found["about"]
    assert about["command"].startswith(f"python docs/numbers/bench_{name}.py")
    assert {"date", "machine", "versions", "method", "repeats"} <= about.keys()
    assert about["machine"]["cores"] >= 1
    assert {"chainpipe", "av", "libavcodec in av", "ffmpeg", "torch"} <= about["versions"].keys()
    assert all(line.keys() == {"goal", "limit", "found", "reached"} for line in found["goals"])
    assert str(out) not in json.dumps(found)
    assert os.uname().nodename not in re.findall(r"[\w.-]+", json.dumps(found))


def test_decoders_give_the_numbered_frames(out: Path) -> None:
    for file in read(out, "decode")["files"]:
        ours, base = file["methods"]["chainpipe"], file["methods"]["ffmpeg select, told N"]
        assert (ours["status"], ours["as asked"], base["right"]) == ("ok", 5, 5)
        assert ours["identical"] is True
        assert ours["cpu"]["min"] > 0
        assert base["ratio"] == {"median": 1, "min": 1, "max": 1, "times": 1}


def test_long_films_give_the_numbered_frames_and_are_drawn(out: Path) -> None:
    found = read(out, "long_films")["films"]
    assert {(film["container"], film["sound"]) for film in found} == {
        (container, sound) for container in ("mp4", "mkv") for sound in (False, True)
    }
    assert all(film["right frames"]["chainpipe"] == 25 for film in found)
    page = (out / "long-films.md").read_text()
    assert all(f"| {film['name']} |" in page for film in found)


def test_a_header_that_lies_makes_select_take_the_wrong_frames(out: Path) -> None:
    files = {file["name"]: file["methods"] for file in read(out, "decode")["files"]}
    trusting = "ffmpeg select, N from header"
    assert files["edit list.mp4"][trusting]["right"] < 5
    assert "failed" in files["raw.h264"][trusting]


def test_the_backbone_agrees_with_torch(out: Path) -> None:
    found = read(out, "backbone")
    assert found["cosine"]["min"] > 0.999
    assert found["methods"]["torch, batch 8"]["ratio"]["median"] == 1


def test_encoding_is_compared_with_what_gives_the_same_codes(out: Path) -> None:
    found = read(out, "encode")
    assert found["differing bits"] == 0
    assert found["methods"][found["base"]]["ours / this"]["median"] == 1
    assert all(way["videos a CPU-second"]["min"] > 0 for way in found["methods"].values())


def test_memory_is_seen_over_the_whole_process_tree(out: Path) -> None:
    few, many = read(out, "extract")["memory"]
    assert (few["videos"], many["videos"]) == (2, 8)
    assert few["peak_mb"] > 20
    assert many["bytes"] > few["bytes"]


def test_the_products_of_a_training_are_counted_by_watching_it(out: Path) -> None:
    found = read(out, "train")
    assert found["size"] == {"videos": 16, "frames": 6, "dims": 64}
    trained = 2 * 2  # two views of two frames
    encoder = EncoderConfig()
    attention, layers = 4 * encoder.hidden_dim**2, 2 * encoder.hidden_dim * encoder.feed_forward_dim
    block = 64 * encoder.hidden_dim + attention + layers
    expected = 3 * trained * block  # backward takes two products for each forward
    assert found["multiplications a video"] == pytest.approx(expected, rel=0.05)


def test_costs_are_measured_as_the_library_grows(out: Path) -> None:
    found = read(out, "costs")
    assert [line["videos"] for line in found["search"]] == [100, 1000, 10_000]
    assert [line["videos"] for line in found["walk"]] == [50, 100]
    for line in found["search"]:
        assert all(cpu["min"] > 0 for name, cpu in line["CPU seconds"].items() if "comm" in name)
    assert all(line["the same neighbours"] == 1 for line in found["walk"])


def test_the_page_of_costs_says_what_its_json_says(tmp_path: Path) -> None:
    (tmp_path / "costs.json").write_bytes((SCRIPTS / "costs.json").read_bytes())
    run("draw_costs.py", "--out", str(tmp_path))
    assert (tmp_path / "costs.md").read_text() == (SCRIPTS / "costs.md").read_text()


@pytest.mark.soak
def test_all_other_costs_are_measured(tmp_path: Path) -> None:
    parts = ("files", "encode", "moments", "curves", "help")
    places = ("--out", str(tmp_path), "--cache", str(tmp_path / "cache"))
    run("bench_costs.py", "--quick", "--only", *parts, *places)
    found = read(tmp_path, "costs")
    assert set(parts) <= found.keys()
    assert [line["bits that differ"] for line in found["encode"]] == [0, 0]
    assert found["files"]["CPU seconds"]["720p"]["min"] > 0
    assert found["moments"]["reckoned for FCVID, CPU seconds"] > 0


def test_searches_beside_raw_faiss_give_the_answers_of_numpy(out: Path) -> None:
    found = read(out, "search")
    assert [line["videos"] for line in found["batches"]] == [1000, 10_000]
    assert all(line["as numpy"] for line in found["batches"])
    assert found["about"]["batches"]["command"].startswith("python docs/numbers/bench_search.py")


def test_pages_are_drawn_from_the_jsons(out: Path) -> None:
    run("draw.py", "--out", str(out))
    page = (out / "stage-one.md").read_text()
    pictures = re.findall(r"!\[.*\]\((.+)\)", page)
    assert pictures == ["decode.png", "backbone.png", "extract.png"]
    assert all((out / picture).stat().st_size > 5_000 for picture in pictures)
    assert "smoke test" in page


WHOLE = {
    "alone": [{"decode_cpu": 1.0, "backbone_cpu": 1.0}],
    "overhead": {"median": 1.0},
    "busy after start-up": {"median": 1.0},
}


def test_ten_million_videos_are_plain_arithmetic(out: Path, tmp_path: Path) -> None:
    for name in ("decode", "backbone", "extract"):
        found = read(out, name)
        if name == "extract":
            found["whole"] = WHOLE
        (tmp_path / f"{name}.json").write_text(json.dumps(found))
    run("ten_million.py", "--out", str(tmp_path))
    page = (tmp_path / "ten-million.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith("| 720p, 60 s"))
    _, decode, backbone, cpu, *hours = (cell.strip() for cell in row.strip("|").split("|"))
    expected = 1e7 * (float(decode) + float(backbone)) / 3600
    assert float(cpu.replace(",", "")) == pytest.approx(expected, rel=0.02)
    assert float(hours[0].replace(",", "")) == pytest.approx(expected / 16, rel=0.02)


@pytest.mark.soak
def test_all_parts_of_the_extraction_benchmark_run(tmp_path: Path) -> None:
    run("bench_extract.py", "--quick", "--out", str(tmp_path), "--cache", str(tmp_path / "cache"))
    found = read(tmp_path, "extract")
    assert {"whole", "shared", "adding", "memory"} <= found.keys()
    assert found["adding"]["decoded"] == found["adding"]["new"]
    assert found["whole"]["overhead"]["median"] > 0.5


def test_the_page_of_duplicates_says_what_its_rows_say(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from duplicate_report import write_report; "
        "here, out = map(Path, sys.argv[1:]); "
        "write_report(here / 'duplicates.csv', here / 'duplicates-growth.csv', "
        "out / 'duplicates.md', out / 'duplicates.png')"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(SCRIPTS)])}
    command = [sys.executable, "-c", script, str(SCRIPTS), str(tmp_path)]
    subprocess.run(command, check=True, env=environment)
    assert (tmp_path / "duplicates.md").read_text() == (SCRIPTS / "duplicates.md").read_text()
    assert (tmp_path / "duplicates.png").stat().st_size > 10_000


def test_the_page_of_databases_is_what_its_json_gives(tmp_path: Path) -> None:
    shutil.copy(SCRIPTS / "databases.json", tmp_path)
    run("databases_page.py", "--out", str(tmp_path))
    assert (tmp_path / "databases.md").read_text() == (SCRIPTS / "databases.md").read_text()


@pytest.mark.soak
def test_databases_are_measured(tmp_path: Path) -> None:
    run("bench_databases.py", "--quick", "--out", str(tmp_path), "--only", "postgresql")
    found = read(tmp_path, "databases")["postgresql"]
    assert [line["rows"] for line in found] == [200, 1000, 10_000]
    assert all(line["exact: recall@100"] == 1 for line in found)
