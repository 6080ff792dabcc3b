"""The network: binarisation, masks, and a start that is PCA-ITQ itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from chainpipe.hashing.config import Config
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.methods.chain.build_model import build_model, load_model
from chainpipe.hashing.methods.chain.init_hash_layer import fit_initial_hash
from chainpipe.hashing.methods.fit import tensors_of
from chainpipe.hashing.methods.pca_itq import fit_pca_itq
from chainpipe.hashing.models.clip_summary import masked_mean
from chainpipe.hashing.models.hash_layer import Binarize, HashLayer
from chainpipe.hashing.models.hash_model import HashModel
from chainpipe.hashing.models.pca_whitening import PcaWhitening, fit_pca_whitening, l2_normalized

SMALL = {"encoder.hidden_dim": 16, "encoder.num_heads": 2, "encoder.feed_forward_dim": 16}


def small_config(**changes: object) -> Config:
    return apply(Config(), {**SMALL, **{k.replace("__", "."): v for k, v in changes.items()}})


def built(planted: np.ndarray, bits: int = 8, **changes: object) -> tuple[HashModel, PcaWhitening]:
    config = small_config(**changes)
    pca = fit_pca_whitening([planted.reshape(-1, planted.shape[2])], dims=10, whitening=0.25)
    model = build_model(config, pca, bits=bits, seed=0)
    if config.hash.init == "pca-itq":
        unit = config.hash.l2_normalize
        model.hash_layer.init_shortcut(
            fit_initial_hash(pca(planted), bits=bits, seed=0, l2_normalize=unit)
        )
    return model, pca


@pytest.mark.parametrize("l2_normalize", [False, True])
@pytest.mark.parametrize("bits", [4, 10, 24])
def test_the_first_codes_are_those_of_pca_itq(
    planted: np.ndarray, bits: int, l2_normalize: bool
) -> None:
    model, pca = built(planted, bits, hash__l2_normalize=l2_normalize)
    means = pca(planted).mean(axis=1)
    inputs = l2_normalized(means) if l2_normalize else means
    frames = pca(planted).reshape(-1, 10)
    baseline = fit_pca_itq(
        inputs, bits, seed=0, frame_covariance=lambda: np.cov(frames.T, bias=True).astype(float)
    )
    assert (model.encode(planted) == baseline.encode(inputs[:, None])).all()


def test_the_network_maps_through_the_same_front_as_numpy(planted: np.ndarray) -> None:
    model, pca = built(planted)
    np.testing.assert_allclose(
        model.project(torch.from_numpy(planted)).numpy(), pca(planted), atol=1e-5
    )


def test_a_random_start_has_no_skip(planted: np.ndarray) -> None:
    model, _ = built(planted, hash__init="random")
    assert model.hash_layer.shortcut is None
    assert 0.2 < model.encode(planted).mean() < 0.8


def test_a_layer_without_a_skip_cannot_start_as_pca_itq(planted: np.ndarray) -> None:
    model, pca = built(planted, hash__init="random")
    start = fit_initial_hash(pca(planted), bits=8, seed=0, l2_normalize=False)
    with pytest.raises(ValueError, match="without a shortcut"):
        model.hash_layer.init_shortcut(start)


def test_binarising_frames_gives_the_mean_of_their_signs(planted: np.ndarray) -> None:
    model, pca = built(planted, hash__binarize="frame")
    model.eval()
    clips = torch.from_numpy(pca(planted))
    output = model(clips)
    assert model.hash_layer.shortcut is not None
    by_hand = torch.where(model.hash_layer.shortcut(clips) >= 0, 1.0, -1.0).mean(dim=1)
    torch.testing.assert_close(output.codes, by_hand)
    assert (model.encode(planted) == (by_hand >= 0).numpy()).all()


@pytest.mark.parametrize("binarize", ["video", "frame"])
def test_hidden_frames_change_no_code(binarize: Binarize) -> None:
    torch.manual_seed(0)
    layer = HashLayer(
        dims=5, hidden_dim=6, bits=4, binarize=binarize, shortcut=False, l2_normalize=False
    )
    encoded, inputs = torch.randn(3, 6, 6), torch.randn(3, 6, 5)
    shown = torch.tensor([True] * 4 + [False] * 2).expand(3, 6)
    masked = layer(encoded, inputs, shown)[0]
    torch.testing.assert_close(masked, layer(encoded[:, :4], inputs[:, :4], None)[0])


def test_the_mean_counts_shown_frames_only() -> None:
    frames = torch.tensor([[[1.0], [3.0], [100.0]]])
    assert masked_mean(frames, torch.tensor([[True, True, False]])).item() == 2


def test_a_saved_network_encodes_the_same(planted: np.ndarray) -> None:
    model, _ = built(planted, bits=24)
    torch.nn.init.normal_(model.hash_layer.head.weight)
    again = load_model(small_config(), tensors_of(model))
    assert (again.encode(planted) == model.encode(planted)).all()


def test_the_weights_depend_on_the_seed_and_leave_torchs_generator_alone(
    planted: np.ndarray,
) -> None:
    pca = fit_pca_whitening([planted.reshape(-1, planted.shape[2])], dims=4, whitening=0.0)
    state = torch.get_rng_state()
    one, same, other = (
        build_model(small_config(), pca, bits=8, seed=seed).encoder.state_dict()
        for seed in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one["input_proj.weight"], same["input_proj.weight"])
    assert not torch.equal(one["input_proj.weight"], other["input_proj.weight"])


def test_any_number_of_frames_gives_codes(planted: np.ndarray) -> None:
    model, _ = built(planted)
    for frames in (1, 3, 9):
        assert model.encode(planted[:, :frames]).shape == (40, 8)
