"""Is it the same run? What two runs must share to continue, or to leave alone, one's output."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chainpipe.pipeline.errors import NotFoundError, UsageError
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

from ..config.aliases import canonical
from ..model_folder.folder import ModelFacts, read_facts

STATE, LOCK = "state.pt", "lock"
_SETTINGS = "settings.json"


def _settings(facts: ModelFacts) -> dict[str, Any]:
    """Return what makes two runs the same run, flat."""
    flat = {
        f"{section}.{name}": value
        for section, values in facts.config.items()
        for name, value in values.items()
    }
    same = {"method": facts.method, "bits": facts.bits, "seed": facts.seed}
    data = {"training videos' digest": facts.data["digest"], "cached": facts.data.get("cached", "")}
    plugins = {
        f"plug-in of the {used['kind']} {used['name']}": used["sha256"]
        for used in facts.data.get("plugins", ())
    }
    return {**same, **data, **flat, **plugins}


def scratch_of(folder: Path) -> Path:
    """Return the folder where a run keeps what it needs until its model folder is finished.

    >>> scratch_of(Path("/models/a")).as_posix()
    '/models/a.training'
    """
    folder = folder.absolute()  # `.` has no name
    return folder.with_name(folder.name + ".training")


def finished(folder: Path) -> ModelFacts | None:
    """Return the facts of the finished model in a folder, or ``None`` if it is free.

    Raises:
        UsageError: If something else is there.
    """
    try:
        return read_facts(folder)
    except NotFoundError:
        if folder.exists() and any(folder.iterdir()):
            hint = "choose another folder with `--out`"
            raise UsageError(f"`{folder}` exists and is not a model", hint=hint) from None
        return None


def check_same_run(old: ModelFacts, new: ModelFacts, folder: Path) -> None:
    """Refuse to touch a finished model that was made with other settings.

    Raises:
        UsageError: Naming up to five of the differences.
    """
    _compare(_settings(old), _settings(new), folder)


def _compare(old: dict[str, Any], new: dict[str, Any], folder: Path) -> None:
    """Refuse to go on in a folder that belongs to a run with other settings."""
    names = sorted(old.keys() | new.keys())
    differing = [n for n in names if old.get(n) != new.get(n)]
    if differing:
        said = "; ".join(f"{n}: {old.get(n)} / {new.get(n)}" for n in differing[:5])
        raise UsageError(
            f"`{folder}` was made with other settings (there / now): {said}",
            hint="choose another folder with `--out`, or replace it with `--restart`",
        )


def prepare(scratch: Path, facts: ModelFacts, *, restart: bool, log: Callable[[str], None]) -> None:
    """Make the scratch folder belong to this run: continue, or begin anew.

    Raises:
        UsageError: If it belongs to an unfinished run with other settings.
    """
    path = scratch / _SETTINGS
    if restart:
        path.unlink(missing_ok=True)
        (scratch / STATE).unlink(missing_ok=True)
    if path.exists():
        folder = scratch.with_name(scratch.name.removesuffix(".training"))
        there = json.loads(path.read_bytes())
        if any(was_alias for _, was_alias in map(canonical, there)):
            hint = "finish it with that version, or train anew with `--restart`"
            raise UsageError(f"`{folder}` has an unfinished run of an older chainpipe", hint=hint)
        _compare(there, _settings(facts), folder)
        log("continuing an interrupted run")
        return
    with storage_errors(path), atomic_replace(path) as temporary:
        temporary.write_text(json.dumps(_settings(facts)))
