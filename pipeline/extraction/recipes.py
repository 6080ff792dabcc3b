"""What options mean: the backbones, each store's settings, and how videos become features."""

from __future__ import annotations

from collections.abc import Sequence

from chainpipe.distribution import installed_version

from ..augment import Augmentation
from ..backbones import Backbone, build_backbone, fingerprint_of
from ..errors import UsageError
from ..records import StoreMeta
from .features import ExtractionSpec
from .options import ExtractOptions


def build_backbones(options: ExtractOptions) -> tuple[Backbone, ...]:
    """Build every backbone of the options.

    Raises:
        UsageError: If there is no such backbone, device or weights.
    """
    return tuple(
        build_backbone(
            name,
            device=options.device,
            threads=options.threads,
            batch=options.batch,
            half=options.half,
            compiled=options.compiled,
            trust_weights=options.trust_weights,
        )
        for name, _ in options.targets
    )


def extraction_specs(
    options: ExtractOptions, backbones: Sequence[Backbone]
) -> list[ExtractionSpec]:
    """Return how videos become the features of each store.

    Raises:
        UsageError: If the augmentation makes no sense.
    """
    metas = [meta_of(options, backbone) for backbone in backbones]
    how = {"fit": options.fit, "reader": options.reader, "hwaccel": options.hwaccel}
    pairs = zip(metas, backbones, strict=True)
    return [ExtractionSpec.of(meta, backbone, **how) for meta, backbone in pairs]


def meta_of(options: ExtractOptions, backbone: Backbone) -> StoreMeta:
    """Return the settings that a store made with these options has.

    Raises:
        UsageError: If the augmentation makes no sense.
    """
    augmentation = augmentation_of(options)  # a wrong one shows now, not when shifts are measured
    drawn = options.views or options.sampling not in ("uniform", "keyframe")
    return StoreMeta(
        fingerprint_of(backbone, fit=options.fit),
        options.frames,
        sampling=options.sampling,
        by=options.by,
        dtype=options.dtype,
        strict=options.strict,
        per_segment=options.per_segment,
        views=options.views,
        views_mode=options.views_mode if options.views else "consistent",
        augmentation=augmentation if options.views else "",
        seed=options.seed if drawn else 0,
        chainpipe=installed_version(),
    )


def augmentation_of(options: ExtractOptions) -> str:
    """Return the canonical line of what views are drawn from.

    Raises:
        UsageError: If it makes no sense.
    """
    try:
        return Augmentation.parse(options.augmentation).line()
    except ValueError as error:
        hint = f"such as `{Augmentation().line()}`"
        raise UsageError(f"augmentation `{options.augmentation}`: {error}", hint=hint) from error
