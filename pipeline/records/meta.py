"""The settings that all rows of a store share, and what a model asks of them."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field

import numpy as np
import numpy.typing as npt

from ..options import OutputOptions, SamplingOptions, ViewOptions


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Fingerprint of features: must match before a model reads them. T is not part of it.

    Attributes:
        backbone: Its full name, such as ``cnn:efficientnet-lite0``.
        weights_sha256: Of the backbone's weights, hexadecimal.
        dim: D, the length of a frame's feature.
        preprocessing: How pixels become the backbone's input, one canonical line.
    """

    backbone: str
    weights_sha256: str
    dim: int
    preprocessing: str

    def differences(self, other: Fingerprint) -> list[str]:
        """Return ``name: mine / theirs`` for each fact that differs.

        >>> a = Fingerprint("cnn", "00", 8, "fit=crop")
        >>> a.differences(Fingerprint("cnn", "00", 4, "fit=crop"))
        ['dim: 8 / 4']
        """
        mine, theirs = asdict(self), asdict(other)
        same = portable_backbone(self.backbone) == portable_backbone(other.backbone)
        theirs["backbone"] = mine["backbone"] if same else other.backbone
        return [f"{k}: {mine[k]} / {theirs[k]}" for k in mine if mine[k] != theirs[k]]


def portable_backbone(name: str) -> str:
    """Return a backbone's name without the folders of this machine.

    A file may lie in another folder elsewhere; the SHA-256 of its weights says whether it is the
    same.

    >>> portable_backbone("clip:ViT-B-32//home/me/weights.safetensors")
    'clip:ViT-B-32/weights.safetensors'
    >>> portable_backbone("clip:ViT-B-32/openai"), portable_backbone("clip:local-dir:/models/own")
    ('clip:ViT-B-32/openai', 'clip:local-dir:own')
    """
    return re.sub(r"(?<=[:/])/(?:[^/]+/)*", "", name)


# What 0.1.0 made and did not write: facts of its stores, whatever the defaults are now.
ABSENT_IN_0_1_0: dict[str, str | int | bool] = {
    "per_segment": 0,
    "views": 0,
    "views_mode": "consistent",
    "augmentation": "",
    "seed": 0,
}
# Settings that are written only where they are in use, so that older programs read the others.
ABSENT_IF_UNUSED: dict[str, str | int | bool | float] = {"every": 0.0}


@dataclass(frozen=True, slots=True)
class StoreMeta:
    """The settings that every row of a store was made with.

    Attributes:
        fingerprint: Backbone, weights, D and preprocessing.
        frames: T, the number of frames a video; in a store made per time those that a reader of T
            frames gets of each video.
        sampling: How moments are chosen: ``uniform``, ``segment``, ``random``, ``consecutive`` or
            ``keyframe``; ``published`` where others chose them and did not say how.
        by: ``index`` or ``time``.
        dtype: ``float16`` or ``float32``.
        strict: Whether ``partial`` videos count as failed.
        per_segment: M, candidates cached for each of the T segments; 0 for none.
        views: V, spatially augmented views cached of each clip.
        views_mode: ``consistent`` (one draw for all frames of a clip) or ``per-frame``.
        augmentation: The parameters of the views' draws, one canonical line; empty without views.
        seed: Of everything that is drawn: random moments and views.
        every: Seconds between two frames of a store made per time; 0 in one of T frames a video.
        chainpipe: The version that made it.
        inputs: Where its videos came from, one line of JSON; no setting.
    """

    fingerprint: Fingerprint
    frames: int
    sampling: str = SamplingOptions.sampling
    by: str = SamplingOptions.by
    dtype: str = OutputOptions.dtype
    strict: bool = OutputOptions.strict
    per_segment: int = SamplingOptions.per_segment
    views: int = ViewOptions.views
    views_mode: str = ViewOptions.views_mode
    augmentation: str = ViewOptions.augmentation
    seed: int = SamplingOptions.seed
    every: float = SamplingOptions.every
    chainpipe: str = ""
    inputs: str = field(default="", compare=False)

    def differences(self, other: StoreMeta) -> list[str]:
        """Return ``name: mine / theirs`` for each setting that differs.

        Versions may, and so may the folder of a backbone's file.
        """
        mine, theirs = (ABSENT_IF_UNUSED | meta.settings() for meta in (self, other))
        backbones = [portable_backbone(meta.fingerprint.backbone) for meta in (self, other)]
        if backbones[0] == backbones[1]:
            theirs["backbone"] = mine["backbone"]
        return [f"{k}: {mine[k]} / {theirs[k]}" for k in mine if mine[k] != theirs[k]]

    def settings(self) -> dict[str, str | int | bool | float]:
        """Return all settings in use as one flat JSON-able dictionary, without the version."""
        flat = asdict(self)
        flat.update(flat.pop("fingerprint"))
        flat.pop("chainpipe")
        flat.pop("inputs")
        unused = [name for name, value in ABSENT_IF_UNUSED.items() if flat[name] == value]
        return {name: value for name, value in flat.items() if name not in unused}

    @classmethod
    def from_settings(
        cls, flat: dict[str, str | int | bool | float], *, chainpipe: str
    ) -> StoreMeta:
        """Rebuild what :meth:`settings` returned; settings that an older store lacks are defaults.

        >>> meta = StoreMeta(Fingerprint("cnn", "00", 8, "fit=crop"), 25)
        >>> StoreMeta.from_settings(meta.settings(), chainpipe="") == meta
        True
        """
        rest = ABSENT_IN_0_1_0 | flat
        names = ("backbone", "weights_sha256", "dim", "preprocessing")
        fingerprint = Fingerprint(**{name: rest.pop(name) for name in names})  # type: ignore[arg-type]
        return cls(fingerprint=fingerprint, chainpipe=chainpipe, **rest)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, repr=False)
class AugmentationStatistics:
    """Statistics of a backbone's feature shifts under augmentation: (augmented - clean).

    The covariance of one frame's shift is about ``basis.T @ basis + diag(residual)``.

    Attributes:
        mean: Mean shift, (D,) float32.
        basis: The R strongest directions, each scaled by its standard deviation, (R, D) float32.
        residual: Variance that those leave in each number, (D,) float32.
        explained: Share of the variance that ``basis`` holds, 0 to 1.
        shared: Share of the variance that all frames of a view have in common, 0 to 1.
        videos: How many videos were sampled.
        shifts: How many frame shifts were measured.
        augmentation: The parameters of the draws, as in :class:`StoreMeta`.
        mode: ``consistent`` or ``per-frame``.
        seed: Of the sample and the draws.
    """

    mean: npt.NDArray[np.float32]
    basis: npt.NDArray[np.float32]
    residual: npt.NDArray[np.float32]
    explained: float
    shared: float
    videos: int
    shifts: int
    augmentation: str
    mode: str
    seed: int

    def __post_init__(self) -> None:
        d = len(self.mean)
        if self.basis.shape[1:] != (d,) or self.residual.shape != (d,):
            shapes = self.mean.shape, self.basis.shape, self.residual.shape
            raise ValueError(f"mean, basis and residual do not fit together: {shapes}")

    def __repr__(self) -> str:
        r, d = self.basis.shape
        return f"AugmentationStatistics({r} directions of {d}, {self.shifts} shifts)"
