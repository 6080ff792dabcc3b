"""Row 16: one flipped bit in a store, a shard or the journal is never silent, and can be mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpipe.pipeline.errors import DamageError
from chainpipe.pipeline.store import open_store, verify
from tests.faults.campaign import counts
from tests.faults.conftest import MakeCampaign
from tests.pipeline.store.journal.test_database import flip_database, flip_shards
from tests.pipeline.store.store_samples import RICH, everything, make, videos
from tests.pipeline.store.test_repair import mend_flips
from tests.pipeline.store.test_verify import flips


def flip_and_read(store: Path, campaign: MakeCampaign, key: str, count: int) -> None:
    """Check that ``verify`` finds each flip, and that reading gives the truth or an error."""
    with open_store(store) as intact:
        truth = everything(intact)
    with campaign(key, count) as trials:
        for flip in flips(store, count, seed=1):
            found = bool(list(verify(store)))
            try:
                with open_store(store) as altered:
                    same = everything(altered) == truth
                trials.add("read all the same")
            except DamageError:
                same = True
                trials.add("refused by the reader")
            trials.check(found and same, flip)


@counts("flips-h5")
def test_flips_in_an_hdf5_store(tmp_path: Path, campaign: MakeCampaign, count: int) -> None:
    store = make(tmp_path / "feats.h5", videos(20, RICH), RICH)
    flip_and_read(store, campaign, "flips-h5", count)


@counts("flips-zarr")
def test_flips_in_a_zarr_store(tmp_path: Path, campaign: MakeCampaign, count: int) -> None:
    store = make(tmp_path / "feats.zarr", videos(20, RICH), RICH)
    flip_and_read(store, campaign, "flips-zarr", count)


@counts("flips-shards")
def test_flips_in_shards_cost_that_shard(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    with campaign("flips-shards", count) as trials:
        flip_shards(tmp_path / "feats.h5", count, seed=2)
        trials.tried = count


@counts("flips-journal")
def test_flips_in_the_journals_database(tmp_path: Path, campaign: MakeCampaign, count: int) -> None:
    with campaign("flips-journal", count) as trials:
        named, harmless = flip_database(tmp_path / "feats.h5", count, seed=2)
        trials.tried = named + harmless
        trials.add("named", named)
        trials.add("hit nothing that is read", harmless)
        assert named > count // 5


@counts("mends-h5")
def test_flips_in_an_hdf5_store_are_mended_to_the_byte(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    mend(tmp_path, campaign, "mends-h5", count)


@counts("mends-zarr")
@pytest.mark.timeout(1200)
def test_flips_in_a_zarr_store_are_mended_to_the_byte(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    mend(tmp_path, campaign, "mends-zarr", count)


def mend(folder: Path, campaign: MakeCampaign, key: str, count: int) -> None:
    """Mend one flip after another; those in the table of videos are named and refused."""
    with campaign(key, count) as trials:
        beyond = mend_flips(folder, f".{key.rpartition('-')[2]}", count, seed=2)
        for number in range(count):
            trials.check(number >= beyond, "its table of videos was hit")
        trials.add("named, but only built anew", beyond)
