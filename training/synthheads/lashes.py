"""Upper lashes: tapered strands from the edge of each lid. They are skin whose lid margin is near, so skin's shading
draws and labels them like the line painted along the lids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .hair.locks import LockSet, grow, jitter
from .hair.tube import unit
from .head import Head, HeadModel
from .mesh import Material, Mesh
from .parameters import HeadParameters

_LASHES, _RINGS, _SIDES = 15, 4, 3  # per eye
_LID_EDGE_M = 0.0044  # distance from the margin's inner rim, in ``extra``, where lashes grow
_LID_DISTANCE = 1  # column of ``extra``
_UPPER_M = -0.0068  # the template's upper lids lie above
_FROM_M, _TO_M = 0.0240, 0.0440  # from the middle of the face
_SHORTEST_M, _LONGEST_M = 0.0040, 0.0078
_RADIUS_M = 0.00052
_OPEN_RISE, _CLOSED_RISE = 0.22, -0.20  # height of the edge over the eye's centre as a share of its distance


@dataclass(frozen=True)
class LashRoots:
    """Where one eye's lashes grow, from the nose outwards: ``first``, ``second`` [L] vertices and the share between."""

    first: np.ndarray
    second: np.ndarray
    share: np.ndarray

    def of(self, values: np.ndarray) -> np.ndarray:
        """Values [L, …] there, from those of all vertices [V, …]."""
        share = self.share.reshape(-1, *[1] * (values.ndim - 1))
        return values[self.first] * (1 - share) + values[self.second] * share


def build_lashes(p: HeadParameters, head: Head) -> list[Mesh]:
    """Lashes of both eyes; longer towards the outer corner, pointing down where lids are closed."""
    return [_lashes(head, roots, centre) for roots, centre in zip(_roots(head.model), head.eye_centres, strict=True)]


def _lashes(head: Head, roots: LashRoots, eye_centre: np.ndarray) -> Mesh:
    root = roots.of(head.position).astype(np.float64)
    out = unit(root - eye_centre)
    outer = np.linspace(0, 1, len(root))[:, None]
    closed = np.clip((_OPEN_RISE - out[:, 1:2]) / (_OPEN_RISE - _CLOSED_RISE), 0, 1)
    aside = np.sign(eye_centre[0]) * np.array([1.0, 0.0, 0.0]) * (0.75 * outer - 0.25)
    down = unit(np.cross(out, np.cross(out, [0.0, 1.0, 0.0])))
    start = unit(0.9 * out + (0.10 + 0.60 * closed) * down + 0.6 * aside)
    curl = np.array([0.0, 1.0, 0.0]) * (0.50 - 0.42 * closed)
    length = _SHORTEST_M + (_LONGEST_M - _SHORTEST_M) * np.sin(np.pi * (0.12 + 0.68 * outer)) * (0.55 + 0.45 * outer)
    length = length * (0.78 + 0.22 * closed) * (1 + 0.14 * jitter(len(root), 41)[:, None])
    s = np.linspace(0, 1, _RINGS)[None, :, None]
    path = root[:, None] + length[:, None] * (start[:, None] * (s - 0.1) + curl[:, None] * s**2)
    radius = np.tile(_RADIUS_M * np.array([1.0, 0.95, 0.7, 0.0]), (len(root), 1))
    mesh = grow(LockSet(path, radius, np.zeros(len(root)), out, sides=_SIDES))
    each = _RINGS * _SIDES
    mesh.rest = np.repeat(roots.of(head.model.rest), each, axis=0).astype(np.float32)
    mesh.extra = np.tile(np.float32([0, _LID_EDGE_M, 0, 0]), (len(mesh.rest), 1))
    mesh.tangent = np.zeros_like(mesh.tangent)
    mesh.material = np.full(len(mesh.triangles), int(Material.SKIN), np.int32)
    return mesh


def _roots(model: HeadModel) -> tuple[LashRoots, LashRoots]:
    """Of both eyes, x < 0 first; found once per model."""
    if "_lash_roots" not in model.__dict__:
        model.__dict__["_lash_roots"] = tuple(_find_roots(model, side) for side in (-1, 1))
    return model.__dict__["_lash_roots"]


def _find_roots(model: HeadModel, side: int) -> LashRoots:
    """Evenly along the upper lid, where ``extra`` passes the edge's distance between two vertices."""
    edges = np.unique(np.sort(model.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    ends = model.rest[edges].mean(1)
    edges = edges[model.is_skin[edges].all(1) & (ends[:, 0] * side > 0) & (ends[:, 1] > _UPPER_M)]
    near, far = model.extra[edges, _LID_DISTANCE].astype(np.float64).T
    crossing = (near - _LID_EDGE_M) * (far - _LID_EDGE_M) < 0
    (first, second), share = edges[crossing].T, ((_LID_EDGE_M - near) / np.where(near == far, 1, far - near))[crossing]
    across = np.abs(model.rest[first, 0] * (1 - share) + model.rest[second, 0] * share)
    targets = np.linspace(_FROM_M, _TO_M, _LASHES)
    chosen = np.abs(across[:, None] - targets).argmin(0)
    return LashRoots(first[chosen], second[chosen], share[chosen])
