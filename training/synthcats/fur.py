"""The colour of a cat's fur at any place of its head: base colour, pattern, muzzle. A field in space, so that parts
of the geometry that meet have one colour where they meet."""

from __future__ import annotations

import numpy as np

from training.synth.shapes import smooth

from .parameters import CatParameters

_WHITE, _ORANGE, _BLACK = (np.array(colour) for colour in ((0.93, 0.92, 0.90), (0.84, 0.42, 0.13), (0.08, 0.07, 0.07)))
_NOSE = np.array([0.0, -0.045, 0.16])  # world units, where streaks of fur begin


def fur_colour(p: CatParameters, place: np.ndarray, *, ear: bool = False) -> np.ndarray:
    """sRGB ``[…, 3]`` of ``place […, 3]``."""
    base = np.broadcast_to(np.array(p.fur_colour), place.shape)
    return _PATTERNS[p.pattern](p, place, base, ear)


def fur_grain(p: CatParameters, place: np.ndarray) -> np.ndarray:
    """Coordinates of streaks ``[…, 3]`` that run away from the nose; longer in long fur."""
    away = place - _NOSE
    around = np.arctan2(away[..., 0], away[..., 1])
    distance = np.linalg.norm(away, axis=-1)
    return np.stack([around * 13 + 40, distance * (46 - 22 * p.fur_length), 5 + 8 * place[..., 2]], -1)


def _mix(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    return first + share[..., None] * (second - first)


def _lighter(base: np.ndarray, share: float) -> np.ndarray:
    return base + share * (_WHITE - base)


def _solid(p: CatParameters, place: np.ndarray, base: np.ndarray, ear: bool) -> np.ndarray:
    return base + 0 * place


def _muzzle(place: np.ndarray, size: float = 1.0) -> np.ndarray:
    """0..1: the whisker pads, the chin and below."""
    x, y, z = place[..., 0] / (0.078 * size), (place[..., 1] + 0.085) / (0.058 * size), place[..., 2]
    return smooth(1.15, 0.85, np.hypot(x, y)) * smooth(0.0, 0.06, z)


def _tabby(p: CatParameters, place: np.ndarray, base: np.ndarray, ear: bool) -> np.ndarray:
    """Upright stripes on the forehead (an M), slanting ones on the cheeks, a light muzzle, light rings round eyes."""
    x, y, z = np.moveaxis(place, -1, 0)
    side = np.abs(x)
    forehead = np.cos(2 * np.pi * side / (0.044 + 0.010 * p.pattern_variant)) * smooth(0.035, 0.065, y)
    slant = y - 0.55 * side + 0.12 * np.sin(30 * side + 6 * p.pattern_variant)
    cheeks = np.cos(2 * np.pi * slant / 0.062) * smooth(0.085, 0.11, side) * smooth(0.055, 0.03, y)
    behind = np.cos(2 * np.pi * (y + 0.6 * z) / 0.075) * smooth(0.03, -0.02, z)
    stripes = smooth(0.15, 0.55, np.maximum(np.maximum(forehead * smooth(-0.04, 0.02, z), cheeks), behind))
    darkest = np.clip(base * 0.42, 0.03, 1)
    colour = _mix(base, darkest, 0.0 * stripes if ear else stripes)
    light = np.maximum(_muzzle(place), 0.7 * smooth(0.062, 0.048, np.hypot(side - 0.068, y - 0.008)))
    return _mix(colour, _lighter(base, 0.72), light * smooth(0.0, 0.05, z))


def _tuxedo(p: CatParameters, place: np.ndarray, base: np.ndarray, ear: bool) -> np.ndarray:
    """White from a blaze between the eyes over muzzle and chin to the chest."""
    if ear:
        return base + 0 * place
    x, y, z = np.moveaxis(place, -1, 0)
    reach = 0.012 + 0.75 * np.maximum(0.045 + 0.04 * p.pattern_variant - y, 0.0) ** 1.25
    reach = np.minimum(np.where(y < 0.10, reach, 0.0), 0.10 + 0.3 * np.maximum(-0.12 - y, 0))
    white = smooth(0.006, -0.006, np.abs(x) - reach) * smooth(-0.02, 0.02, z) * smooth(0.10, 0.08, y)
    return _mix(base, _WHITE, white)


def _noise(place: np.ndarray, variant: float, seed: int) -> np.ndarray:
    """Broad patches, about -1..1: a few plane waves."""
    rng = np.random.Generator(np.random.PCG64(seed))
    waves = rng.normal(size=(7, 3)) * 17.0
    phases = rng.uniform(0, 2 * np.pi, 7) + 2 * np.pi * variant * np.linspace(1, 2, 7).round()
    return np.cos(place @ waves.T + phases).sum(-1) / 3.0


def _calico(p: CatParameters, place: np.ndarray, base: np.ndarray, ear: bool) -> np.ndarray:
    """Orange and black patches on white; muzzle and chest stay white."""
    side = np.where(place[..., 0] > 0, 0.55, -0.10) if p.pattern_variant < 0.5 else np.where(
        place[..., 0] < 0, 0.55, -0.10)  # fmt: skip
    upper = 1.1 * smooth(-0.06, 0.06, place[..., 1]) - 0.55
    orange = smooth(-0.06, 0.06, _noise(place, p.pattern_variant, 3) + side + upper - 0.15)
    black = smooth(-0.06, 0.06, _noise(place, p.pattern_variant, 8) - 1.6 * side + upper - 0.10)
    colour = _mix(_mix(_WHITE + 0 * place, _ORANGE, orange), _BLACK, black)
    return colour if ear else _mix(colour, _WHITE, _muzzle(place, 1.15))


def _points(p: CatParameters, place: np.ndarray, base: np.ndarray, ear: bool) -> np.ndarray:
    """A pale coat with a dark mask and dark ears."""
    pale, dark = _lighter(base, 0.62), np.clip(base * 0.30, 0.05, 1)
    if ear:
        return dark + 0 * place
    x, y, z = np.moveaxis(place, -1, 0)
    mask = smooth(1.25, 0.70, np.hypot(x / 0.105, (y + 0.040) / 0.10)) * smooth(0.02, 0.10, z)
    return _mix(pale, dark, mask)


_PATTERNS = {"solid": _solid, "tabby": _tabby, "tuxedo": _tuxedo, "calico": _calico, "points": _points}
