"""The recipes for other people's engines, with a worker killed by SIGKILL on the way."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainpipe

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "engines"
PAGE = ROOT / "docs" / "engines.md"

KILL_ONCE = """
import os, signal
def kill_once():
    try:
        os.close(os.open(os.environ["KILLED"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
"""
RAY = """
import os, sys, numpy, ray
from kill_once import kill_once
from ray_data import Extractor, extracted

class Killed(Extractor):
    def __call__(self, batch):
        kill_once()
        return super().__call__(batch)

if __name__ == "__main__":
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, _temp_dir=sys.argv[1])
    rows = extracted(sys.argv[3:], Killed).take_all()
    numpy.savez(
        sys.argv[2],
        path=[row["path"] for row in rows],
        status=[row["status"] for row in rows],
        **{f"row{number}": row["features"] for number, row in enumerate(rows)},
    )
"""
DAFT = """
import json, os, signal, sys, threading, time
import daft_rows, psutil

def kill_a_worker():
    # the first that has started a decode process of its own
    for _ in range(20000):
        for child in psutil.Process().children():
            try:
                if any("sandbox.child" in " ".join(one.cmdline()) for one in child.children()):
                    return os.kill(child.pid, signal.SIGKILL)
            except psutil.Error:
                pass
        time.sleep(0.005)

if __name__ == "__main__":
    killer = threading.Thread(target=kill_a_worker)
    killer.start()
    try:
        daft_rows.encoded(sys.argv[2:], sys.argv[1]).collect()
        ended = ""
    except RuntimeError as error:
        ended = str(error)
    killer.join()
    found = daft_rows.encoded(sys.argv[2:], sys.argv[1]).to_pydict()
    codes = [None if code is None else code.hex() for code in found["code"]]
    print(json.dumps({"ended": ended, "path": found["path"], "code": codes}))
"""


@pytest.fixture(scope="module")
def videos(library: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """All clips of the library, in the order of its store, and one that is none."""
    broken = tmp_path_factory.mktemp("broken") / "broken.mp4"
    broken.write_bytes(b"no video")
    return [*sorted(library.rglob("*.mp4")), broken]


def run(script: str, folder: Path, *words: object, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a script that imports the examples, with a file that says whether one was killed."""
    (folder / "kill_once.py").write_text(KILL_ONCE)
    (folder / "main.py").write_text(script)
    paths = os.pathsep.join(map(str, (ROOT, EXAMPLES, folder)))
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "DAFT_ANALYTICS_ENABLED": "0", "DO_NOT_TRACK": "1"}
    return subprocess.run(
        [sys.executable, str(folder / "main.py"), *map(str, words)],
        env={**os.environ, **quiet, **env, "PYTHONPATH": paths, "KILLED": str(folder / "killed")},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_ray_data_gives_the_rows_of_extract_though_an_actor_is_killed(
    videos: list[Path], store: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ray.data")
    # Ray's sockets have long names below its folder, and 107 bytes are the most.
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as short:
        rows_are_those_of_extract(videos, store, tmp_path, Path(short))


def rows_are_those_of_extract(videos: list[Path], store: Path, folder: Path, sockets: Path) -> None:
    ended = run(
        RAY,
        folder,
        sockets,
        folder / "rows.npz",
        *videos,
        RAY_worker_niceness="0",
        RAY_DATA_DISABLE_PROGRESS_BARS="1",
    )
    assert ended.returncode == 0, ended.stderr
    assert (folder / "killed").exists()
    rows = np.load(folder / "rows.npz")
    found = {path: number for number, path in enumerate(rows["path"].tolist())}
    assert sorted(found) == sorted(map(str, videos))
    assert len(rows["path"]) == len(videos)  # none twice
    with chainpipe.open_store(store) as opened:
        for row, path in enumerate(videos[:-1]):
            assert opened.ids[row] == path.relative_to(opened.root).as_posix()
            made = rows[f"row{found[str(path)]}"].reshape(opened.shape[1:])
            np.testing.assert_array_equal(made, opened.features[row])
    status = dict(zip(rows["path"].tolist(), rows["status"].tolist(), strict=True))
    assert status.pop(str(videos[-1])) == "corrupt"
    assert set(status.values()) == {"ok"}


def test_daft_gives_the_codes_of_encode_when_run_again_after_a_kill(
    videos: list[Path], store: Path, tmp_path: Path
) -> None:
    pytest.importorskip("daft")
    with chainpipe.open_store(store) as opened:
        model = chainpipe.train(opened, bits=16, method="pca-itq", out=tmp_path / "model")
    ended = run(DAFT, tmp_path, tmp_path / "model", *videos)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    assert "UDF process" in found["ended"], "Daft replaces workers now: say so in docs/engines.md"
    codes = dict(zip(found["path"], found["code"], strict=True))
    assert codes.pop(str(videos[-1])) is None
    with chainpipe.open_store(store) as opened:
        wanted = [chainpipe.encode_one(opened.features[row], model) for row in range(len(opened))]
    assert [codes[str(path)] for path in videos[:-1]] == [one.tobytes().hex() for one in wanted]


def test_lance_orders_codes_as_we_do(tmp_path: Path) -> None:
    pytest.importorskip("lancedb")
    sys.path.insert(0, str(EXAMPLES))
    try:
        from lance_table import table_of  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(EXAMPLES))
    codes = chainpipe.Codes.from_bits(np.random.default_rng(0).normal(size=(50, 32)))
    table = table_of(codes, str(tmp_path))
    near = table.search(codes.packed[3], vector_column_name="code").distance_type("hamming")
    found = near.limit(5).to_arrow().to_pydict()
    wanted = codes.search(codes.packed[3:4], k=5)
    assert found["_distance"] == wanted.distances[0].tolist()
    assert found["path"][0] == "3"


def test_the_page_shows_the_lines_of_the_examples() -> None:
    """Most lines of a recipe on the page are lines of its example; some are shortened."""
    text = PAGE.read_text()
    for name in ("ray_data", "daft_rows", "lance_table"):
        example = (EXAMPLES / f"{name}.py").read_text()
        section = text.split(f"examples/engines/{name}.py", 1)[1]
        code = re.search(r"```python\n(.*?)```", section, flags=re.DOTALL)
        assert code is not None
        lines = [line.strip() for line in code[1].splitlines() if line.strip()]
        known = {line.strip() for line in example.splitlines()}
        shown = [line for line in lines if line in known]
        assert len(shown) >= len(lines) / 2, name


def test_the_first_lines_of_the_page_run(
    library: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with chainpipe.open_store(store) as opened:
        out = tmp_path / "models" / "feats-chain-32"
        chainpipe.train(opened, bits=32, method="pca-itq", out=out)
    clip = tmp_path / "videos" / "temple" / "03.mp4"
    clip.parent.mkdir(parents=True)
    clip.write_bytes((library / "card" / "0.mp4").read_bytes())
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(PAGE.read_text().split("```python\n")[1].split("```")[0], names)
    assert (names["features"].shape, names["features"].dtype) == ((25, 1280), np.float16)
    assert (names["code"].shape, names["code"].dtype) == ((4,), np.uint8)
