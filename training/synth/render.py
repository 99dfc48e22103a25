"""Pictures of a scene, with labels, depth and normals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import warp as wp
from torch import Tensor

from sat3d.camera import split_label

from .kernels.data import Camera
from .kernels.raster import EMPTY, project
from .kernels.resolve import Pixels, resolve
from .kernels.samples import Samples
from .kernels.styles import draw_outlines
from .looks import STYLES
from .scene import Scene

_OUTLINES = {"natural": 0.0, "clay": 0.0, "toon": 0.85, "ink": 0.92}


@dataclass
class View:
    """One picture. ``image`` [H, W, 3] uint8 sRGB; ``labels`` [H, W] uint8, numbers of the domain's; dark lenses
    have their own, clear ones that of what is behind them; ``labels_behind`` [H, W]: what is behind any lens;
    ``depth`` [H, W] float32: distance along the ray in world units to what ``labels`` names, 0 in the background;
    ``normal`` [H, W, 3] in world axes; ``label_25`` [1, 25] the camera."""

    image: np.ndarray
    labels: np.ndarray
    labels_behind: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    label_25: Tensor


def render_view(scene: Scene, yaw_rad: float, pitch_rad: float, size: int, samples: int = 2) -> View:
    """A square picture of ``size`` pixels from the domain's camera; ``samples``² rays a pixel."""
    label = scene.rig.label(yaw_rad, pitch_rad)
    camera, buffers, pixels = _camera(label, size * samples), _samples(size * samples, scene.device), Pixels()
    pixels = _pixels(size, scene.device)
    _find(scene, camera, buffers)
    shade = [scene.geometry, scene.look, camera, scene.sun, scene.screen, buffers]
    wp.launch(scene.kernels.shade_samples, dim=camera.size**2, inputs=shade, device=scene.device)
    if strength := _OUTLINES[STYLES[scene.look.around.style]]:
        wp.launch(draw_outlines, dim=camera.size**2, inputs=[buffers, camera, strength], device=scene.device)
    wp.launch(resolve, dim=size * size, inputs=[buffers, size, samples, pixels], device=scene.device)
    return _view(pixels, size, label)


def _camera(label: Tensor, size: int) -> Camera:
    pose, intrinsic = split_label(label)
    camera = Camera()
    camera.axes = wp.mat33(*pose[0, :3, :3].flatten().tolist())
    camera.position = wp.vec3(*pose[0, :3, 3].tolist())
    camera.focal, camera.size = float(intrinsic[0, 0, 0]), size
    return camera


def _find(scene: Scene, camera: Camera, buffers: Samples) -> None:
    """The nearest triangle of each sample, apart for lenses."""
    geometry, total = scene.geometry, len(scene.geometry.triangles)
    solid = total - scene.lens_triangles
    wp.launch(project, dim=len(scene.screen), inputs=[geometry.position, camera, scene.screen], device=scene.device)
    for keys, first, count in ((buffers.nearest, 0, solid), (buffers.lens, solid, scene.lens_triangles)):
        keys.fill_(EMPTY)
        find = [geometry, scene.look, scene.screen, camera.size, first, keys]
        wp.launch(scene.kernels.find_nearest, dim=count, inputs=find, device=scene.device)


@lru_cache(maxsize=4)
def _samples(size: int, device: str) -> Samples:
    """Buffers of ``size``² samples, reused by every view of that size."""
    kinds = {
        "nearest": wp.int64, "lens": wp.int64, "colour": wp.vec3, "label": wp.uint8, "behind": wp.uint8,
        "distance": wp.float32, "normal": wp.vec3,
    }  # fmt: skip
    return _buffers(Samples(), kinds, size * size, device)


@lru_cache(maxsize=4)
def _pixels(size: int, device: str) -> Pixels:
    kinds = {"label": wp.uint8, "behind": wp.uint8, "depth": wp.float32, "normal": wp.vec3}
    pixels = _buffers(Pixels(), kinds, size * size, device)
    pixels.image = wp.empty((size * size, 3), dtype=wp.uint8, device=device)
    return pixels


def _buffers(target, kinds: dict, count: int, device: str):
    for name, kind in kinds.items():
        setattr(target, name, wp.empty(count, dtype=kind, device=device))
    return target


def _view(pixels: Pixels, size: int, label: Tensor) -> View:
    def grid(values, *channels):
        return values.numpy().reshape(size, size, *channels).copy()

    return View(
        grid(pixels.image, 3), grid(pixels.label), grid(pixels.behind), grid(pixels.depth),
        grid(pixels.normal, 3), label,
    )  # fmt: skip
