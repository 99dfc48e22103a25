"""Eyeglasses fitted to a head: lenses before the eyes, the bridge on the nose, temples along the head to the ears."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.synth.mesh import Mesh, grid_triangles, make_mesh

from .head import Head
from .materials import Material
from .parameters import HeadParameters
from .sweep import sweep

RIM_POINTS, LENS_RINGS, TEMPLE_POINTS, HOOK_POINTS = 48, 4, 14, 7
_CLEARANCE_M = 0.0034  # between skin and the back of the rim: lashes and cheeks need it
_MARGIN_M = 0.0015  # round the rim
_TILT, _WRAP_PER_M = 0.09, 1.9  # the top leans forward; the sides curve back with the square of x
_NOSE_GAP_M = 0.0078  # half the distance between the lenses, at least
_TEMPLE_GAP_M = 0.0016
_NEAR_M = 0.004  # over which the head's width is averaged


@dataclass(frozen=True)
class Design:
    """A kind of glasses: half width and height of a lens at medium size, its outline, how low it sits, bars."""

    half_width: float
    half_height: float
    outline: Callable[[np.ndarray], np.ndarray]
    drop: float = 0.001
    bridges: tuple[float, ...] = (0.42,)  # angles on the inner side of the rim, above the horizontal
    bridge_rise: float = 0.0030
    hinge_rad: float = 0.50


def _rounded(power: float) -> Callable[[np.ndarray], np.ndarray]:
    """A superellipse: 2 is a circle, larger powers are rectangles with round corners."""

    def outline(angle: np.ndarray) -> np.ndarray:
        circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return np.sign(circle) * np.abs(circle) ** (2.0 / power)

    return outline


def _teardrop(angle: np.ndarray) -> np.ndarray:
    """An aviator's lens: straight above, round below, leaning away from the nose."""
    x, y = _rounded(2.6)(angle).T
    below = np.maximum(0.0, 0.35 - y) / 1.35
    across = x * (1.0 - 0.34 * below**1.6) + 0.22 * below**1.6
    return np.stack([across, np.where(y > 0, 0.66 * y, 1.05 * y) + 0.12], axis=1)


DESIGNS = {
    "round": Design(0.0230, 0.0225, _rounded(2.0)),
    "rectangular": Design(0.0275, 0.0172, _rounded(5.0), bridges=(0.35,), bridge_rise=0.0015, hinge_rad=0.42),
    "sunglasses": Design(0.0300, 0.0250, _teardrop, 0.002, bridges=(0.25, 0.75), bridge_rise=0.0012, hinge_rad=0.55),
}


@dataclass(frozen=True)
class Fit:
    """Where one pair sits: centre of the lens with x > 0, half axes, radius of the rim, all metres."""

    design: Design
    centre: np.ndarray
    half: np.ndarray
    radius: float

    def surface(self, points: np.ndarray) -> np.ndarray:
        """Depth z of the curved front of the glasses at (x, y) [N, 2], x on either side."""
        x, y = np.abs(points[:, 0]), points[:, 1]
        return self.centre[2] - _WRAP_PER_M * x * x + _TILT * (y - self.centre[1])

    def on_lens(self, side: float, outline: np.ndarray) -> np.ndarray:
        """Points [N, 3] of the lens on ``side`` (−1, 1) from its own coordinates [N, 2], outwards and up."""
        flat = self.centre[:2] + outline * self.half
        return np.column_stack([side * flat[:, 0], flat[:, 1], self.surface(flat)])


def build_glasses(p: HeadParameters, head: Head) -> list[Mesh]:
    """Frame and lenses of ``p`` on the relaxed head."""
    design = DESIGNS.get(p.glasses)
    if design is None:
        return []
    fit = fit_glasses(p, head, design)
    parts = [part for side in (-1.0, 1.0) for part in (_rim(fit, side), _lens(fit, side), _temple(fit, head, side))]
    return parts + [_bridge(fit, head, angle) for angle in design.bridges]


def fit_glasses(p: HeadParameters, head: Head, design: Design) -> Fit:
    """As close to the face as skin under the lenses and their rims allows."""
    scale = 0.86 + 0.28 * p.glasses_size
    half = np.array([design.half_width, design.half_height]) * scale
    radius = 0.0013 + 0.0016 * p.frame_thickness
    eye = head.eye_centres[1]
    centre = np.array([max(eye[0] + 0.001, half[0] + _NOSE_GAP_M), eye[1] - design.drop, 0.0])
    flat = Fit(design, centre, half, radius)
    skin = head.relaxed[head.model.is_skin]
    skin = skin[skin[:, 2] > 0.045]
    under = skin[_inside(flat, skin)]
    centre[2] = (under[:, 2] - flat.surface(under[:, :2])).max() + _CLEARANCE_M + radius
    return Fit(design, centre, half, radius)


def _inside(fit: Fit, skin: np.ndarray) -> np.ndarray:
    """[N] bool: which points [N, 3] are behind a lens or its rim, seen from the front."""
    angle = np.arange(RIM_POINTS) / RIM_POINTS * 2 * np.pi
    outline = fit.design.outline(angle) * (fit.half + fit.radius + _MARGIN_M)
    place = np.column_stack([np.abs(skin[:, 0]), skin[:, 1]]) - fit.centre[:2]
    turn, order = np.arctan2(outline[:, 1], outline[:, 0]), np.argsort(np.arctan2(outline[:, 1], outline[:, 0]))
    reach = np.interp(np.arctan2(place[:, 1], place[:, 0]), turn[order], np.linalg.norm(outline, axis=1)[order])
    return np.linalg.norm(place, axis=1) < reach


