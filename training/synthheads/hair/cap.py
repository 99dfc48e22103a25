"""Hair that lies on the head: a surface raised over the scalp, whose strands run from a pole to the hairline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from training.synth.mesh import Mesh, grid_triangles, make_mesh

from ..materials import Material
from ..scalp import Scalp
from .hairline import hairline_rad
from .locks import smoothstep
from .tube import unit

_REACH_RAD = np.deg2rad(168)
_STEPS = 120
_SUNK_M = 0.0015  # the rim goes this far under the skin, so that no gap is seen
_RADIAL_SHARE = 0.25  # hair rises along the skin's normal, turned a little to the radial direction for smoothness

Thickness = Callable[["Where"], np.ndarray]


@dataclass(frozen=True)
class Where:
    """Places [C, R] on the scalp: ``azimuth_rad``, ``polar_rad``, unit ``direction`` [C, R, 3], ``along`` 0 root .. 1
    rim, ``around_rad``: the strand's angle about the pole."""

    azimuth_rad: np.ndarray
    polar_rad: np.ndarray
    direction: np.ndarray
    along: np.ndarray
    around_rad: np.ndarray


@dataclass(frozen=True)
class Cap:
    """How hair lies.

    ``pole`` [3], or two [2, 3] with a parting between them: where strands start. ``thickness(where)``: metres over the
    skin. ``edge``: share of it left before the rim, ``edge_from``: where along the strand it begins to thin.
    ``lean_m(where)`` [..., 3]: moves it besides. ``ragged``: share of the strands before the rim from where on ever
    fewer of them go on, so that hair ends in strands; or ``solidity(where)`` instead, see ``Mesh.extra``. ``across``:
    from, span.
    """

    pole: np.ndarray | tuple[float, float, float]
    thickness: Thickness
    hairline: Callable[[np.ndarray], np.ndarray] = hairline_rad
    edge: float = 0.3
    edge_from: float = 0.82
    lean_m: Thickness | None = None
    ragged: float = 0.0
    solidity: Thickness | None = None
    columns: int = 144
    rows: int = 40
    tip_weight: float = 0.0
    across: tuple[float, float] = field(default=(0.0, 1.0))


def raise_cap(cap: Cap, scalp: Scalp) -> Mesh:
    """The surface of ``cap`` over a head; its rim is sunk into the skin at the hairline."""
    where = strands(cap.pole, cap.hairline, cap.columns, cap.rows)
    point, normal = scalp.sample(where.azimuth_rad, where.polar_rad)
    outward = unit(normal * (1 - _RADIAL_SHARE) + where.direction * _RADIAL_SHARE)
    thickness = cap.thickness(where) * _edge_profile(where.along, cap)
    position = point + outward * thickness[..., None]
    if cap.lean_m is not None:
        position = position + cap.lean_m(where)
    position[:, -1] = point[:, -1] - normal[:, -1] * _SUNK_M
    solidity = _thinning(where.along, cap.ragged) if cap.solidity is None else cap.solidity(where)
    across = cap.across[0] + cap.across[1] * where.around_rad / (2 * np.pi)
    rest = np.stack([across, where.along, np.ones_like(across)], -1)
    extra = np.stack([solidity, np.full_like(across, cap.tip_weight), 0 * across, 0 * across], -1)
    mesh = make_mesh(
        position, grid_triangles(cap.columns + 1, cap.rows)[:, ::-1], Material.HAIR,
        tangent=unit(np.gradient(position, axis=1)), rest=rest, extra=extra,
    )  # fmt: skip
    _mend_normals(mesh.normal.reshape(cap.columns + 1, cap.rows, 3))
    return mesh


