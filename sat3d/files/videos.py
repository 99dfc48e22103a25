"""Video files, a few frames at a time, read and written by PyAV where it is installed, as it is beside ComfyUI."""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import ConfigError, FileError, ShapeError
from .reading import check_file
from .writing import atomic_path

SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif")
_PIECE = 8  # frames
_QUALITY = {"crf": "16"}  # of H.264: nothing is seen of it
_MOST_PIXELS = 1 << 26
_RATE_PARTS = 1001 * 60  # frame rates are fractions with a denominator up to this


@dataclass(frozen=True)
class Sound:
    """``waveform [1, channels, samples]`` in -1..1, at ``sample_rate`` samples a second."""

    waveform: Tensor
    sample_rate: int


def is_available() -> bool:
    """Whether videos can be read and written here."""
    try:
        return _av() is not None
    except ConfigError:
        return False


@dataclass(frozen=True)
class VideoFile:
    """A file, or the bytes of one. ``fps`` and ``frames`` are as the file says; ``frames`` 0: it does not say."""

    source: str | os.PathLike | io.BytesIO
    fps: float
    frames: int

    @classmethod
    def open(cls, source: str | os.PathLike | io.BytesIO) -> VideoFile:
        """
        Raises:
            FileError: missing, damaged, or no video. ConfigError: PyAV is not installed.
        """
        with _opened(source) as container:
            stream = _pictures(container, source)
            rate = stream.average_rate or stream.guessed_rate
            if not rate:
                raise _no_video(source, "it does not say how fast it is")
            return cls(source, float(rate), int(stream.frames or 0))

    def pieces(self, size: int = _PIECE) -> Iterator[Tensor]:
        """Its frames, ``[N, 3, H, W]`` in -1..1, N up to ``size``, upright as the file says.

        Raises:
            FileError: it breaks off in the middle of a frame.
        """
        with _opened(self.source) as container:
            waiting: list[np.ndarray] = []
            for frame in _decoded(container, self.source):
                if waiting and (len(waiting) == size or frame.shape != waiting[0].shape):
                    yield _as_tensor(waiting)
                    waiting = []
                waiting.append(frame)
            if waiting:
                yield _as_tensor(waiting)

    def sound(self) -> Sound | None:
        """What is heard; None: nothing."""
        with _opened(self.source) as container:
            if not container.streams.audio:
                return None
            stream = container.streams.audio[0]
            parts = [frame.to_ndarray() for frame in _each(_resampled(container, stream), self.source)]
            if not parts:
                return None
            return Sound(torch.from_numpy(np.concatenate(parts, 1))[None].float(), int(stream.rate))


class VideoWriter:
    """Frames of one size, written one after the other; see :func:`write_video`."""

    def __init__(self, container: Any, fps: float, sound: Sound | None):
        self._container, self._fps, self._sound = container, Fraction(fps).limit_denominator(_RATE_PARTS), sound
        self._stream: Any = None
        self.frames = 0
        if sound is not None:
            self._heard = container.add_stream("aac", rate=sound.sample_rate)

    def add(self, images: Tensor) -> None:
        """``[N, 3, H, W]`` in -1..1; of an odd side the last row is left out, which the format cannot hold.

        Raises:
            ShapeError: another size than before.
        """
        pixels = (images.detach().float() * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu()
        height, width = (side - side % 2 for side in pixels.shape[1:3])
        self._stream = self._stream or self._start(height, width)
        if (self._stream.height, self._stream.width) != (height, width):
            raise ShapeError("The frames of a video have one size", f"{width} x {height}",
                             f"{self._stream.width} x {self._stream.height}", "render all alike")  # fmt: skip
        for picture in pixels[:, :height, :width].numpy():
            frame = _av().VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            self._container.mux(self._stream.encode(frame))
            self.frames += 1

    def _start(self, height: int, width: int) -> Any:
        stream = self._container.add_stream("h264", rate=self._fps, options=_QUALITY)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        return stream

    def finish(self) -> None:
        """What the encoder still holds, then the sound, as long as the frames."""
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))
        if self._sound is not None:
            samples = round(self.frames / float(self._fps) * self._sound.sample_rate)
            heard = self._sound.waveform[0, :2, :samples].float().cpu().numpy()
            kind = "mono" if len(heard) == 1 else "stereo"
            frame = _av().AudioFrame.from_ndarray(np.ascontiguousarray(heard), format="fltp", layout=kind)
            frame.sample_rate, frame.pts = self._sound.sample_rate, 0
            self._container.mux(self._heard.encode(frame))
            self._container.mux(self._heard.encode(None))


@contextmanager
def write_video(
    path: str | os.PathLike, fps: float, sound: Sound | None = None, overwrite: bool = True
) -> Iterator[VideoWriter]:
    """An MP4 of H.264 that appears whole or not at all.

    Raises:
        ConfigError: PyAV is not installed. FileError: it cannot be written.
    """
    with atomic_path(path, overwrite) as temporary:
        container = _av().open(str(temporary), "w", format="mp4")
        try:
            writer = VideoWriter(container, fps, sound)
            yield writer
            writer.finish()
        finally:
            container.close()


def _av() -> Any:
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise ConfigError("Video files need the Python package av, which is not installed here", error, None,
                          "install av with this Python, or use frames as pictures") from error  # fmt: skip


@contextmanager
def _opened(source: str | os.PathLike | io.BytesIO) -> Iterator[Any]:
    if isinstance(source, io.BytesIO):
        source.seek(0)
    else:
        source = str(check_file(source, "a video"))
    av = _av()
    try:
        container = av.open(source)
    except (av.error.FFmpegError, ValueError) as error:
        raise _no_video(source, error) from error
    with container:
        yield container


def _pictures(container: Any, source: object) -> Any:
    if not container.streams.video:
        raise _no_video(source, "nothing in it is seen")
    stream = container.streams.video[0]
    if stream.width * stream.height > _MOST_PIXELS:
        raise _no_video(source, f"frames of {stream.width} x {stream.height} pixels")
    return stream


def _decoded(container: Any, source: object) -> Iterator[np.ndarray]:
    for frame in _each(container.decode(_pictures(container, source)), source):
        pixels = frame.to_ndarray(format="rgb24")
        yield np.rot90(pixels, round(getattr(frame, "rotation", 0) / 90))


def _resampled(container: Any, stream: Any) -> Iterator[Any]:
    """Sound as planes of floats, whatever the file holds."""
    to_floats = _av().AudioResampler(format="fltp", rate=stream.rate)
    for frame in container.decode(stream):
        yield from to_floats.resample(frame)
    yield from to_floats.resample(None)


def _each(frames: Iterator[Any], source: object) -> Iterator[Any]:
    """What libraries say while a file is decoded, in words."""
    try:
        yield from frames
    except (_av().error.FFmpegError, ValueError) as error:
        raise _no_video(source, error) from error


def _as_tensor(frames: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float() / 127.5 - 1


def _no_video(source: object, got: object) -> FileError:
    name = "the video" if isinstance(source, io.BytesIO) else Path(str(source)).name
    return FileError("The file is no video that can be read", f"{name}: {got}", "a video such as an .mp4",
                     "choose another file, or convert it")  # fmt: skip
