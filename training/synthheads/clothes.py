"""A garment round neck and shoulders, with the collar of its neckline."""

from __future__ import annotations

import numpy as np
import warp as wp

from .attributes import NECKLINES
from .head import Head, HeadModel
from .kernels.face_masks import cloth_edge
from .mesh import Material, Mesh, make_mesh, vertex_normals
from .parameters import HeadParameters
from .patch import Patch

_SUBDIVISIONS = 2
_MARGIN_M = 0.012
_CLOTH_M = 0.0050
# Depth below the rim and height above the skin, metres: knots of each neckline's profile.
PROFILES = {
    "crew neck": ((0.0, 0.0012, 0.0035, 0.0075, 0.0100, 0.013), (-0.001, 0.0055, 0.0075, 0.0075, 0.0050, _CLOTH_M)),
    "v-neck": ((0.0, 0.0012, 0.0035, 0.0075, 0.0100, 0.013), (-0.001, 0.0050, 0.0068, 0.0068, 0.0048, _CLOTH_M)),
    "turtleneck": ((0.0, 0.002, 0.006, 0.024, 0.029, 0.034), (-0.001, 0.0075, 0.0105, 0.0105, 0.0060, _CLOTH_M)),
}


def build_clothes(p: HeadParameters, head: Head) -> list[Mesh]:
    """Cloth over the shoulders; above its rim it is cut away when drawn."""
    neckline = NECKLINES.index(p.neckline)
    patch = head.patch(f"cloth {neckline}", _ground(head.model, neckline), _SUBDIVISIONS, relaxed=True)
    height = _height(head.model, neckline, patch)
    position = patch.position + patch.normal * height[:, None]
    normal = vertex_normals(position, patch.triangles)
    return [make_mesh(position, patch.triangles, Material.CLOTH, normal=normal, rest=patch.rest)]


def _ground(model: HeadModel, neckline: int) -> np.ndarray:
    """[V] bool: skin under the cloth and a little above its rim; not the face."""
    skin = (model.extra[:, 3] < 0.5) & (model.rest[:, 1] < -0.09)
    return skin & (measure_edge(model.rest, neckline) > -_MARGIN_M)


def _height(model: HeadModel, neckline: int, patch: Patch) -> np.ndarray:
    """Metres above the skin at each vertex [N]; depends on the template only, so it is computed once."""
    store = model.__dict__.setdefault("_clothes", {})
    if neckline not in store:
        inside = measure_edge(patch.rest, neckline)
        store[neckline] = (np.interp(inside, *PROFILES[NECKLINES[neckline]]) + _folds(patch.rest, inside)).astype(
            np.float32
        )
    return store[neckline]


def _folds(rest: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Shallow folds that run from the neck to the armpits, metres."""
    x, z = rest[:, 0], rest[:, 2]
    spread = np.clip((inside - 0.015) / 0.03, 0.0, 1.0)
    return (
        0.0010 * spread * (np.sin(95.0 * np.abs(x) + 60.0 * z + 70.0 * rest[:, 1]) + 0.6 * np.sin(150.0 * x - 40.0 * z))
    )


def measure_edge(rest: np.ndarray, neckline: int) -> np.ndarray:
    """``face_masks.cloth_edge`` at points [N, 3], so that the collar and the cut-out agree exactly."""
    points = wp.array(np.ascontiguousarray(rest, np.float32), dtype=wp.vec3, device="cpu")
    result = wp.empty(len(rest), dtype=float, device="cpu")
    wp.launch(_edge_kernel, dim=len(rest), inputs=[points, neckline, result], device="cpu")
    return result.numpy()


@wp.kernel
def _edge_kernel(rest: wp.array(dtype=wp.vec3), neckline: int, inside: wp.array(dtype=float)):
    i = wp.tid()
    inside[i] = cloth_edge(rest[i], neckline)
