"""One video at a time: row functions for engines that schedule the work themselves."""

from __future__ import annotations

import os
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chainpipe.hashing.cli.encode import training_meta
from chainpipe.hashing.model_folder.folder import CONFIG
from chainpipe.hashing.model_folder.hub import is_hub_name
from chainpipe.hashing.retrieval.encode import encode_features
from chainpipe.pipeline.console import printable
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.extraction.extraction_spec import ExtractionSpec
from chainpipe.pipeline.extraction.memory_file import file_of_bytes
from chainpipe.pipeline.extraction.one_video import kept_backbone, read_one
from chainpipe.pipeline.extraction.options import ExtractOptions
from chainpipe.pipeline.extraction.single_videos import spec_like
from chainpipe.pipeline.extraction.specs import extraction_specs
from chainpipe.pipeline.options import (
    BACKBONE,
    BackboneOptions,
    By,
    DecodeOptions,
    Dtype,
    Fit,
    OutputOptions,
    ReaderName,
    SamplingOptions,
)

from .model import Model, load_model

Video = str | os.PathLike[str] | bytes | bytearray | memoryview
_BYTES = (bytes, bytearray, memoryview)  # as databases and columns of Arrow give them
_KEPT_MODELS = 4


def extract_one(
    video: Video,
    *,
    backbone: str = BACKBONE,
    frames: int = SamplingOptions.frames,
    by: By = SamplingOptions.by,
    sampling: str = SamplingOptions.sampling,
    seed: int = SamplingOptions.seed,
    fit: Fit = DecodeOptions.fit,
    dtype: Dtype = OutputOptions.dtype,
    strict: bool = OutputOptions.strict,
    device: str = BackboneOptions.device,
    batch: int = BackboneOptions.batch,
    half: bool = BackboneOptions.half,
    threads: int = BackboneOptions.threads,
    reader: ReaderName = DecodeOptions.reader,
    trust_weights: bool = BackboneOptions.trust_weights,
) -> npt.NDArray[np.floating]:
    """Extract the frame features of one video, (T, D), without a store.

    The features are those of the row that :func:`extract` writes, bit for bit. Each thread keeps
    one limited process that decodes, and each process keeps its backbones, so that a second call
    starts at once. It may be called from several threads.

    Args:
        video: Path of a file, or the bytes of one. Bytes are read from memory, not from a disk.
        backbone: Image backbone, as for :func:`extract`; so are the other settings.
        frames: T, frames per video.
        by: Sampling axis: frame ``index`` or ``time``.
        sampling: Frame sampling.
        seed: Random seed of frames.
        fit: How a frame becomes a square: ``crop``, ``squash`` or ``pad``.
        dtype: ``float16`` or ``float32``.
        strict: Whether a partly decodable video is an error.
        device: Device of the backbone: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        batch: Frames per forward pass on a GPU.
        half: Whether a GPU computes in half precision.
        threads: CPU threads of the backbone.
        reader: Video reader.
        trust_weights: Whether ``.pt`` and ``.bin`` weights may be read.

    Returns:
        (T, D), of ``dtype``.

    Raises:
        VideoReadError: If the video gives no features; ``error.status`` says why, by the names of
            a store's failed videos: ``corrupt``, ``no_video``, ``refused``, ``limit``,
            ``unreadable``, ``timeout``, ``crashed`` or ``changed``.
        UsageError: If a setting is wrong, or there is no such backbone, device or weights.

    Example:
        >>> import chainpipe
        >>> chainpipe.extract_one("clip.mp4", frames=12).shape  # doctest: +SKIP
        (12, 1280)
        >>> try:
        ...     chainpipe.extract_one(b"these bytes are no video")
        ... except chainpipe.VideoReadError as error:
        ...     error.status
        'corrupt'
    """
    options = ExtractOptions.of(
        Path(),
        Path("row.h5"),
        backbone=backbone,
        frames=frames,
        by=by,
        sampling=sampling,
        seed=seed,
        fit=fit,
        dtype=dtype,
        strict=strict,
        device=device,
        batch=batch,
        half=half,
        threads=threads,
        reader=reader,
        trust_weights=trust_weights,
    )
    network = kept_backbone(backbone, options.compute)
    return _features(video, extraction_specs(options, [network])[0])


