"""Published rows: copied numbers must obey what mAP@K cannot break."""

from __future__ import annotations

import itertools

import pytest

from chainpipe.hashing.evaluation.benchmarks import BENCHMARKS
from chainpipe.hashing.evaluation.evaluate import CUTOFFS
from chainpipe.hashing.evaluation.published import PublishedResult, published

ROWS = [(name, peer) for name in BENCHMARKS for peer in published(name)]
CEILING = {"activitynet": 18.8, "hmdb51": 70, "ucf101": 94.5}  # right videos a query, on average


def test_every_benchmark_has_the_rows_that_the_source_has() -> None:
    counts = {name: len(published(name, bits=64)) for name in BENCHMARKS}
    expected = {"fcvid": 18, "activitynet": 16, "ucf101": 12, "hmdb51": 12, "yfcc": 1}
    assert counts == expected
    assert len(ROWS) == 174
    assert published("leave-one-out") == []


@pytest.mark.parametrize(("name", "peer"), ROWS, ids=lambda one: str(getattr(one, "method", one)))
def test_a_row_falls_and_stays_below_the_ceiling(name: str, peer: PublishedResult) -> None:
    values = [peer.map[k] for k in CUTOFFS]
    assert all(a >= b for a, b in itertools.pairwise(values))
    assert all(value <= CEILING.get(name, 1e9) / k + 0.0005 for k, value in peer.map.items())
    assert min(values) <= peer.gmap <= max(values)
    assert peer.source
    assert peer.to_json()["label"] == "published"


def test_rows_that_break_the_formula_are_known_and_said() -> None:
    """mAP@K divides a sum that only grows by K; five published rows do not obey."""
    flawed = {(name, peer.method, peer.bits) for name, peer in ROWS if peer.invalid_reason}
    assert flawed == {
        ("activitynet", "MFH", 32),
        ("activitynet", "JTAE", 16),
        ("activitynet", "AutoSSVH", 32),
        ("hmdb51", "SSVH", 64),
        ("hmdb51", "MCMSH", 64),
    }
    (row,) = (one for one in published("activitynet", bits=32) if one.method == "AutoSSVH")
    assert row.invalid_reason == "K * mAP@K falls from K = 80 to 100, so a number must be wrong"


def test_more_bits_are_better() -> None:
    for name in BENCHMARKS:
        for method in {peer.method for peer in published(name)}:
            gmaps = [peer.gmap for peer in published(name) if peer.method == method]
            assert gmaps == sorted(gmaps), (name, method)


@pytest.mark.parametrize(
    ("name", "bits", "method", "k", "value"),
    [
        ("fcvid", 64, "ConMH", 20, 0.373),
        ("activitynet", 16, "S5VH", 5, 0.207),
        ("ucf101", 32, "AutoSSVH", 100, 0.269),
        ("hmdb51", 64, "S5VH, its log", 5, 0.2563),
    ],
)
def test_single_numbers_are_those_of_the_source(
    name: str, bits: int, method: str, k: int, value: float
) -> None:
    (row,) = (peer for peer in published(name, bits=bits) if peer.method == method)
    assert row.map[k] == value
    assert row.gmap == pytest.approx(
        (row.map[5] * row.map[20] * row.map[40] * row.map[60] * row.map[80] * row.map[100])
        ** (1 / 6)
    )
