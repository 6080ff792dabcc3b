"""Registries and the loading of plug-ins: names, files and every mistake in them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chainpipe.command import run
from chainpipe.hashing.config import Config
from chainpipe.hashing.config.losses import LOSSES, LossConfig
from chainpipe.hashing.config.overrides import apply, key_names, to_toml
from chainpipe.hashing.methods.registry import METHODS
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Registry, load_entry_points, load_plugins, loaded_plugins
from chainpipe.plugins import Method, register

EXAMPLES = Path(__file__).parents[2] / "examples" / "plugins"
LOSS = EXAMPLES / "my_loss.py"


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    registry = Registry("shape", {"circle": 0})
    with pytest.raises(UsageError, match="no shape `square`") as caught:
        registry["square"]
    assert caught.value.hint == "one of `circle`; `--plugin FILE` adds others"


@pytest.mark.parametrize("name", ["", "My", "a b", "1a", "a:b", "é-ß!"])
def test_a_name_that_cannot_be_typed_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is no name for a shape"):
        Registry("shape", {}).add(name, 1)


def test_a_name_of_ours_or_of_another_plugin_is_registered_once(tmp_path: Path) -> None:
    class Mine(Method):  # type: ignore[type-arg]
        about = "mine"

    with pytest.raises(UsageError, match=r"`chain` is registered twice: in chainpipe itself and "):
        register.method("chain")(Mine)
    load_plugins([str(LOSS)])
    copy = tmp_path / "copy.py"
    copy.write_text(LOSS.read_text())
    twice = r"plug-in `.*copy.py`: the loss `bit_balance` is registered twice: in my_loss.py and co"
    with pytest.raises(UsageError, match=twice) as caught:
        load_plugins([str(copy)])
    assert caught.value.hint == "give one of them another name"
    register.method("mine")(Mine)
    register.method("mine")(Mine)  # a cell of a notebook that is run again
    assert METHODS["mine"].about == "mine"


def test_a_plugin_is_loaded_once_whatever_its_path_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_plugins([str(LOSS)])
    monkeypatch.chdir(LOSS.parent)
    load_plugins(["my_loss.py", "./my_loss.py"])
    assert loaded_plugins() == (str(LOSS),)
    assert LOSSES.names()[-1] == "bit_balance"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no plug-in `.*bad.py`"),
        ("import no_such_thing", "does not import: ModuleNotFoundError: No module named 'no_such"),
        ("x = ", "does not import: SyntaxError"),
        ("raise RuntimeError('no')", "does not import: RuntimeError: no"),
    ],
)
def test_a_file_that_is_no_plugin_ends_in_words(
    text: str | None, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        Path("bad.py").write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        load_plugins(["bad.py"])
    assert caught.value.hint
    assert run(["train", "feats.h5", "--plugin", "bad.py"]) == 2
    said = capsys.readouterr().err
    assert "error: " in said
    assert "hint: " in said
    assert "Traceback" not in said


def test_a_module_is_loaded_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "house_of_losses.py").write_text(LOSS.read_text())
    monkeypatch.syspath_prepend(str(tmp_path))
    load_plugins(["house_of_losses"])
    plugin = LOSSES.plugin("bit_balance")
    assert plugin is not None
    assert (plugin.spec, plugin.file) == ("house_of_losses", "house_of_losses.py")
    with pytest.raises(UsageError, match="no plug-in `no_such_house`"):
        load_plugins(["no_such_house"])


def test_an_installed_distribution_offers_plugins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "offered_losses.py").write_text(LOSS.read_text())
    facts = tmp_path / "offered-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: offered\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[chainpipe.plugins]\nlosses = offered_losses\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    load_entry_points()
    assert "bit_balance" in LOSSES


def test_every_config_has_the_section_of_a_loss_that_is_loaded() -> None:
    before = key_names(Config())
    load_plugins([str(LOSS)])
    more = [name for name in key_names(Config()) if name not in before]
    assert more == [f"bit_balance.{key}" for key in ("weight", "warmup", "power")]
    assert "[bit_balance]" in to_toml(Config())
    changed = apply(Config(), {"bit_balance.weight": 1})
    assert changed != Config()
    assert changed.more_losses["bit_balance"].weight == 1.0
    with pytest.raises(UsageError) as caught:
        apply(Config(), {"bit_balanc.power": 1})
    assert "`bit_balance.power`" in str(caught.value.hint)


@dataclass(frozen=True)
class Weightless:
    """Without the keys of a loss."""

    power: float = 1.0


@dataclass(frozen=True)
class Silent(LossConfig):
    """A key that says nothing."""

    power: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Demanding(LossConfig):
    """A key without default."""

    power: float = field(metadata={"doc": "power"})


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (Weightless, "has no `weight`"),
        (Silent, r"the key `odd.power` has no description"),
        (Demanding, "missing 1 required keyword-only argument"),
        (dict, "is no frozen dataclass"),
    ],
)
def test_a_class_that_is_no_section_is_refused(section: type, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        register.loss("odd", config=section)(object)
    assert "odd" not in LOSSES


def test_loading_a_sampler_loads_neither_torch_nor_stage_two() -> None:
    """The decode process loads it for every worker."""
    program = (
        "import sys; from chainpipe.pipeline.records import load_plugins; "
        f"load_plugins([{str(EXAMPLES / 'my_sampler.py')!r}]); "
        "sys.exit(any(n == 'torch' or n.startswith('chainpipe.hashing') for n in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