def encode_one(
    video: Video | npt.NDArray[np.floating],
    model: Model | str | os.PathLike[str],
    *,
    device: str = BackboneOptions.device,
    threads: int = BackboneOptions.threads,
    trust_weights: bool = BackboneOptions.trust_weights,
) -> npt.NDArray[np.uint8]:
    """Encode one video to a packed code, (ceil(K / 8),) uint8.

    The code is that of ``chainpipe encode FOLDER``. Codes of a whole store are computed in blocks,
    where a value next to 0 can round to the other bit.

    Args:
        video: Path of a video or picture, the bytes of one, or its frame features (T, D) as
            :func:`extract_one` returns them.
        model: A model, or its folder or name on the hub, which is loaded once a process.
        device: Device of the backbone, as for :func:`extract`, like the other settings.
        threads: CPU threads of the backbone.
        trust_weights: Whether ``.pt`` and ``.bin`` weights may be read.

    Returns:
        The code; bit j is in byte j // 8, the least significant bit first.

    Raises:
        VideoReadError: If the video gives no features; see :func:`extract_one`.
        UsageError: If features are not (T, D) of the model's D, NaN or infinite, or the backbone
            is not to be had.
        NotFoundError: If there is no such model.
        DamageError: If the model is damaged.

    Example:
        >>> import chainpipe, numpy as np
        >>> features = np.random.default_rng(0).normal(size=(40, 5, 16))
        >>> model = chainpipe.train(features, bits=8, method="pca-itq")
        >>> code = chainpipe.encode_one(features[0], model)
        >>> bool((code == model.encode(features[:1]).packed[0]).all())
        True
    """
    loaded = model if isinstance(model, Model) else _kept_model(model)
    if isinstance(video, np.ndarray):
        packed = loaded.encode(_checked(video, loaded.dim)[None]).packed
        return np.asarray(packed[0])
    meta = training_meta(loaded.facts)
    options = BackboneOptions(device=device, threads=threads, trust_weights=trust_weights)
    network = kept_backbone(meta.fingerprint.backbone, options)
    features = _features(video, spec_like(meta, network, pictures=True))
    return np.asarray(encode_features(loaded.hasher, features[None], [_name(video).encode()])[0])


def _features(video: Video, spec: ExtractionSpec) -> npt.NDArray[np.floating]:
    inside = file_of_bytes(bytes(video)) if isinstance(video, _BYTES) else nullcontext(Path(video))
    with inside as path:
        return read_one(path, spec, name=_name(video)).features


def _name(video: Video) -> str:
    return "the video" if isinstance(video, _BYTES) else f"`{printable(os.fsencode(video))}`"


def _checked(features: npt.NDArray[np.floating], dim: int) -> npt.NDArray[np.floating]:
    if features.ndim != 2 or features.shape[1] != dim:
        hint = "give the features of one video, as `extract_one` returns them"
        raise UsageError(f"the features are {list(features.shape)}, not [T, {dim}]", hint=hint)
    return features


def _kept_model(folder: str | os.PathLike[str]) -> Model:
    """Return the model of a folder, loaded again where the folder has another one by now."""
    if is_hub_name(os.fspath(folder)):
        return _of_hub(os.fspath(folder))
    path = Path(folder).absolute()
    try:
        facts = (path / CONFIG).stat()
    except OSError:
        return load_model(folder)  # which says what is wrong
    return _loaded(path, facts.st_ino, facts.st_mtime_ns)


@lru_cache(maxsize=_KEPT_MODELS)
def _loaded(path: Path, inode: int, mtime_ns: int) -> Model:
    return load_model(path)


@lru_cache(maxsize=_KEPT_MODELS)
def _of_hub(name: str) -> Model:
    return load_model(name)
