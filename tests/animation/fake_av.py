"""Stands for PyAV, small enough to read: films whose frames and sound lie in the file as they are."""

import io
import json
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from zipfile import BadZipFile

import numpy as np


class FFmpegError(Exception):
    """What PyAV raises of files that it cannot read."""


class VideoFrame:
    def __init__(self, pixels, rotation=0):
        self.pixels, self.rotation = pixels, rotation

    @classmethod
    def from_ndarray(cls, pixels, format):
        assert format == "rgb24" and pixels.flags["C_CONTIGUOUS"] and pixels.dtype == np.uint8
        return cls(pixels.copy())

    def to_ndarray(self, format=None):
        return self.pixels


class AudioFrame(VideoFrame):
    sample_rate = pts = 0

    @classmethod
    def from_ndarray(cls, samples, format, layout):
        assert format == "fltp" and layout == {1: "mono", 2: "stereo"}[len(samples)]
        return cls(samples.copy())


class _Stream:
    def __init__(self, kind, rate):
        self.kind, self.rate, self.average_rate, self.guessed_rate = kind, rate, rate, rate
        self.width = self.height = self.frames = 0

    def encode(self, frame):
        return [] if frame is None else [(self, frame)]


class _Writing:
    def __init__(self, path):
        self.path, self.streams, self.parts = path, [], {"video": [], "audio": []}

    def add_stream(self, kind, rate, options=None):
        self.streams.append(_Stream("video" if kind == "h264" else "audio", rate))
        return self.streams[-1]

    def mux(self, packets):
        for stream, frame in packets:
            self.parts[stream.kind].append(frame.pixels)

    def close(self):
        rates = {stream.kind: str(Fraction(stream.rate)) for stream in self.streams}
        arrays = {f"video_{i}": frame for i, frame in enumerate(self.parts["video"])}
        if self.parts["audio"]:
            arrays["audio"] = np.concatenate(self.parts["audio"], 1)
        content = io.BytesIO()
        np.savez(content, rates=np.frombuffer(json.dumps(rates).encode(), np.uint8), **arrays)
        Path(self.path).write_bytes(content.getvalue())


class _Reading:
    def __init__(self, source):
        try:
            self.arrays = dict(np.load(source))
            rates = json.loads(self.arrays["rates"].tobytes())
        except (ValueError, KeyError, OSError, EOFError, BadZipFile) as error:
            raise FFmpegError("Invalid data found when processing input") from error
        self.frames = [self.arrays[f"video_{i}"] for i in range(sum(name.startswith("video") for name in self.arrays))]
        self.streams = SimpleNamespace(video=[], audio=[])
        if self.frames:
            self.streams.video = [_Stream("video", Fraction(rates["video"]))]
            self.streams.video[0].frames = len(self.frames)
            self.streams.video[0].height, self.streams.video[0].width = self.frames[0].shape[:2]
        if "audio" in self.arrays:
            self.streams.audio = [_Stream("audio", int(rates["audio"]))]

    def decode(self, stream):
        if stream.kind == "audio":
            return iter([AudioFrame(self.arrays["audio"])])
        return (VideoFrame(frame, int(self.arrays.get("turn", 0))) for frame in self.frames)

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        pass


class AudioResampler:
    def __init__(self, format, rate):
        assert format == "fltp"

    def resample(self, frame):
        return [] if frame is None else [frame]


def open_film(source, mode="r", format=None):
    return _Writing(source) if mode == "w" else _Reading(source)


MODULE = SimpleNamespace(
    open=open_film, VideoFrame=VideoFrame, AudioFrame=AudioFrame, AudioResampler=AudioResampler,
    error=SimpleNamespace(FFmpegError=FFmpegError),
)  # fmt: skip
