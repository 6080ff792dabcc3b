"""Data-parallel training over W processes started by `torchrun`; a no-op in a single process.

Every process draws the same random numbers, runs the network on its own shard of each batch, and
computes the loss of the whole batch from the gathered outputs: the same training as one process
with the whole batch. Only rank 0 writes to disk.
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
TIMEOUT = timedelta(hours=24)  # rank 0 may read a large store while the workers wait


def launched_world_size() -> int:
    """Return the number of processes that `torchrun` started; 1 without it."""
    return _number("WORLD_SIZE", 1)


def is_worker() -> bool:
    """Return whether `torchrun` started this process with a rank above 0."""
    return launched_world_size() > 1 and _number("RANK", 0) > 0


def local_rank() -> int:
    """Return the rank of this process on its machine, which is the index of its GPU."""
    return _number("LOCAL_RANK", 0)


def world_size() -> int:
    """Return W, the size of the process group; 1 outside of :func:`process_group`."""
    dist = sys.modules.get("torch.distributed")
    return dist.get_world_size() if dist and dist.is_initialized() else 1


def rank() -> int:
    """Return the rank of this process in the process group, from 0."""
    return sys.modules["torch.distributed"].get_rank() if world_size() > 1 else 0


def _number(name: str, alone: int) -> int:
    """Return a count that torchrun set in the environment."""
    text = os.environ.get(name, str(alone))
    if not text.isdecimal():
        raise UsageError(f"{name} is `{text}`", hint="start several processes with `torchrun`")
    return int(text)


@contextmanager
def process_group(device: str) -> Iterator[None]:
    """Initialize the process group; destroy it on exit.

    Args:
        device: ``auto``, ``cpu`` or ``cuda``: the device that this process trains on.

    Raises:
        DistributedError: If the other processes cannot be reached.
    """
    if launched_world_size() == 1:
        yield
        return
    import torch
    import torch.distributed as dist

    # Imported after `init_process_group` (the first optimizer would do so), this module keeps a
    # reference to the group, whose threads then sometimes abort a process at exit.
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
    """Broadcast an object of plain values and tensors from rank 0."""
    if world_size() == 1:
        return value
    import torch.distributed as dist

    sent: list[Any] = [value]
    with _lost_process_errors():
        dist.broadcast_object_list(sent, src=0, device=_cpu())
    result: Value = sent[0]
    return result


def broadcast_flag(yes: bool) -> bool:
    """Broadcast a flag from rank 0; cheap enough for every step."""
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
    """Run the block on rank 0 first, then on all workers."""
    if rank():
        broadcast_flag(True)
    yield
    if world_size() > 1 and not rank():
        broadcast_flag(True)


def own_shard(count: int) -> Tensor:
    """Return the row indices of this process's shard of ``count`` rows; see :func:`shard_of`."""
    return shard_of(count, rank=rank(), processes=world_size())


def shard_of(count: int, *, rank: int, processes: int) -> Tensor:
    """Return the row indices of the shard of one process, (ceil(count / W),).

    The last row is repeated where W does not divide ``count``: collectives need equal sizes.

    >>> shard_of(5, rank=1, processes=2)
    tensor([3, 4, 4])
    """
    import torch

    shard = -(-count // processes)
    return (torch.arange(shard) + rank * shard).clamp(max=count - 1)


def all_gather_rows(shard: Tensor, count: int) -> Tensor:
    """Gather the shards (ceil(count / W), ...) of all processes, differentiably, to (count, ...).

    Every process computes the loss of the whole batch, so the backward pass keeps the gradient of
    its own rows, times W: the mean over the processes is then right both for parameters before the
    gathering and for parameters after it.
    """
    gathered: Tensor = _gather().apply(shard)
    return gathered[:count]


def all_reduce_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Replace every gradient by its mean over the processes.

    One all-reduce over all elements in a fixed order: torch's DDP changes its buckets after the
    first step, so a resumed run would sum in another order than an uninterrupted one.
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
    """Return the autograd function of :func:`all_gather_rows`; torch is imported on first use."""
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
    """Convert a failed collective into :class:`DistributedError`."""
    try:
        yield
    except RuntimeError as error:
        first = str(error).splitlines()[0]
        raise DistributedError(
            f"process {_number('RANK', 0)} of {launched_world_size()} lost the others: {first}",
            hint="see the other processes' errors; the same command resumes from the checkpoint",
        ) from error


def _cpu() -> torch.device:
    import torch

    return torch.device("cpu")
