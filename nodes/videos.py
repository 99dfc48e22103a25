"""The host's videos: read a few frames at a time, and made without holding all frames where there are many."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from comfy_api.latest import InputImpl, Types
from torch import Tensor

from ..sat3d.errors import ConfigError, ShapeError
from ..sat3d.files import videos
from ..sat3d.files.videos import Sound, VideoFile, VideoWriter
from . import host, images, output_files

_FLOAT_BYTES = 4
# A video that fits is decoded by the host at once, a larger one is read piece by piece; frames that are made are kept
# as pictures up to as much, and all of them are in the video.
MOST_BYTES = 1 << 29
_PIECE = 8
Heard = Mapping[str, Any]  # the host's AUDIO: waveform [B, C, N], sample_rate


@dataclass(frozen=True)
class Incoming:
    """``pieces``: frames ``[N, 3, H, W]`` in -1..1; ``frames``: how many, 0 if that is not known; ``heard``: AUDIO."""

    pieces: Iterator[Tensor]
    fps: float
    frames: int
    heard: Heard | None = None


def open_incoming(video: Any, pictures: Tensor | None, fps: float) -> Incoming:
    """Frames of a VIDEO, or of an IMAGE at ``fps``.

    Raises:
        ConfigError: neither is connected, or both. FileError: no video. ShapeError: pictures of another shape, or none.
    """
    if (video is None) == (pictures is None):
        raise ConfigError("One thing drives: a video or pictures", "none" if video is None else "both",
                          "one of both", "connect video or images")  # fmt: skip
    if pictures is not None:
        images.as_image(pictures[:1])  # refused here, before anything is made ready for them
        return Incoming(_pieces_of(pictures), fps, len(pictures))
    file = None if _is_small(video) or not videos.is_available() else VideoFile.open(video.get_stream_source())
    if file is None or _is_cut(video, file):
        parts = video.get_components()
        return Incoming(_pieces_of(parts.images), float(parts.frame_rate), len(parts.images), parts.audio)
    sound = file.sound()
    heard = None if sound is None else {"waveform": sound.waveform, "sample_rate": sound.sample_rate}
    return Incoming(file.pieces(), file.fps, file.frames, heard)


def _is_small(video: Any) -> bool:
    """Whether all of its frames may be decoded together; the host decodes them rightly whatever was done to it."""
    try:
        width, height = video.get_dimensions()
        frames = video.get_frame_count()
    except (AttributeError, ValueError, OSError):  # an older host, or a file that does not say
        return not hasattr(video, "get_stream_source")
    return 3 * _FLOAT_BYTES * width * height * frames <= MOST_BYTES


def _is_cut(video: Any, file: VideoFile) -> bool:
    """Whether the host shows a part of the file alone, which the file does not tell."""
    count = getattr(video, "get_frame_count", None)
    return count is not None and bool(file.frames) and count() < file.frames


def _pieces_of(pictures: Tensor) -> Iterator[Tensor]:
    """An empty batch is a piece, too, which is refused as all nodes refuse it."""
    pieces = pictures.split(_PIECE) if pictures.ndim and len(pictures) else (pictures,)
    return (images.from_host(piece) for piece in pieces)


def to_sound(heard: Heard | None) -> Sound | None:
    """
    Raises:
        ShapeError: not the host's AUDIO.
    """
    if heard is None:
        return None
    waveform = heard.get("waveform")
    if not isinstance(waveform, Tensor) or waveform.ndim != 3 or not waveform.numel():
        raise ShapeError("This is no sound", type(waveform).__name__, "AUDIO with a waveform [1, channels, samples]",
                         "connect the audio of Drive, or of Load Audio")  # fmt: skip
    return Sound(waveform[:1].detach(), int(heard.get("sample_rate", 44100)))


class Outgoing:
    """Frames as they are made. ``pictures``: those that are kept; all are in the video."""

    def __init__(self, frames: int, fps: float, heard: Heard | None):
        self.frames, self.fps, self.heard, self.sound = frames, fps, heard, to_sound(heard)
        self.kept: list[Tensor] = []
        self.kept_bytes = 0
        self.file: Path | None = None
        self._writing: Any = None
        self._writer: VideoWriter | None = None

    def add(self, image: Tensor) -> None:
        """``[1, 3, H, W]`` in -1..1."""
        size = _FLOAT_BYTES * image.numel()
        if not self.kept and size * self.frames > MOST_BYTES and videos.is_available():
            self._begin()
        if self._writer is not None:
            self._writer.add(image)
        if self._writer is None or not self.kept or self.kept_bytes + size <= MOST_BYTES:
            self.kept.append(host.keep(images.to_host(image)))
            self.kept_bytes += size

    def _begin(self) -> None:
        """A long one goes into a file at once, among the host's temporary ones."""
        self.file = output_files.temporary_file(".mp4")
        self._writing = videos.write_video(self.file, self.fps, self.sound)
        self._writer = self._writing.__enter__()

    def __enter__(self) -> Outgoing:
        return self

    def __exit__(self, *problem: Any) -> None:
        if self._writing is not None:
            self._writing.__exit__(*problem)

    @property
    def pictures(self) -> Tensor:
        return torch.cat(self.kept)

    def video(self) -> Any:
        """VIDEO of all frames, with the sound."""
        if self.file is not None:
            return InputImpl.VideoFromFile(os.fspath(self.file))
        parts = Types.VideoComponents(images=self.pictures, frame_rate=Fraction(self.fps).limit_denominator(60060))
        parts.audio = self._trimmed()
        return InputImpl.VideoFromComponents(parts)

    def _trimmed(self) -> Heard | None:
        """The sound, as long as the frames."""
        if self.sound is None:
            return None
        samples = round(len(self.kept) / self.fps * self.sound.sample_rate)
        return {"waveform": self.sound.waveform[..., :samples], "sample_rate": self.sound.sample_rate}

    def describe(self) -> str | None:
        """What is said where not all frames are kept as pictures."""
        if self.file is None or len(self.kept) == self.frames:
            return None
        return (
            f"images holds the first {len(self.kept)} of {self.frames} frames, as many as memory should hold; the "
            "video has all of them"
        )
