"""Image networks in ONNX files, run by ONNX Runtime.

The file says neither how its input is normalised nor what its output means where that is not one
vector a picture; the name does: ``onnx:FILE:mean=...:std=...:pool=...``.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..console import counted
from ..errors import UsageError
from ..options import BackboneOptions
from . import unknown_backbone
from .base import Backbone
from .name_settings import joined, split_settings, three_numbers, whole_number
from .onnx_file import OnnxInput, external_files, find_input, find_output, not_onnx
from .reasons import reason_of
from .weights import sha256_of_all

_LOG = logging.getLogger(__name__)

SETTINGS = ("size", "mean", "std", "output", "pool")
POOLS = ("mean", "max", "first")
_IMAGENET = ":mean=0.485,0.456,0.406:std=0.229,0.224,0.225"
MOST_SIDE, MOST_PIXELS = 4096, 1 << 26
_AT_ONCE = 8  # pictures in one run

Colours = npt.NDArray[np.float32]


class OnnxBackbone:
    """An image network of an ONNX file; ``embed`` may run in many threads.

    Args:
        path: The file.
        settings: Those of the name.
        options: Where and how it runs.

    Attributes:
        name: ``onnx:``, the file's absolute path and the settings.
        size: Side of the squares it takes.
        dim: D, the length of a feature.
        weights_sha256: Of the file, and of those it keeps weights in.
        normalization: How bytes become numbers, and what is made of the output.

    Raises:
        UsageError: If the file is no image network that can run here, keeps weights outside its
            folder, or needs a setting that the name does not give.
    """

    def __init__(self, path: Path, settings: dict[str, str], options: BackboneOptions) -> None:
        self.name = joined(f"onnx:{path}", settings, SETTINGS)
        files = [path, *external_files(path)]
        self._session = _session(path, options)
        self._input = find_input(self._session, self.name)
        self._output = find_output(self._session, settings.get("output"), self.name)
        self.size = self._side(settings)
        self._mean, self._std = self._colours(settings)
        self._pool = settings.get("pool")
        if self._pool not in (None, *POOLS):
            listed = ", ".join(f"`:pool={pool}`" for pool in POOLS)
            raise UsageError(f"there is no `:pool={self._pool}`", hint=f"one of {listed}")
        self.weights_sha256 = sha256_of_all(path.parent, files)
        self.dim = 0
        self.dim = self._run(np.zeros((1, self.size, self.size, 3), np.uint8)).shape[1]
        self.normalization = " ".join(
            [
                *([] if self._mean is None else [f"(x/255-{_csv(self._mean)})/{_csv(self._std)}"]),
                f"output={self._output}",
                *([f"pool={self._pool}"] if self._pool else []),
            ]
        )

    def embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Turn frames (n, size, size, 3) RGB into features (n, D)."""
        features = np.empty((len(pixels), self.dim), np.float32)
        step = self._input.batch or _AT_ONCE
        for start in range(0, len(pixels), step):
            part = slice(start, start + step)
            features[part] = self._run(pixels[part])
        return features

    def close(self) -> None:
        """Do nothing: nothing runs in the background."""

    def _run(self, pixels: npt.NDArray[np.uint8]) -> Colours:
        """Embed at most as many frames as the input takes."""
        count = len(pixels)
        values = self._values(pixels)
        if self._input.batch and count < self._input.batch:
            room = np.zeros((self._input.batch - count, *values.shape[1:]), values.dtype)
            values = np.concatenate([values, room])
        try:
            found = self._session.run([self._output], {self._input.name: values})[0]
        except Exception as error:  # ONNX Runtime raises kinds of its own
            raise _does_not_run(self.name, self.size, error) from error
        features = self._pooled(self._checked(np.asarray(found), len(values))[:count])
        if features.shape[1] != (self.dim or max(1, features.shape[1])):
            given = f"{features.shape[1]} features a picture, not {self.dim or 'some'}"
            raise UsageError(
                f"backbone `{self.name}` gives {given}",
                hint="the number of features cannot depend on the picture",
            )
        return features

    def _checked(self, found: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
        """Refuse an output that is not numbers, some for each of the pictures."""
        what = f"output `{self._output}` of `{self.name}`"
        if found.dtype.kind not in "fiu":
            raise UsageError(f"{what} is {found.dtype}", hint="features are numbers")
        if not found.ndim or len(found) != count:
            raise UsageError(
                f"{what} has the shape {found.shape} for {counted(count, 'picture')}",
                hint="its first axis is that of the pictures; export it with a batch of any size",
            )
        return found

    def _values(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Return what the input takes of frames (n, size, size, 3)."""
        values: npt.NDArray[Any] = pixels
        if self._mean is not None:
            values = (pixels.astype(np.float32) / 255 - self._mean) / self._std
            values = values.astype(np.float16 if "float16" in self._input.kind else np.float32)
        if self._input.channels_first:
            values = values.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(values)

    def _pooled(self, found: npt.NDArray[Any]) -> Colours:
        """Return one vector a picture of an output (n, D), (n, L, D) or (n, D, H, W)."""
        if found.ndim == 2:
            if self._pool:
                hint = "leave out `:pool=`"
                raise UsageError(f"backbone `{self.name}` gives one vector a picture", hint=hint)
            return found.astype(np.float32)
        if found.ndim not in (3, 4):
            raise UsageError(
                f"output `{self._output}` of `{self.name}` has the shape {found.shape}",
                hint="features are (n, D), (n, tokens, D) or (n, D, H, W)",
            )
        tokens = found if found.ndim == 3 else found.reshape(*found.shape[:2], -1).swapaxes(1, 2)
        pools = POOLS if found.ndim == 3 else POOLS[:2]
        if self._pool not in pools:
            what = "several vectors" if found.ndim == 3 else "a map"
            raise UsageError(
                f"output `{self._output}` of `{self.name}` is {what} for each picture, "
                f"{found.shape}",
                hint="say what makes one: " + ", ".join(f"`:pool={pool}`" for pool in pools),
            )
        tokens = tokens.astype(np.float32)
        if self._pool == "first":
            return np.asarray(tokens[:, 0])
        return np.asarray(tokens.mean(axis=1) if self._pool == "mean" else tokens.max(axis=1))

    def _side(self, settings: dict[str, str]) -> int:
        asked, known = whole_number(settings, "size"), self._input.side
        if asked is None and known is None:
            hint = f"say its side, as in `{self.name}:size=224`"
            raise UsageError(f"backbone `{self.name}` takes pictures of any size", hint=hint)
        if asked is not None and known is not None and asked != known:
            hint = "leave out `:size=`"
            raise UsageError(f"`{self.name}` takes pictures of {known}x{known} only", hint=hint)
        side = asked or known
        assert side is not None
        at_once = self._input.batch or 1
        if not 1 <= side <= MOST_SIDE or at_once * side**2 > MOST_PIXELS:
            what = f"{counted(at_once, 'picture')} of {side}x{side} at once"
            hint = f"a side has 1 to {MOST_SIDE} pixels, all pictures of a batch {MOST_PIXELS}"
            raise UsageError(f"`{self.name}` takes {what}", hint=hint)
        return side

    def _colours(self, settings: dict[str, str]) -> tuple[Colours | None, Colours]:
        """Return mean and deviation of the colours, of values from 0 to 1; none for bytes."""
        mean, std = three_numbers(settings, "mean"), three_numbers(settings, "std")
        takes_bytes = self._input.kind == "tensor(uint8)"
        if takes_bytes and (mean or std):
            hint = "leave out `:mean=` and `:std=`"
            raise UsageError(f"`{self.name}` takes bytes as they are", hint=hint)
        if not takes_bytes and (mean is None or std is None):
            raise UsageError(
                f"backbone `{self.name}` does not say how its input is normalised",
                hint=f"add `{_IMAGENET}` if it is as for ImageNet, or `:mean=0:std=1`",
            )
        if mean is None or std is None:
            return None, np.ones(3, np.float32)
        return np.array(mean, np.float32), np.array(std, np.float32)


def _session(path: Path, options: BackboneOptions) -> Any:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 4
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers: list[Any] = ["CPUExecutionProvider"]
    if options.device != "cpu":
        number = int(options.device.partition(":")[2] or 0)
        if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            providers.insert(0, ("CUDAExecutionProvider", {"device_id": number}))
        else:
            _LOG.warning("this onnxruntime has no CUDA; `%s` runs on the CPU", path.name)
    try:
        return onnxruntime.InferenceSession(str(path), settings, providers=providers)
    except Exception as error:  # ONNX Runtime raises kinds of its own
        raise not_onnx(path, error) from error


def build_onnx_named(rest: str, options: BackboneOptions) -> Backbone:
    """Build ``onnx:FILE`` with its settings, such as ``:mean=0.5:std=0.5:pool=mean``.

    Raises:
        UsageError: If there is no such file, ``--compile`` is asked for, and as
            :class:`OnnxBackbone`.
    """
    place, settings = split_settings(rest, SETTINGS)
    if not place:
        raise unknown_backbone("onnx:")
    if options.compiled:
        raise UsageError("`--compile` is for torch networks, and an ONNX file is none")
    path = Path(os.path.abspath(place))
    if not path.is_file():
        hint = f"`onnx:FILE`, with settings such as `{_IMAGENET}` behind it"
        raise UsageError(f"there is no ONNX file `{place}`", hint=hint)
    return OnnxBackbone(path, settings, options)


def _does_not_run(name: str, size: int, error: Exception) -> UsageError:
    message = f"backbone `{name}` does not run on pictures of {size}x{size}: {reason_of(error)}"
    return UsageError(message, hint="check `:size=`, or export it anew")


def _csv(numbers: Colours) -> str:
    return ",".join(f"{number:.7g}" for number in numbers)


__all__ = ["OnnxBackbone", "OnnxInput", "build_onnx_named"]
