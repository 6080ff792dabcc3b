"""Resume check: settings that must match to continue a run or to keep its finished model."""

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
    """Return the settings that must match, as a flat dictionary."""
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
    """Return the scratch folder of a run, which is removed when its model folder is finished.

    >>> scratch_of(Path("/models/a")).as_posix()
    '/models/a.training'
    """
    folder = folder.absolute()  # `.` has no name
    return folder.with_name(folder.name + ".training")


def finished(folder: Path) -> ModelFacts | None:
    """Return the metadata of the finished model in a folder, or ``None`` if there is none.

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
    """Refuse to replace a finished model of a run with other settings.

    Raises:
        UsageError: Naming up to five of the differences.
    """
    _compare(_settings(old), _settings(new), folder)


def _compare(old: dict[str, Any], new: dict[str, Any], folder: Path) -> None:
    """Refuse to continue in the folder of a run with other settings."""
    names = sorted(old.keys() | new.keys())
    differing = [n for n in names if old.get(n) != new.get(n)]
    if differing:
        said = "; ".join(f"{n}: {old.get(n)} / {new.get(n)}" for n in differing[:5])
        raise UsageError(
            f"`{folder}` was made with other settings (there / now): {said}",
            hint="choose another folder with `--out`, or replace it with `--restart`",
        )


def prepare(scratch: Path, facts: ModelFacts, *, restart: bool, log: Callable[[str], None]) -> None:
    """Prepare the scratch folder: resume an interrupted run, or start a new one.

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
