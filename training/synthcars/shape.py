"""The geometry of cars: a lower body and a cabin, each a loft along the car, with windows, wheels and lamps on them.

Lengths are metres until the end; x to the right of the picture from the front, y up from the ground, z towards the
front. ``u`` goes along the car: 0 at its front, 1 at its back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sat3d.camera import CameraRig
from training.synth.mesh import Mesh
from training.synth.painting import Finish, mirrored, paint_model, painted
from training.synth.scene import Model
from training.synth.shapes import cushion, lathe, loft, rounded

from .parameters import CarParameters

WORLD_PER_METRE = 0.105
RIG = CameraRig(radius=2.7, pivot=(0.0, 0.0, 0.0))
LABELS = ("background", "body", "windows", "wheels", "lamps", "trim")
_BODY, _WINDOWS, _WHEELS, _LAMPS, _TRIM = range(1, 6)
_MIDDLE_M = 0.78  # height above the ground that the cameras look at

_GLASS = Finish(rough=0.12, shine=0.07, soft=0.0)
_PLASTIC = Finish(rough=0.55, shine=0.03)
_LAMP = Finish(rough=0.15, shine=0.08, soft=0.3)
_RUBBER = Finish(rough=0.9, shine=0.01)
_DARK, _BLACK = (0.055, 0.055, 0.06), (0.03, 0.03, 0.033)


@dataclass(frozen=True)
class Plan:
    """Sizes of a body in metres; ``cowl`` (foot of the windscreen), ``roof_front``, ``roof_rear``, ``rear_foot`` (of
    the rear window) and ``axles`` are places along it, 0 front .. 1 back."""

    length: float
    width: float
    height: float
    clearance: float
    bonnet: float  # heights above the ground
    belt: float
    deck: float
    cowl: float
    roof_front: float
    roof_rear: float
    rear_foot: float
    axles: tuple[float, float]
    wheel: float  # radius
    windows: tuple[tuple[float, float], ...]  # at the side, from … to, 0 cowl .. 1 rear foot
    bed: tuple[float, float] | None = None
    cladding: bool = False
    spoiler: bool = False

    def z(self, u: float | np.ndarray) -> float | np.ndarray:
        return (0.5 - u) * self.length

    @property
    def half(self) -> float:
        return self.width / 2


PLANS = {
    "sedan": Plan(4.65, 1.82, 1.43, 0.20, 0.84, 0.93, 0.98, 0.28, 0.42, 0.68, 0.83, (0.185, 0.80), 0.33,
                  ((0.12, 0.475), (0.51, 0.86))),
    "hatchback": Plan(3.85, 1.76, 1.50, 0.20, 0.88, 0.97, 0.99, 0.25, 0.39, 0.84, 0.975, (0.19, 0.82), 0.32,
                      ((0.12, 0.53), (0.57, 0.90))),
    "SUV": Plan(4.65, 1.94, 1.82, 0.30, 1.10, 1.17, 1.17, 0.26, 0.35, 0.91, 0.985, (0.18, 0.80), 0.40,
                ((0.08, 0.37), (0.405, 0.66), (0.695, 0.93)), cladding=True),
    "pickup": Plan(5.30, 1.94, 1.80, 0.33, 1.10, 1.17, 1.13, 0.27, 0.35, 0.535, 0.57, (0.17, 0.79), 0.41,
                   ((0.14, 0.52), (0.57, 0.90)), bed=(0.60, 0.965), cladding=True),
    "van": Plan(4.95, 1.96, 2.05, 0.20, 1.02, 1.14, 1.14, 0.07, 0.22, 0.975, 0.995, (0.16, 0.79), 0.34,
                ((0.07, 0.29),)),
    "sports car": Plan(4.40, 1.92, 1.20, 0.13, 0.72, 0.82, 0.88, 0.34, 0.50, 0.60, 0.90, (0.19, 0.80), 0.35,
                       ((0.12, 0.66),), spoiler=True),
}  # fmt: skip


def plan_of(p: CarParameters) -> Plan:
    """The body's plan as this car has it."""
    plan = PLANS[p.body]
    taller = 0.94 + 0.12 * p.height
    room = plan.rear_foot - plan.roof_rear
    slope = (p.roof_slope - 0.5) * min(0.10, 0.8 * room if p.body == "pickup" else 0.10)
    return replace(
        plan,
        length=plan.length * (0.93 + 0.14 * p.length),
        height=plan.belt + (plan.height - plan.belt) * (0.88 + 0.24 * p.height) * taller,
        bonnet=plan.bonnet + 0.10 * (p.bonnet - 0.5),
        roof_rear=plan.roof_rear - slope,
        wheel=plan.wheel * (0.90 + 0.2 * p.wheel_size),
    )


