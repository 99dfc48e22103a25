"""Light that all views of a thing share: the key light's shadow, and the sky that each vertex sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import warp as wp

from .kernels.data import Geometry, Sunlight
from .kernels.pipeline import Kernels
from .kernels.raster import FAR
from .kernels.shadow import finish_sky, gather_sky, project_parallel

SUN_TEXELS, SKY_TEXELS, SKY_AXES = 384, 96, 9
LIGHT_WIDTH = 1.3  # world units that the depth maps cover


def parallel_axes(to_light: np.ndarray) -> wp.mat33:
    """Columns right, down, forward of parallel rays that come from ``to_light`` [3]."""
    forward = -to_light / np.linalg.norm(to_light)
    right = np.cross(forward, (0.0, 1.0, 0.0))
    right /= np.linalg.norm(right)
    return wp.mat33(*np.stack([right, np.cross(forward, right), forward], 1).ravel().tolist())


def cast_shadow(kernels: Kernels, geometry: Geometry, look: Any, screen: wp.array) -> Sunlight:
    """The key light's depth map; ``screen`` [V] is scratch."""
    sun, device = Sunlight(), screen.device
    sun.axes, sun.scale, sun.size = parallel_axes(np.array(look.around.light.to_key)), 1.0 / LIGHT_WIDTH, SUN_TEXELS
    sun.depth = wp.full(SUN_TEXELS**2, float(FAR), dtype=float, device=device)
    _project(geometry, sun.axes, sun.size, screen)
    inputs = [geometry, look, screen, sun.size, sun.depth]
    wp.launch(kernels.find_shadow_depth, dim=len(geometry.triangles), inputs=inputs, device=device)
    return sun


def gather_all_sky(kernels: Kernels, geometry: Geometry, look: Any, screen: wp.array) -> None:
    """Fills ``geometry.sky`` from depth maps along axes spread over the sphere; ``screen`` [V] is scratch."""
    device, count = screen.device, len(screen)
    near, far = (wp.empty(SKY_TEXELS**2, dtype=float, device=device) for _ in range(2))
    seen = wp.zeros(count, dtype=wp.vec2, device=device)
    for axis in sky_axes(SKY_AXES):
        _project(geometry, parallel_axes(axis), SKY_TEXELS, screen)
        near.fill_(float(FAR))
        far.fill_(-float(FAR))
        maps = [geometry, look, screen, SKY_TEXELS, near, far]
        wp.launch(kernels.find_depth_range, dim=len(geometry.triangles), inputs=maps, device=device)
        gather = [geometry.normal, screen, wp.vec3(*(-axis).tolist()), SKY_TEXELS, near, far, seen]
        wp.launch(gather_sky, dim=count, inputs=gather, device=device)
    wp.launch(finish_sky, dim=count, inputs=[seen, geometry.sky], device=device)


def sky_axes(count: int) -> np.ndarray:
    """Unit vectors [count, 3] of the upper half sphere, evenly spread (golden spiral); each stands for both ends."""
    index = np.arange(count) + 0.5
    up = 0.97 - 0.94 * index / count
    turn = np.arange(count) * np.pi * (3 - np.sqrt(5))
    around = np.sqrt(1 - up * up)
    return np.stack([around * np.cos(turn), up, around * np.sin(turn)], 1)


def _project(geometry: Geometry, axes: wp.mat33, size: int, screen: wp.array) -> None:
    inputs = [geometry.position, axes, 1.0 / LIGHT_WIDTH, size, screen]
    wp.launch(project_parallel, dim=len(screen), inputs=inputs, device=screen.device)
