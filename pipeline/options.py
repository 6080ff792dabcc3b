"""The options of stage one in parts, one for each room; every default is stated here only.

The classes have no slots on purpose: a class attribute such as ``SamplingOptions.frames`` is then
the default itself, and the command line, :class:`StoreMeta` and ``FrameRequest`` take theirs from
it. This module imports nothing heavy, since ``chainpipe extract --help`` reads it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, get_args

from .errors import UsageError

By = Literal["index", "time"]
Fit = Literal["crop", "squash", "pad"]
Dtype = Literal["float16", "float32"]
ViewsMode = Literal["consistent", "per-frame"]
ReaderName = Literal["auto", "exact", "linear", "ffmpeg"]
EngineName = Literal["local", "slurm", "ray"]

BACKBONE = "cnn"  # default backbone
STORE = "feats.h5"  # default store
LARGEST_SEED = 2**63 - 1
SHORTEST_STEP = 0.01  # seconds between two frames of a store made per time


def available_cpus() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class InputOptions:
    """Select the videos.

    Attributes:
        labels: List whose labels and splits override those of the source, or ``"folders"``.
        follow_symlinks: Whether symbolic links may point outside the folder.
        any_suffix: Whether files of a folder are taken whatever their suffix.
        settle: Seconds without a change after which a file counts as finished; younger ones that
            grow are left for the next run. 0: all count.
    """

    labels: Path | Literal["folders"] | None = None
    follow_symlinks: bool = False
    any_suffix: bool = False
    settle: float = 0.0


@dataclass(frozen=True)
class SamplingOptions:
    """Select the frames of each video.

    Attributes:
        frames: T, the number of frames or segments of a video.
        by: Sample positions counted in frames (``index``) or in seconds (``time``).
        sampling: Sampling strategy, see ``pipeline.decode.frame_sampling``.
        per_segment: C, the candidate frames cached for each of the T segments; 0 for none.
        seed: Seed of random frames and views.
        every: Seconds between two stored frames, whose number then follows from the duration; 0
            stores T frames of each video.

    Raises:
        UsageError: If a number is out of range, or there is no such axis.
    """

    frames: int = 25
    by: By = "index"
    sampling: str = "uniform"
    per_segment: int = 0
    seed: int = 0
    every: float = 0.0

    def __post_init__(self) -> None:
        require_at_least(self, 1, "frames")
        require_one_of(self, "by", By)
        if not (self.every == 0 or SHORTEST_STEP <= self.every < float("inf")):
            hint = f"seconds between two frames, at least {SHORTEST_STEP:g}"
            raise UsageError(f"`every` is {self.every:g}", hint=hint)
        if self.every and (self.per_segment or self.sampling != "uniform"):
            hint = "leave out `--every`, or `--sampling` and `--per-segment`"
            raise UsageError("frames per time have no segments to draw from", hint=hint)
        require_at_least(self, 0, "per_segment", "seed")
        if self.seed > LARGEST_SEED:
            raise UsageError(f"`seed` is {self.seed}", hint=f"it is at most {LARGEST_SEED}")


@dataclass(frozen=True)
class ViewOptions:
    """Select the spatially augmented views of each clip.

    Attributes:
        views: V, the views cached for each clip; 0 for none.
        views_mode: One draw for all frames of a view, or one draw for each frame.
        augmentation: Parameters of the draws, a line of ``Augmentation``; empty for its defaults.
        measure_augmentation: Number of videos on which the feature shift is measured; 0 for none.

    Raises:
        UsageError: If a number is negative.
    """

    views: int = 0
    views_mode: ViewsMode = "consistent"
    augmentation: str = ""
    measure_augmentation: int = 0

    def __post_init__(self) -> None:
        require_at_least(self, 0, "views", "measure_augmentation")


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Limit the resources of one video.

    Attributes:
        memory: Address space of a decode child, bytes.
        pixels: Width times height of a frame.
        frames: Displayed frames.
        duration: Seconds from the first displayed frame to the end of the last.
        cpu_seconds: CPU time of one video; half of its duration is added.
        silence_seconds: Wall-clock time without any byte from the decode child.
    """

    memory: int = 4 << 30
    pixels: int = 35_400_000
    frames: int = 10_000_000
    duration: float = 7 * 86_400.0
    cpu_seconds: float = 60.0
    silence_seconds: float = 30.0


