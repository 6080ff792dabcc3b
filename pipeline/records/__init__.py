"""What flows through stage one: frozen records that check themselves."""

from .enums import Reader, Split, Status, VideoError
from .meta import AugmentationStatistics, Fingerprint, StoreMeta
from .video_table import VideoTable
from .videos import Candidates, FailedVideo, Frames, VideoFeatures, VideoInfo, VideoItem

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
