"""The Ray engine: one task a unit, and where asked for, actors that hold the backbones."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from ...backbones import Backbone
from ...errors import UsageError, missing_package
from ...options import BackboneOptions, EngineOptions
from .coordinator import LostUnitError
from .settings import Settings
from .work_unit import UnitReport, WorkUnit, attempt, built

LOOK_SECONDS = 0.5
KNOWN = "known are `address`, `tasks`, `cpus`, `actors`, `gpus_per_actor`"


class RayPool:
    """Tasks of a Ray cluster, see ``Pool``.

    Settings: ``address`` (of a running cluster; by default one is started here), ``tasks`` (at a
    time; as many as there are CPUs for), ``cpus`` (of the cluster that is started here), ``actors``
    (processes that hold the backbones and serve all tasks; 0: every task has its own),
    ``gpus_per_actor`` (1 where a GPU is seen, else 0).

    Args:
        engine: Its settings; ``workers`` is the CPUs of a task.
        names: Names of the backbones, for the actors.
        compute: How the actors run them.

    Raises:
        UsageError: If Ray is not installed, or a setting is unknown or cannot be met.
    """

    def __init__(
        self, engine: EngineOptions, names: tuple[str, ...], compute: BackboneOptions
    ) -> None:
        settings = Settings(engine.engine_options)
        address = settings.word("address", "")
        self._ray = _started(address, settings.number("cpus", 0, least=0))
        resources = self._ray.cluster_resources()
        cpus, seen = int(resources.get("CPU", 1)), int(resources.get("GPU", 0))
        self._tasks = settings.number("tasks", max(1, cpus // engine.workers))
        actors = settings.number("actors", 0, least=0)
        gpus = settings.number("gpus_per_actor", min(1, seen), least=0)
        settings.nothing_more(KNOWN)
        share, own = engine.workers, compute.threads
        if not address:  # one machine: nothing may wait there for processors that never get free
            share, own = min(share, cpus), 0
            if actors * gpus > seen:
                message = f"{actors} actors with {gpus} GPUs each, but there are {seen}"
                raise UsageError(message, hint="lower `actors` or `gpus_per_actor`")
        self._attempt = self._ray.remote(num_cpus=share, max_retries=0)(_attempt)
        threads = self._tasks * engine.workers
        how = {"num_gpus": gpus, "num_cpus": own, "max_concurrency": threads}
        self._actors = [self._actor(names, compute, how) for _ in range(actors)]
        self._running: dict[Any, WorkUnit] = {}

    def run(
        self, units: Sequence[WorkUnit]
    ) -> Iterator[tuple[WorkUnit, UnitReport | Exception] | None]:
        """Keep some tasks running; yield the result of each."""
        waiting = deque(units)
        while waiting or self._running:
            while waiting and len(self._running) < self._tasks:
                self._lease(waiting.popleft())
            ended, _ = self._ray.wait(list(self._running), timeout=LOOK_SECONDS)
            for reference in ended:
                yield self._running.pop(reference), self._outcome(reference)
            if not ended:
                yield None

    def close(self) -> None:
        """Cancel what runs; a cluster that was started here ends with this process."""
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        self._running.clear()

    def _lease(self, unit: WorkUnit) -> None:
        actors = self._actors and [self._actors[unit.number % len(self._actors)]]
        self._running[self._attempt.remote(unit, *actors)] = unit

    def _outcome(self, reference: Any) -> UnitReport | Exception:
        try:
            found: UnitReport | Exception = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:  # the worker or its machine was lost
            return LostUnitError(error)
        return found

    def _actor(self, names: tuple[str, ...], compute: BackboneOptions, how: dict[str, int]) -> Any:
        """Start a process that holds the backbones; it is started again when it dies."""
        actor = self._ray.remote(BackboneActor)
        return actor.options(**how, max_restarts=-1, max_task_retries=-1).remote(names, compute)


class BackboneActor:
    """The backbones of a run in a process of their own, serving the decode workers of many tasks.

    Args:
        names: Names of the backbones.
        compute: How they run.
    """

    def __init__(self, names: tuple[str, ...], compute: BackboneOptions) -> None:
        self._backbones = built(names, compute)

    def facts(self) -> list[tuple[str, int, int, str, str]]:
        """Return what identifies each backbone."""
        return [(b.name, b.size, b.dim, b.weights_sha256, b.normalization) for b in self._backbones]

    def embed(self, number: int, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed with one of the backbones."""
        return self._backbones[number].embed(pixels)


class RemoteBackbone:
    """A backbone that an actor holds, see ``Backbone``."""

    def __init__(self, actor: Any, number: int, facts: tuple[str, int, int, str, str]) -> None:
        self._actor, self._number = actor, number
        self.name, self.size, self.dim, self.weights_sha256, self.normalization = facts

    def embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Send frames (n, size, size, 3) RGB to the actor; return features (n, D)."""
        import ray

        found: npt.NDArray[np.float32] = ray.get(self._actor.embed.remote(self._number, pixels))
        return found

    def close(self) -> None:
        """Leave the actor to the other tasks."""


def _attempt(unit: WorkUnit, actor: Any = None) -> UnitReport | Exception:
    if actor is None:
        return attempt(unit)
    import ray

    facts = ray.get(actor.facts.remote())
    backbones: list[Backbone] = [RemoteBackbone(actor, n, f) for n, f in enumerate(facts)]
    return attempt(unit, backbones)


def _started(address: str, cpus: int) -> Any:
    try:
        import ray
    except ImportError as error:
        raise missing_package("`--engine ray`", "ray", extra="ray") from error
    if not ray.is_initialized():
        here: dict[str, Any] = {"num_cpus": cpus or None, "include_dashboard": False}
        try:
            with _own_signals():
                ray.init(address=address or None, log_to_driver=False, **({} if address else here))
        except Exception as error:  # Ray raises a bare one where a node does not come up in time
            message = f"Ray does not start: {str(error).strip().splitlines()[0]}"
            hint = "see that the cluster of `address` runs, and that this machine is not overloaded"
            raise UsageError(message, hint=hint) from error
    return ray


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep SIGTERM, for which Ray takes a handler that aborts the process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)
