"""The geometry of a cat's head: skull, muzzle, ears, eyes, whiskers and the upper chest, in world units.

x to the right of the picture from the front, y up, z towards the camera; the eyes are near y = 0.
"""

from __future__ import annotations

import numpy as np

from sat3d.camera import CameraRig
from training.synth.mesh import Mesh
from training.synth.painting import Finish, mirrored, paint_model, painted
from training.synth.scene import Model
from training.synth.shapes import Surface, cushion, directions, ellipsoid, loft, smooth, tube

from .fur import fur_colour, fur_grain
from .parameters import CatParameters

RIG = CameraRig(radius=2.7, pivot=(0.0, 0.0, 0.05))
LABELS = ("background", "fur", "ears", "eyes", "nose", "whiskers", "chest")
_FUR, _EARS, _EYES, _NOSE, _WHISKERS, _CHEST = range(1, 7)
_SKULL = np.array([0.165, 0.146, 0.150])
_FLUFF = Finish(rough=0.85, shine=0.02, soft=0.45)
_SKIN = Finish(rough=0.6, shine=0.03, soft=0.4)
_WET = Finish(rough=0.10, shine=0.05, soft=0.15)
_PINK, _DARK_NOSE = np.array([0.84, 0.52, 0.50]), np.array([0.16, 0.11, 0.11])


def build_cat(p: CatParameters) -> Model:
    """The cat of ``p`` as the renderer wants it."""
    parts = [_skull(p), _chest(p), *_muzzle(p), *_ears(p), *_eyes(p), *_whiskers(p)]
    return paint_model(parts, p, RIG)


def _furry(p: CatParameters, surface: Surface, label: int = _FUR, *, ear: bool = False) -> Mesh:
    place, triangles = surface
    colour = fur_colour(p, place, ear=ear)
    return painted(place, triangles, colour, label, _FLUFF, fur_grain(p, place))


def _tufts(angle: np.ndarray, count: int) -> np.ndarray:
    """0..1: a row of pointed tufts round the head, no two alike."""
    saw = np.abs(((angle * count / (2 * np.pi)) % 1) - 0.5) * 2
    return (1 - saw) * (0.7 + 0.3 * np.sin(3.7 * angle * count / (2 * np.pi)))


def _width(p: CatParameters) -> float:
    return 0.90 + 0.20 * p.head_width


def _on_skull(p: CatParameters, d: np.ndarray) -> np.ndarray:
    """Points of the skull in the directions ``d [..., 3]``."""
    x, y, z = np.moveaxis(d, -1, 0)
    cheek = np.exp(-(((y + 0.32) / 0.34) ** 2)) * np.abs(x) ** 1.5
    chin = smooth(-0.45, -1.0, y)
    scale = np.stack(
        [
            _width(p) * (1 + 0.13 * cheek - 0.18 * chin - 0.10 * smooth(0.3, 1.0, y)),
            1 + 0 * x,
            1 - 0.10 * chin - 0.06 * smooth(0.1, 0.9, y) * (z > 0),
        ],
        -1,
    )
    ruff = np.exp(-(((y + 0.45) / 0.38) ** 2)) * smooth(0.45, 0.8, np.hypot(x, np.minimum(y, 0)))
    angle = np.arctan2(x, -y)
    long = p.fur_length * ruff * (0.10 + 0.26 * _tufts(angle, 26)) * smooth(-0.9, -0.2, z)
    return d * _SKULL * scale * (1 + 0.03 * p.fur_length + long)[..., None]


def _skull(p: CatParameters) -> Mesh:
    return _furry(p, loft(_on_skull(p, directions(120, 168))))


