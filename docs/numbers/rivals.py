"""The other ways to get 25 frames of a file, as people write them."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from chainpipe.pipeline.decode import ffmpeg_program
from chainpipe.pipeline.decode.frame_sampling import uniform_indices

Pixels = npt.NDArray[np.uint8]
HANGS = 120.0  # seconds after which a library that runs in a process of its own is given up


@dataclass(frozen=True, slots=True)
class Ask:
    """What a rival is asked.

    Attributes:
        frames: T, how many frames.
        size: Side of the square pictures.
        total: Number of frames of the file where it is told, 0 where the header is to say it.
    """

    frames: int
    size: int
    total: int = 0


class Fit:
    """Makes a PyAV frame a small square, as plainly as it can be written; square pixels only."""

    def __init__(self, size: int) -> None:
        self._size, self._reformatter = size, VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> Pixels:
        """Return the middle of the upright frame, (size, size, 3)."""
        side = min(frame.width, frame.height)
        width, height = (round(n * self._size / side) for n in (frame.width, frame.height))
        small = self._reformatter.reformat(
            frame, width, height, "rgb24", interpolation="BILINEAR"
        ).to_ndarray()
        top, left = (height - self._size) // 2, (width - self._size) // 2
        middle = small[top : top + self._size, left : left + self._size]
        return np.asarray(np.rot90(middle, frame.rotation // 90), np.uint8)


Rival = Callable[[Path, Ask], Pixels]


def select(path: Path, ask: Ask) -> Pixels:
    """Decode everything in one ffmpeg process and keep the asked frames."""
    total = ask.total or header(path)[0]
    wanted = np.unique(uniform_indices(total, ask.frames))
    chosen = "+".join(f"eq(n\\,{number})" for number in wanted)
    looks = f"select={chosen},{_fitted(ask.size)}"
    places = np.searchsorted(wanted, uniform_indices(total, ask.frames))
    found = _pictures(["-i", f"file:{path}", "-vf", looks, "-fps_mode", "passthrough"], ask.size)
    return found[places[places < len(found)]]


def seek_by_process(path: Path, ask: Ask) -> Pixels:
    """Start one ffmpeg process for each frame, with ``-ss`` before the input."""
    total, rate = header(path)
    one = ("-frames:v", "1", "-vf", _fitted(ask.size))
    found = [
        _pictures(["-ss", f"{number / rate:.6f}", "-i", f"file:{path}", *one], ask.size)
        for number in uniform_indices(total, ask.frames)
    ]
    return np.concatenate(found)


def pyav_all(path: Path, ask: Ask) -> Pixels:
    """Decode everything in PyAV and keep the asked frames."""
    total = ask.total or header(path)[0]
    numbers = uniform_indices(total, ask.frames).tolist()
    kept: dict[int, Pixels] = {}
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        fit = Fit(ask.size)
        for number, frame in enumerate(container.decode(stream)):
            if number in numbers:
                kept[number] = fit(frame)
    return np.stack([kept[number] for number in numbers])


def pyav_seek(path: Path, ask: Ask) -> Pixels:
    """Seek in PyAV before every asked frame and decode up to it."""
    total, rate = header(path)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        numbers = uniform_indices(total, ask.frames).tolist()
        fit = Fit(ask.size)
        return np.stack([fit(_sought(container, stream, n / rate, rate)) for n in numbers])


def _sought(
    container: InputContainer, stream: VideoStream, second: float, rate: float
) -> av.VideoFrame:
    container.seek(int(second / (stream.time_base or 1)), stream=stream)
    for frame in container.decode(stream):
        if frame.time is not None and frame.time >= second - 0.5 / rate:
            return frame
    raise ValueError("no frame there")


def opencv(path: Path, ask: Ask) -> Pixels:
    """Grab every frame in OpenCV and retrieve the asked ones."""
    cv2 = importlib.import_module("cv2")
    cv2.setNumThreads(1)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    total = ask.total or int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    numbers, kept, number = uniform_indices(total, ask.frames).tolist(), {}, 0
    while capture.grab():
        if number in numbers:
            kept[number] = _cropped(capture.retrieve()[1][:, :, ::-1], ask.size, cv2)
        number += 1
    return np.stack([kept[n] for n in numbers])


def _cropped(frame: Pixels, size: int, cv2: Any) -> Pixels:
    side = min(frame.shape[:2])
    top, left = (frame.shape[0] - side) // 2, (frame.shape[1] - side) // 2
    part = np.ascontiguousarray(frame[top : top + side, left : left + side])
    return np.asarray(cv2.resize(part, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def torchcodec(path: Path, ask: Ask) -> Pixels:
    """Ask torchcodec, in its exact mode, for frames by their numbers."""
    module = importlib.import_module("torchcodec.decoders")
    functional = importlib.import_module("torch.nn.functional")
    decoder = module.VideoDecoder(str(path), num_ffmpeg_threads=1, seek_mode="exact")
    numbers = uniform_indices(len(decoder), ask.frames).tolist()
    frames = decoder.get_frames_at(numbers).data.float()  # (T, 3, H, W)
    side = min(frames.shape[2:])
    top, left = (frames.shape[2] - side) // 2, (frames.shape[3] - side) // 2
    part = frames[:, :, top : top + side, left : left + side]
    small = functional.interpolate(part, (ask.size, ask.size), mode="bilinear", antialias=True)
    return np.asarray(small.round().byte().permute(0, 2, 3, 1).numpy(), np.uint8)


def decord(path: Path, ask: Ask) -> Pixels:
    """Ask decord for frames by their numbers."""
    reader = importlib.import_module("decord").VideoReader(str(path), num_threads=1)
    frames = reader.get_batch(uniform_indices(len(reader), ask.frames).tolist()).asnumpy()
    cv2 = importlib.import_module("cv2")
    return np.stack([_cropped(frame, ask.size, cv2) for frame in frames])


def header(path: Path) -> tuple[int, float]:
    """Return number of frames and frame rate as the header gives them; they may be wrong.

    Raises:
        ValueError: If it gives none.
    """
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate = float(stream.average_rate or 0)
        tick = float(stream.time_base or 0)
        seconds = (stream.duration or 0) * tick
        seconds = seconds or (container.duration or 0) / av.time_base
        total = stream.frames or round(seconds * rate)
    if total < 1:
        raise ValueError("the header gives no number of frames")
    return total, rate


def _fitted(size: int) -> str:
    grown = f"scale={size}:{size}:force_original_aspect_ratio=increase:flags=bilinear"
    return f"{grown},crop={size}:{size}"


def _pictures(arguments: list[str], size: int) -> Pixels:
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-threads", "1"]
    output = ["-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    done = subprocess.run([*command, *arguments, *output], capture_output=True, check=False)
    frame = size * size * 3
    whole = len(done.stdout) // frame * frame
    return np.frombuffer(done.stdout[:whole], np.uint8).reshape(-1, size, size, 3)


class Apart:
    """Runs a rival in a forked process, which may hang or die."""

    def __init__(self, rival: Rival) -> None:
        self._rival = rival

    def __call__(self, path: Path, ask: Ask) -> Pixels:
        """Return what the rival returns.

        Raises:
            ValueError: If it hangs, dies or fails.
        """
        here, there = multiprocessing.Pipe(duplex=False)
        fork = multiprocessing.get_context("fork")
        process = fork.Process(target=self._answer, args=(path, ask, there))
        process.start()
        there.close()
        try:
            answer = here.recv() if here.poll(HANGS) else "hangs"
        except EOFError:
            answer = "dies"
        finally:
            process.kill()
            process.join()
        if isinstance(answer, str):
            raise ValueError(answer)
        return np.asarray(answer, np.uint8)

    def _answer(self, path: Path, ask: Ask, there: Connection) -> None:
        try:
            there.send(self._rival(path, ask))
        except Exception as error:
            there.send(f"{type(error).__name__}: {error}"[:200])


RIVALS: dict[str, Rival] = {
    "ffmpeg select, told N": select,
    "ffmpeg select, N from header": lambda path, ask: select(path, Ask(ask.frames, ask.size)),
    "ffmpeg -ss, a process a frame": seek_by_process,
    "PyAV, decode all": pyav_all,
    "PyAV, seek every frame": pyav_seek,
}
OPTIONAL = {"cv2": opencv, "torchcodec": torchcodec, "decord": decord}


def installed() -> dict[str, Rival]:
    """Return all rivals that can run here; those of other packages in processes of their own."""
    found = dict(RIVALS)
    for module, rival in OPTIONAL.items():
        # Imported here, so that no measurement pays for it; some packages lack a library.
        with contextlib.suppress(ImportError, OSError, RuntimeError):
            importlib.import_module(module)
            found[module] = Apart(rival)
    return found
