"""The one place where data and pictures meet the renderer. Reading and describing data must not need Warp."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sat3d.errors import ConfigError

from .cameras import Pose

if TYPE_CHECKING:
    from .domain import SynthDomain
    from .render import View

_STDERR = 2


def render_views(
    domain: SynthDomain, p: Any, poses: Sequence[Pose], size: int, device: str = "cpu", style: str = "natural"
) -> list[View]:
    """One view of a thing for each pose; the geometry is built once. ``style``: one of ``looks.STYLES``."""
    start_renderer()
    from .render import render_view
    from .scene import light_scene

    scene = light_scene(domain.build(p), device, style)
    return [render_view(scene, pose.yaw_rad, pose.pitch_rad, size) for pose in poses]


def check_device(device: str) -> None:
    """Refuse a device that is not there, before any work is done.

    Raises:
        ConfigError: Warp is not installed, or it finds no CUDA device.
    """
    warp = start_renderer()
    if device == "cuda" and not warp.is_cuda_available():
        raise ConfigError("There is no CUDA device", device, "an NVIDIA GPU with its driver", "use --device cpu")


@lru_cache(maxsize=1)
def start_renderer():
    """Warp, started.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import warp

        from . import kernels  # noqa: F401  its settings have to be there before the start
    except ImportError as error:
        raise ConfigError(
            "The renderer needs NVIDIA Warp", error, "warp-lang", "run: pip install -r training/requirements.txt"
        ) from error
    with _silenced():
        warp.init()
    return warp


@contextmanager
def _silenced() -> Iterator[None]:
    """Warp's native part warns every process that there is no CUDA driver, below what Python can turn off."""
    kept = os.dup(_STDERR)
    try:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123  not a path of the user's
            os.dup2(nowhere.fileno(), _STDERR)
            yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
