"""Models to and from a hub, through the hub's own client, over HTTP on the loopback interface."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

import chainpipe
from chainpipe import DamageError, NotFoundError, StorageError, UsageError, command
from chainpipe.hashing.model_folder.hub import FILES

from .hub_server import TOKEN, HubServer, commit_of, serving

ROOT = Path(__file__).parents[3]
NAME = "someone/codes"


@pytest.fixture(scope="module")
def folder(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a labelled store on disk, evaluated: its folder names the store's place."""
    own = tmp_path_factory.mktemp("own") / "model"
    words = ["train", str(store), "--bits", "8", "--method", "pca-itq", "--out", str(own)]
    assert command.run(words) == 0
    assert command.run(["eval", "--model", str(own)]) == 0
    return own


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with serving() as server:
        yield server


class Client:
    """Runs Python with a cache of its own; the hub's client reads its settings when imported."""

    def __init__(self, home: Path, address: str) -> None:
        self.home = home
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
            "HF_HOME": str(home),
            "HF_ENDPOINT": address,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "PYTHONPATH": str(ROOT),
            "no_proxy": "127.0.0.1",
        }

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            env={**self._env, **env},
            capture_output=True,
            text=True,
            check=False,
        )

    def python(self, script: str, *words: str, **env: str) -> str:
        """Run a script; return what it printed, or its error as `class: words | hint`."""
        caught = (
            "import sys, chainpipe\n"
            "try:\n"
            + "".join(f"    {line}\n" for line in script.strip().splitlines())
            + "except chainpipe.ChainpipeError as error:\n"
            "    print(f'{type(error).__name__}: {error} | {error.hint}')\n"
        )
        ended = self.run("-c", caught, *words, **env)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()


@pytest.fixture(scope="module")
def client(hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(tmp_path_factory.mktemp("hf"), hub.address)


@pytest.fixture(scope="module")
def pushed(client: Client, folder: Path) -> str:
    """The model on the hub: the address of its commit."""
    push = "print(chainpipe.load_model(sys.argv[1]).push_to_hub(sys.argv[2]))"
    return client.python(push, str(folder), NAME, HF_TOKEN=TOKEN)


def test_pushing_makes_a_private_repository_with_one_commit(
    hub: HubServer, pushed: str, folder: Path
) -> None:
    assert pushed == f"{hub.address}/{NAME}/commit/{commit_of(NAME, 0)}"
    (files,) = hub.repos[NAME]
    assert set(files) == {"README.md", "config.json", "model.safetensors", "quality.json"}
    assert files["model.safetensors"] == (folder / "model.safetensors").read_bytes()
    assert NAME in hub.private
    card = files["README.md"].decode()
    assert yaml.safe_load(card.split("---\n")[1])["library_name"] == "chainpipe"
    assert f'load_model("hf:{NAME}")' in card


LOAD = """
model = chainpipe.Model.from_pretrained(*sys.argv[1:2], revision=sys.argv[2] or None)
print(model, model.facts.weights_sha256)
"""


@pytest.mark.usefixtures("pushed")
def test_a_model_comes_back_from_the_hub_and_then_from_the_cache(
    hub: HubServer, client: Client, folder: Path
) -> None:
    own = chainpipe.load_model(folder)
    wanted = f"{own} {own.facts.weights_sha256}"
    for name, revision in ((NAME, ""), (f"hf:{NAME}@main", ""), (NAME, commit_of(NAME, 0))):
        assert client.python(LOAD, name, revision) == wanted
    asked = len(hub.asked)
    assert client.python(LOAD, NAME, "", HF_HUB_OFFLINE="1") == wanted
    assert len(hub.asked) == asked


@pytest.mark.usefixtures("pushed")
def test_the_command_takes_a_model_of_the_hub(
    client: Client, folder: Path, store: Path, tmp_path: Path
) -> None:
    out, model = tmp_path / "codes.npz", ("--model", f"hf:{NAME}@{commit_of(NAME, 0)}")
    words = ("-m", "chainpipe", "encode", *model, "--store", str(store), "--out", str(out))
    ended = client.run(*words)
    assert ended.returncode == 0, ended.stderr
    with chainpipe.open_store(store) as opened:
        wanted = chainpipe.load_model(folder).encode(opened)
    made = chainpipe.Codes.load(out)
    np.testing.assert_array_equal(made.packed, wanted.packed)
    assert made.origin == wanted.origin
    asked = ("search", "card/0.mp4", *model, "--store", str(store), "--k", "1", "--json")
    found = client.run("-m", "chainpipe", *asked, HF_HUB_OFFLINE="1")
    assert json.loads(found.stdout)["path"] == "card/1.mp4"
    without = client.run("-m", "chainpipe", "encode", *model, HF_HUB_OFFLINE="1")
    assert without.returncode == 2
    assert "--out" in without.stderr
    nowhere = client.run("-m", "chainpipe", "search", "x", *model, HF_HUB_OFFLINE="1")
    assert nowhere.returncode == 10
    assert "names no store" in nowhere.stderr
    cached = (client.home / "hub").rglob("snapshots/*/*")
    assert {path.name for path in cached} <= set(FILES)


@pytest.mark.parametrize(
    ("name", "revision", "error"),
    [
        ("someone/nothing", "", "NotFoundError: the hub shows no model `someone/nothing`"),
        (NAME, "v9", f"NotFoundError: `{NAME}` has no `v9`"),
        ("other/model", "", "NotFoundError: `hf:other/model` is not a chainpipe model"),
        ("no name", "", "UsageError: `no name` is no model on the hub"),
    ],
)
@pytest.mark.usefixtures("pushed")
def test_what_is_not_there_is_one_error(
    hub: HubServer, client: Client, name: str, revision: str, error: str
) -> None:
    hub.repos["other/model"] = [{"README.md": b"hello", "weights.bin": b"pickle"}]
    said = client.python(LOAD, name, revision)
    assert said.startswith(error)
    assert "weights.bin" not in "".join(hub.asked)


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("model.safetensors", b"other bytes"),
        ("config.json", b"{"),
        ("config.json", json.dumps({"format": "chainpipe-model"}).encode()),
    ],
)
@pytest.mark.usefixtures("pushed")
def test_altered_files_are_damage(
    hub: HubServer, client: Client, tmp_path: Path, part: str, content: bytes
) -> None:
    hub.repos["bad/model"] = [{**hub.repos[NAME][0], part: content}]
    said = client.python(LOAD, "bad/model", "", HF_HUB_CACHE=str(tmp_path))
    assert said.startswith("DamageError")


