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
PATIENCE = timedelta(hours=24)  # the lead may read a large store while the others wait


def launched() -> int:
    """Return how many processes `torchrun` started; 1 without it."""
    return _number("WORLD_SIZE", 1)


def follows() -> bool:
    """Return whether `torchrun` started this process as another than the lead."""
    return launched() > 1 and _number("RANK", 0) > 0


def local_rank() -> int:
    """Return this process's number among those of its machine: which GPU it takes."""
    return _number("LOCAL_RANK", 0)


def size() -> int:
    """Return W, how many processes have joined; 1 outside of :func:`joined`."""
    dist = sys.modules.get("torch.distributed")
    return dist.get_world_size() if dist and dist.is_initialized() else 1


def rank() -> int:
    """Return this process's number among those that have joined, from 0."""
    return sys.modules["torch.distributed"].get_rank() if size() > 1 else 0


def _number(name: str, alone: int) -> int:
    """Return what torchrun tells in the environment."""
    text = os.environ.get(name, str(alone))
    if not text.isdecimal():
        raise UsageError(f"{name} is `{text}`", hint="start several processes with `torchrun`")
    return int(text)


@contextmanager
def joined(device: str) -> Iterator[None]:
    """Meet the other processes, and part from them after the block.

    Args:
        device: ``auto``, ``cpu`` or ``cuda``: where this process trains.

    Raises:
        DistributedError: If they cannot be reached.
    """
    if launched() == 1:
        yield
        return
    import torch
    import torch.distributed as dist

    # Imported later, as the first optimizer does, it would keep the group alive for good, and the
    # group's threads now and then abort a process that ends.
    import torch.distributed.nn.functional

    gpu = device != "cpu" and torch.cuda.is_available()
    backend = "cpu:gloo,cuda:nccl" if gpu else "gloo"
    with _together():
        dist.init_process_group(backend, timeout=PATIENCE)
    try:
        yield
    finally:
        dist.destroy_process_group()


def from_lead(value: Value) -> Value:
    """Return the lead's value, which must be of plain things and tensors."""
    if size() == 1:
        return value
    import torch.distributed as dist

    sent: list[Any] = [value]
    with _together():
        dist.broadcast_object_list(sent, src=0, device=_cpu())
    result: Value = sent[0]
    return result


def lead_says(yes: bool) -> bool:
    """Return whether the lead says yes; cheap enough for every step."""
    if size() == 1:
        return yes
    import torch
    import torch.distributed as dist

    flag = torch.tensor([yes])
    with _together():
        dist.broadcast(flag, src=0)
    return bool(flag)


@contextmanager
def lead_first() -> Iterator[None]:
    """Let the lead run the block before the others do."""
    if rank():
        lead_says(True)
    yield
    if size() > 1 and not rank():
        lead_says(True)


def own_share(count: int) -> Tensor:
    """Return which of so many rows this process works on, (s,); see :func:`share_of`."""
    return share_of(count, number=rank(), processes=size())


def share_of(count: int, *, number: int, processes: int) -> Tensor:
    """Return which of so many rows a process works on, (s,), s being equal for all.

    The last row is repeated where the rows cannot be cut evenly.

    >>> share_of(5, number=1, processes=2)
    tensor([3, 4, 4])
    """
    import torch

    share = -(-count // processes)
    return (torch.arange(share) + number * share).clamp(max=count - 1)


def all_rows(own: Tensor, count: int) -> Tensor:
    """Join everybody's rows (s, ...) to all of them, (count, ...).

    Every process computes the whole loss, so each keeps the gradient of its own rows, W times as
    large: the mean over the processes is then right for what all rows share and for what each has.
    """
    joined: Tensor = _gather().apply(own)
    return joined[:count]


def mean_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Replace every gradient by its mean over the processes.

    One sum over all numbers in one fixed order: unlike torch's DDP, whose buckets change after the
    first step, a run that continues adds up in the order of one that was never interrupted.
    """
    import torch
    import torch.distributed as dist

    grads = [each.grad for each in parameters if each.grad is not None]
    flat = torch.cat([grad.flatten() for grad in grads])
    with _together():
        dist.all_reduce(flat)
    flat /= size()
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
        def forward(_: Any, own: Tensor) -> Tensor:
            own = own.contiguous()
            parts = [torch.empty_like(own) for _ in range(size())]
            with _together():
                dist.all_gather(parts, own)
            return torch.cat(parts)

        @staticmethod
        def backward(_: Any, gradient: Tensor) -> Tensor:
            return gradient.chunk(size())[rank()] * size()

    return Gather


@contextmanager
def _together() -> Iterator[None]:
    """Turn what a lost process looks like into an error that says so."""
    try:
        yield
    except RuntimeError as error:
        first = str(error).splitlines()[0]
        raise DistributedError(
            f"process {_number('RANK', 0)} of {launched()} lost the others: {first}",
            hint="if one of them says why, mend it; the same command goes on from the checkpoint",
        ) from error


def _cpu() -> torch.device:
    import torch

    return torch.device("cpu")
