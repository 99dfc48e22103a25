"""What is behind a thing: a wall, soft gradients, things and lights far out of focus. Coordinates 0..1, y down."""

import warp as wp

from .data import Shaded, Surroundings
from .noise import cell_hash, ramp

_PLAIN, _GRADIENT, _SHAPES, _LIGHTS, _HORIZON = 0, 1, 2, 3, 4  # numbers of ``looks.BACKDROPS``
GRADIENT, SHAPES, LIGHTS, HORIZON = (wp.constant(number) for number in (_GRADIENT, _SHAPES, _LIGHTS, _HORIZON))
_SHAPE_COUNT = wp.constant(5)
_LIGHT_COUNT = wp.constant(9)


@wp.func
def gradient_share(x: float, y: float, variant: float) -> float:
    """From one side to the opposite one, in a direction that goes once round with ``variant``."""
    turn = 6.2831853 * variant
    return ramp(-0.55, 0.55, (x - 0.5) * wp.cos(turn) + (y - 0.5) * wp.sin(turn))


@wp.func
def shapes_share(x: float, y: float, seed: int) -> float:
    """Upright boxes of different widths, such as shelves and windows, far out of focus."""
    share = float(0.0)
    for i in range(_SHAPE_COUNT):
        middle = wp.vec2(cell_hash(i, seed, 41), 0.1 + 0.7 * cell_hash(i, seed, 42))
        half = wp.vec2(0.05 + 0.13 * cell_hash(i, seed, 43), 0.08 + 0.30 * cell_hash(i, seed, 44))
        away = wp.max(wp.abs(x - middle[0]) - half[0], wp.abs(y - middle[1]) - half[1])
        share = wp.max(share, (0.45 + 0.55 * cell_hash(i, seed, 45)) * (1.0 - ramp(-0.035, 0.035, away)))
    return share


@wp.func
def lights_share(x: float, y: float, seed: int) -> float:
    """Round lights far out of focus."""
    share = float(0.0)
    for i in range(_LIGHT_COUNT):
        middle = wp.vec2(cell_hash(i, seed, 51), 0.75 * cell_hash(i, seed, 52))
        radius = 0.03 + 0.06 * cell_hash(i, seed, 53)
        away = wp.length(wp.vec2(x - middle[0], y - middle[1])) - radius
        share = wp.max(share, (0.35 + 0.65 * cell_hash(i, seed, 54)) * (1.0 - ramp(-0.012, 0.012, away)))
    return share


@wp.func
def second_share(x: float, y: float, around: Surroundings) -> float:
    """How much of the second colour is at a place, 0..1."""
    seed = int(around.backdrop_variant * 9999.0)
    if around.backdrop == GRADIENT:
        return gradient_share(x, y, around.backdrop_variant)
    if around.backdrop == SHAPES:
        return shapes_share(x, y, seed)
    if around.backdrop == LIGHTS:
        return lights_share(x, y, seed)
    if around.backdrop == HORIZON:
        height = 0.45 + 0.3 * around.backdrop_variant
        return ramp(-0.05, 0.05, y - height)
    return 0.0


@wp.func
def shade_backdrop(x: float, y: float, around: Surroundings) -> Shaded:
    """The backdrop with a soft pool of light behind the middle."""
    across, down = x - 0.5, y - 0.42
    shaded = Shaded()
    shaded.label = 0
    colour = wp.lerp(around.background, around.background_second, second_share(x, y, around))
    shaded.colour = colour * (1.06 - 0.50 * (across * across + down * down))
    return shaded
