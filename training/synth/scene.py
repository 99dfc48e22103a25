"""A thing ready to be looked at: its parts on the device, lit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import warp as wp

from sat3d.camera import CameraRig

from .kernels.data import Geometry, Sunlight
from .kernels.pipeline import Kernels, Shading, make_kernels
from .kernels.traits import LENS
from .lighting import cast_shadow, gather_all_sky
from .looks import STYLES
from .mesh import Mesh


@dataclass(frozen=True)
class Model:
    """What a domain builds: ``mesh``, with what has the trait LENS last; ``look``, a struct of the ``shading``'s kind;
    the ``rig`` of its cameras; ``scale``: world units in one unit of the mesh."""

    mesh: Mesh
    look: Any
    shading: Shading
    rig: CameraRig
    scale: float = 1.0


@dataclass
class Scene:
    """One thing on one device. ``lens_triangles`` are the last of ``geometry``'s triangles."""

    look: Any
    kernels: Kernels
    rig: CameraRig
    geometry: Geometry
    sun: Sunlight
    screen: wp.array  # [V] scratch for projected vertices
    lens_triangles: int
    device: str


def light_scene(model: Model, device: str = "cpu", style: str = "natural") -> Scene:
    """Upload and light ``model``; views of it are then cheap. ``style``: one of ``looks.STYLES``."""
    mesh, look, kernels = model.mesh, model.look, make_kernels(model.shading)
    around = look.around
    around.style = STYLES.index(style)
    look.around = around
    traits = np.array(model.shading.traits, np.int32)[mesh.material]
    geometry = _upload(mesh, traits, model.scale, device)
    screen = wp.empty(len(mesh.position), dtype=wp.vec3, device=device)
    gather_all_sky(kernels, geometry, look, screen)
    sun = cast_shadow(kernels, geometry, look, screen)
    return Scene(look, kernels, model.rig, geometry, sun, screen, int((traits & LENS != 0).sum()), device)


def _upload(mesh: Mesh, traits: np.ndarray, scale: float, device: str) -> Geometry:
    def vectors(values, kind=wp.vec3):
        return wp.array(np.ascontiguousarray(values, np.float32), dtype=kind, device=device)

    geometry = Geometry()
    geometry.position = vectors(mesh.position * np.float32(scale))
    geometry.normal, geometry.tangent = vectors(mesh.normal), vectors(mesh.tangent)
    geometry.rest, geometry.extra = vectors(mesh.rest), vectors(mesh.extra, wp.vec4)
    geometry.triangles = wp.array(np.ascontiguousarray(mesh.triangles, np.int32), dtype=wp.vec3i, device=device)
    geometry.material = wp.array(np.ascontiguousarray(mesh.material, np.int32), dtype=int, device=device)
    geometry.traits = wp.array(np.ascontiguousarray(traits, np.int32), dtype=int, device=device)
    geometry.sky = wp.zeros(len(mesh.position), dtype=float, device=device)
    return geometry
