"""Listing the commands imports none of them, and says of each what it says itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from chainpipe.command import app
from chainpipe.lazy_command import LazyCommand, add_lazily


def commands_of(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all commands by name, those of groups with the group's name before theirs."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, f"{before}{name} ")
        else:
            yield before + name, command


COMMANDS = dict(commands_of(typer.main.get_command(app)))
LAZY = {name: one for name, one in COMMANDS.items() if isinstance(one, LazyCommand)}
HEAVY = ("numpy", "h5py", "torch", "pydantic", "chainpipe.hashing.config")


def test_every_verb_but_the_demo_is_lazy() -> None:
    assert COMMANDS.keys() - LAZY.keys() == {"demo"}


@pytest.mark.parametrize("name", LAZY)
def test_the_line_in_the_list_is_the_first_of_the_commands_own_help(name: str) -> None:
    command = LAZY[name]
    function = command.callback()
    assert command.help == function.__doc__.splitlines()[0]
    with command.make_context(name, [], resilient_parsing=True) as context:
        assert context.command.help.splitlines()[0] == command.help
        assert context.command.name == name.split()[-1]


def test_the_list_of_commands_imports_nothing_heavy() -> None:
    program = (
        "import sys; from chainpipe.command import run; run(['--help']); "
        f"sys.exit(', '.join(name for name in {HEAVY} if name in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_lazy_command_takes_options_and_fails_as_any_other() -> None:
    app = typer.Typer()
    add_lazily(app, "join", "os.path:normpath", about="Normalize.", panel="Paths")
    add_lazily(app, "gone", "os.path:no_such", about="Fail.", panel="Paths")
    run = CliRunner().invoke
    assert run(app, ["join"]).exit_code == 2
    assert run(app, ["join", "a/../b"]).exit_code == 0
    assert isinstance(run(app, ["gone"]).exception, AttributeError)


def test_a_lazy_command_needs_a_callback() -> None:
    with pytest.raises(ValueError, match="`bare` has no callback"):
        LazyCommand("bare").make_context("bare", [])


def test_options_that_need_no_conversion_start_without_pydantic() -> None:
    """Searching nothing fails on its missing model, after all options were read."""
    words = ["search", "x.mp4", "y.mp4", "-k", "7", "--model", "nowhere", "--label", "a", "--json"]
    program = (
        "import sys; from chainpipe.command import run; code = run(sys.argv[1:]); "
        "sys.exit(code if 'pydantic' not in sys.modules else 99)"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True)
    assert done.returncode == 10, done.stderr


def options(
    names: Annotated[list[str], typer.Argument()],
    number: Annotated[int, typer.Option("--number")] = 3,
    share: Annotated[float | None, typer.Option("--share")] = None,
    place: Annotated[Path | None, typer.Option("--place")] = None,
    many: Annotated[list[Path] | None, typer.Option("--many")] = None,
    at_least: Annotated[int | None, typer.Option("--at-least", min=2)] = None,
    real: Annotated[Path | None, typer.Option("--real", exists=True)] = None,
    flag: Annotated[bool | None, typer.Option("--flag/--no-flag")] = None,
) -> None:
    """Print every option."""
    print([names, number, share, place, many, at_least, real, flag])


@pytest.mark.parametrize(
    "words",
    [
        ["a"],
        ["a", "b", "--number", "7", "--share", "0.5", "--place", "x/y", "--flag"],
        ["a", "--many", "x", "--many", "y", "--at-least", "2", "--no-flag"],
        ["a", "--number", "-7"],
        ["a", "--number", "seven"],
        ["a", "--share", "much"],
        ["a", "--at-least", "1"],
        ["a", "--real", "nowhere"],
        ["a", "--number", "\u0663"],
    ],
)
def test_values_are_those_of_a_command_that_converts_all(words: list[str]) -> None:
    plain, lazy = typer.Typer(), typer.Typer()
    plain.command("options")(options)
    plain.command("other")(lambda: None)
    add_lazily(lazy, "options", f"{__name__}:options", about="Print.", panel="All")
    add_lazily(lazy, "other", "os.path:normpath", about="Other.", panel="All")
    found, expected = (CliRunner().invoke(app, ["options", *words]) for app in (lazy, plain))
    assert (found.exit_code, found.stdout) == (expected.exit_code, expected.stdout)