def _chest(p: CatParameters) -> Mesh:
    """Neck and chest down to below the picture."""
    y = np.linspace(-0.06, -0.40, 110)[:, None]
    turn = np.linspace(0, 2 * np.pi, 120, endpoint=False)[None]
    grow = smooth(-0.08, -0.36, y)
    shaggy = 1 + p.fur_length * (0.10 + 0.16 * _tufts(turn + 3 * y, 22) * smooth(-0.12, -0.2, y))
    x = (0.105 + 0.085 * grow) * np.sin(turn) * shaggy
    z = -0.035 + (0.090 + 0.055 * grow) * np.cos(turn) * shaggy
    return _furry(p, loft(np.stack([x, y + 0 * turn, z], -1)), _CHEST)


def _reach(p: CatParameters) -> float:
    """How far the muzzle stands out."""
    return 0.045 * (p.muzzle - 0.5)


def _muzzle(p: CatParameters) -> list[Mesh]:
    out = _reach(p)
    pad = _furry(p, ellipsoid((0.033, -0.075, 0.128 + out), (0.046, 0.037, 0.044 + 0.4 * abs(out)), 40, 56))
    chin = _furry(p, ellipsoid((0, -0.108, 0.110 + 0.8 * out), (0.036, 0.026, 0.036), 30, 40))
    bridge = _furry(p, ellipsoid((0, -0.012, 0.113 + 0.6 * out), (0.034, 0.062, 0.048), 40, 56))
    dark = (np.mean(p.fur_colour) < 0.30 and p.pattern in ("solid", "tabby")) or p.pattern == "points"
    colour = _DARK_NOSE if dark else _PINK
    place, triangles = cushion((0, -0.050, 0.163 + out), (0.021, 0.014, 0.016), 2.6, 20, 28)
    below = np.clip((-0.045 - place[:, 1]) / 0.016, 0, 1)
    place[:, 0] *= 1 - 0.75 * below  # a triangle that points down
    nose = painted(place, triangles, colour, _NOSE, _SKIN)
    steps = np.linspace(0, 1, 12)
    line = np.stack([0 * steps, -0.060 - 0.026 * steps, 0.170 + out - 0.004 * steps], 1)
    corner = np.stack([0.036 * steps, -0.086 - 0.016 * np.sin(np.pi * steps * 0.8), 0.168 + out - 0.018 * steps**2], 1)
    mouth = [painted(*tube(path, 0.0026), (0.13, 0.08, 0.08), _NOSE, _SKIN) for path in (line, corner)]
    return [pad, mirrored_fur(p, pad), chin, bridge, nose, *mouth, mirrored(mouth[1])]


def mirrored_fur(p: CatParameters, part: Mesh, *, ear: bool = False) -> Mesh:
    """The part on the other side, with the fur that is there."""
    other = mirrored(part)
    label = int(other.material[0])
    return _furry(p, (other.position.astype(float), other.triangles), label, ear=ear)


def _ears(p: CatParameters) -> list[Mesh]:
    parts = []
    for inner in (False, True):
        surface = _ear(p, inner)
        if inner:
            pink = _PINK if np.mean(p.fur_colour) > 0.2 or p.pattern == "calico" else 0.55 * _PINK
            inside = painted(*surface, pink, _EARS, _SKIN)
            parts += [inside, mirrored(inside)]
        else:
            outside = _furry(p, surface, _EARS, ear=True)
            parts += [outside, mirrored_fur(p, outside, ear=True)]
    return parts


def _ear(p: CatParameters, inner: bool) -> Surface:
    """A hollow cone on the right: its skin, or the shell that lines its front."""
    tall, wide = 0.115 + 0.075 * p.ear_size, 0.058 + 0.020 * p.ear_size
    shrink, forward = (0.72, 0.023) if inner else (1.0, 0.0)
    t = np.linspace(0.10 if inner else -0.35, 0.86 if inner else 1.0, 40)[:, None]
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)[None]
    taper = np.where(t > 0, np.clip(1 - t, 0, 1) ** 0.72, 1.0) * shrink
    depth = 0.012 if inner else 0.024
    across = wide * taper * np.cos(turn)
    front = depth * taper * np.sin(turn) + forward * (1 - 0.5 * np.clip(t, 0, 1))
    front = front - 0.35 * np.abs(across) * (np.abs(across) / wide)  # hollow: both edges lie further back
    rise, out = _bent(p, t)
    local = np.stack([across, tall * rise + 0 * across, front + tall * out], -1)
    lean = np.radians(16 + 16 * p.ear_spread)
    cos, sin = np.cos(lean), np.sin(lean)
    x, y = cos * local[..., 0] + sin * local[..., 1], cos * local[..., 1] - sin * local[..., 0]
    foot = np.array([(0.072 + 0.026 * p.ear_spread) * _width(p), 0.112 - 0.012 * p.ear_spread, 0.018])
    return loft(np.stack([x, y, local[..., 2]], -1) + foot)


