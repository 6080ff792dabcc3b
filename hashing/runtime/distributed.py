"""Processes that train one model together, as `torchrun` starts them; alone, it does nothing.

Every process draws the same chance, runs the network on its own share of each batch, and computes
the loss of the whole batch from everybody's outputs: the same training as one process with the
whole batch. Only the lead, rank 0, writes to disk.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from chainpipe.pipeline.errors import DistributedError, UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Value = TypeVar("Value")
TIMEOUT = timedelta(hours=24)  # the lead may read a large store while the others wait


def launched_world_size() -> int:
    """Return how many processes `torchrun` started; 1 without it."""
    return _number("WORLD_SIZE", 1)


def is_worker() -> bool:
    """Return whether `torchrun` started this process as another than the lead."""
    return launched_world_size() > 1 and _number("RANK", 0) > 0


def local_rank() -> int:
    """Return this process's number among those of its machine: which GPU it takes."""
    return _number("LOCAL_RANK", 0)


def world_size() -> int:
    """Return W, how many processes have joined; 1 outside of :func:`process_group`."""
    dist = sys.modules.get("torch.distributed")
    return dist.get_world_size() if dist and dist.is_initialized() else 1


def rank() -> int:
    """Return this process's number among those that have joined, from 0."""
    return sys.modules["torch.distributed"].get_rank() if world_size() > 1 else 0


def _number(name: str, alone: int) -> int:
    """Return what torchrun tells in the environment."""
    text = os.environ.get(name, str(alone))
    if not text.isdecimal():
        raise UsageError(f"{name} is `{text}`", hint="start several processes with `torchrun`")
    return int(text)


@contextmanager
def process_group(device: str) -> Iterator[None]:
    """Meet the other processes, and part from them after the block.

    Args:
        device: ``auto``, ``cpu`` or ``cuda``: where this process trains.

    Raises:
        DistributedError: If they cannot be reached.
    """
    if launched_world_size() == 1:
        yield
        return
    import torch
    import torch.distributed as dist

    # Imported later, as the first optimizer does, it would keep the group alive for good, and the
    # group's threads now and then abort a process that ends.
    import torch.distributed.nn.functional

    gpu = device != "cpu" and torch.cuda.is_available()
    backend = "cpu:gloo,cuda:nccl" if gpu else "gloo"
    with _lost_process_errors():
        dist.init_process_group(backend, timeout=TIMEOUT)
    try:
        yield
    finally:
        dist.destroy_process_group()


def broadcast_object(value: Value) -> Value:
    """Return the lead's value, which must be of plain things and tensors."""
    if world_size() == 1:
        return value
    import torch.distributed as dist

    sent: list[Any] = [value]
    with _lost_process_errors():
        dist.broadcast_object_list(sent, src=0, device=_cpu())
    result: Value = sent[0]
    return result


def broadcast_flag(yes: bool) -> bool:
    """Return whether the lead says yes; cheap enough for every step."""
    if world_size() == 1:
        return yes
    import torch
    import torch.distributed as dist

    flag = torch.tensor([yes])
    with _lost_process_errors():
        dist.broadcast(flag, src=0)
    return bool(flag)


@contextmanager
def rank_zero_first() -> Iterator[None]:
    """Let the lead run the block before the others do."""
    if rank():
        broadcast_flag(True)
    yield
    if world_size() > 1 and not rank():
        broadcast_flag(True)


def own_shard(count: int) -> Tensor:
    """Return which of so many rows this process works on, (s,); see :func:`shard_of`."""
    return shard_of(count, rank=rank(), processes=world_size())


def shard_of(count: int, *, rank: int, processes: int) -> Tensor:
    """Return which of so many rows a process works on, (s,), s being equal for all.

    The last row is repeated where the rows cannot be cut evenly.

    >>> shard_of(5, rank=1, processes=2)
    tensor([3, 4, 4])
    """
    import torch

    shard = -(-count // processes)
    return (torch.arange(shard) + rank * shard).clamp(max=count - 1)


def all_gather_rows(shard: Tensor, count: int) -> Tensor:
    """Join everybody's rows (s, ...) to all of them, (count, ...).

    Every process computes the whole loss, so each keeps the gradient of its own rows, W times as
    large: the mean over the processes is then right for what all rows share and for what each has.
    """
    gathered: Tensor = _gather().apply(shard)
    return gathered[:count]


def all_reduce_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Replace every gradient by its mean over the processes.

    One sum over all numbers in one fixed order: unlike torch's DDP, whose buckets change after the
    first step, a run that continues adds up in the order of one that was never interrupted.
    """
    import torch
    import torch.distributed as dist

    grads = [each.grad for each in parameters if each.grad is not None]
    flat = torch.cat([grad.flatten() for grad in grads])
    with _lost_process_errors():
        dist.all_reduce(flat)
    flat /= world_size()
    parts = torch.split(flat, [grad.numel() for grad in grads])
    for grad, part in zip(grads, parts, strict=True):
        grad.copy_(part.view_as(grad))


@cache
def _gather() -> Any:
    """Return the differentiable gathering; made late, so that torch is imported late."""
    import torch
    import torch.distributed as dist

    class Gather(torch.autograd.Function):
        @staticmethod
        def forward(_: Any, shard: Tensor) -> Tensor:
            shard = shard.contiguous()
            parts = [torch.empty_like(shard) for _ in range(world_size())]
            with _lost_process_errors():
                dist.all_gather(parts, shard)
            return torch.cat(parts)

        @staticmethod
        def backward(_: Any, gradient: Tensor) -> Tensor:
            return gradient.chunk(world_size())[rank()] * world_size()

    return Gather


@contextmanager
def _lost_process_errors() -> Iterator[None]:
    """Turn what a lost process looks like into an error that says so."""
    try:
        yield
    except RuntimeError as error:
        first = str(error).splitlines()[0]
        raise DistributedError(
            f"process {_number('RANK', 0)} of {launched_world_size()} lost the others: {first}",
            hint="if one of them says why, mend it; the same command goes on from the checkpoint",
        ) from error


def _cpu() -> torch.device:
    import torch

    return torch.device("cpu")
