"""Distributed training: the worker processes of `torchrun`, ranks 1 to W - 1."""

from __future__ import annotations

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store.base import FeatureStore

from ..config.overrides import from_dict
from ..data.training_set import TrainingFrames, TrainingRows, digest_of
from ..data.validation_split import split_training_videos
from ..methods.base import FitRequest
from ..methods.registry import METHODS
from ..model_folder.folder import ModelFacts
from ..runtime import distributed
from .options import TrainOptions, default_folder
from .resume import scratch_of


def run_worker(store: FeatureStore, options: TrainOptions) -> None:
    """Run the training as a worker of rank 0; nothing is written.

    Args:
        store: The store of rank 0, or one with the same features.
        options: The options of rank 0.

    Raises:
        UsageError: If the features differ from those of rank 0.
        DistributedError: If one of the processes has ended.
        TimeLimitError: If the time limit of rank 0 is reached.
    """
    with distributed.process_group(options.device):
        sent: tuple[TrainingRows, ModelFacts] | None = distributed.broadcast_object(None)
        if sent is None:
            return  # nothing to train; rank 0 reports the reason
        chosen, facts = sent
        if digest_of(store, chosen.rows) != chosen.digest:
            hint = "give every process the same store"
            raise UsageError(f"`{store.path}` is not the store of process 0", hint=hint)
        folder = options.out or default_folder(store.path, options.method, options.bits)
        shared = scratch_of(folder)
        scratch = shared if shared.is_dir() else None  # another machine may not have it
        frames = TrainingFrames(store, chosen.rows, memory=options.memory, scratch=scratch)
        split = split_training_videos(store, chosen, frames, facts.config)
        method = METHODS[facts.method]
        request = FitRequest(
            bits=facts.bits,
            seed=facts.seed,
            device=options.device,
            threads=options.threads,
            validation=split.validation,
            compiled=options.compiled,
        )
        config = method.config
        if config is not None:
            config = from_dict(facts.config, config)
        method.fit(config, split.training, request)
