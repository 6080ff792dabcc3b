"""Evaluation by the package ``mteb``, which the extra of this name installs."""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import TYPE_CHECKING

from chainpipe.hashing.evaluation.choose_protocol import AUTO
from chainpipe.pipeline.errors import missing_package
from chainpipe.pipeline.options import BACKBONE, BackboneOptions, SamplingOptions

from .model import Model, load_model
from .store import Store, open_store

if TYPE_CHECKING:
    from chainpipe.mteb_support.model import MtebModel
    from chainpipe.mteb_support.task import StoreRetrieval


def mteb_model(
    model: Model | str | os.PathLike[str] | None = None,
    *,
    backbone: str = BACKBONE,
    frames: int = SamplingOptions.frames,
    store: Store | None = None,
    workers: int | None = None,
    device: str = BackboneOptions.device,
    threads: int = BackboneOptions.threads,
    trust_weights: bool = BackboneOptions.trust_weights,
) -> MtebModel:
    """Make a model that ``mteb.evaluate`` takes, for its tasks on videos.

    Videos are decoded by chainpipe, in its limited processes; ``torchcodec`` is not needed.

    Args:
        model: A model or its folder: the videos' codes are evaluated, by Hamming distance. By
            default their mean frame features are, by cosine.
        backbone: For features: the image backbone.
        frames: For features: T, frames per video.
        store: Videos that it has are not decoded: they are found by path or by content. Features
            are then made as the store's are.
        workers: Videos decoded at a time; one a core by default.
        device: Device of the backbone, as for :func:`extract`, like the other settings.
        threads: CPU threads of the backbone for one video.
        trust_weights: Whether ``.pt`` and ``.bin`` weights may be read.

    Returns:
        The model.

    Raises:
        UsageError: If ``mteb`` is not installed, the backbone is not to be had, or the store is of
            another one.
        NotFoundError: If there is no such model.
        DamageError: If the model is damaged.

    Example:
        >>> import chainpipe, mteb  # doctest: +SKIP
        >>> model = chainpipe.mteb_model("models/feats-chain-32")  # doctest: +SKIP
        >>> tasks = mteb.get_tasks(tasks=["VSC2022Retrieval"])  # doctest: +SKIP
        >>> mteb.evaluate(model, tasks)  # doctest: +SKIP
    """
    support = _support("model")
    loaded = model if isinstance(model, Model | None) else load_model(model)
    options = BackboneOptions(device=device, threads=threads, trust_weights=trust_weights)
    made: MtebModel = support.build_model(
        loaded, backbone=backbone, frames=frames, store=store, workers=workers, options=options
    )
    return made


def mteb_task(
    store: Store | str | os.PathLike[str], *, name: str | None = None, protocol: str = AUTO
) -> StoreRetrieval:
    """Make a retrieval task for ``mteb.evaluate`` of a labelled store.

    An answer is right if it shares a label with the query. Queries and database are those of
    :func:`evaluate`. The task names the videos by path; a model that reads them decodes them, or
    finds them in a store: ``mteb_model(..., store=store)``.

    Args:
        store: The store, or its path.
        name: Of the task; the store's name by default.
        protocol: ``auto``, ``leave-one-out``, ``split`` or the name of a benchmark.

    Returns:
        The task, with its data.

    Raises:
        UsageError: If ``mteb`` is not installed, there are no labels, or the protocol does not fit
            the splits.
        NotFoundError: If there is no such store.
        DamageError: If it is damaged.

    Example:
        >>> import chainpipe, mteb  # doctest: +SKIP
        >>> store = chainpipe.open_store("feats.h5")  # doctest: +SKIP
        >>> model = chainpipe.mteb_model("models/feats-chain-32", store=store)  # doctest: +SKIP
        >>> mteb.evaluate(model, chainpipe.mteb_task(store), cache=None)  # doctest: +SKIP
    """
    support = _support("task")
    opened = store if isinstance(store, Store) else open_store(store)
    try:
        task: StoreRetrieval = support.build_task(opened, name=name, protocol=protocol)
        return task
    finally:
        if opened is not store:
            opened.close()


def _support(part: str) -> ModuleType:
    """Import what needs ``mteb``."""
    try:
        return importlib.import_module(f"chainpipe.mteb_support.{part}")
    except ImportError as error:
        package = (error.name or "mteb").partition(".")[0]
        raise missing_package("an evaluation by mteb", package, extra="mteb") from error
