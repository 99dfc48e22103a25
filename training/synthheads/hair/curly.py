"""Curled hair: a round afro, and ringlets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.synth.mesh import Mesh, vertex_normals

from ..parameters import HeadParameters
from ..scalp import Scalp
from .cap import Cap, Where, raise_cap
from .hairline import hairline_rad
from .locks import LockSet, away_from, grow, jitter, smoothstep, spread
from .look import HairLook
from .tube import unit

_CROWN = np.array([0.0, 0.95, -0.30])
_RINGLETS, _RINGLET_RINGS, _TURNS = 300, 16, 2.0
_CURL_M, _LEAST_M = 0.014, 0.010
_CURL_WAVES = (  # direction, radians per metre, phase
    ((0.9, 0.3, -0.3), 290.0, 0.3), ((-0.2, 0.8, 0.6), 310.0, 1.7), ((0.4, -0.5, 0.8), 270.0, 2.9),
    ((0.7, 0.7, 0.2), 470.0, 0.9), ((-0.6, 0.2, 0.8), 440.0, 2.2),
)  # fmt: skip


def afro(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """A ball of fine curls."""
    height = 0.030 + 0.024 * p.hair_volume + 0.014 * p.hair_length
    centre, radius = _ball(scalp, height)

    def lean(where: Where) -> np.ndarray:
        point, _ = scalp.sample(where.azimuth_rad, where.polar_rad)
        way = point - centre
        reach = np.linalg.norm(way, axis=-1, keepdims=True)
        rim = np.sqrt(1 - np.clip((where.along - 0.72) / 0.28, 0, 1) ** 2)[..., None]
        return way / reach * (np.maximum(radius - reach, _LEAST_M) * rim)

    cap = Cap(
        (0.0, 1.0, -0.30), lambda where: 0.002 * (1 - where.along), lambda azimuth: hairline_rad(azimuth, 1.0, -4.0),
        lean_m=lean, columns=200, rows=76,
    )  # fmt: skip
    look = HairLook(strand_frequency_across=170.0, strand_frequency_along=44.0, shine=0.2, scalp_tint=0.9)
    return [_curled(raise_cap(cap, scalp))], look


def _ball(scalp: Scalp, height_m: float) -> tuple[np.ndarray, float]:
    """Centre [3] and radius of a ball that is ``height_m`` over the crown and touches the forehead's hairline."""
    (crown, forehead), _ = scalp.sample(np.zeros(2), np.deg2rad([0.0, 62.0]))
    rise = 0.45 * height_m
    middle = np.array([0.0, crown[1] - 0.075 + rise, -0.002 - rise])
    return middle, float(max(crown[1] + height_m - middle[1], np.linalg.norm(forehead - middle) + _LEAST_M))


def _curled(mesh: Mesh) -> Mesh:
    """Bumps on a surface, along its normals; what lies between them is deeper in the hair."""
    bump = curls(mesh.position)
    rise = _CURL_M * np.clip(8 * (1 - mesh.rest[:, 1]), 0, 1) * (bump - 0.4)
    position = mesh.position + mesh.normal * rise[:, None]
    rest = np.stack([mesh.rest[:, 0], mesh.rest[:, 1], np.clip(2.2 * bump - 0.1, 0, 1)], -1).astype(np.float32)
    normal = vertex_normals(position, mesh.triangles)
    turning = np.sin(mesh.position[:, [1, 2, 0]] * np.float32(340) + np.float32([0.4, 2.1, 4.4]))  # no common highlight
    tangent = unit(np.cross(normal, turning)).astype(np.float32)
    return replace(mesh, position=position.astype(np.float32), normal=normal, rest=rest, tangent=tangent)


def curls(position: np.ndarray) -> np.ndarray:
    """Bumps 0..1 of about a centimetre in space, at [..., 3] metres: ridged waves in several directions."""
    waves = [
        np.abs(np.sin(position @ np.float32(axis) * np.float32(pitch) + phase)) for axis, pitch, phase in _CURL_WAVES
    ]
    return 1 - sum(waves) / len(waves)


def curly(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """Ringlets that fall from the crown over the forehead and the ears."""
    lift = 0.012 + 0.012 * p.hair_volume

    def thickness(where: Where) -> np.ndarray:
        return lift * (1 - 0.3 * smoothstep(np.deg2rad(70), np.deg2rad(125), where.polar_rad))

    cap = Cap(_CROWN, thickness, lambda azimuth: hairline_rad(azimuth, 1.0), edge=0.5)
    look = HairLook(strand_frequency_across=120.0, strand_frequency_along=6.0, shine=0.7, scalp_tint=0.9)
    return [raise_cap(cap, scalp), _ringlets(p, scalp, lift)], look


def _ringlets(p: HeadParameters, scalp: Scalp, lift_m: float) -> Mesh:
    azimuth, polar = spread(_RINGLETS, np.deg2rad(132))
    inside = smoothstep(0.0, 0.10, hairline_rad(azimuth, 1.0) - polar)
    keep = inside > 0
    azimuth, polar, inside = azimuth[keep], polar[keep], inside[keep]
    root, normal = scalp.sample(azimuth, polar)
    count = len(root)
    flow = unit(away_from(_CROWN, normal) + 0.25 * normal + np.array([0.0, -0.35, 0.0]))
    length = (0.042 + 0.026 * p.hair_length) * (1 + 0.2 * jitter(count, 9)) * inside
    length = length * (1 - 0.45 * np.exp(-((azimuth / 0.75) ** 4)) * smoothstep(0.7, 1.1, polar))  # eyes stay free
    s = np.linspace(0, 1, _RINGLET_RINGS)[None, :, None]
    rise = normal[:, None] * (lift_m * 0.6 + 0.008 * (0.5 + p.hair_volume) * np.sin(np.pi * 0.8 * s))
    middle = root[:, None] + rise + length[:, None, None] * flow[:, None] * s
    side = np.cross(normal, flow)
    phase = 2 * np.pi * _TURNS * s + np.pi * jitter(count, 10)[:, None, None]
    coil = (0.0060 + 0.0020 * p.hair_volume) * inside[:, None, None] * np.minimum(1, 4 * s)
    path = middle + coil * (np.cos(phase) * side[:, None] + np.sin(phase) * normal[:, None])
    width = 0.0046 * np.sqrt(inside)[:, None] * (1 - 0.55 * s[..., 0] ** 3)
    return grow(LockSet(path, width, azimuth / (2 * np.pi) + 0.05 * jitter(count, 11), normal, 0.85))
