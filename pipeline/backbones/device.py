"""Choose the device of a backbone, without importing torch where there is no GPU."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError

_DRIVER_FILES = (Path("/dev/nvidiactl"), Path("/dev/dxg"))


def pick_device(asked: str) -> str:
    """Return ``cpu``, ``cuda`` or ``cuda:N``.

    Args:
        asked: One of those, or ``auto``: the first GPU, else the CPU.

    Raises:
        UsageError: If the asked device is none, or is not on this machine.

    Example:
        >>> pick_device("cpu")
        'cpu'
    """
    if asked == "cpu" or (asked == "auto" and not _gpus()):
        return "cpu"
    if asked == "auto":
        return "cuda"
    kind, colon, number = asked.partition(":")
    if kind != "cuda" or (colon and not number.isdigit()):
        raise UsageError(f"no device `{asked}`", hint="one of `auto`, `cpu`, `cuda`, `cuda:0`")
    if int(number or 0) >= _gpus():
        raise UsageError(
            f"no device `{asked}` among the {_gpus()} GPUs that torch can use",
            hint="use `--device cpu`",
        )
    return asked


def _gpus() -> int:
    """Count the GPUs that torch can use; torch is imported only where a driver is."""
    if not any(path.exists() for path in _DRIVER_FILES):
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0
