"""S5VH's hash-centre loss: classify the nearest anchor of a video by the code of a view.

AAAI 2025, reliability-aware hash centre alignment: https://github.com/gimpong/AAAI25-S5VH
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..pca_itq import fit_pca_itq
from .anchors import nearest_anchors
from .terms import ConmhBatch


def centre_codes(anchors: Tensor, bits: int, *, seed: int) -> Tensor:
    """Return a code of signs for each anchor, (P, K); similar anchors get similar codes.

    PCA-ITQ of the anchors [I]. The paper searches codes that are well separated and keep the
    similarities of the anchors; its released code trains a free layer instead.

    Args:
        anchors: Anchor features, (P, D).
        bits: K, the length of a code.
        seed: Seed of PCA-ITQ.
    """
    points = anchors.numpy()
    nothing = np.zeros((points.shape[1],) * 2)  # anchors have no frames
    fitted = fit_pca_itq(points, bits, seed=seed, frame_covariance=lambda: nothing)
    values = (points - fitted.mean) @ fitted.directions
    return torch.from_numpy(values >= 0).float() * 2 - 1


def soften_labels(labels: Tensor, predicted: Tensor, *, trust: float) -> Tensor:
    """Return soft labels, (B, P): ``trust`` times one-hot labels, the rest the predictions.

    Args:
        labels: Anchor index of each video, (B,).
        predicted: Distributions over the anchors, (B, P).
        trust: Weight of the labels, in [0, 1].
    """
    exact = F.one_hot(labels, predicted.shape[1]).to(predicted)
    return trust * exact + (1 - trust) * predicted


class S5vhCentreLoss(nn.Module):
    """Cross-entropy of view codes over the anchors' codes, with the nearest anchor as label.

    After a warm-up the prediction of the whole video's code gets a growing weight in the label. The
    released code mixes 1 % of it into stored labels at every epoch; here the current prediction
    replaces all earlier ones [I], so no labels are stored.

    Args:
        anchors: Anchor features, (P, D).
        codes: Codes of the anchors, (P, K).
        temperature: Softmax temperature of the normalized products of codes.
        warmup_epochs: Epochs with the nearest anchor as the only label.
        trust_decay: Decay of the label's weight per epoch after the warm-up.
        epochs: Epochs of the run.
    """

    anchors: Tensor
    codes: Tensor

    def __init__(
        self,
        *,
        anchors: Tensor,
        codes: Tensor,
        temperature: float,
        warmup_epochs: int,
        trust_decay: float,
        epochs: int,
    ) -> None:
        super().__init__()
        self.register_buffer("anchors", anchors)
        self.register_buffer("codes", codes)
        self.temperature, self.warmup_epochs = temperature, warmup_epochs
        self.trust_decay, self.epochs = trust_decay, epochs

    def forward(self, batch: ConmhBatch) -> Tensor:
        """Return the loss, a scalar: the mean over both views."""
        wanted = self._wanted(batch)
        logits = batch.codes @ self.codes.T / (self.codes.shape[1] * self.temperature)  # (2B, P)
        return F.cross_entropy(logits, wanted.repeat(2, 1))

    @torch.no_grad()
    def _wanted(self, batch: ConmhBatch) -> Tensor:
        """Return the target distributions over the anchors, (B, P)."""
        labels = nearest_anchors(batch.frames.mean(dim=1), self.anchors, 1)[:, 0]
        later = max(0, int(batch.progress * self.epochs) - self.warmup_epochs)
        trust = (1 - self.trust_decay) ** later
        if trust == 1:
            return F.one_hot(labels, len(self.anchors)).to(batch.codes)
        return soften_labels(labels, (batch.whole() @ self.codes.T).softmax(dim=1), trust=trust)
