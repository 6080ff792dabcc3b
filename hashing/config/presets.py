"""Whole configs: the published shape, and what ``auto`` means for a given set of videos."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from . import Auto, Config
from .fields import with_section
from .losses import loss_sections

Value = TypeVar("Value")
By = Literal["scenes", "means"]
LEAST_CONTRAST = 0.1  # its weight where views are not trusted [I]
STEPS = 900  # of a default run: less than three CPU minutes for clips of 25 frames [ours]
FEW_VIDEOS, ENOUGH_VIDEOS = 350, 500  # contrast is worth nothing up to here, all from here on
STILL_COSINE, LIVELY_COSINE = 0.85, 0.7  # the same of a video's halves, the smaller the better
LEAST_DISTILLED = 100  # videos: the start of fewer stays PCA-ITQ [ours]
WALKED = 8000  # videos: a walk over more would hold too large tables


@dataclass(frozen=True, slots=True)
class Survey:
    """What ``auto`` looks at.

    Attributes:
        videos: B, how many are trained on.
        halves_cosine: Mean cosine between the two halves of a video, around the mean video; near 1
            the views of a video hold nothing that the features do not say already.
    """

    videos: int
    halves_cosine: float


def paper_config() -> Config:
    """Return the published shape of CHAIN, every number of it [I]: the ``--paper`` preset."""
    plain = Config()
    return replace(
        plain,
        input=replace(plain.input, whitening=0.0),
        views=replace(plain.views, mode="segment"),
        encoder=replace(
            plain.encoder,
            hidden_dim=256,
            num_heads=4,
            activation="gelu",
            bias=True,
            position_slots=0,
        ),
        hash=replace(plain.hash, init="random", distill_steps=0),
        contrastive=replace(plain.contrastive, temperature=0.5, weight=1.0),
        order=replace(plain.order, weight=0.3, num_frames=0),
        scene=replace(plain.scene, weight=0.3),
        similarity=replace(plain.similarity, weight=0.0),
        neighbours=replace(plain.neighbours, k=0),
        optim=replace(plain.optim, epochs=60, lr=1e-3, weight_decay=1e-4),
    )


def resolve(config: Config, survey: Survey) -> Config:
    """Replace every ``auto`` that depends on the training videos by its number.

    Where views can be trusted, contrastive learning leads, over many steps. Where they cannot, it
    would tear alike videos apart: no epochs, and structure keeping leads when some are asked for.

    (What depends on T or on what the store has beside its frames is settled where that is known:
    ``views.num_frames``, ``views.window``, ``views.spatial``, ``order.num_frames``,
    ``scene.num_clusters``.)

    >>> resolve(Config(), Survey(1500, 0.6)).neighbours.k
    15
    """
    trust = view_trust(survey)
    lead = max(LEAST_CONTRAST, trust)
    batches = -(-survey.videos // config.optim.batch_size)
    count = min(20, max(3, round(survey.videos / 100))) if trust else 0
    by: By = "scenes" if survey.videos <= WALKED else "means"
    by = by if config.neighbours.source == "auto" else config.neighbours.source
    refresh = 0 if by == "scenes" else max(1, round(15 / batches))
    distilled = 200 if survey.videos >= LEAST_DISTILLED else 0
    epochs = round(STEPS / batches) if trust or _any_loss(config) else 0
    config = replace(
        config,
        input=replace(config.input, whitening=_pick(config.input.whitening, 0.0)),
        hash=replace(config.hash, distill_steps=_pick(config.hash.distill_steps, distilled)),
        contrastive=replace(config.contrastive, weight=_pick(config.contrastive.weight, lead)),
        similarity=replace(
            config.similarity, weight=_pick(config.similarity.weight, max(0.5, round(1 - trust, 3)))
        ),
        neighbours=replace(
            config.neighbours,
            source=by,
            k=_pick(config.neighbours.k, count),
            update_every=_pick(config.neighbours.update_every, refresh),
        ),
        optim=replace(config.optim, epochs=_pick(config.optim.epochs, epochs)),
    )
    for name, section in loss_sections(config).items():
        if section.weight == "auto":
            config = with_section(config, name, replace(section, weight=0.0))  # type: ignore[type-var]
    return config


def _any_loss(config: Config) -> bool:
    """Return whether a loss was switched on by hand, so that it must be trained."""
    return any(part.weight not in ("auto", 0) for part in loss_sections(config).values())


def view_trust(survey: Survey) -> float:
    """Return how much to learn from views, 0 to 1: nothing from few videos or very still ones.

    In trials on parts of one set, contrast lost to the distilled start at 250 videos and gained
    at 500; where between them it turns is a guess [ours].

    >>> view_trust(Survey(1500, 0.6)), view_trust(Survey(250, 0.6)), view_trust(Survey(1500, 0.95))
    (1.0, 0.0, 0.0)
    """
    enough = (survey.videos - FEW_VIDEOS) / (ENOUGH_VIDEOS - FEW_VIDEOS)
    lively = (STILL_COSINE - survey.halves_cosine) / (STILL_COSINE - LIVELY_COSINE)
    return round(min(1.0, max(0.0, enough)) * min(1.0, max(0.0, lively)), 3)


def why_no_epochs(survey: Survey) -> str:
    """Say what of the training videos made ``auto`` train no epochs, with the limits.

    >>> why_no_epochs(Survey(128, 0.6))
    '128 videos, of which more than 350 are needed'
    >>> why_no_epochs(Survey(900, 0.9))
    'the halves of a video are too alike: mean cosine 0.900, which must be below 0.85'
    """
    reasons = []
    if survey.videos <= FEW_VIDEOS:
        reasons.append(f"{survey.videos} videos, of which more than {FEW_VIDEOS} are needed")
    alike = f"mean cosine {survey.halves_cosine:.3f}, which must be below {STILL_COSINE:g}"
    if survey.halves_cosine >= STILL_COSINE:
        reasons.append(f"the halves of a video are too alike: {alike}")
    return "; ".join(reasons) or f"{survey.videos} videos whose halves are alike: {alike}"


def _pick(value: Value | Auto, automatic: Value) -> Value:
    return automatic if value == "auto" else value


def number(value: float | Auto) -> float:
    """Return a number that :func:`resolve` has already settled.

    Raises:
        ValueError: If it is still ``auto``.
    """
    if value == "auto":
        raise ValueError("`auto` is not resolved yet")
    return value
