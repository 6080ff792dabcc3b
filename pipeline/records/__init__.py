"""What flows through stage one: frozen records that check themselves."""

from pipeline.records.kinds import Reader, Split, Status, VideoError
from pipeline.records.meta import AugmentationStatistics, Fingerprint, StoreMeta
from pipeline.records.table import VideoTable
from pipeline.records.videos import (
    Candidates,
    FailedVideo,
    Frames,
    VideoFeatures,
    VideoInfo,
    VideoItem,
)

__all__ = [
    "AugmentationStatistics",
    "Candidates",
    "FailedVideo",
    "Fingerprint",
    "Frames",
    "Reader",
    "Split",
    "Status",
    "StoreMeta",
    "VideoError",
    "VideoFeatures",
    "VideoInfo",
    "VideoItem",
    "VideoTable",
]
