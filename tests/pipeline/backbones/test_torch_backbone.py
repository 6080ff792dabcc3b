"""Networks of segments on the batched path of a GPU, and networks that give something else."""

import numpy as np
import pytest
import torch

from chainpipe.pipeline.backbones import BackboneOptions
from chainpipe.pipeline.backbones.batching import Batcher
from chainpipe.pipeline.backbones.torch_backbone import (
    InputFacts,
    TorchBackbone,
    from_bytes,
    require_square,
)
from chainpipe.pipeline.backbones.torch_network import TorchNetwork
from chainpipe.pipeline.errors import UsageError

FACTS = InputFacts(size=12, crop=8, mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7), frames_per_feature=3)


class Corners(torch.nn.Module):
    """From segments (n, 3, 3, 8, 8) to the first pixels of each frame, (n, 9)."""

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return frames[..., 0, 0].flatten(1)


def built(net: torch.nn.Module, facts: InputFacts = FACTS) -> TorchBackbone:
    options = BackboneOptions(device="cpu")
    return TorchBackbone(net, name="hf:x", facts=facts, weights_sha256="", options=options)


def test_the_middle_of_each_frame_is_normalised() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (15, 12, 12, 3), dtype=np.uint8)
    expected = (pixels[:, 2, 2] / 255 - [0.1, 0.2, 0.3]) / [0.5, 0.6, 0.7]  # (15, 3)
    found = built(Corners()).embed(pixels)
    np.testing.assert_allclose(found, expected.reshape(5, 9), atol=1e-6)


def test_batches_of_segments_are_those_of_single_segments() -> None:
    network = TorchNetwork(
        from_bytes(Corners(), FACTS),
        device="cpu",
        size=12,
        batch=2,
        half=False,
        compiled=False,
        frames_per_feature=3,
    )
    pixels = np.random.default_rng(1).integers(0, 256, (5, 3, 12, 12, 3), dtype=np.uint8)
    batcher = Batcher(network, batch=2)
    try:
        found = batcher.embed(pixels)
    finally:
        batcher.close()
    expected = built(Corners()).embed(pixels.reshape(15, 12, 12, 3))
    assert np.array_equal(found, expected)


def test_a_network_that_gives_no_vectors_is_refused() -> None:
    with pytest.raises(UsageError, match=r"3 frames of 8x8 pixels: its output has the shape"):
        built(torch.nn.Identity())


def test_a_size_that_is_no_square_is_refused() -> None:
    with pytest.raises(UsageError, match="wants frames of 224x288, not a square"):
        require_square((224, 288), "timm:x")
    with pytest.raises(UsageError, match="wants frames of no size"):
        require_square({}, "timm:x")
