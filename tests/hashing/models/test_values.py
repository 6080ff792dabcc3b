"""Values before binarization: their signs are the codes, for every method."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from chainpipe.hashing.methods.registry import METHODS, load_hasher
from chainpipe.hashing.models.hasher import with_values
from chainpipe.hashing.models.linear_hash import LinearHash
from chainpipe.hashing.runs.options import TrainOptions
from chainpipe.hashing.runs.train import train
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store import open_store
from tests.hashing.small import CONMH, SIZES, apply

MakeStore = Callable[..., Path]
SETTINGS = {
    "chain": SIZES,
    "conmh": {**CONMH, "optim.epochs": 2},
    "crovca-like": {"optim.epochs": 2},
}


@pytest.mark.parametrize("method", list(METHODS))
def test_the_signs_of_the_values_are_the_codes(
    make_store: MakeStore, planted: npt.NDArray[np.float32], tmp_path: Path, method: str
) -> None:
    config = METHODS[method].config
    if config is not None:
        config = apply(config, SETTINGS[method])
    with open_store(make_store(planted)) as store:
        train(store, TrainOptions(method=method, bits=12, config=config, out=tmp_path / "model"))
    hasher = with_values(load_hasher(tmp_path / "model")[1])
    values = hasher.values(planted)
    assert values.dtype == np.float32
    assert values.shape == (40, 12)
    assert np.array_equal(values >= 0, hasher.encode(planted))
    assert 0.2 < (values >= 0).mean() < 0.8  # both signs occur


def test_the_values_of_a_linear_hash_are_projections_of_the_mean_frame(
    planted: npt.NDArray[np.float32],
) -> None:
    rng = np.random.default_rng(0)
    mean, directions = rng.normal(size=12), rng.normal(size=(12, 5))
    hasher = LinearHash(mean.astype(np.float32), directions.astype(np.float32))
    expected = [(video.mean(axis=0) - mean) @ directions for video in planted.astype(np.float64)]
    np.testing.assert_allclose(hasher.values(planted), expected, rtol=1e-4, atol=1e-4)


def test_a_hasher_without_values_is_refused_by_name() -> None:
    class Plugin:
        bits = 3

        def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
            return np.zeros((len(features), 3), bool)

    with pytest.raises(UsageError, match="`Plugin` has no method `values`") as caught:
        with_values(Plugin())
    assert "`hamming`" in str(caught.value.hint)
