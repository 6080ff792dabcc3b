"""The ``--paper`` preset, and the values of ``auto`` for a given training set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from chainpipe.pipeline.errors import UsageError

from . import Auto, Config
from .fields import with_section
from .losses import OrderConfig, SceneConfig, loss_sections
from .model import HashConfig

Value = TypeVar("Value")
Local = TypeVar("Local", OrderConfig, SceneConfig)
By = Literal["scenes", "means"]
Source = Literal["videos", "classifier"]
TASKS = ("contrastive", "order", "scene")  # of the paper; each is a section
LEAST_TRAINED = 32  # videos; with fewer there is nothing to contrast, and no epoch is trained
LEAST_CONTRAST = 0.5  # weight of the contrastive loss where views are not trusted [I]
WITHIN_WHITENING = 0.25  # exponent of the within-video covariance where views are trusted [ours]
UNSURE_GENERAL = 0.5  # fraction of general bits where they are not: tasks may harm these [ours]
CLASSIFIER_GENERAL = 0.25  # likewise where they are and the classifier is known [ours]
RESIDUAL = 0.125  # fraction of bits in long codes for what PCA-ITQ leaves out [ours]
LONG = 32  # bits; a code needs so many before it can spare any, or reflect with full weight [ours]
LOCAL_WEIGHT = 0.1  # of the order and of the scene loss [I]
STEPS = 600  # of a default run [ours]
FEW_STEPS = 200  # likewise for fewer than ENOUGH_VIDEOS [ours]
FEW_VIDEOS, ENOUGH_VIDEOS = 350, 500  # trust in views: 0 up to the first, 1 from the second on
STILL_COSINE, LIVELY_COSINE = 0.85, 0.7  # likewise, by the cosine of a video's two halves
LEAST_DISTILLED = 100  # videos; with fewer the initial codes stay those of PCA-ITQ [ours]
WALKED = 8000  # videos; beyond, the walk takes about 10 kB a video, which few may have to spare


@dataclass(frozen=True, slots=True)
class Survey:
    """Statistics of a training set that ``auto`` depends on.

    Attributes:
        videos: B, number of training videos.
        halves_cosine: Mean cosine between the two halves of a video, centred on the mean video;
            near 1, the views of a video carry no information beyond the features themselves.
        frames: T, frames of a video; one frame has no order and no scenes.
        classifier: Whether the classifier of the backbone is known.
        bits: K, the length of the codes to train.
    """

    videos: int
    halves_cosine: float
    frames: int = 25
    classifier: bool = False
    bits: int = 32


def paper_config() -> Config:
    """Return the ``--paper`` preset: CHAIN as published, every number our reading [I]."""
    plain = Config()
    return replace(
        plain,
        input=replace(plain.input, dims=256, whitening=0.0, within_whitening=0.0),
        views=replace(plain.views, mode="segment"),
        encoder=replace(
            plain.encoder,
            hidden_dim=256,
            feed_forward_dim=1280,
            num_heads=4,
            activation="gelu",
            bias=True,
            position_slots=0,
        ),
        hash=replace(
            plain.hash, init="random", general=0.0, general_from="videos", distill_steps=0
        ),
        contrastive=replace(plain.contrastive, temperature=0.5, weight=1.0),
        order=replace(plain.order, weight=0.3, num_frames=0, num_videos=0),
        scene=replace(plain.scene, weight=0.3),
        similarity=replace(plain.similarity, weight=0.0),
        reflection=replace(plain.reflection, weight=0.0),
        neighbours=replace(plain.neighbours, k=0),
        optim=replace(plain.optim, epochs=60, lr=1e-3, weight_decay=1e-4),
    )


def only_tasks(config: Config, names: Sequence[str]) -> Config:
    """Return the config with the tasks that are not named disabled.

    Raises:
        UsageError: If a name is not one of ``TASKS``, or there is none.

    >>> only_tasks(Config(), ["contrastive"]).order.weight
    0.0
    """
    hint = f"one or more of {','.join(TASKS)}"
    if not names:
        raise UsageError("no task is selected", hint=hint)
    if unknown := [name for name in names if name not in TASKS]:
        raise UsageError(f"no task `{unknown[0]}`", hint=hint)
    for name in TASKS:
        if name not in names:
            config = with_section(config, name, replace(getattr(config, name), weight=0.0))
    return config


def resolve(config: Config, survey: Survey) -> Config:
    """Replace every ``auto`` that depends on the training set by its value.

    All three tasks are trained on 32 videos or more. Where views are informative, the contrastive
    loss dominates. Where they are not, it would separate similar videos: the similarity-preserving
    loss dominates, no neighbours are mined, what changes inside videos counts as much as anything
    else, and half of the bits are general. The reflection loss keeps apart what no training video
    shows, less in short codes, which have no bits to spare; in long codes, bits of the backbone's
    classifier do so, too, if it is known.

    Keys that depend on T or on the other arrays of the store are resolved where these are known:
    ``views.num_frames``, ``views.window``, ``views.spatial``, ``order.num_frames``,
    ``scene.num_clusters``.

    >>> resolve(Config(), Survey(1500, 0.6)).neighbours.k
    15
    """
    trust = view_trust(survey)
    lead = max(LEAST_CONTRAST, trust)
    batches = -(-survey.videos // config.optim.batch_size)
    count = min(20, max(3, round(survey.videos / 100))) if trust == 1 else 0
    sure = trust == 1 or not trained(survey)
    moving = survey.frames > 1 and config.hash.summary == "mean"
    within = WITHIN_WHITENING if trust == 1 and moving else 0.0
    by: By = "scenes" if survey.videos <= WALKED else "means"
    by = by if config.neighbours.source == "auto" else config.neighbours.source
    refresh = 0 if by == "scenes" else max(1, round(15 / batches))
    distilled = 200 if survey.videos >= LEAST_DISTILLED else 0
    local = LOCAL_WEIGHT if survey.frames > 1 else 0.0
    steps = STEPS if survey.videos >= ENOUGH_VIDEOS else FEW_STEPS
    epochs = round(steps / batches) if trained(survey) or _any_loss(config) else 0
    config = replace(
        config,
        input=replace(
            config.input,
            within_whitening=_pick(config.input.within_whitening, within),
        ),
        hash=_general(
            replace(config.hash, distill_steps=_pick(config.hash.distill_steps, distilled)),
            sure=sure,
            bits=survey.bits,
            classifier=survey.classifier and trained(survey) and config.hash.summary == "mean",
        ),
        contrastive=replace(config.contrastive, weight=_pick(config.contrastive.weight, lead)),
        order=_local(config.order, local),
        scene=_local(config.scene, local),
        reflection=replace(
            config.reflection,
            weight=_pick(config.reflection.weight, _reflection_weight(survey.bits)),
        ),
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


def _reflection_weight(bits: int) -> float:
    return round(min(1.0, (bits / LONG) ** 2), 3)


def _general(config: HashConfig, *, sure: bool, classifier: bool, bits: int) -> HashConfig:
    """Resolve how many bits no task trains, and what they are."""
    source: Source = "classifier" if sure and classifier else "videos"
    source = source if config.general_from == "auto" else config.general_from
    share = CLASSIFIER_GENERAL if source == "classifier" else 0.0 if sure else UNSURE_GENERAL
    least = LONG if source == "classifier" else 1
    return replace(
        config,
        general=_pick(config.general, share if config.init == "pca-itq" else 0.0),
        general_from=source,
        general_residual=_pick(config.general_residual, RESIDUAL if bits > LONG else 0.0),
        min_learned=_pick(config.min_learned, least),
    )


def _local(section: Local, weight: float) -> Local:
    """Resolve the weight of the order or of the scene loss; one that was set by hand is kept."""
    drop: Literal["keep", "drop"] = "drop" if section.weight == "auto" else "keep"
    return replace(
        section,
        weight=_pick(section.weight, weight),
        if_unlearned=_pick(section.if_unlearned, drop),
    )


def _any_loss(config: Config) -> bool:
    """Return whether a loss was switched on by hand, so that it must be trained."""
    return any(part.weight not in ("auto", 0) for part in loss_sections(config).values())


def trained(survey: Survey) -> bool:
    """Return whether there are enough videos to train the tasks on."""
    return survey.videos >= LEAST_TRAINED


def view_trust(survey: Survey) -> float:
    """Return how informative views are, 0 to 1: 0 for few videos or nearly static ones.

    In trials on subsets of one data set, the contrastive loss was worse than the distilled
    initial codes at 250 videos and better at 500; the ramp between the two is a guess [ours].

    >>> view_trust(Survey(1500, 0.6)), view_trust(Survey(250, 0.6)), view_trust(Survey(1500, 0.95))
    (1.0, 0.0, 0.0)
    """
    enough = (survey.videos - FEW_VIDEOS) / (ENOUGH_VIDEOS - FEW_VIDEOS)
    lively = (STILL_COSINE - survey.halves_cosine) / (STILL_COSINE - LIVELY_COSINE)
    return round(min(1.0, max(0.0, enough)) * min(1.0, max(0.0, lively)), 3)


def why_no_epochs(survey: Survey) -> str:
    """Say why ``auto`` trains no epochs on these videos.

    >>> why_no_epochs(Survey(12, 0.6))
    '12 videos, too few (needed: 32 or more)'
    """
    return f"{survey.videos} videos, too few (needed: {LEAST_TRAINED} or more)"


def decision(config: Config, survey: Survey) -> str:
    """Say in one line what is trained on these videos and why, from a resolved config.

    >>> decision(resolve(Config(), Survey(1500, 0.6)), Survey(1500, 0.6)).partition(":")[0]
    'contrastive 1, order 0.1, scene 0.1, similarity 0.5, reflection 1, 15 neighbours'
    """
    weights = {name: number(part.weight) for name, part in loss_sections(config).items()}
    used = [f"{name} {weight:g}" for name, weight in weights.items() if weight]
    if share := number(config.hash.general):
        least = int(number(config.hash.min_learned))
        beyond = f" (of codes over {least} bits)" if least > 1 else ""
        used.append(f"{share:.0%} of the bits general{beyond}")
    near = int(number(config.neighbours.k))
    used.append(f"{near} neighbours" if near else "no neighbours")
    return (
        f"{', '.join(used)}: {survey.videos} videos, whose halves are alike to "
        f"{survey.halves_cosine:.2f} (views are trusted by {view_trust(survey):g})"
    )


def _pick(value: Value | Auto, automatic: Value) -> Value:
    return automatic if value == "auto" else value


def number(value: float | Auto) -> float:
    """Narrow the type of a value that :func:`resolve` has replaced.

    Raises:
        ValueError: If the value is still ``auto``.
    """
    if value == "auto":
        raise ValueError("`auto` is not resolved yet")
    return value
