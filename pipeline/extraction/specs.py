"""Convert options to backbones and to the extraction spec of each store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chainpipe.distribution import installed_version

from ..augment import Augmentation
from ..backbones import Backbone, build_backbone, fingerprint_of, frames_per_feature
from ..errors import UsageError
from ..options import BackboneOptions
from ..records import StoreMeta
from .extraction_spec import ExtractionSpec
from .options import ExtractOptions


def build_backbones(names: Iterable[str], compute: BackboneOptions) -> tuple[Backbone, ...]:
    """Build backbones by name.

    Raises:
        UsageError: If there is no such backbone, device or weights.
    """
    return tuple(
        build_backbone(
            name,
            device=compute.device,
            threads=compute.threads,
            batch=compute.batch,
            half=compute.half,
            compiled=compute.compiled,
            trust_weights=compute.trust_weights,
        )
        for name in names
    )


def extraction_specs(
    options: ExtractOptions, backbones: Sequence[Backbone]
) -> list[ExtractionSpec]:
    """Return how videos become the features of each store.

    Raises:
        UsageError: If the augmentation makes no sense.
    """
    metas = [meta_of(options, backbone) for backbone in backbones]
    asked = options.decoding
    how = {"fit": asked.fit, "reader": asked.reader, "hwaccel": asked.hwaccel}
    pairs = zip(metas, backbones, strict=True)
    return [ExtractionSpec.of(meta, backbone, **how) for meta, backbone in pairs]


def meta_of(options: ExtractOptions, backbone: Backbone) -> StoreMeta:
    """Return the settings that a store made with these options has.

    Raises:
        UsageError: If the augmentation makes no sense, or a video encoder is asked for what only
            single frames have.
    """
    _check_segments(options, backbone)
    sampling, views, output = options.sampling, options.views, options.output
    # Parsed without views, too: a wrong line is refused now, not when shifts are measured.
    augmentation = augmentation_line(views.augmentation)
    random = views.views or sampling.sampling not in ("uniform", "keyframe")
    # What has no effect is stored as nothing, so that it never makes two stores differ.
    return StoreMeta(
        fingerprint_of(backbone, fit=options.decoding.fit),
        sampling.frames,
        sampling=sampling.sampling,
        by="time" if sampling.every else sampling.by,
        dtype=output.dtype,
        strict=output.strict,
        per_segment=sampling.per_segment,
        views=views.views,
        views_mode=views.views_mode if views.views else "consistent",
        augmentation=augmentation if views.views else "",
        seed=sampling.seed if random else 0,
        every=sampling.every,
        chainpipe=installed_version(),
    )


def _check_segments(options: ExtractOptions, backbone: Backbone) -> None:
    """Refuse options that need a feature of each frame, if a feature is made of several."""
    frames, sampling = frames_per_feature(backbone), options.sampling
    if frames == 1 or not (sampling.every or sampling.per_segment):
        return
    option = "--every" if sampling.every else "--per-segment"
    raise UsageError(
        f"`{option}` needs a feature of each frame, and `{backbone.name}` makes one of {frames}",
        hint=f"leave out `{option}`, or choose an image network",
    )


def augmentation_line(line: str) -> str:
    """Return the canonical line of augmentation parameters, with every default written out.

    Raises:
        UsageError: If a parameter is unknown or out of range.
    """
    try:
        return Augmentation.parse(line).line()
    except ValueError as error:
        hint = f"such as `{Augmentation().line()}`"
        raise UsageError(f"augmentation `{line}`: {error}", hint=hint) from error
