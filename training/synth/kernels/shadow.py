"""Depth maps along parallel rays: the key light's shadow, and how much of the sky each vertex sees."""

import warp as wp

from .data import Sunlight
from .raster import column

SHADOW_OFFSET = wp.constant(0.006)  # along the normal, world units
_SHADOW_SLACK = wp.constant(0.010)
_SKY_SLACK = wp.constant(0.010)
_SKY_SLOPE = wp.constant(0.012)  # the surface's own depth within about one texel of the small maps
_NINTH = wp.constant(1.0 / 9.0)


@wp.func
def parallel(axes: wp.mat33, scale: float, size: int, point: wp.vec3) -> wp.vec3:
    """Texel coordinates and depth along the rays."""
    x = wp.dot(column(axes, 0), point) * scale + 0.5
    y = wp.dot(column(axes, 1), point) * scale + 0.5
    return wp.vec3(x * float(size), y * float(size), wp.dot(column(axes, 2), point))


@wp.kernel
def project_parallel(
    position: wp.array(dtype=wp.vec3), axes: wp.mat33, scale: float, size: int, screen: wp.array(dtype=wp.vec3)
):
    i = wp.tid()
    screen[i] = parallel(axes, scale, size, position[i])


@wp.func
def sky_share(depths: wp.array(dtype=float), size: int, place: wp.vec3, away: float, limit: float) -> float:
    """Share of the four texels around ``place`` that hold nothing nearer than ``limit``, smooth in ``place``."""
    x, y = wp.floor(place[0] - 0.5), wp.floor(place[1] - 0.5)
    across, down = place[0] - 0.5 - x, place[1] - 0.5 - y
    total = float(0.0)
    for row in range(2):
        for step in range(2):
            weight = (across if step == 1 else 1.0 - across) * (down if row == 1 else 1.0 - down)
            texel_x, texel_y = int(x) + step, int(y) + row
            free = texel_x < 0 or texel_y < 0 or texel_x >= size or texel_y >= size
            if not free:
                free = depths[texel_y * size + texel_x] * away >= limit
            if free:
                total += weight
    return total


@wp.kernel
def gather_sky(
    normal: wp.array(dtype=wp.vec3),
    screen: wp.array(dtype=wp.vec3),
    forward: wp.vec3,
    size: int,
    near: wp.array(dtype=float),
    far: wp.array(dtype=float),
    seen: wp.array(dtype=wp.vec2),
):
    """Adds one pair of opposite directions to each vertex: light that arrives, and light that could."""
    i = wp.tid()
    facing = -wp.dot(normal[i], forward)
    depths = near if facing > 0.0 else far
    away = wp.sign(facing)  # the far map is the near one of the opposite direction
    steepness = wp.sqrt(1.0 - facing * facing) / wp.max(wp.abs(facing), 0.15)
    limit = screen[i][2] * away - _SKY_SLACK - _SKY_SLOPE * steepness
    arrives = sky_share(depths, size, screen[i], away, limit)
    up = 0.6 - 0.4 * forward[1] * wp.sign(facing)  # more light from above
    weight = wp.abs(facing) * up
    seen[i] = seen[i] + wp.vec2(weight * arrives, weight)


@wp.kernel
def finish_sky(seen: wp.array(dtype=wp.vec2), sky: wp.array(dtype=float)):
    i = wp.tid()
    sky[i] = wp.clamp((seen[i][0] + 0.06) / (seen[i][1] + 0.06), 0.06, 1.0)


@wp.func
def lit_texel(sun: Sunlight, x: int, y: int, depth: float) -> float:
    if x < 0 or y < 0 or x >= sun.size or y >= sun.size:
        return 1.0
    if depth - sun.depth[y * sun.size + x] < _SHADOW_SLACK:
        return 1.0
    return 0.0


@wp.func
def lit_share(sun: Sunlight, point: wp.vec3, normal: wp.vec3) -> float:
    """0 in shadow .. 1 lit: a box of 3 texels that slides smoothly over the map."""
    place = parallel(sun.axes, sun.scale, sun.size, point + normal * SHADOW_OFFSET)
    x, y = wp.floor(place[0] - 0.5), wp.floor(place[1] - 0.5)
    across, down = place[0] - 0.5 - x, place[1] - 0.5 - y
    column_weights = wp.vec4(1.0 - across, 1.0, 1.0, across)
    row_weights = wp.vec4(1.0 - down, 1.0, 1.0, down)
    total = float(0.0)
    for row in range(4):
        for step in range(4):
            lit = lit_texel(sun, int(x) + step - 1, int(y) + row - 1, place[2])
            total += lit * column_weights[step] * row_weights[row]
    return total * _NINTH
