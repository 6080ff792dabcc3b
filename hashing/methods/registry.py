"""Registry of methods, and loading of hashers from model folders.

The baselines need numpy only; torch is imported when a learned model is trained or loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Registry

from ..config.losses import LOSSES
from ..config.model import ENCODERS
from ..config.overrides import apply, from_dict
from ..model_folder.folder import ModelFacts, Tensors, read_facts, read_tensors
from ..models.hasher import Hasher
from .base import Method
from .chain.method import CHAIN
from .conmh import CONMH
from .crovca import CROVCA
from .linear import HashingBaselineMethod, LshMethod, PcaItqMethod, RandomMethod

METHODS: Registry[Method[Any]] = Registry(
    "method",
    {
        "chain": CHAIN,
        "conmh": CONMH,
        "crovca-like": CROVCA,
        "pca-itq": PcaItqMethod(),
        "hashing-baseline": HashingBaselineMethod(),
        "lsh": LshMethod(),
        "random": RandomMethod(),
    },
)

MAX_BITS = 256
_KINDS: dict[str, Registry[Any]] = {"method": METHODS, "encoder": ENCODERS, "loss": LOSSES}


def check_method(method: str, bits: int) -> None:
    """Check the name of a method and the code length.

    Raises:
        UsageError: Naming what would be right.
    """
    METHODS[method]
    if not 1 <= bits <= MAX_BITS:
        raise UsageError(f"`--bits {bits}` is impossible", hint=f"from 1 to {MAX_BITS}")


def used_plugins(method: str, config: dict[str, Any]) -> list[dict[str, str]]:
    """Return the plug-ins of a model, each as ``kind``, ``name``, ``file``, ``sha256``.

    Args:
        method: Method of the model.
        config: The resolved config, nested plain values.
    """
    names = [("method", method), ("encoder", config.get("encoder", {}).get("kind", ""))]
    names += [("loss", name) for name, part in config.items() if part.get("weight")]
    found = []
    for kind, name in names:
        if (plugin := _KINDS[kind].plugin(name)) is not None:
            entry = {"kind": kind, "name": name, "file": plugin.file, "sha256": plugin.sha256}
            found.append(entry)
    return found


def check_plugins(facts: ModelFacts) -> None:
    """Check that the plug-ins of a model are loaded.

    Raises:
        UsageError: Naming the first one that is missing.
    """
    for used in facts.data.get("plugins", ()):
        kind, name, file = used["kind"], used["name"], used["file"]
        if name not in _KINDS[kind]:
            message = f"the model was trained with the {kind} `{name}` of the plug-in `{file}`"
            raise UsageError(message, hint=f"load it by `--plugin {file}`")


def load_hasher(folder: Path) -> tuple[ModelFacts, Hasher]:
    """Load a finished model.

    Raises:
        NotFoundError: If there is none.
        DamageError: If it is truncated or altered.
        UsageError: If its method is not known here, or a plug-in of it is not loaded.
    """
    facts, tensors = read_facts(folder), read_tensors(folder)
    check_plugins(facts)
    check_method(facts.method, facts.bits)
    return facts, build_hasher(facts, tensors)


def build_hasher(facts: ModelFacts, tensors: Tensors) -> Hasher:
    """Return the hasher of a model's metadata and tensors."""
    method = METHODS[facts.method]
    config = method.config
    if config is not None:
        config = from_dict(facts.config, apply(config, method.legacy_defaults))
    return method.load(config, tensors)
