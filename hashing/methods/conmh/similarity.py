"""BTH's similarity loss: codes of videos with shared nearest anchors are similar, others differ.

CVPR 2021: https://github.com/Lily1994/BTH; which pairs count, as released with S5VH's code:
https://github.com/gimpong/AAAI25-S5VH
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from .anchors import nearest_anchors
from .terms import ConmhBatch

_ALIKE, _NEAR, _FAR = 3, 4, 5  # nearest anchors that are compared


def relations(nearest: Tensor) -> Tensor:
    """Return 1 for similar pairs, -1 for dissimilar pairs, 0 for all others, (B, B).

    Similar videos share one of their 3 nearest anchors; dissimilar ones share one of their 5
    nearest but none of their 4 nearest. The diagonal is 0.

    Args:
        nearest: Anchors of each video, nearest first, (B, 5) or fewer.
    """
    alike = _share_anchor(nearest[:, :_ALIKE])
    differ = _share_anchor(nearest[:, :_FAR]) & ~_share_anchor(nearest[:, :_NEAR])
    found = alike.float() - differ.float()
    return found.fill_diagonal_(0)


def similarity_loss(codes: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean squared difference of cosines and relations, a scalar; 0 without pairs.

    Args:
        codes: (B, K).
        wanted: Target cosines 1 and -1, or 0 for pairs that are ignored, (B, B).

    Example:
        >>> import torch
        >>> codes = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
        >>> similarity_loss(codes, torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
        tensor(1.)
    """
    unit = F.normalize(codes, dim=1)
    counted = wanted != 0
    errors = (unit @ unit.T - wanted).square() * counted
    return errors.sum() / counted.sum().clamp(min=1)


class BthSimilarityLoss(nn.Module):
    """Similarity loss over all pairs of views of different videos in a batch [I].

    Args:
        anchors: Anchor features, (P, D).
    """

    anchors: Tensor

    def __init__(self, *, anchors: Tensor) -> None:
        super().__init__()
        self.register_buffer("anchors", anchors)

    def forward(self, batch: ConmhBatch) -> Tensor:
        """Return the loss, a scalar."""
        means = batch.frames.mean(dim=1)
        wanted = relations(nearest_anchors(means, self.anchors, _FAR))
        return similarity_loss(batch.codes, wanted.repeat(2, 2))


def _share_anchor(nearest: Tensor) -> Tensor:
    """Return the pairs of videos with a common anchor, (B, B) bool."""
    result: Tensor = (nearest[:, None, :, None] == nearest[None, :, None, :]).any(3).any(2)
    return result
