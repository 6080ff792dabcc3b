"""The options of one extraction, composed of the parts that ``pipeline.options`` declares."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..decode.frame_sampling import SAMPLERS
from ..errors import UsageError
from ..options import (
    BACKBONE,
    BackboneOptions,
    DecodeOptions,
    EngineOptions,
    InputOptions,
    OutputOptions,
    SamplingOptions,
    ViewOptions,
    field_names,
)
from ..records import Status, loaded_plugins

Target = tuple[str, Path]
"""A backbone's name and its store."""

PARTS: dict[str, type] = {
    "inputs": InputOptions,
    "sampling": SamplingOptions,
    "views": ViewOptions,
    "decoding": DecodeOptions,
    "compute": BackboneOptions,
    "engine": EngineOptions,
    "output": OutputOptions,
}
PART_OF = {name: part for part, kind in PARTS.items() for name in field_names(kind)}


@dataclass(frozen=True, slots=True)
class ExtractOptions:
    """All options of one extraction; each room is given its own part.

    Attributes:
        source: Folder of videos, or a list of them: ``.csv``, ``.tsv``, ``.txt`` or ``.jsonl``.
        targets: Backbones with their stores (``.h5`` or ``.zarr``); all share one decoding.
        retry: Statuses of failed videos that are tried again.
        inputs: Which videos.
        sampling: Which frames.
        views: Which augmented views.
        decoding: How files become pixels.
        compute: Where the backbones run.
        engine: Which machines.
        output: What a store keeps.
        plugins: Modules that other processes and machines load first.

    Raises:
        UsageError: If two options contradict each other, or two backbones share one store.
    """

    source: Path
    targets: tuple[Target, ...]
    retry: frozenset[Status] = frozenset()
    inputs: InputOptions = field(default_factory=InputOptions)
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    views: ViewOptions = field(default_factory=ViewOptions)
    decoding: DecodeOptions = field(default_factory=DecodeOptions)
    compute: BackboneOptions = field(default_factory=BackboneOptions)
    engine: EngineOptions = field(default_factory=EngineOptions)
    output: OutputOptions = field(default_factory=OutputOptions)
    plugins: tuple[str, ...] = field(default_factory=loaded_plugins)

    def __post_init__(self) -> None:
        if len({out for _, out in self.targets}) < len(self.targets):
            raise UsageError("two backbones have one store", hint="give each its own `--out`")
        self._check_sampling()

    @classmethod
    def of(
        cls, source: Path, out: Path, *, backbone: str = BACKBONE, **settings: Any
    ) -> ExtractOptions:
        """Return the options of one backbone and one store, from settings by their own names.

        Raises:
            TypeError: If there is no such setting.
            UsageError: If a value is wrong.

        Example:
            >>> ExtractOptions.of(Path("videos"), Path("feats.h5"), frames=12).sampling.frames
            12
        """
        return cls(source, ((backbone, out),)).changed(**settings)

    def changed(self, **settings: Any) -> ExtractOptions:
        """Return a copy with some settings changed, whichever part they belong to.

        Raises:
            TypeError: If there is no such setting.
            UsageError: If a value is wrong.

        Example:
            >>> options = ExtractOptions.of(Path("videos"), Path("feats.h5"))
            >>> options.changed(views=2, device="cpu").compute.device
            'cpu'
        """
        own: dict[str, Any] = {}
        by_part: dict[str, dict[str, Any]] = {}
        for name, value in settings.items():
            if name in PART_OF:
                by_part.setdefault(PART_OF[name], {})[name] = value
            elif name in ("source", "targets", "retry", "out"):
                own[name] = value
            else:
                raise TypeError(f"no option of an extraction is called `{name}`")
        if "out" in own:  # the store of the first backbone
            (name, _), *more = own.get("targets", self.targets)
            own["targets"] = (name, own.pop("out")), *more
        parts = {name: replace(getattr(self, name), **some) for name, some in by_part.items()}
        return replace(self, **own, **parts)

    @property
    def out(self) -> Path:
        """Return the store of the first backbone."""
        return self.targets[0][1]

    def _check_sampling(self) -> None:
        """Refuse an unknown sampler, and options that have no effect on key frames."""
        name = self.sampling.sampling
        SAMPLERS[name]
        if (plugin := SAMPLERS.plugin(name)) is not None and not plugin.spec:
            hint = "put it into a file and load that by `chainpipe.load_plugins`"
            raise UsageError(f"the decode process cannot see `{name}`", hint=hint)
        if self.sampling.every and (self.views.views or self.views.measure_augmentation):
            hint = "leave out `--every`, or `--views` and `--measure-augmentation`"
            raise UsageError("frames per time have no augmented views", hint=hint)
        if name != "keyframe":
            return
        if self.sampling.per_segment:
            hint = "leave out `--per-segment` or `--sampling`"
            raise UsageError("key frames have no candidates", hint=hint)
        if self.decoding.hwaccel or self.decoding.reader in ("linear", "ffmpeg"):
            hint = "leave out `--reader` and `--hwaccel`, or `--sampling`"
            raise UsageError("only the exact reader knows key frames", hint=hint)