def _bent(p: CatParameters, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far up and how far forward an ear is at ``t`` of its length: the tip of a folded one tips over."""
    start, rate = (0.32, 4.0) if p.ears == "folded" else (0.42, 0.25)
    bend = np.minimum(rate * np.maximum(t - start, 0), 2.6)
    return np.minimum(t, start) + np.sin(bend) / rate, (1 - np.cos(bend)) / rate


def _eyes(p: CatParameters) -> list[Mesh]:
    size = 0.036 + 0.011 * p.eye_size
    tall = size * (0.22 + 0.78 * p.eye_opening)
    centre = np.array([0.068 * _width(p), 0.008, 0.117])
    d = directions(64, 80)
    place, triangles = loft(centre + d * np.array([size * 1.08, tall, size * 0.9]))
    x, y, _ = np.moveaxis(d.transpose(1, 0, 2).reshape(-1, 3), -1, 0)
    slit = np.hypot(x / (0.14 + 0.42 * p.pupil), y * tall / size / 0.72)
    rim = np.hypot(x, y * min(1.0, tall / size + 0.25))
    iris = np.array(p.iris_colour) * (0.80 + 0.35 * smooth(0.2, 0.7, rim))[:, None]
    colour = iris + (np.array([0.01, 0.01, 0.012]) - iris) * smooth(1.1, 0.9, slit)[:, None]
    colour = colour + (np.array([0.05, 0.04, 0.04]) - colour) * smooth(0.84, 0.90, rim)[:, None]
    eye = painted(place, triangles, np.clip(colour, 0, 1), _EYES, _WET)
    lid = ellipsoid(centre - np.array([0, 0, 0.010]), (size * 1.22, tall * 1.10 + 0.005, size * 0.95), 30, 40)
    around = painted(*lid, (0.09, 0.07, 0.07), _EYES, _SKIN)
    glint = centre + np.array([-0.30 * size, 0.36 * tall, 0.86 * size])
    spot = ellipsoid(glint, np.array([0.2, 0.2, 0.1]) * size, 8, 10)
    shine = painted(*spot, (1.0, 1.0, 1.0), _EYES, Finish(0.3, 0.3, 1.0))
    other = mirrored(shine)
    other.position += np.float32([-0.60 * size, 0, 0])  # lights are on the same side of both eyes
    return [eye, mirrored(eye), around, mirrored(around), shine, other]


def _whiskers(p: CatParameters) -> list[Mesh]:
    parts, out = [], _reach(p)
    steps = np.linspace(0, 1, 14)
    for row, (drop, lift) in enumerate(((-0.004, 0.035), (-0.012, 0.0), (-0.020, -0.035))):
        long = 0.10 + 0.11 * p.whiskers
        x = 0.060 + long * steps
        y = -0.066 + drop + lift * steps - 0.045 * steps**2 * (0.5 + 0.3 * row)
        z = 0.150 + out - 0.065 * steps**1.5
        hair = painted(*tube(np.stack([x, y, z], 1), 0.0026 * (1.05 - 0.75 * steps), 5), (0.96, 0.96, 0.94), _WHISKERS,
                       Finish(0.5, 0.05, 1.0))  # fmt: skip
        parts += [hair, mirrored(hair)]
    return parts
