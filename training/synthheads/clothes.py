"""A garment round neck and shoulders, with the collar of its neckline."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import warp as wp

from training.synth.mesh import Mesh, make_mesh, vertex_normals

from .attributes import NECKLINES
from .head import Head, HeadModel
from .kernels.face_masks import cloth_edge
from .materials import Material
from .parameters import HeadParameters
from .patch import Patch
from .sweep import SIDES, sweep

_SUBDIVISIONS = 1
_MARGIN_M = 0.012
_COLLAR_POINTS = 160
_SMOOTHING = np.array([0.1, 0.2, 0.4, 0.2, 0.1])


@dataclass(frozen=True)
class Cut:
    """A neckline, metres: the rim's depth inside the outline, its half width and half height; the cloth's height
    above the skin as knots (depth below the rim, height)."""

    rim_depth: float
    half_width: float
    half_height: float
    profile: tuple[tuple[float, ...], tuple[float, ...]]


CUTS = {
    "crew neck": Cut(0.0050, 0.0052, 0.0034, ((0.0, 0.02), (0.0040, 0.0055))),
    "v-neck": Cut(0.0050, 0.0048, 0.0032, ((0.0, 0.02), (0.0040, 0.0055))),
    "turtleneck": Cut(0.0045, 0.0048, 0.0055, ((0.0, 0.010, 0.026, 0.030), (0.0070, 0.0105, 0.0110, 0.0050))),
}


@dataclass(frozen=True)
class Garment:
    """What a neckline needs on every head: each vertex' height [N], and the rim's points as places on edges of the
    patch: vertices [R, 2] and the share of the second [R]."""

    height: np.ndarray
    edges: np.ndarray
    share: np.ndarray


def build_clothes(p: HeadParameters, head: Head) -> list[Mesh]:
    """Cloth over the shoulders, cut away above its rim when drawn, and the rim itself."""
    neckline = NECKLINES.index(p.neckline)
    patch = head.patch(f"cloth {neckline}", _ground(head.model, neckline), _SUBDIVISIONS, relaxed=True)
    garment = _garment(head.model, neckline, patch)
    position = patch.position + patch.normal * garment.height[:, None]
    normal = vertex_normals(position, patch.triangles)
    cloth = make_mesh(position, patch.triangles, Material.CLOTH, normal=normal, rest=patch.rest)
    return [cloth, _collar(CUTS[p.neckline], garment, patch)]


def _collar(cut: Cut, garment: Garment, patch: Patch) -> Mesh:
    def along_rim(values: np.ndarray) -> np.ndarray:
        first, second = values[garment.edges[:, 0]], values[garment.edges[:, 1]]
        return first + (second - first) * garment.share[:, None]

    position, normal, rest = (_even(along_rim(values)) for values in (patch.position, patch.normal, patch.rest))
    path = position + normal * np.float32(cut.profile[1][0] * 0.75)
    band = sweep(path, normal, cut.half_height, cut.half_width, closed=True, material=Material.CLOTH)
    rest = np.broadcast_to(np.concatenate([rest, rest[:1]]), (SIDES, len(rest) + 1, 3)).reshape(-1, 3)
    return replace(band, rest=np.ascontiguousarray(rest, np.float32))


def _even(loop: np.ndarray) -> np.ndarray:
    """A closed loop [R, 3] as ``_COLLAR_POINTS`` points, smoothed."""
    place = np.arange(_COLLAR_POINTS) * (len(loop) / _COLLAR_POINTS)
    wrapped = np.concatenate([loop, loop[:1]])
    points = np.stack([np.interp(place, np.arange(len(wrapped)), column) for column in wrapped.T], axis=1)
    reach = len(_SMOOTHING) // 2
    return sum(share * np.roll(points, step - reach, axis=0) for step, share in enumerate(_SMOOTHING))


def _ground(model: HeadModel, neckline: int) -> np.ndarray:
    """[V] bool: skin under the cloth and a little above its rim; not the face."""
    skin = (model.extra[:, 3] < 0.5) & (model.rest[:, 1] < -0.09)
    chin = (model.rest[:, 2] > 0.028) & (model.rest[:, 1] > -0.15)
    return skin & ~chin & (measure_edge(model.rest, neckline) > -_MARGIN_M)


def _garment(model: HeadModel, neckline: int, patch: Patch) -> Garment:
    """Depends on the template only: computed once, kept on the model."""
    store = model.__dict__.setdefault("_clothes", {})
    if neckline not in store:
        cut = CUTS[NECKLINES[neckline]]
        inside = measure_edge(patch.rest, neckline)
        height = np.interp(inside, *cut.profile) + _folds(patch.rest, inside)
        edges, share = _level_loop(patch, inside - cut.rim_depth)
        store[neckline] = Garment(height.astype(np.float32), edges, share.astype(np.float32))
    return store[neckline]


def _level_loop(patch: Patch, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where ``level`` [N] crosses zero on the patch's edges: edges [R, 2] and shares [R], in order round the neck."""
    edges = np.unique(np.sort(patch.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    first, second = level[edges[:, 0]], level[edges[:, 1]]
    crossed = (first < 0) != (second < 0)
    edges, share = edges[crossed], (first / np.where(crossed, first - second, 1.0))[crossed]
    place = patch.rest[edges[:, 0]] + (patch.rest[edges[:, 1]] - patch.rest[edges[:, 0]]) * share[:, None]
    order = np.argsort(np.arctan2(place[:, 0], place[:, 2] + 0.035))
    return edges[order], share[order]


def _folds(rest: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Shallow folds that run from the neck to the armpits, metres."""
    x, y, z = rest.T
    spread = np.clip((inside - 0.015) / 0.03, 0.0, 1.0)
    return 0.0010 * spread * (np.sin(95.0 * np.abs(x) + 60.0 * z + 70.0 * y) + 0.6 * np.sin(150.0 * x - 40.0 * z))


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
