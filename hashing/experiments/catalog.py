"""The experiments by name: pure lists of rows."""

from __future__ import annotations

from chainpipe.pipeline.errors import UsageError

from ..config.model import ENCODERS
from ..config.overrides import Scalar
from ..methods.registry import METHODS
from .ablation import ablation
from .plan import ExperimentPlan, Variant
from .sensitivity import sensitivity

NAMES = ("methods", "ablation", "sensitivity", "encoders", "sampling", "spatial")

SHORT = 20  # epochs of a rival that takes many more


# What ConMH's network becomes with another rival's losses and numbers; not that rival's network.
BTH_LIKE: dict[str, Scalar] = {
    "similarity.weight": 0.087,  # 0.08 / 0.92 of rebuilding
    "contrastive.weight": 0.0,
    "mask.ratio": 0.15,
    "encoder.num_layers": 1,
    "encoder.num_heads": 1,
    "decoder.num_layers": 1,
    "optim.batch_size": 256,
    "optim.lr": 3e-4,
    "optim.min_lr": 1e-4,
    "optim.epochs": 55,
}
S5VH_LIKE: dict[str, Scalar] = {
    "centres.weight": 0.01,
    "contrastive.weight": 2.5,
    "encoder.num_layers": 6,
    "decoder.num_layers": 1,
    "optim.lr": 5e-4,
    "optim.epochs": SHORT,
}


def experiment_plan(name: str) -> ExperimentPlan:
    """Return an experiment.

    Raises:
        UsageError: If there is none of that name.
    """
    plans = {
        "methods": methods,
        "ablation": ablation,
        "sensitivity": sensitivity,
        "encoders": encoders,
        "sampling": sampling,
        "spatial": spatial,
    }
    if name not in plans:
        raise UsageError(f"no experiment `{name}`", hint="one of " + ", ".join(NAMES))
    return plans[name]()


def methods() -> ExperimentPlan:
    """Every method as it comes, and CHAIN's published shape."""
    ours = [Variant(label="chain"), Variant(label="chain --paper", paper=True)]
    short: dict[str, Scalar] = {"optim.epochs": SHORT}
    learned = [name for name in METHODS if METHODS[name].config is not None]
    rivals = [name for name in learned if name != "chain"]
    baselines = [name for name in METHODS if name not in learned]
    brief = [Variant(label=f"{name}, {SHORT} epochs", method=name, values=short) for name in rivals]
    like = [
        Variant(label="bth-like", method="conmh", values=BTH_LIKE),
        Variant(label=f"s5vh-like, {SHORT} epochs", method="conmh", values=S5VH_LIKE),
    ]
    others = [*brief, *like, *(Variant(label=name, method=name) for name in (*rivals, *baselines))]
    return ExperimentPlan(
        name="methods",
        about="How good are the codes of each method? Each has its own defaults; `chain --paper` "
        "is the plain published shape of CHAIN, without our extensions. A rival is trained as "
        f"long as its authors did, and for {SHORT} epochs, which still cost several times CHAIN's "
        "CPU. `bth-like` and `s5vh-like` are ConMH's network with their losses and "
        "numbers, without BTH's cluster loss and without S5VH's state-space blocks.",
        reference="chain",
        rows=(*ours, *others),
    )


def encoders() -> ExperimentPlan:
    """The paper's encoders."""
    return ExperimentPlan(
        name="encoders",
        about="Which encoder over the frames is best, and what does each cost?",
        reference="transformer",
        rows=tuple(Variant(label=kind, values={"encoder.kind": kind}) for kind in ENCODERS),
    )


def sampling() -> ExperimentPlan:
    """The ways to draw the frames of a view."""
    modes = ("halves", "segment", "random", "consecutive")
    return ExperimentPlan(
        name="sampling",
        about="How should the frames of the two views of a video be drawn?",
        reference="halves",
        rows=tuple(Variant(label=mode, values={"views.mode": mode}) for mode in modes),
    )


def spatial() -> ExperimentPlan:
    """Augmented copies, with and without the noise that stands in for them."""
    ways: dict[str, dict[str, Scalar]] = {
        "no copies": {"views.spatial": "off"},
        "copies, one a view": {"views.spatial": "on", "views.spatial_per_frame": False},
        "copies, one a frame": {"views.spatial": "on", "views.spatial_per_frame": True},
    }
    plain: dict[str, Scalar] = {"views.noise": 0.0, "views.feature_dropout": 0.0}
    rows = [
        Variant(label=label, values=values, group="with noise") for label, values in ways.items()
    ]
    rows += [
        Variant(label=f"{label}, no noise", values={**values, **plain}, group="without noise")
        for label, values in ways.items()
    ]
    return ExperimentPlan(
        name="spatial",
        about="What do spatially augmented copies of a clip bring, temporally consistent (one "
        "copy a view) or not (another copy each frame), beside feature noise and without it?",
        reference="no copies",
        rows=tuple(rows),
    )
