"""Upper lashes: tapered strands from the edge of each lid. They are skin whose lid margin is near, so skin's shading
draws and labels them like the line painted along the lids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.synth.mesh import Mesh, make_mesh

from .hair.locks import LockSet, grow, jitter
from .hair.tube import unit
from .head import Head, HeadModel
from .materials import Material
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
    """Where lashes grow, each eye's from the nose outwards: on edges from ``first`` to ``second`` [L], at ``share``."""

    first: np.ndarray
    second: np.ndarray
    share: np.ndarray

    def of(self, values: np.ndarray) -> np.ndarray:
        """Values [L, …] there, from those of all vertices [V, …]."""
        share = self.share.reshape(-1, *[1] * (values.ndim - 1))
        return values[self.first] * (1 - share) + values[self.second] * share


def build_lashes(p: HeadParameters, head: Head) -> list[Mesh]:
    """Lashes of both eyes, x < 0 first; longer towards the outer corner, pointing down where lids are closed."""
    roots = _roots(head.model)
    root, eye_centre = roots.of(head.position).astype(np.float64), np.repeat(head.eye_centres, _LASHES, axis=0)
    out, outer = unit(root - eye_centre), np.tile(np.linspace(0, 1, _LASHES), 2)[:, None]
    path = root[:, None] + _length(outer)[:, None] * _bend(out, outer, np.sign(eye_centre[:, :1]))
    radius = np.tile(_RADIUS_M * np.array([1.0, 0.95, 0.7, 0.0]), (len(root), 1))
    mesh = grow(LockSet(path, radius, np.zeros(len(root)), out, sides=_SIDES))
    rest = np.repeat(roots.of(head.model.rest), _RINGS * _SIDES, axis=0)
    extra = np.tile(np.float32([0, _LID_EDGE_M, 0, 0]), (len(rest), 1))
    return [make_mesh(mesh.position, mesh.triangles, Material.SKIN, normal=mesh.normal, rest=rest, extra=extra)]


def _length(outer: np.ndarray) -> np.ndarray:
    """Metres [N, 1]; ``outer`` [N, 1]: 0 at the inner corner .. 1 at the outer one."""
    grown = np.sin(np.pi * (0.12 + 0.68 * outer)) * (0.55 + 0.45 * outer)
    uneven = 1 + 0.14 * np.tile(jitter(_LASHES, 41), 2)[:, None]
    return (_SHORTEST_M + (_LONGEST_M - _SHORTEST_M) * grown) * uneven


def _bend(out: np.ndarray, outer: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Lashes of length about 1 from their roots [N, _RINGS, 3]: from the eye's centre ``out`` [N, 3] and to the outer
    corner of its ``side`` [N, 1]; an open lid's curl up, a closed one's hang and are seen at their full length."""
    closed = np.clip((_OPEN_RISE - out[:, 1:2]) / (_OPEN_RISE - _CLOSED_RISE), 0, 1)
    aside = side * np.array([1.0, 0.0, 0.0]) * (0.75 * outer - 0.25)
    down = unit(np.cross(out, np.cross(out, [0.0, 1.0, 0.0])))
    start = unit(0.9 * out + (0.10 + 0.60 * closed) * down + 0.6 * aside)
    curl = np.array([0.0, 1.0, 0.0]) * (0.50 - 0.42 * closed)
    s = np.linspace(0, 1, _RINGS)[:, None]
    return (0.78 + 0.22 * closed)[:, None] * (start[:, None] * (s - 0.1) + curl[:, None] * s**2)


def _roots(model: HeadModel) -> LashRoots:
    """Of both eyes, x < 0 first; found once per model."""
    if "_lash_roots" not in model.__dict__:
        sides = [_find_roots(model, side) for side in (-1, 1)]
        model.__dict__["_lash_roots"] = LashRoots(*(np.concatenate(values) for values in zip(*sides, strict=True)))
    return model.__dict__["_lash_roots"]


def _find_roots(model: HeadModel, side: int) -> tuple[np.ndarray, ...]:
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
    return first[chosen], second[chosen], share[chosen]
