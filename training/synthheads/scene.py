"""A head ready to be looked at: all its parts on the device, lit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import warp as wp

from .attributes import STYLES
from .beard import build_beard
from .brows import build_brows
from .clothes import build_clothes
from .glasses import build_glasses
from .hair import build_hair
from .hair.hairline import hairline_rad
from .head import WORLD_PER_METRE, Head, HeadModel, load_head_model
from .kernels.data import Geometry, Look, Sunlight
from .lashes import build_lashes
from .lighting import cast_shadow, gather_all_sky
from .look import make_look
from .mesh import Material, Mesh, join
from .parameters import HeadParameters
from .rounding import Rounding, plan_rounding
from .scalp_map import CENTRE_M

BUILDERS = (build_beard, build_brows, build_lashes, build_glasses, build_clothes)  # each gives a list of meshes
_EAR, _HAIRLINE_WIDTH_RAD = 0.3, 0.14


def _rounding(model: HeadModel) -> Rounding:
    """The skin's refinement, the same for every head; kept on the model it belongs to."""
    kept = model.__dict__
    if "_rounding" not in kept:
        kept["_rounding"] = plan_rounding(model.rest, model.triangles, model.material)
    return kept["_rounding"]


@dataclass
class Scene:
    """One head on one device. ``lens_triangles`` are the last of ``geometry``'s triangles."""

    parameters: HeadParameters
    look: Look
    geometry: Geometry
    sun: Sunlight
    screen: wp.array  # [V] scratch for projected vertices
    lens_triangles: int
    device: str


def assemble(p: HeadParameters, head: Head) -> tuple[Mesh, Look]:
    """All parts as one mesh in metres, lenses last, and the look."""
    skin = _rounding(head.model).of(head.mesh())
    skin.tangent[:, 0] = hair_roots(skin.rest) * (skin.extra[:, 2] < _EAR)
    hair, hair_look = build_hair(p, head)
    mesh = join([skin, *hair, *(part for build in BUILDERS for part in build(p, head))])
    order = np.argsort(mesh.material == Material.LENS, kind="stable")
    mesh.triangles, mesh.material = mesh.triangles[order], mesh.material[order]
    return mesh, make_look(p, hair_look)


def hair_roots(rest: np.ndarray) -> np.ndarray:
    """[V] 0..1: the part of the template's skin that lies inside the hairline, with a soft edge."""
    offset = rest - CENTRE_M
    azimuth = np.arctan2(offset[:, 0], offset[:, 2])
    polar = np.arccos(np.clip(offset[:, 1] / np.linalg.norm(offset, axis=1), -1, 1))
    return np.clip(0.5 + (hairline_rad(azimuth) - polar) / _HAIRLINE_WIDTH_RAD, 0, 1)


def build_scene(p: HeadParameters, device: str = "cpu", style: str = "natural") -> Scene:
    """Build, upload and light the head of ``p``; views of it are then cheap. ``style``: one of ``styles.STYLES``.

    Example:
        >>> view = render_view(build_scene(HeadParameters()), yaw_rad=0.3, pitch_rad=0.0, size=128)
    """
    mesh, look = assemble(p, load_head_model().pose(p))
    look.style = STYLES.index(style)
    geometry = _upload(mesh, device)
    screen = wp.empty(len(mesh.position), dtype=wp.vec3, device=device)
    gather_all_sky(geometry, look, screen)
    sun = cast_shadow(geometry, look, screen)
    return Scene(p, look, geometry, sun, screen, int((mesh.material == Material.LENS).sum()), device)


def _upload(mesh: Mesh, device: str) -> Geometry:
    def vectors(values, kind=wp.vec3):
        return wp.array(np.ascontiguousarray(values, np.float32), dtype=kind, device=device)

    geometry = Geometry()
    geometry.position = vectors(mesh.position * np.float32(WORLD_PER_METRE))
    geometry.normal, geometry.tangent = vectors(mesh.normal), vectors(mesh.tangent)
    geometry.rest, geometry.extra = vectors(mesh.rest), vectors(mesh.extra, wp.vec4)
    geometry.triangles = wp.array(np.ascontiguousarray(mesh.triangles, np.int32), dtype=wp.vec3i, device=device)
    geometry.material = wp.array(np.ascontiguousarray(mesh.material, np.int32), dtype=int, device=device)
    geometry.sky = wp.zeros(len(mesh.position), dtype=float, device=device)
    return geometry
