"""Model folder: weights, config and card, written atomically and verified when read. numpy only."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainpipe.distribution import installed_version
from chainpipe.pipeline.errors import DamageError, NotFoundError, UsageError
from chainpipe.pipeline.records import Fingerprint
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

from ..config.aliases import canonical_sections, canonical_tensor

FORMAT, FORMAT_VERSION = "chainpipe-model", 1
WEIGHTS, CONFIG = "model.safetensors", "config.json"
STORE_FROM_FOLDER = "store_from_folder"  # in `data`: the store's path as seen from the model folder

Tensors = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Metadata of a model.

    Attributes:
        method: One of ``METHODS``.
        bits: K, the length of a code.
        seed: Seed of the training.
        fingerprint: Backbone, dimensions and preprocessing of its input features.
        store: Absolute path of the store it was trained on; empty for arrays.
        config: The resolved config, nested plain values; empty for methods without keys.
        data: The training data: ``videos``, ``split``, ``digest`` and so on.
        weights_sha256: SHA-256 of the weights file, hexadecimal; set by :func:`save_model`.
        created: Time of creation, UTC, ISO 8601.
        version: Version of chainpipe that wrote it.
    """

    method: str
    bits: int
    seed: int
    fingerprint: Fingerprint
    store: str
    config: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""
    created: str = ""
    version: str = ""


def save_model(
    folder: Path, facts: ModelFacts, tensors: Tensors, extras: Mapping[str, bytes]
) -> ModelFacts:
    """Write a model folder atomically; an older one is replaced only by the final rename.

    Args:
        folder: The model folder.
        facts: The metadata; hash and version are set, and the time if it is empty.
        tensors: The weights, by name.
        extras: Contents of further files, by name.

    Returns:
        The metadata as written.

    Raises:
        StorageError: If the folder cannot be written.
    """
    from safetensors.numpy import save

    weights = save({name: np.ascontiguousarray(t) for name, t in tensors.items()})
    facts = replace(
        facts,
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        created=facts.created or datetime.now(UTC).isoformat(),
        version=installed_version(),
        data={**facts.data, **_store_place(folder, facts)},
    )
    content = {WEIGHTS: weights, CONFIG: _config_bytes(facts), **extras}
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with atomic_replace(folder) as temporary:
            temporary.mkdir()
            for name, data in content.items():
                (temporary / name).write_bytes(data)
    return facts


def _store_place(folder: Path, facts: ModelFacts) -> dict[str, str]:
    if not facts.store:
        return {}
    return {STORE_FROM_FOLDER: os.path.relpath(facts.store, folder.resolve())}


def write_facts(folder: Path, facts: ModelFacts) -> None:
    """Replace the metadata of a model folder atomically; the weights are kept.

    Raises:
        StorageError: If the file cannot be written.
    """
    path = folder / CONFIG
    with storage_errors(path), atomic_replace(path) as temporary:
        temporary.write_bytes(_config_bytes(facts))


def read_facts(folder: Path) -> ModelFacts:
    """Read the metadata of a model folder and verify its checksum.

    Raises:
        NotFoundError: If there is no finished model.
        DamageError: If its config is truncated or altered.
        UsageError: If a later version of chainpipe wrote it.
    """
    path = folder / CONFIG
    if not path.is_file():
        hint = "`chainpipe train STORE` makes one"
        raise NotFoundError(f"no model in `{folder}`", hint=hint)
    content = _parsed(path)
    if content["version"] > FORMAT_VERSION:
        raise UsageError(
            f"`{folder}` has model format {content['version']}, newer than {FORMAT_VERSION}",
            hint="update chainpipe",
        )
    try:
        facts = content["model"]
        facts = {**facts, "config": canonical_sections(facts.get("config", {}))}
        found = ModelFacts(**{**facts, "fingerprint": Fingerprint(**facts["fingerprint"])})
        _check_types(found)
        return found
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # others write files, too
        hint = "get the model again from where it came"
        raise DamageError(f"`{path}` does not describe a model: {error}", hint=hint) from error


def _check_types(facts: ModelFacts) -> None:
    """Refuse metadata of other types than chainpipe writes: a model may come from anywhere.

    Raises:
        TypeError: If one differs; it is named.
    """
    print_ = facts.fingerprint
    texts = {"method": facts.method, "store": facts.store, "backbone": print_.backbone}
    plugins = facts.data.get("plugins", ())
    for used in plugins:
        texts |= {f"plugins: {name}": used[name] for name in ("kind", "name", "file")}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise TypeError(f"`{name}` is {value!r}")
    for name, number in {"bits": facts.bits, "dim": print_.dim}.items():
        if not isinstance(number, int):
            raise TypeError(f"`{name}` is {number!r}")


def read_tensors(folder: Path) -> Tensors:
    """Read a model's weights by name and verify their checksum.

    Raises:
        NotFoundError: If there is no finished model.
        DamageError: If the weights are missing, altered, or no finite numbers.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    facts, path = read_facts(folder), folder / WEIGHTS
    hint = "train it again with `--restart`"
    if not path.is_file():
        raise DamageError(f"`{path}` is missing", hint=hint)
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != facts.weights_sha256:
        raise DamageError(f"`{path}` was altered or is cut short", hint=hint)
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise DamageError(f"`{path}` holds no weights: {error}", hint=hint) from error
    if bad := [name for name, one in tensors.items() if not np.isfinite(one).all()]:
        raise DamageError(f"`{path}` has NaN or infinite weights: `{bad[0]}`", hint=hint)
    return {canonical_tensor(name): tensor for name, tensor in tensors.items()}


def newest_model(models: Path = Path("models")) -> Path:
    """Return the newest finished model in a folder of models.

    Raises:
        NotFoundError: If there is none.
    """
    found = []
    for path in models.glob(f"*/{CONFIG}"):
        if not path.parent.name.startswith("."):
            found.append((read_facts(path.parent).created, path.parent))
    if not found:
        hint = "`chainpipe train STORE` makes one, or name one with `--model`"
        raise NotFoundError(f"no finished model in `{models}/`", hint=hint)
    return max(found)[1]


def check_fingerprint(facts: ModelFacts, fingerprint: Fingerprint) -> None:
    """Check that features have the fingerprint of the model's training features.

    Raises:
        UsageError: Naming every difference, the model's value first.
    """
    differences = facts.fingerprint.differences(fingerprint)
    if differences:
        raise UsageError(
            "the model was trained on other features (model / store): " + "; ".join(differences),
            hint="extract with the model's backbone, or train on this store",
        )


def _config_bytes(facts: ModelFacts) -> bytes:
    model = asdict(facts)
    content = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "checksum": _checksum(model),
        "model": model,
    }
    return (json.dumps(content, indent=2) + "\n").encode()


def _checksum(model: dict[str, Any]) -> str:
    """Return the SHA-256 of the metadata as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(model, sort_keys=True).encode()).hexdigest()


def _parsed(path: Path) -> dict[str, Any]:
    hint = "train it again with `--restart`"
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise DamageError(
            f"`{path}` is no JSON: it was altered or is cut short", hint=hint
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise NotFoundError(f"`{path}` is not a chainpipe model", hint="name the model's folder")
    if not {"version", "checksum", "model"} <= set(content):
        raise DamageError(f"`{path}` was altered: parts are missing", hint=hint)
    if content["version"] <= FORMAT_VERSION and content["checksum"] != _checksum(content["model"]):
        raise DamageError(f"`{path}` was altered: its checksum does not match", hint=hint)
    return content
