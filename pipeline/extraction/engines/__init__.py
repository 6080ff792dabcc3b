"""Engines of extraction: this machine, a Slurm cluster, or Ray."""

from __future__ import annotations

from pathlib import Path

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
        stop: Polled while it works.
        console: Receives messages about lost machines.

    Raises:
        UsageError: If its library is not installed, or a setting is unknown.
    """
    if options.engine.engine == "local":
        return LocalEngine(
            root,
            workers=options.engine.workers,
            limits=options.decoding.limits,
            follow_symlinks=options.inputs.follow_symlinks,
            stop=stop,
        )
    from .coordinator import LeasingEngine

    if options.engine.engine == "slurm":
        from .slurm import SlurmPool

        pool = SlurmPool(options.engine, logs=Path(f"{options.out}.slurm"))
        return LeasingEngine(pool, options, stop, console)
    from .ray import RayPool

    names = tuple(name for name, _ in options.targets)
    return LeasingEngine(RayPool(options.engine, names, options.compute), options, stop, console)
