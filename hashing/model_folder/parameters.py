"""Parameter counts of a model, and how many of them its codes depend on."""

from __future__ import annotations

from .folder import Tensors

_SHORTCUT = "hash_layer.shortcut.weight"
_HEAD = ("hash_layer.head.weight", "hash_layer.head.bias")
_BEFORE_HEAD = ("encoder.", "hash_layer.norm.", "hash_layer.head.")


def parameter_counts(tensors: Tensors) -> dict[str, int]:
    """Return the number of parameters that the codes depend on, by the first part of their names.

    The PCA whitening is not counted: it is fitted, not trained. Parameters without a prefix are
    counted under ``""``.

    >>> import numpy as np
    >>> parameter_counts({"pca_mean": np.ones(9), "encoder.a": np.ones(4)})
    {'encoder': 4}
    """
    counts: dict[str, int] = {}
    for name, tensor in tensors.items():
        part = name.rpartition(".")[0].partition(".")[0]
        if not name.startswith("pca_") and not _is_unused(name, tensors):
            counts[part] = counts.get(part, 0) + tensor.size
    return counts


def unused_count(tensors: Tensors) -> int:
    """Return the number of stored parameters that do not affect the codes.

    Where training had no epochs, the hash layer's head is still 0: the codes are those of its
    linear shortcut, and the encoder before the head has no part in them.

    >>> import numpy as np
    >>> start = {"hash_layer.head.weight": np.zeros(3), "hash_layer.head.bias": np.zeros(1)}
    >>> unused_count({**start, "encoder.a": np.ones(4), "hash_layer.shortcut.weight": np.ones(2)})
    8
    """
    return sum(tensor.size for name, tensor in tensors.items() if _is_unused(name, tensors))


def _is_unused(name: str, tensors: Tensors) -> bool:
    silent = _SHORTCUT in tensors and not any(tensors[part].any() for part in _HEAD)
    return silent and name.startswith(_BEFORE_HEAD)
