"""How the program starts: beside strangers' modules, without a home, interrupted at any moment."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RAISES = "raise RuntimeError('a module of the user was imported')\n"


def chainpipe(*words: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chainpipe", *map(str, words)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | env
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.fixture
def decoys(tmp_path: Path) -> Path:
    for name in ("pipeline", "hashing"):
        (tmp_path / f"{name}.py").write_text(RAISES)
    return tmp_path


@pytest.mark.parametrize(
    "start", [("-m", "chainpipe"), ("-c", "import chainpipe_video as c; c.main()")]
)
def test_modules_of_the_user_are_not_imported(decoys: Path, store: Path, start) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, *start, "train", str(store), "--bits", "8", "--method", "pca-itq"]
    done = subprocess.run(command, cwd=decoys, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (decoys / "models/feats-pca-itq-8/config.json").exists()


def test_a_script_beside_its_own_pipeline_imports_both(tmp_path: Path) -> None:
    (tmp_path / "pipeline.py").write_text("mine = True\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import chainpipe, pipeline\nassert pipeline.mine\nimport chainpipe.pipeline\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, str(script)], cwd=tmp_path, env=environment, check=True)


def test_another_package_before_ours_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "chainpipe").mkdir()
    other = tmp_path / "chainpipe" / "__init__.py"
    other.write_text("def chain(*steps): ...\n")
    shutil.copy(ROOT / "chainpipe_video.py", tmp_path)
    command = [sys.executable, "chainpipe_video.py", "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert str(other) in error
    assert "pip uninstall chainpipe" in hint


def test_another_package_over_ours_is_an_error_that_names_it(tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "chainpipe", tmp_path / "chainpipe", ignore=shutil.ignore_patterns("[hp]*g", "p*e")
    )
    shutil.copy(ROOT / "chainpipe_video.py", tmp_path)
    (tmp_path / "chainpipe" / "__init__.py").write_text("def chain(*steps): ...\n")
    command = [sys.executable, "-m", "chainpipe", "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("error: ")) == (2, 1)


@pytest.mark.parametrize("seconds", [0.15, 0.4, 0.8, 2.5])
def test_ctrl_c_at_any_moment_says_interrupted(tmp_path: Path, store: Path, seconds: float) -> None:
    words = ["train", str(store), "--epochs", "100000", "--out", str(tmp_path / "m")]
    start = "import sys; sys.argv[0] = 'chainpipe'; import chainpipe_video; print(flush=True); "
    command = [sys.executable, "-c", f"{start}chainpipe_video.main()", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.read(1)  # Python itself has started
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
    assert process.returncode == 130
    assert "error: interrupted" in said
    assert "Traceback" not in said


def test_no_module_imports_a_stage_by_a_name_that_users_have() -> None:
    for folder in ("chainpipe", "pipeline", "hashing", "tests", "docs"):
        for path in (ROOT / folder).rglob("*.py"):
            names = re.findall(
                r"^\s*(?:from|import) (?:pipeline|hashing)\b", path.read_text(), flags=re.MULTILINE
            )
            assert not names, path


NAMELESS = ["unshare", "--user", "--map-user=54321", "--map-group=54321"]


def can_be_nameless() -> bool:
    try:
        return subprocess.run([*NAMELESS, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not can_be_nameless(), reason="this system makes no user namespaces")
def test_a_nameless_user_without_a_home_extracts_and_trains(library: Path, tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    shutil.copytree(library, videos)
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG")}
    environment = kept | {"PYTHONPATH": str(ROOT)}
    for words in (
        ["extract", "videos", "--out", "f.h5"],
        ["train", "f.h5", "--bits", "8", "--epochs", "1"],
        ["search", "videos/card/0.mp4", "--picture", "a.png"],
    ):
        command = [*NAMELESS, sys.executable, "-m", "chainpipe", *words]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
