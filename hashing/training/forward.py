"""How a training step runs a network: on its share of the batch, how precisely, compiled or not.

What it returns is of the whole batch and float32, so losses are computed as if none of this was.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor

from chainpipe.pipeline.errors import UsageError

from ..models.hash_model import HashModel, HashOutput
from ..runtime import distributed

Precision = Literal["float32", "bfloat16"]
_NO_COMPILER = "leave out `--compile`, or install a C++ compiler such as g++"
Output = TypeVar("Output", bound=Tensor | tuple[Tensor, ...])


class ForwardRunner:
    """Runs parts of a network.

    Args:
        precision: Of matrix products; bfloat16 needs half the memory, and less time on new GPUs.
        compiled: Whether `torch.compile` makes each part faster.
    """

    def __init__(self, *, precision: Precision = "float32", compiled: bool = False) -> None:
        self.precision, self.compiled = precision, compiled
        self._compiled_parts: dict[Callable[..., Any], Callable[..., Any]] = {}

    def __call__(self, part: Callable[..., Output], rows: Tensor, *more: Tensor | None) -> Output:
        """Return what a part makes of all n rows; of several processes, each runs its share.

        Args:
            part: Returns a tensor or a named tuple of tensors, with a row for each row it gets.
            rows: (n, ...).
            more: (n, ...) each, or ``None``.

        Raises:
            UsageError: If the part cannot be compiled here.
        """
        if distributed.world_size() == 1:
            return _each(torch.Tensor.float, self._run(part, rows, *more))
        shard = distributed.own_shard(len(rows)).to(rows.device)
        found = self._run(
            part, rows[shard], *(None if each is None else each[shard] for each in more)
        )
        return _each(lambda each: distributed.all_gather_rows(each.float(), len(rows)), found)

    def _run(self, part: Callable[..., Output], rows: Tensor, *more: Tensor | None) -> Output:
        lower = self.precision == "bfloat16"
        run = self._compiled(part) if self.compiled else part
        with torch.autocast(rows.device.type, torch.bfloat16) if lower else nullcontext():
            return run(rows, *more)

    def _compiled(self, part: Callable[..., Output]) -> Callable[..., Output]:
        from torch._dynamo.exc import TorchDynamoException

        if part not in self._compiled_parts:
            self._compiled_parts[part] = torch.compile(part)
        compiled = self._compiled_parts[part]

        def run(*inputs: Tensor | None) -> Output:
            try:
                found: Output = compiled(*inputs)
            except TorchDynamoException as error:
                reason = str(error).splitlines()[0]
                raise UsageError(f"cannot compile: {reason}", hint=_NO_COMPILER) from error
            return found

        return run


def _each(change: Callable[[Tensor], Tensor], output: Output) -> Output:
    """Change the tensor, or each tensor of a named tuple."""
    if isinstance(output, Tensor):
        return change(output)  # type: ignore[return-value]
    return type(output)(*map(change, output))


class ForwardModel:
    """CHAIN's network as the tasks see it in a step: a runner's.

    Args:
        model: The network.
        run: Runs it.
    """

    def __init__(self, model: HashModel, run: ForwardRunner) -> None:
        self._model, self._run = model, run

    def __call__(self, clips: Tensor, frame_mask: Tensor | None = None) -> HashOutput:
        """Hash clips (B, T, M) that went through the front; ``frame_mask`` (B, T) masks padding."""
        output: HashOutput = self._run(self._model, clips, frame_mask)
        return output

    def encoder(self, clips: Tensor) -> Tensor:
        """Encode clips (B, T, M), (B, T, H)."""
        encoded: Tensor = self._run(self._model.encoder, clips)
        return encoded
