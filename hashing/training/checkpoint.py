"""Checkpoints: the state of a training run in one file, replaced atomically."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from chainpipe.pipeline.errors import DamageError
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

State = dict[str, Any]


class Checkpoint:
    """Save and load the training state; the file always holds the last complete one.

    Args:
        path: The file; its folder exists.
        every: Seconds between two saves.
        limit: Seconds from now after which a run is saved and ended.
        clock: Monotonic clock in seconds.
    """

    def __init__(
        self,
        path: Path,
        *,
        every: float,
        limit: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path, self.every, self._clock = path, every, clock
        self._saved = clock()
        self._end = self._saved + limit

    def load(self) -> State | None:
        """Return the last saved state, or ``None``.

        Raises:
            DamageError: If the file cannot be read.
        """
        if not self.path.exists():
            return None
        try:
            state: State = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:
            hint = "`--restart` trains from the start"
            raise DamageError(f"the checkpoint `{self.path}` is damaged", hint=hint) from error
        return state

    def save_if_due(self, state: Callable[[], State]) -> bool:
        """Save what ``state`` returns if a save is due or the time limit is reached.

        Returns:
            Whether the time limit is reached.

        Raises:
            StorageError: If the file cannot be written.
        """
        now = self._clock()
        over = now >= self._end
        if now - self._saved < self.every and not over:
            return False
        with storage_errors(self.path), atomic_replace(self.path) as temporary:
            torch.save(state(), temporary)
        self._saved = now
        return over
