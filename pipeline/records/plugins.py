"""Plug-ins: modules of the user's own, loaded from a file, by name or from an entry point."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

from ..errors import ChainpipeError, UsageError
from .registry import LOADING, Plugin, sha256_of

GROUP = "chainpipe.plugins"
_loaded: dict[str, Plugin] = {}  # by spec


def load_plugins(specs: Iterable[str]) -> None:
    """Import modules that register something; each once a process.

    Args:
        specs: A path such as ``my_loss.py``, or a dotted module name, each.

    Raises:
        UsageError: If there is no such module, it does not import, or a name is taken.
    """
    for spec in specs:
        path = Path(spec).expanduser()
        if path.suffix == ".py" or path.is_file():
            _load(str(path.resolve()), _import_file)
        else:
            _load(spec, importlib.import_module)


def load_entry_points() -> None:
    """Import the plug-ins that installed distributions offer.

    Raises:
        UsageError: If one does not import, or a name is taken.
    """
    if not _any_offered():
        return
    from importlib.metadata import entry_points

    load_plugins(point.module for point in entry_points(group=GROUP))


def _any_offered() -> bool:
    """Return whether an installed distribution may offer a plug-in.

    ``importlib.metadata`` parses all of them, a tenth of a command's time; here their files are
    looked through for the name of the group.
    """
    for folder in sys.path:
        try:
            with os.scandir(folder or ".") as entries:
                found = [
                    one.path for one in entries if one.name.endswith((".dist-info", ".egg-info"))
                ]
        except NotADirectoryError:  # an archive of modules
            return True
        except OSError:
            continue
        for path in found:
            with contextlib.suppress(OSError), open(f"{path}/entry_points.txt", "rb") as file:
                if GROUP.encode() in file.read():
                    return True
    return False


def load_all(specs: Iterable[str]) -> None:
    """Import what installed distributions offer, then what a command line names.

    Raises:
        UsageError: As :func:`load_plugins`.
    """
    load_entry_points()
    load_plugins(specs)


def loaded_plugins() -> tuple[str, ...]:
    """Return what :func:`load_plugins` needs in another process to load the same ones."""
    return tuple(_loaded)


def forget_plugins() -> None:
    """Let the next :func:`load_plugins` import everything anew; registries forget by themselves."""
    _loaded.clear()


def _load(spec: str, read: Callable[[str], ModuleType]) -> None:
    if spec in _loaded:
        return
    file = Path(spec) if read is _import_file else _file_of(spec)
    if file is not None and not file.is_file():
        raise UsageError(f"no plug-in `{spec}`", hint="a `.py` file or a module's name")
    plugin = Plugin(spec, file.name if file else spec, sha256_of(file) if file else "")
    token = LOADING.set(plugin)
    try:
        read(spec)
    except ChainpipeError as error:
        error.args = (f"plug-in `{spec}`: {error}",)
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        hint = f"`python {spec}` shows where" if read is _import_file else f"`import {spec}` fails"
        raise UsageError(f"the plug-in `{spec}` does not import: {said}", hint=hint) from error
    finally:
        LOADING.reset(token)
    _loaded[spec] = plugin


def _import_file(spec: str) -> ModuleType:
    """Import a file under a name that depends on its path alone, so that pickles find it."""
    path = Path(spec)
    name = f"chainpipe_plugin_{path.stem}_{hashlib.sha256(spec.encode()).hexdigest()[:8]}"
    found = importlib.util.spec_from_file_location(name, path)
    assert found is not None
    assert found.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(found)
    try:
        found.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _file_of(name: str) -> Path | None:
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        found = None
    if found is None:
        hint = "a `.py` file or the name of a module that Python finds"
        raise UsageError(f"no plug-in `{name}`", hint=hint)
    return Path(found.origin) if found.origin and Path(found.origin).is_file() else None
