"""What a user can ask of an extraction, checked where it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Literal

from ..decode import DecodeLimits
from ..decode.frame_sampling import SAMPLERS
from ..errors import UsageError
from ..inputs.manifest import FOLDERS, Labels
from ..records import Status, loaded_plugins
from .worker_pool import available_cpus

By = Literal["index", "time"]
Fit = Literal["crop", "squash", "pad"]
Dtype = Literal["float16", "float32"]
ViewsMode = Literal["consistent", "per-frame"]
ReaderName = Literal["auto", "exact", "linear", "ffmpeg"]
EngineName = Literal["local", "slurm", "ray"]

LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ExtractOptions:
    """One extraction.

    Attributes:
        source: Folder of videos, or a ``.csv`` or ``.jsonl`` list of them.
        out: The store to make, ``.h5`` or ``.zarr``.
        labels: List whose labels and splits win over those of ``source``, or ``"folders"``.
        follow_symlinks: Whether links may lead out of the folder.
        frames: T, how many frames of a video, or segments.
        by: Moments counted in frames (``index``) or in seconds (``time``).
        sampling: Which moments, see ``pipeline.decode.frame_sampling``.
        per_segment: M, candidates cached for each of the T segments.
        views: V, spatially augmented copies cached of each clip.
        views_mode: One draw for all frames of a clip, or one for each frame.
        augmentation: What views are drawn from; empty for the defaults.
        augmentation_videos: On how many videos to measure how augmentation moves features.
        seed: Of random moments and views.
        fit: How frames become squares.
        backbone: Name of the image network.
        more: Further backbones and their stores, made from the same decoded frames.
        trust_weights: Whether pickled weights may be read.
        dtype: Of the stored features.
        strict: Whether ``partial`` videos count as failed.
        retry: Failed videos of which statuses are tried again.
        restart: Whether to build the store anew.
        workers: Videos decoded at a time, on each machine.
        threads: CPU threads of the backbone for one video.
        device: Where the backbone runs.
        batch: Frames of one pass through the network on a GPU.
        half: Whether a GPU computes in half precision.
        compiled: Whether a GPU's network is compiled first.
        reader: Which reader decodes; ``auto`` takes the fastest that is right.
        hwaccel: Hardware decoder of the ffmpeg program; empty for none.
        limits: What one video may cost.
        engine: Where extraction runs.
        engine_options: Settings of the engine, each a name and a value.
        unit_videos: Videos of one unit of work for another machine.
        plugins: What other processes and machines load first.
    """

    source: Path
    out: Path
    labels: Labels | None = None
    follow_symlinks: bool = False
    frames: int = 25
    by: By = "index"
    sampling: str = "uniform"
    per_segment: int = 0
    views: int = 0
    views_mode: ViewsMode = "consistent"
    augmentation: str = ""
    augmentation_videos: int = 0
    seed: int = 0
    fit: Fit = "crop"
    backbone: str = "cnn"
    more: tuple[tuple[str, Path], ...] = ()
    trust_weights: bool = False
    dtype: Dtype = "float16"
    strict: bool = False
    retry: frozenset[Status] = frozenset()
    restart: bool = False
    workers: int = field(default_factory=available_cpus)
    threads: int = 1
    device: str = "auto"
    batch: int = 256
    half: bool = True
    compiled: bool = False
    reader: ReaderName = "auto"
    hwaccel: str = ""
    limits: DecodeLimits = field(default_factory=DecodeLimits)
    engine: EngineName = "local"
    engine_options: tuple[tuple[str, str], ...] = ()
    unit_videos: int = 256
    plugins: tuple[str, ...] = field(default_factory=loaded_plugins)

    def __post_init__(self) -> None:
        for name in ("frames", "workers", "threads", "batch", "unit_videos"):
            _at_least(name, getattr(self, name), 1)
        for name in ("per_segment", "views", "augmentation_videos", "seed"):
            _at_least(name, getattr(self, name), 0)
        if self.seed > LARGEST_SEED:
            raise UsageError(f"`seed` is {self.seed}", hint=f"it is at most {LARGEST_SEED}")
        SAMPLERS[self.sampling]
        if (plugin := SAMPLERS.plugin(self.sampling)) is not None and not plugin.spec:
            hint = "put it into a file and load that by `chainpipe.load_plugins`"
            raise UsageError(f"the decode process cannot see `{self.sampling}`", hint=hint)
        _refuse_contradictions(self)
        outs = [out for _, out in self.targets]
        if len(set(outs)) < len(outs):
            raise UsageError("two backbones have one store", hint="give each its own `--out`")

    @property
    def targets(self) -> tuple[tuple[str, Path], ...]:
        """Return each backbone's name with its store."""
        return (self.backbone, self.out), *self.more


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise UsageError(f"`{name.replace('_', '-')}` is {value}", hint=f"it is at least {least}")


