"""Config of CroVCA-like. Marks: [P] stated by the paper, [I] our reading or choice."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...config.fields import AnyConfig, about
from ...config.monitoring import ValidationConfig


@dataclass(frozen=True, slots=True)
class CrovcaInputConfig:
    """PCA of the frame features, fixed before training."""

    dims: int = field(
        default=256, metadata=about("number of principal components kept [I]", low=1, high=4096)
    )


@dataclass(frozen=True, slots=True)
class CrovcaViewsConfig:
    """The two views of a video: a window in each half, as CHAIN's [I]."""

    noise: float = field(
        default=0.5,
        metadata=about("Gaussian noise common to a view's frames, in std of each component [I]"),
    )
    feature_dropout: float = field(
        default=0.2, metadata=about("fraction of components set to zero in a view [I]", high=0.95)
    )


@dataclass(frozen=True, slots=True)
class CrovcaHeadConfig:
    """Hash head on a view's mean feature, with a final batch normalization [P]."""

    hidden_dim: int = field(
        default=512, metadata=about("hidden size of the MLP; 0: one linear layer [I]", high=8192)
    )


@dataclass(frozen=True, slots=True)
class CrovcaLossConfig:
    """Cross-entropy between the views' codes [P], minus the coding rate [P]."""

    temperature: float = field(
        default=1.0, metadata=about("divides the values before the sigmoid [I]", low=1e-3)
    )
    rate: float = field(default=0.3, metadata=about("factor of the coding rate a bit [I]"))
    epsilon: float = field(
        default=0.5, metadata=about("distortion of the coding rate [I]", low=1e-3)
    )


@dataclass(frozen=True, slots=True)
class CrovcaOptimConfig:
    """AdamW with a one-cycle learning rate [I]."""

    epochs: int = field(default=150, metadata=about("passes over the training videos [I]", low=1))
    batch_size: int = field(
        default=256, metadata=about("maximum videos per step and process [I]", low=2)
    )
    lr: float = field(default=3e-3, metadata=about("maximum learning rate [I]", low=0.0, high=10.0))
    weight_decay: float = field(default=0.02, metadata=about("weight decay [I]", high=10.0))
    warmup: float = field(
        default=0.1, metadata=about("fraction of the steps in which the rate rises [I]", high=1.0)
    )


@dataclass(frozen=True, slots=True)
class CrovcaConfig(AnyConfig):
    """All sections of a run of CroVCA-like."""

    input: CrovcaInputConfig = field(default_factory=CrovcaInputConfig)
    views: CrovcaViewsConfig = field(default_factory=CrovcaViewsConfig)
    head: CrovcaHeadConfig = field(default_factory=CrovcaHeadConfig)
    loss: CrovcaLossConfig = field(default_factory=CrovcaLossConfig)
    optim: CrovcaOptimConfig = field(default_factory=CrovcaOptimConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
