"""Forward pass of a training step: sharded over processes, autocast and compiled.

Outputs are gathered for the whole batch in float32, so losses do not depend on these settings.
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
    """Forward runner: data-parallel shards, automatic mixed precision and `torch.compile`.

    Args:
        precision: Dtype of matrix products; bfloat16 halves activation memory and is faster on
            recent GPUs.
        compiled: Compile each part by `torch.compile`.
    """

    def __init__(self, *, precision: Precision = "float32", compiled: bool = False) -> None:
        self.precision, self.compiled = precision, compiled
        self._compiled_parts: dict[Callable[..., Any], Callable[..., Any]] = {}

    def __call__(self, part: Callable[..., Output], rows: Tensor, *more: Tensor | None) -> Output:
        """Run a module on all n rows; with W processes each runs one shard, then all gather.

        Args:
            part: Module that returns a tensor or a named tuple of tensors with n rows.
            rows: First input, (n, ...).
            more: Further inputs, (n, ...) each, or ``None``.

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
    """Apply a function to a tensor, or to each tensor of a named tuple."""
    if isinstance(output, Tensor):
        return change(output)  # type: ignore[return-value]
    return type(output)(*map(change, output))


class ForwardModel:
    """A ``HashModel`` whose forward passes go through a :class:`ForwardRunner`.

    Args:
        model: The network.
        run: The forward runner.
    """

    def __init__(self, model: HashModel, run: ForwardRunner) -> None:
        self._model, self._run = model, run

    def __call__(self, clips: Tensor, frame_mask: Tensor | None = None) -> HashOutput:
        """Hash projected clips (B, T, M); ``frame_mask`` (B, T) masks padding."""
        output: HashOutput = self._run(self._model, clips, frame_mask)
        return output

    def encoder(self, clips: Tensor) -> Tensor:
        """Encode clips (B, T, M) to (B, T, H)."""
        encoded: Tensor = self._run(self._model.encoder, clips)
        return encoded
