"""S5VH's further loss: a view's code tells the anchor of its video by the anchors' codes.

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
    """Return a code of signs for each anchor, (P, K); alike anchors get alike codes.

    PCA-ITQ of the anchors [I]. The paper searches codes that are far apart and alike where the
    anchors are; its released code then trains a free layer instead.

    Args:
        anchors: (P, D).
        bits: K.
        seed: Of PCA-ITQ.
    """
    points = anchors.numpy()
    nothing = np.zeros((points.shape[1],) * 2)  # there is nothing beside the anchors to look at
    fitted = fit_pca_itq(points, bits, seed=seed, frame_covariance=lambda: nothing)
    values = (points - fitted.mean) @ fitted.directions
    return torch.from_numpy(values >= 0).float() * 2 - 1


def soften_labels(labels: Tensor, predicted: Tensor, *, trust: float) -> Tensor:
    """Return the labels as far as they are trusted, and the predictions for the rest, (B, P).

    Args:
        labels: Number of each video's anchor, (B,).
        predicted: A distribution over the anchors, (B, P).
        trust: In [0, 1].
    """
    exact = F.one_hot(labels, predicted.shape[1]).to(predicted)
    return trust * exact + (1 - trust) * predicted


class S5vhCentreLoss(nn.Module):
    """The cross-entropy between codes' likeness to the anchors' codes and the nearest anchor.

    After a warm-up, what the whole video's code says is trusted more and more. The released code
    mixes a hundredth of it into stored labels at every epoch; here the present prediction stands
    for all earlier ones [I], so nothing is stored for a video.

    Args:
        anchors: (P, D).
        codes: Of the anchors, (P, K).
        temperature: Divides products of codes, which are K at most.
        warmup_epochs: Epochs in which the nearest anchor is trusted.
        trust_decay: Share of the trust that an epoch then takes.
        epochs: Of the run.
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
        """Return the loss, the mean over both views."""
        wanted = self._wanted(batch)
        logits = batch.codes @ self.codes.T / (self.codes.shape[1] * self.temperature)  # (2B, P)
        return F.cross_entropy(logits, wanted.repeat(2, 1))

    @torch.no_grad()
    def _wanted(self, batch: ConmhBatch) -> Tensor:
        """Return a distribution over the anchors for each video, (B, P)."""
        labels = nearest_anchors(batch.frames.mean(dim=1), self.anchors, 1)[:, 0]
        later = max(0, int(batch.progress * self.epochs) - self.warmup_epochs)
        trust = (1 - self.trust_decay) ** later
        if trust == 1:
            return F.one_hot(labels, len(self.anchors)).to(batch.codes)
        return soften_labels(labels, (batch.whole() @ self.codes.T).softmax(dim=1), trust=trust)