def _refuse_contradictions(options: ExtractOptions) -> None:
    """Refuse options of which one would have no effect beside the other."""
    by_key, reader, hardware = options.sampling == "keyframe", options.reader, options.hwaccel
    if by_key and options.per_segment:
        hint = "leave out `--per-segment` or `--sampling`"
        raise UsageError("key frames have no candidates", hint=hint)
    if by_key and (hardware or reader in ("linear", "ffmpeg")):
        hint = "leave out `--reader` and `--hwaccel`, or `--sampling`"
        raise UsageError("only the exact reader knows key frames", hint=hint)
    if hardware and reader in ("exact", "linear"):
        hint = "leave out `--reader` or `--hwaccel`"
        raise UsageError(f"the {reader} reader uses no hardware decoder", hint=hint)
    if options.engine == "local" and options.engine_options:
        message = f"setting `{options.engine_options[0][0]}` is of another engine than `local`"
        raise UsageError(message, hint="name it by `--engine`")


def stores_for(backbones: Sequence[str], outs: Sequence[Path]) -> list[tuple[str, Path]]:
    """Pair backbones with stores; several with one store get one each, named after them.

    Raises:
        UsageError: If the numbers do not fit.

    Example:
        >>> [out.name for _, out in stores_for(["cnn", "clip:a/b"], [Path("feats.h5")])]
        ['feats-cnn.h5', 'feats-clip-a-b.h5']
    """
    if len(outs) == len(backbones):
        return list(zip(backbones, outs, strict=True))
    if len(outs) != 1:
        message = f"{len(backbones)} backbones, but {len(outs)} stores"
        raise UsageError(message, hint="give one `--out` for each `--backbone`, or one for all")
    names = [re.sub(r"[^A-Za-z0-9]+", "-", backbone).strip("-") for backbone in backbones]
    stems = [outs[0].with_name(f"{outs[0].stem}-{name}{outs[0].suffix}") for name in names]
    return list(zip(backbones, stems, strict=True))


def limits_named(words: Iterable[str]) -> DecodeLimits:
    """Return the limits with some of them changed by words such as ``pixels=70e6``.

    Raises:
        UsageError: If there is no such limit, or the value is no positive number.

    Example:
        >>> limits_named(["duration=3600"]).duration
        3600.0
    """
    limits = DecodeLimits()
    names = [known.name for known in fields(DecodeLimits)]
    for word in words:
        name, _, text = word.partition("=")
        if name not in names:
            known = ", ".join(f"`{name}`" for name in names)
            raise UsageError(f"no limit `{name}`", hint=f"one of {known}")
        limits = replace(limits, **{name: type(getattr(limits, name))(_positive(name, text))})
    return limits


def _positive(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise UsageError(f"limit `{name}` is `{text}`", hint="it is a positive number")
    return value


def settings_named(words: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return settings of an engine from words such as ``partition=gpu``.

    Raises:
        UsageError: If a word has no ``=``.

    Example:
        >>> settings_named(["partition=gpu"])
        (('partition', 'gpu'),)
    """
    pairs = [word.partition("=") for word in words]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise UsageError(f"`{name}` is no setting", hint="write NAME=VALUE")
    return tuple((name, value) for name, _, value in pairs)


def labels_named(word: str | None) -> Labels | None:
    """Return what ``--labels`` means: ``folders``, or a file; ``./folders`` is a file.

    >>> labels_named("folders"), labels_named("./folders").name, labels_named(None)
    ('folders', 'folders', None)
    """
    return None if word is None else FOLDERS if word == FOLDERS else Path(word)


def failures_named(names: Iterable[str]) -> frozenset[Status]:
    """Return the statuses that words such as ``corrupt`` or ``all`` mean.

    Args:
        names: Labels of statuses, several in one word separated by commas.

    Raises:
        UsageError: If there is no such status of failed videos.

    Example:
        >>> sorted(status.label for status in failures_named(["limit,corrupt"]))
        ['corrupt', 'limit']
    """
    failures = {status.label: status for status in Status if status >= Status.PARTIAL}
    asked = {word.strip() for name in names for word in name.split(",")}
    if "all" in asked:
        return frozenset(failures.values())
    if unknown := sorted(asked - failures.keys()):
        known = ", ".join(f"`{label}`" for label in failures)
        raise UsageError(f"no class of failures `{unknown[0]}`", hint=f"`all` or {known}")
    return frozenset(failures[name] for name in asked)