def build_car(p: CarParameters) -> Model:
    """The car of ``p`` as the renderer wants it."""
    plan = plan_of(p)
    finish = Finish(rough=0.32, shine=0.05, soft=0.1, metal=0.75 * p.metallic)
    parts = [
        *_lower_body(plan, p, finish), *_cabin(plan, p, finish), *_wheels(plan, p), *_lamps(plan, p), *_trim(plan, p),
    ]  # fmt: skip
    for part in parts:
        part.position -= np.float32([0, _MIDDLE_M, 0])
        part.position *= np.float32(WORLD_PER_METRE)
    return paint_model(parts, p, RIG)


# The lower body ---------------------------------------------------------------------------------------------------


def _top(plan: Plan, u: np.ndarray) -> np.ndarray:
    """Height of the bonnet, the belt and the deck along the car."""
    nose = plan.bonnet - (0.06 if plan.cladding else 0.16)
    knots = [
        (0.0, nose), (0.05, plan.bonnet - 0.04), (plan.cowl * 0.8, plan.bonnet + 0.02), (plan.cowl + 0.03, plan.belt),
        (plan.rear_foot, plan.deck), (0.97, plan.deck - 0.02), (1.0, plan.deck - 0.10),
    ]  # fmt: skip
    return np.interp(u, *zip(*sorted(knots), strict=True))


def _half_width(plan: Plan, u: np.ndarray) -> np.ndarray:
    shares = [(0.0, 0.84), (0.07, 0.94), (0.25, 1.0), (0.80, 1.0), (0.95, 0.96), (1.0, 0.88)]
    return plan.half * np.interp(u, *zip(*shares, strict=True))


