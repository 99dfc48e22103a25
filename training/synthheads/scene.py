"""A head ready to be looked at: all its parts on the device, lit."""

from __future__ import annotations

import numpy as np

from training.synth.mesh import Mesh, join
from training.synth.scene import Model, Scene, light_scene

from .beard import build_beard
from .brows import build_brows
from .cameras import RIG
from .clothes import build_clothes
from .glasses import build_glasses
from .hair import build_hair
from .hair.hairline import hairline_rad
from .head import WORLD_PER_METRE, Head, HeadModel, load_head_model
from .kernels.data import Look
from .kernels.shade import HEADS
from .lashes import build_lashes
from .look import make_look
from .materials import Material
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
    """Build, upload and light the head of ``p``; views of it are then cheap. ``style``: one of ``looks.STYLES``.

    Example:
        >>> view = render_view(build_scene(HeadParameters()), yaw_rad=0.3, pitch_rad=0.0, size=128)
    """
    return light_scene(build_head(p), device, style)


def build_head(p: HeadParameters) -> Model:
    """The head as the renderer wants it."""
    mesh, look = assemble(p, load_head_model().pose(p))
    return Model(mesh, look, HEADS, RIG, WORLD_PER_METRE)
