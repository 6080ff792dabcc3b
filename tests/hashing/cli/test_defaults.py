"""A default of `train` stands once: in `TrainOptions`."""

import inspect
import re
from dataclasses import fields

from chainpipe.hashing.cli import train as module
from chainpipe.hashing.cli.train import train
from chainpipe.hashing.runs.options import TrainOptions
from chainpipe.hashing.runtime.units import parse_size


def test_every_default_of_the_command_is_that_of_the_options() -> None:
    given = {name: one.default for name, one in inspect.signature(train).parameters.items()}
    defaults = TrainOptions()
    names = {field.name for field in fields(TrainOptions)} & given.keys()
    assert len(names) > 8
    for name in names - {"memory", "time_limit"}:
        assert given[name] == getattr(defaults, name), name
    assert parse_size(given["memory"], option="--memory") == defaults.memory


def test_the_command_states_no_default_of_its_own() -> None:
    signature = inspect.getsource(module).split("def train(")[1].split(") -> None:")[0]
    stated = re.findall(r"\] = \(?\s*([^,\s]+)", signature)
    own = {one for one in stated if one not in ("None", "False") and "_DEFAULTS" not in one}
    assert not own