@dataclass(frozen=True)
class DecodeOptions:
    """Select how files become pixels.

    Attributes:
        fit: How a frame becomes a square: centre crop, squash or pad.
        reader: Reader that decodes; ``auto`` takes the fastest exact one.
        hwaccel: Hardware decoder of the ffmpeg program (``cuda``, ``vaapi`` ...); empty for none.
        limits: Resources that one video may use.

    Raises:
        UsageError: If there is no such fit or reader, or the reader has no hardware decoder.
    """

    fit: Fit = "crop"
    reader: ReaderName = "auto"
    hwaccel: str = ""
    limits: DecodeLimits = field(default_factory=DecodeLimits)

    def __post_init__(self) -> None:
        require_one_of(self, "fit", Fit)
        require_one_of(self, "reader", ReaderName)
        if self.hwaccel and self.reader in ("exact", "linear"):
            hint = "leave out `--reader` or `--hwaccel`"
            raise UsageError(f"the {self.reader} reader uses no hardware decoder", hint=hint)


@dataclass(frozen=True)
class BackboneOptions:
    """Select where and how the backbones run.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        batch: Frames in one forward pass on a GPU.
        half: Whether a GPU computes in float16; a CPU always computes in float32.
        compiled: Whether the network is compiled for the GPU first.
        threads: CPU threads that embed one video.
        trust_weights: Whether pickled weights (``.pt``, ``.bin``) may be loaded.

    Raises:
        UsageError: If a number is below 1.
    """

    device: str = "auto"
    batch: int = 256
    half: bool = True
    compiled: bool = False
    threads: int = 1
    trust_weights: bool = False

    def __post_init__(self) -> None:
        require_at_least(self, 1, "threads", "batch")


@dataclass(frozen=True)
class EngineOptions:
    """Select the machines.

    Attributes:
        engine: Engine that runs the extraction.
        engine_options: Settings of the engine, (name, value) pairs.
        unit_videos: Videos of one unit of work that is sent to another machine.
        workers: Videos decoded at a time on each machine; by default one for each processor.

    Raises:
        UsageError: If a number is below 1, or the local engine is given settings.
    """

    engine: EngineName = "local"
    engine_options: tuple[tuple[str, str], ...] = ()
    unit_videos: int = 256
    workers: int = field(default_factory=available_cpus)

    def __post_init__(self) -> None:
        require_at_least(self, 1, "workers", "unit_videos")
        if self.engine == "local" and self.engine_options:
            message = f"the engine `local` has no setting `{self.engine_options[0][0]}`"
            raise UsageError(message, hint="choose another engine with `--engine`")


@dataclass(frozen=True)
class OutputOptions:
    """Select what a store keeps.

    Attributes:
        dtype: Type of the stored features.
        strict: Whether ``partial`` videos count as failed.
        restart: Whether to build the store anew.
        prune: Whether to drop the rows of files that are gone.
        prune_folders: Whether to drop the rows of files whose folder is gone, too.
        accept_failures: Whether videos that had failed before leave the exit code 0.

    Raises:
        UsageError: If there is no such type.
    """

    dtype: Dtype = "float16"
    strict: bool = False
    restart: bool = False
    prune: bool = False
    prune_folders: bool = False
    accept_failures: bool = False

    def __post_init__(self) -> None:
        require_one_of(self, "dtype", Dtype)


def require_at_least(part: object, least: int, *names: str) -> None:
    """Check that the named fields are at least ``least``.

    Raises:
        UsageError: If one is smaller; it is named.

    Example:
        >>> require_at_least(SamplingOptions(), 1, "frames")
    """
    for name in names:
        value = getattr(part, name)
        if value < least:
            option = name.replace("_", "-")
            raise UsageError(f"`{option}` is {value}", hint=f"it is at least {least}")


def require_one_of(part: object, name: str, kind: object) -> None:
    """Check that the named field is one of the words of a ``Literal``.

    Raises:
        UsageError: If it is another; it is named.

    Example:
        >>> require_one_of(DecodeOptions(), "fit", Fit)
    """
    value, known = getattr(part, name), get_args(kind)
    if value not in known:
        raise UsageError(f"`{name}` is {value!r}", hint=f"one of {', '.join(known)}")


def field_names(part: type) -> tuple[str, ...]:
    """Return the names of a part's options.

    >>> field_names(OutputOptions)
    ('dtype', 'strict', 'restart', 'prune', 'prune_folders', 'accept_failures')
    """
    return tuple(one.name for one in fields(part))
