"""Fixed noise: the same coordinates give the same value, always and on every device."""

import warp as wp


@wp.func
def cell_hash(x: int, y: int, z: int) -> float:
    """0..1, without any order from one cell of the integer grid to the next."""
    bits = (
        wp.uint32(x) * wp.uint32(374761393) + wp.uint32(y) * wp.uint32(668265263) + wp.uint32(z) * wp.uint32(1274126177)
    )
    bits = (bits ^ (bits >> wp.uint32(13))) * wp.uint32(1103515245)
    bits = bits ^ (bits >> wp.uint32(16))
    return float(bits & wp.uint32(65535)) / 65535.0


@wp.func
def ramp(start: float, end: float, value: float) -> float:
    """0 before ``start``, 1 after ``end``, smooth in between."""
    t = wp.clamp((value - start) / (end - start), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


@wp.func
def bump(distance: float, width: float) -> float:
    """1 at distance 0, falling to 1/e at ``width``."""
    t = distance / width
    return wp.exp(-t * t)


@wp.func
def ease(t: float) -> float:
    return t * t * (3.0 - 2.0 * t)


@wp.func
def noise1(x: float, seed: int) -> float:
    """Smooth noise of one coordinate, 0..1, one feature per unit."""
    cell = wp.floor(x)
    column = int(cell)
    return wp.lerp(cell_hash(column, seed, 0), cell_hash(column + 1, seed, 0), ease(x - cell))


@wp.func
def noise2(x: float, y: float, seed: int) -> float:
    """Smooth noise of two coordinates, 0..1."""
    cell_x, cell_y = wp.floor(x), wp.floor(y)
    column, row = int(cell_x), int(cell_y)
    across, along = ease(x - cell_x), ease(y - cell_y)
    near = wp.lerp(cell_hash(column, row, seed), cell_hash(column + 1, row, seed), across)
    far = wp.lerp(cell_hash(column, row + 1, seed), cell_hash(column + 1, row + 1, seed), across)
    return wp.lerp(near, far, along)


@wp.func
def noise3(point: wp.vec3, seed: int) -> float:
    """Smooth noise of a point, 0..1."""
    cell = wp.floor(point[2])
    layer = int(cell) * 57 + seed
    near, far = noise2(point[0], point[1], layer), noise2(point[0], point[1], layer + 57)
    return wp.lerp(near, far, ease(point[2] - cell))
