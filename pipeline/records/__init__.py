"""Records shared by both stages: frozen, validated on creation; and registries."""

from .enums import Blank, Reader, Split, Status, VideoError, words_of
from .meta import AugmentationStatistics, Fingerprint, StoreMeta, portable_backbone
from .plugins import forget_plugins, load_all, load_entry_points, load_plugins, loaded_plugins
from .registry import Lazy, Plugin, Registry
from .video_table import VideoTable
from .videos import (
    Candidates,
    FailedVideo,
    Frames,
    StreamedFrames,
    VideoFeatures,
    VideoInfo,
    VideoItem,
    count_statuses,
    raise_if_ours,
)

__all__ = [
    "AugmentationStatistics",
    "Blank",
    "Candidates",
    "FailedVideo",
    "Fingerprint",
    "Frames",
    "Lazy",
    "Plugin",
    "Reader",
    "Registry",
    "Split",
    "Status",
    "StoreMeta",
    "StreamedFrames",
    "VideoError",
    "VideoFeatures",
    "VideoInfo",
    "VideoItem",
    "VideoTable",
    "count_statuses",
    "forget_plugins",
    "load_all",
    "load_entry_points",
    "load_plugins",
    "loaded_plugins",
    "portable_backbone",
    "raise_if_ours",
    "words_of",
]