@pytest.mark.parametrize("token", ["", "hf_another"])
def test_pushing_needs_a_token_that_may_write(
    client: Client, folder: Path, hub: HubServer, token: str
) -> None:
    push = "print(chainpipe.load_model(sys.argv[1]).push_to_hub('someone/else'))"
    said = client.python(push, str(folder), HF_TOKEN=token)
    assert said.startswith("UsageError: the hub does not let you write to `someone/else`")
    assert "hf auth login" in said
    assert "hf_another" not in said
    assert "someone/else" not in hub.repos


def test_without_network_there_is_one_error_and_a_hint(tmp_path: Path, folder: Path) -> None:
    client = Client(tmp_path, "http://127.0.0.1:9")  # nobody listens
    said = client.python(LOAD, NAME, "")
    assert said.startswith(f"NotFoundError: `hf:{NAME}` is not on this machine")
    push = "print(chainpipe.load_model(sys.argv[1]).push_to_hub('someone/else'))"
    said = client.python(push, str(folder), HF_TOKEN=TOKEN)
    assert said.startswith("StorageError: the hub is not reachable for `hf:someone/else`")
    ended = client.run("-m", "chainpipe", "eval", "--model", f"hf:{NAME}")
    assert ended.returncode == 10
    assert ended.stderr.count("error:") == ended.stderr.count("hint:") == 1


def test_a_folder_is_a_pretrained_model_and_has_no_revision(tmp_path: Path, folder: Path) -> None:
    own = chainpipe.load_model(folder)
    own.save_pretrained(tmp_path / "public", name=NAME)
    made = chainpipe.Model.from_pretrained(tmp_path / "public")
    features = np.random.default_rng(0).normal(size=(9, 2, own.dim)).astype(np.float32)
    np.testing.assert_array_equal(made.encode(features).packed, own.encode(features).packed)
    with pytest.raises(UsageError, match="has no revisions"):
        chainpipe.Model.from_pretrained(tmp_path / "public", revision="v1")
    with pytest.raises(UsageError, match="is no model on the hub"):
        own.save_pretrained(tmp_path / "other", name="one word")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    with pytest.raises(UsageError):
        own.save_pretrained(tmp_path / "full")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        own.save_pretrained(tmp_path / "file" / "model")
    with pytest.raises(NotFoundError):
        chainpipe.Model.from_pretrained(tmp_path)
    (tmp_path / "public" / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(DamageError):
        chainpipe.Model.from_pretrained(tmp_path / "public")


def test_no_file_of_a_public_copy_names_the_place_of_the_store(
    store: Path, folder: Path, tmp_path: Path
) -> None:
    assert str(store.parent).encode() in (folder / "config.json").read_bytes()
    chainpipe.load_model(folder).save_pretrained(tmp_path / "public", name=NAME)
    for path in (tmp_path / "public").iterdir():
        assert str(store.parent).encode() not in path.read_bytes()
    front = (tmp_path / "public" / "README.md").read_text().split("---\n")[1]
    (index,) = yaml.safe_load(front)["model-index"]
    measured = json.loads((folder / "quality.json").read_text())["measured"][0]["map"]
    found = {one["type"]: one["value"] for one in index["results"][0]["metrics"]}
    assert found == {f"map_at_{k}": round(value, 6) for k, value in measured.items()}
    copy = chainpipe.load_model(tmp_path / "public")
    copy.save_pretrained(tmp_path / "again", name=NAME)
    for path in (tmp_path / "public").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
