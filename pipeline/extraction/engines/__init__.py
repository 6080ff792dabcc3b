"""Where extraction runs: this machine, a Slurm cluster, or Ray."""

from __future__ import annotations

from ...console import Console
from ..options import ExtractOptions
from ..signals import StopRequest
from .base import Duplicates, Engine
from .local import LocalEngine

__all__ = ["Duplicates", "Engine", "build_engine"]


def build_engine(
    options: ExtractOptions, root: bytes, stop: StopRequest, console: Console
) -> Engine:
    """Return the engine that the options ask for.

    Args:
        options: The run's.
        root: The folder that paths are relative to, ``os.fsencode``.
        stop: Looked at while it works.
        console: Hears of lost machines.

    Raises:
        UsageError: If its library is not installed, or a setting is unknown.
    """
    if options.engine == "local":
        return LocalEngine(root, options, stop)
    from .coordinator import LeasingEngine

    if options.engine == "slurm":
        from .slurm import SlurmPool

        return LeasingEngine(SlurmPool(options), options, stop, console)
    from .ray import RayPool

    return LeasingEngine(RayPool(options), options, stop, console)
