"""Published benchmarks: splits of queries and database, and their sizes.

As the public code of ConMH, S5VH and AutoSSVH does it: https://github.com/huangmozhi9527/ConMH,
https://github.com/gimpong/AAAI25-S5VH, https://github.com/EliSpectre/CVPR25-AutoSSVH
"""

from __future__ import annotations

from dataclasses import dataclass

from chainpipe.pipeline.records import Split


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The protocol of one benchmark.

    Attributes:
        title: Display name.
        asking: Split of the queries.
        searched: Split of the database.
        keeps_itself: Whether a query stays in the database and finds itself.
        queries: Number of queries Q in the published set.
        database: Size N of the database in the published set.
    """

    title: str
    asking: Split
    searched: Split
    keeps_itself: bool
    queries: int
    database: int


BENCHMARKS = {
    "fcvid": Benchmark("FCVID", Split.TEST, Split.TEST, True, 45_600, 45_600),
    "activitynet": Benchmark("ActivityNet", Split.QUERY, Split.DATABASE, False, 1_000, 3_758),
    "ucf101": Benchmark("UCF101", Split.TEST, Split.TRAIN, False, 3_783, 9_537),
    "hmdb51": Benchmark("HMDB51", Split.TEST, Split.TRAIN, False, 1_530, 3_570),
    "yfcc": Benchmark("YFCC", Split.QUERY, Split.DATABASE, False, 1_000, 101_256),
}

FEATURES = {
    "published:fcv": "fcvid",
    "published:activitynet": "activitynet",
    "published:ucf": "ucf101",
    "published:hmdb": "hmdb51",
    "published:yfcc": "yfcc",
}
"""Which benchmark the published feature files of a backbone's name belong to."""
