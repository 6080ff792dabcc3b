"""What flows through stage one: frozen records that check themselves."""

from .enums import Reader, Split, Status, VideoError, words_of
from .meta import AugmentationStatistics, Fingerprint, StoreMeta
from .video_table import VideoTable
from .videos import (
    Candidates,
    FailedVideo,
    Frames,
    VideoFeatures,
    VideoInfo,
    VideoItem,
    count_statuses,
    raise_if_ours,
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
    "count_statuses",
    "raise_if_ours",
    "words_of",
]