def strands(pole, hairline, columns: int, rows: int) -> Where:
    """Strands [columns + 1, rows] along great circles from ``pole`` to the hairline; the last lies on the first."""
    around = np.linspace(0, 2 * np.pi, columns + 1)
    start, back, side = _frames(_starts(pole, around))
    away = np.cos(around)[:, None] * back + np.sin(around)[:, None] * side
    end = _hairline_reach(start, away, hairline)
    along = np.broadcast_to(np.linspace(0, 1, rows), (columns + 1, rows))
    angle = along * end[:, None]
    way = np.cos(angle)[..., None] * start[:, None] + np.sin(angle)[..., None] * away[:, None]
    azimuth, polar = np.arctan2(way[..., 0], way[..., 2]), np.arccos(np.clip(way[..., 1], -1, 1))
    return Where(azimuth, polar, way, along, np.broadcast_to(around[:, None], along.shape))


def _starts(pole, around: np.ndarray) -> np.ndarray:
    """Where each strand starts [C, 3]: at the pole, or along the line from the front pole to the back one."""
    poles = unit(np.atleast_2d(np.asarray(pole, np.float64)))
    share = (1 + np.cos(around))[:, None] / 2  # strand angle 0 is at the back
    return unit(poles[0] * (1 - share) + poles[-1] * share)


def _frames(start: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit starts [C, 3], the direction to the back at each, and the third axis; the seam is at the back."""
    back = np.array([0.0, 0.0, -1.0])
    back = unit(back - start * (start @ back)[:, None])
    return start, back, np.cross(start, back)


def _hairline_reach(start: np.ndarray, away: np.ndarray, hairline) -> np.ndarray:
    """Angle [C] from its start at which each great circle leaves the hair, between steps by linear interpolation."""
    angle = np.linspace(0, _REACH_RAD, _STEPS)
    way = np.cos(angle)[None, :, None] * start[:, None] + np.sin(angle)[None, :, None] * away[:, None]
    inside = hairline(np.arctan2(way[..., 0], way[..., 2])) - np.arccos(np.clip(way[..., 1], -1, 1))
    inside[:, 0] = np.maximum(inside[:, 0], 1e-3)
    inside[:, -1] = -1e-3
    first = np.argmax(inside < 0, axis=1)
    column = np.arange(len(away))
    before, after = inside[column, first - 1], inside[column, first]
    reach = angle[first - 1] + (angle[first] - angle[first - 1]) * before / (before - after)
    return _smooth_around(reach)


def _smooth_around(values: np.ndarray) -> np.ndarray:
    """A short mean along a closed ring [C + 1] whose last entry repeats the first: hairlines have no steps."""
    ring = values[:-1]
    ring = (np.roll(ring, 1) + 2 * ring + np.roll(ring, -1)) / 4
    return np.append(ring, ring[0])


def _edge_profile(along: np.ndarray, cap: Cap) -> np.ndarray:
    share = np.clip((along - cap.edge_from) / (1 - cap.edge_from), 0, 1)
    return cap.edge + (1 - cap.edge) * np.sqrt(1 - share**2)


def thin_at_sides(where: Where) -> np.ndarray:
    """Solidity: strands end one by one at the temples and in the nape, but not in front, where much hair rises."""
    x, z = np.abs(where.direction[..., 0]), where.direction[..., 2]
    aside = 1 - smoothstep(0.0, 0.5, z) * (1 - smoothstep(0.72, 0.86, x))
    return 1 - aside * (1 - _thinning(where.along, 0.07))


def _thinning(along: np.ndarray, ragged: float) -> np.ndarray:
    """1, and towards the rim down to 0.15 over the share ``ragged`` of the strands."""
    if ragged == 0:
        return np.ones_like(along)
    return 1 - 0.85 * np.clip((along - 1 + ragged) / ragged, 0, 1)


def _mend_normals(normal: np.ndarray) -> None:
    """Like normals at the start and the same on both sides of the seam, in place; [C + 1, R, 3]."""
    normal[:, 0] = unit(normal[:, 1] + normal[:, 1].mean(0))
    normal[0] = normal[-1] = unit(normal[0] + normal[-1])