def _rim(fit: Fit, side: float) -> Mesh:
    angle = np.arange(RIM_POINTS) / RIM_POINTS * 2 * np.pi
    path = fit.on_lens(side, fit.design.outline(angle))
    return sweep(path, (0.0, 0.0, 1.0), max(fit.radius, 0.0016), fit.radius, closed=True)


def _lens(fit: Fit, side: float) -> Mesh:
    """Rings from the middle to the rim; one curved sheet."""
    angle = np.arange(RIM_POINTS) / RIM_POINTS * 2 * np.pi
    share = np.linspace(0.0, 1.0, LENS_RINGS + 1)
    outline = fit.design.outline(angle)[:, None] * share[:, None]
    points = fit.on_lens(side, outline.reshape(-1, 2))
    flat = np.column_stack([np.abs(points[:, 0]), points[:, 1]]) - fit.centre[:2]
    normal = np.column_stack([side * (0.10 + 7.0 * flat[:, 0]), 7.0 * flat[:, 1] - _TILT, np.ones(len(flat))])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    triangles = grid_triangles(RIM_POINTS, LENS_RINGS + 1, closed=True)
    return make_mesh(points, triangles, Material.LENS, normal=normal)


def _bridge(fit: Fit, head: Head, angle: float) -> Mesh:
    """From rim to rim, over the nose and before it."""
    inner = fit.on_lens(1.0, fit.design.outline(np.array([np.pi - angle])))[0]
    along = np.linspace(-1.0, 1.0, 13)
    arch = 1.0 - along * along
    middle_y = inner[1] + fit.design.bridge_rise
    skin = head.relaxed[head.model.is_skin]
    nose = skin[(np.abs(skin[:, 0]) < 0.006) & (np.abs(skin[:, 1] - middle_y) < 0.007)]
    lift = max(0.0015, nose[:, 2].max() + fit.radius + 0.0008 - inner[2])
    path = np.stack([along * inner[0], inner[1] + fit.design.bridge_rise * arch, inner[2] + lift * arch**0.7], axis=1)
    return sweep(path, (0.0, 0.0, 1.0), fit.radius, fit.radius)


def _temple(fit: Fit, head: Head, side: float) -> Mesh:
    """A taut band from the rim's outer corner along the head over the ear, then down behind it."""
    start = fit.on_lens(1.0, fit.design.outline(np.array([fit.design.hinge_rad])))[0]
    path = np.concatenate([start[None], _along_head(fit, head, start, side)])
    path[:, 0] *= side
    thin = np.full(len(path), 0.75 * max(fit.radius, 0.0015))
    thin[-1] *= 0.2
    return sweep(path, None, thin * 1.7, thin)


def _along_head(fit: Fit, head: Head, start: np.ndarray, side: float) -> np.ndarray:
    """The temple's points [N, 3] behind the rim, mirrored to x > 0."""
    ear = head.ear_roots[int(side > 0)]
    over = ear[1] + 0.0035
    depth = np.linspace(start[2] - 0.0045, ear[2] - 0.016, TEMPLE_POINTS)
    share = np.linspace(0.0, 1.0, TEMPLE_POINTS)
    height = start[1] + (over - start[1]) * np.clip(share / 0.85, 0.0, 1.0)
    drop = np.linspace(0.0, 1.0, HOOK_POINTS + 1)[1:]
    height = np.concatenate([height, over - 0.030 * drop**1.25])
    depth = np.concatenate([depth, depth[-1] - 0.011 * drop])
    skin = _half_width(head, side, height, depth) + _TEMPLE_GAP_M + fit.radius
    arm = np.maximum(skin[:TEMPLE_POINTS], 0.0)
    arm[0] = max(start[0] + 0.0025, min(arm[0], start[0] + 0.006))
    skin[:TEMPLE_POINTS] = _taut(depth[:TEMPLE_POINTS], arm)
    return np.column_stack([skin, height, depth])


def _half_width(head: Head, side: float, height: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """|x| [N] of the head without ears at heights and depths [N]: a mean of the scalp's points close by."""
    azimuth, polar = np.meshgrid(np.linspace(0.3, 2.3, 44), np.linspace(1.2, 2.3, 28), indexing="ij")
    point = head.scalp.sample(side * azimuth, polar)[0].reshape(-1, 3)
    apart = (point[:, 1] - height[:, None]) ** 2 + (point[:, 2] - depth[:, None]) ** 2
    weight = np.exp(-apart / (2 * _NEAR_M**2)) + 1e-12
    return (weight * (side * point[:, 0])).sum(1) / weight.sum(1)


def _taut(depth: np.ndarray, width: np.ndarray) -> np.ndarray:
    """The width [N] of a string pulled straight over the points: the least concave function above ``width``."""
    run = depth[None, :] - depth[:, None]
    before, after = run[:, :, None], run[:, None, :]  # from each point to an earlier (≥ 0) and a later one (≤ 0)
    span = np.where((before > 0) & (after < 0), before - after, 1.0)
    chord = (width[None, :, None] * -after + width[None, None, :] * before) / span
    return np.maximum(width, np.where((before > 0) & (after < 0), chord, -1.0).max((1, 2)))