def _body_point(plan: Plan, u: np.ndarray, angle: np.ndarray, inset: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Points of the lower body ``[…, 3]``; ``inset`` metres inwards, ``scale`` towards the middle of the section."""
    across, up = rounded(angle, 5.5)
    top, bottom = _top(plan, u) - inset, plan.clearance + 0.6 * inset
    half = _half_width(plan, u) - inset
    x = across * half * (1 - 0.07 * np.maximum(up, 0) ** 2) * (1 - 0.10 * np.maximum(-up - 0.3, 0))
    y = (top + bottom) / 2 + up * (top - bottom) / 2 * (1 - 0.05 * across**2 * np.maximum(up, 0))
    if plan.bed:
        inside = (np.abs(across) < 0.87) & (up > 0.5) & (u > plan.bed[0]) & (u < plan.bed[1])
        y = np.where(inside, np.maximum(top - 0.42, bottom + 0.3), y)
    middle = (top + bottom) / 2
    return np.stack([x * scale, middle + (y - middle) * scale, plan.z(u) + 0 * x], -1)


def _lower_body(plan: Plan, p: CarParameters, finish: Finish) -> list[Mesh]:
    radius = 0.16 / plan.length  # of the corners at both ends
    bend = np.linspace(np.pi / 2, 0, 8)[:-1]
    front = np.stack([radius * (1 - np.sin(bend)), 0.16 * (1 - np.cos(bend)), 0 * bend + 1], 1)
    stations = np.concatenate([np.linspace(radius, 1 - radius, 90), _edges(plan)])
    middle = np.stack([np.sort(stations), 0 * stations, 0 * stations + 1], 1)
    back = np.stack([1 - front[::-1, 0], front[::-1, 1], front[::-1, 2]], 1)
    cap = np.stack([0 * bend, 0 * bend + 0.16, np.linspace(0.02, 0.95, len(bend))], 1)
    ends = np.stack([0 * bend + 1, 0 * bend + 0.16, np.linspace(0.95, 0.02, len(bend))], 1)
    rows = np.concatenate([cap, front, middle, back, ends])
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)[None]
    points = _body_point(plan, rows[:, :1], angle, rows[:, 1:2], rows[:, 2:3])
    position, triangles = loft(points)
    up = np.broadcast_to(rounded(angle, 5.5)[1], points.shape[:2])
    colour = np.empty((*points.shape[:2], 3))
    colour[:] = p.paint
    if p.two_tone == "lower half":
        colour[up < 0.05] = p.second_paint
    colour[up < (-0.72 if plan.cladding else -0.86)] = _DARK
    if plan.bed:
        inside = (np.abs(rounded(angle, 5.5)[0]) < 0.87) & (up > 0.5)
        colour[inside & (rows[:, :1] > plan.bed[0]) & (rows[:, :1] < plan.bed[1])] = (0.10, 0.10, 0.105)
    return [painted(position, triangles, colour.transpose(1, 0, 2).reshape(-1, 3), _BODY, finish)]


def _edges(plan: Plan) -> np.ndarray:
    """Stations close to both walls of a bed, so that they stand upright."""
    return np.concatenate([[end - 0.002, end + 0.002] for end in plan.bed]) if plan.bed else np.array([0.5001])


# The cabin --------------------------------------------------------------------------------------------------------


def _roof(plan: Plan, u: np.ndarray) -> np.ndarray:
    """Height of the roof line; at both feet it meets the lower body."""
    foot = plan.belt - 0.04
    knots = [
        (plan.cowl, foot), (plan.roof_front, plan.height - 0.05),
        (plan.roof_front + 0.4 * (plan.roof_rear - plan.roof_front), plan.height),
        (plan.roof_rear, plan.height - 0.05), (plan.rear_foot, foot),
    ]  # fmt: skip
    fine = np.linspace(plan.cowl, plan.rear_foot, 400)
    line = np.interp(fine, *zip(*knots, strict=True))
    soft = np.convolve(np.pad(line, 16, mode="reflect", reflect_type="odd"), np.hanning(35)[1:-1] / 17.0, "valid")
    return np.interp(u, fine, soft)


def _cabin_point(plan: Plan, u: np.ndarray, angle: np.ndarray, lift: float = 0.0) -> np.ndarray:
    """``angle`` 0 (right) .. π (left) over the roof; ``lift`` metres outwards."""
    across, up = rounded(angle, 5.0)
    foot = plan.belt - 0.06
    rise = np.maximum(_roof(plan, u) - foot, 0.01) + lift
    y = foot + up * rise
    lean = np.clip((y - plan.belt) / (plan.height - plan.belt), 0, 1)
    half = (_half_width(plan, u) - 0.05 + lift) * (1 - 0.19 * lean)
    return np.stack([across * half, y, plan.z(u) + 0 * across], -1)


def _cabin_patch(plan: Plan, us: tuple[float, float], angles: tuple[float, float], lift: float = 0.012):
    u, angle = np.linspace(*us, 24)[:, None], np.linspace(*angles, 24)[None]
    return loft(_cabin_point(plan, u, angle, lift), closed=False)


def _cabin(plan: Plan, p: CarParameters, finish: Finish) -> list[Mesh]:
    u, angle = np.linspace(plan.cowl, plan.rear_foot, 90)[:, None], np.linspace(0, np.pi, 72)[None]
    colour = p.second_paint if p.two_tone == "roof" else p.paint
    parts = [painted(*loft(_cabin_point(plan, u, angle), closed=False), colour, _BODY, finish)]
    tint = 0.20 - 0.17 * p.window_tint
    glass = (0.75 * tint, 0.92 * tint, tint)
    low, high = np.radians(11.0), np.radians(40.0)
    span = plan.rear_foot - plan.cowl
    sides = [(plan.cowl + span * first, plan.cowl + span * last) for first, last in plan.windows]
    front = (plan.cowl + 0.10 * (plan.roof_front - plan.cowl), plan.roof_front - 0.06 * (plan.roof_front - plan.cowl))
    rear_room = plan.rear_foot - plan.roof_rear
    rear = (plan.roof_rear + 0.16 * rear_room, plan.rear_foot - 0.16 * rear_room)
    for us in sides:
        pane = painted(*_cabin_patch(plan, us, (low, high)), glass, _WINDOWS, _GLASS)
        parts += [pane, mirrored(pane)]
    across = (np.radians(48.0), np.radians(132.0))
    parts += [painted(*_cabin_patch(plan, us, across), glass, _WINDOWS, _GLASS) for us in (front, rear)]
    return parts


# What is on it ----------------------------------------------------------------------------------------------------


def _wheels(plan: Plan, p: CarParameters) -> list[Mesh]:
    r, parts = plan.wheel, []
    tone = 0.15 + 0.75 * p.rim_tone
    for u in plan.axles:
        outer = float(_half_width(plan, np.array(u))) + 0.035
        centre = (outer, r, plan.z(u))
        tyre = np.array([(-0.24, 0.2 * r), (-0.24, 0.9 * r), (-0.19, r), (-0.04, r), (0.0, 0.93 * r), (0.0, 0.66 * r)])
        rim = np.array([(0.0, 0.66 * r), (-0.03, 0.60 * r), (-0.02, 0.2 * r), (0.0, 0.16 * r), (0.0, 0.001)])
        turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        face = np.empty((60, len(rim), 3))
        face[:] = tone
        if p.rims == "spokes":
            face[np.cos(5 * turn) < -0.2, 1:3] = 0.03
        wheel = painted(*lathe(rim, centre, columns=60), face.reshape(-1, 3), _WHEELS, Finish(0.35, 0.05, 0.1))
        arch = np.array([(0.0, 1.17 * r), (-0.004, 0.001)])
        disc, corners = lathe(arch, (outer - 0.025, r + 0.02, plan.z(u)), columns=48)
        disc[:, 1] = np.clip(disc[:, 1], plan.clearance + 0.04, float(_top(plan, np.array(u))) - 0.05)
        shade = painted(disc, corners, _BLACK, _TRIM, _RUBBER)
        parts += [painted(*lathe(tyre, centre), _DARK, _WHEELS, _RUBBER), wheel, shade]
    return parts + [mirrored(part) for part in parts]


def _lamps(plan: Plan, p: CarParameters) -> list[Mesh]:
    nose, tail = float(_top(plan, np.array(0.02))), float(_top(plan, np.array(0.98)))
    wide, tall = 0.13 + 0.10 * p.lamps, 0.125 - 0.055 * p.lamps
    head = cushion((0.60 * plan.half, nose - 0.20, plan.z(0) - 0.05), (wide, tall, 0.085), 2.2 + 1.5 * p.lamps)
    upright = plan.height > 1.45  # tall bodies have their tail lamps at the corners, one above the other
    rear = cushion((0.74 * plan.half, tail - 0.24, plan.z(1) + 0.05), (0.09, 0.20, 0.085) if upright else
                   (0.22, 0.075, 0.085), 4)  # fmt: skip
    parts = [
        painted(*head, (0.93, 0.94, 0.90), _LAMPS, _LAMP),
        painted(*rear, (0.80, 0.03, 0.03), _LAMPS, _LAMP),
    ]
    parts += [mirrored(part) for part in parts]
    if p.sign == "taxi":
        middle = plan.roof_front + 0.35 * (plan.roof_rear - plan.roof_front)
        sign = cushion((0, plan.height + 0.10, plan.z(middle)), (0.30, 0.11, 0.13), 5)
        parts.append(painted(*sign, (0.98, 0.93, 0.60), _LAMPS, _LAMP))
    return parts


def _trim(plan: Plan, p: CarParameters) -> list[Mesh]:
    nose, low = float(_top(plan, np.array(0.02))), plan.clearance
    middle = (nose - 0.16 + low + 0.16) / 2
    grille = cushion((0, middle, plan.z(0) - 0.05), (0.42 * plan.half, (nose - low - 0.40) / 2, 0.07), 6)
    plates = [cushion((0, low + 0.22, plan.z(0) + 0.01), (0.26, 0.06, 0.025), 8),
              cushion((0, low + 0.36, plan.z(1) - 0.01), (0.26, 0.06, 0.025), 8)]  # fmt: skip
    parts = [painted(*grille, _DARK, _TRIM, _PLASTIC)]
    parts += [painted(*plate, (0.85, 0.85, 0.80), _TRIM, _PLASTIC) for plate in plates]
    mirror = cushion((0.98 * plan.half, plan.belt + 0.05, plan.z(plan.cowl + 0.06)), (0.11, 0.075, 0.06), 4)
    parts += [painted(*mirror, p.paint, _BODY, _PLASTIC), mirrored(painted(*mirror, p.paint, _BODY, _PLASTIC))]
    if plan.spoiler:
        back = plan.z(0.955)
        wing = cushion((0, plan.deck + 0.20, back), (0.88 * plan.half, 0.028, 0.15), 6)
        foot = cushion((0.55 * plan.half, plan.deck + 0.08, back), (0.03, 0.13, 0.07), 4)
        leg = painted(*foot, _DARK, _TRIM, _PLASTIC)
        parts += [painted(*wing, p.paint, _BODY, _PLASTIC), leg, mirrored(leg)]
    return parts
