"""Drivers and clips on disk: videos, animated pictures, folders of frames; the last can be continued."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageSequence
from torch import Tensor

from sat3d.errors import ConfigError, FileError
from sat3d.files import videos
from sat3d.files.reading import reading
from sat3d.files.videos import Sound, VideoFile
from sat3d.files.writing import check_target, make_folder
from sat3d.inversion.align import photo_from
from sat3d.pictures import save_animation, save_picture, to_pil

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
_ANIMATED = (".webp", ".gif")
_MOST_ANIMATED = 1000  # frames that are held together
_DEFAULT_FPS = 25.0


@dataclass(frozen=True)
class Film:
    """``pieces``: frames ``[N, 3, H, W]`` in -1..1; ``frames``: how many, 0 where nobody knows."""

    pieces: Iterator[Tensor]
    fps: float
    frames: int
    sound: Sound | None = None


def open_film(path: Path, fps: float | None = None) -> Film:
    """A video, an animated GIF or WebP, or a folder of pictures in the order of their names.

    Raises:
        FileError: missing, damaged, or no frames. ConfigError: a video, and PyAV is not installed.
    """
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
        if not files:
            raise FileError("There are no pictures in the folder", path, ", ".join(PICTURES), "choose another folder")
        return Film((_picture(file) for file in files), fps or _DEFAULT_FPS, len(files))
    if path.suffix.lower() in (*PICTURES, *_ANIMATED):
        return _animation(path, fps)
    file = VideoFile.open(path)
    return Film(file.pieces(), fps or file.fps, file.frames, file.sound())


def _picture(path: Path) -> Tensor:
    with reading(path), Image.open(path) as picture:
        return photo_from(picture)


def _animation(path: Path, fps: float | None) -> Film:
    with reading(path), Image.open(path) as picture:
        frames, milliseconds = getattr(picture, "n_frames", 1), picture.info.get("duration") or 0
    own = 1000 / milliseconds if milliseconds else _DEFAULT_FPS

    def pieces() -> Iterator[Tensor]:
        with reading(path), Image.open(path) as film:
            for frame in ImageSequence.Iterator(film):
                yield photo_from(frame.convert("RGB"))

    return Film(pieces(), fps or own, frames)


class Output:
    """Where frames go, numbered from 0; ``done``: how many are there already."""

    done = 0

    def add(self, number: int, image: Tensor) -> None:
        """``[1, 3, H, W]`` in -1..1."""
        raise NotImplementedError


class FolderOutput(Output):
    """``000001.png`` …; frames that are there are those of an earlier run."""

    def __init__(self, folder: Path, resume: bool):
        self.folder = make_folder(folder)
        there = {path.name for path in folder.glob("*.png")}
        while self._name(self.done) in there and resume:
            self.done += 1

    def _name(self, number: int) -> str:
        return f"{number + 1:06}.png"

    def add(self, number: int, image: Tensor) -> None:
        save_picture(to_pil(image)[0], self.folder / self._name(number))


class _Animation(Output):
    def __init__(self):
        self.frames: list[Image.Image] = []

    def add(self, number: int, image: Tensor) -> None:
        self.frames += to_pil(image)


class _Video(Output):
    def __init__(self, writer: videos.VideoWriter):
        self.writer = writer

    def add(self, number: int, image: Tensor) -> None:
        self.writer.add(image)


@contextmanager
def open_output(path: Path, frames: int, fps: float, sound: Sound | None, resume: bool) -> Iterator[Output]:
    """A folder of pictures, an animated .webp or .gif, or an .mp4; files appear whole or not at all.

    Raises:
        ConfigError: another kind of file, one that cannot be continued, or that would hold too much. FileError: it
            cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix and resume:
        raise ConfigError("A file cannot be continued", path.name, "a folder of frames", "name a folder, or begin anew")
    if not suffix:
        yield FolderOutput(path, resume)
    elif suffix == ".mp4":
        with videos.write_video(path, fps, sound) as writer:
            yield _Video(writer)
    elif suffix in _ANIMATED:
        check_target(path)
        if frames > _MOST_ANIMATED:
            raise ConfigError("An animated picture would hold too many frames", frames, f"at most {_MOST_ANIMATED}",
                              "name a folder or an .mp4")  # fmt: skip
        output = _Animation()
        yield output
        if output.frames:
            save_animation(output.frames, path, fps)
    else:
        raise ConfigError("No kind of clip has this suffix", path.name, "a folder, .mp4, .webp or .gif",
                          "choose another name")  # fmt: skip


def cut_sound(sound: Sound | None, seconds: float) -> Sound | None:
    """From there on; None where nothing is left."""
    if sound is None:
        return None
    rest = sound.waveform[..., round(seconds * sound.sample_rate) :]
    return Sound(rest, sound.sample_rate) if torch.numel(rest) else None
