"""Listing the commands imports none of them, and says of each what it says itself."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from chainpipe.command import app
from chainpipe.lazy_command import LazyCommand, add_lazily

COMMANDS = typer.main.get_command(app).commands
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
        assert context.command.name == name


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
