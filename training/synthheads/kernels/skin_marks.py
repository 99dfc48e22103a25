"""Freckles and wrinkles as fixed patterns on the template's face."""

import warp as wp

from training.synth.kernels.noise import bump, cell_hash, noise3, ramp


@wp.func
def dots(x: float, y: float, seed: int) -> float:
    """One soft round dot in most cells of the unit grid, of different place, size and strength."""
    column, row = wp.floor(x), wp.floor(y)
    total = float(0.0)
    for down in range(-1, 2):
        for across in range(-1, 2):
            cell_x, cell_y = int(column) + across, int(row) + down
            place_x = float(cell_x) + 0.15 + 0.7 * cell_hash(cell_x, cell_y, seed)
            place_y = float(cell_y) + 0.15 + 0.7 * cell_hash(cell_x, cell_y, seed + 1)
            large = cell_hash(cell_x, cell_y, seed + 2)
            radius = 0.17 + 0.30 * large * large * large  # most are small
            away = wp.length(wp.vec2(x - place_x, y - place_y)) / radius
            total = wp.max(total, (1.0 - ramp(0.5, 1.2, away)) * (0.25 + 0.75 * cell_hash(cell_x, cell_y, seed + 3)))
    return total


@wp.func
def freckles(rest: wp.vec3) -> float:
    """Spots on cheeks and nose, fewer on the forehead, 0..1."""
    across = wp.exp(-wp.pow((rest[1] + 0.030) / 0.026, 2.0)) + 0.35 * bump(rest[1] - 0.035, 0.02)
    area = wp.min(across, 1.0) * ramp(0.03, 0.07, rest[2])
    if area < 0.01:
        return 0.0
    bend = rest[2] * 0.8 * wp.sign(rest[0])  # the grid follows the cheek round to the side
    spots = dots((rest[0] - bend) * 255.0, rest[1] * 255.0, 31)
    return area * (0.14 + 0.86 * wp.min(spots * (0.25 + 1.1 * area), 1.0))


@wp.func
def furrow(distance_m: float, width_m: float) -> float:
    """A crease with a lighter ridge beside it: 1 in its depth, slightly below 0 next to it."""
    t = distance_m / width_m
    return wp.exp(-t * t) - 0.30 * wp.exp(-(t - 1.8) * (t - 1.8))


@wp.func
def forehead_lines(x: float, y: float, z: float) -> float:
    area = ramp(0.024, 0.032, y) * (1.0 - ramp(0.056, 0.070, y)) * (1.0 - ramp(0.022, 0.055, x)) * ramp(0.03, 0.06, z)
    wave = y + 0.0022 * wp.sin(x * 70.0) - 0.06 * x + 0.004 * noise3(wp.vec3(x * 60.0, y * 60.0, 0.5), 17)
    spacing = 0.0105
    phase = (wave / spacing - wp.floor(wave / spacing) - 0.5) * spacing
    return area * furrow(phase, 0.0014)


@wp.func
def crows_feet(x: float, y: float) -> float:
    away, up = x - 0.046, y + 0.007
    distance = wp.sqrt(away * away + up * up)
    if away < 0.003:
        return 0.0
    rays = wp.abs(wp.sin(wp.atan2(up, away) * 4.2 + 0.5))
    return ramp(0.006, 0.010, distance) * (1.0 - ramp(0.015, 0.024, distance)) * wp.exp(-rays * rays * 9.0)


@wp.func
def nose_to_mouth(x: float, y: float, z: float) -> float:
    """From the wing of the nose round the corner of the mouth, bowed outwards."""
    down = -0.046 - y
    line = 0.0195 + 0.62 * down - 5.0 * down * down
    area = ramp(-0.084, -0.068, y) * (1.0 - ramp(-0.056, -0.044, y)) * ramp(0.05, 0.08, z)
    return area * furrow(x - line, 0.0026)


@wp.func
def mouth_corners(x: float, y: float, z: float) -> float:
    """Short folds below the corners of the mouth."""
    down = -0.082 - y
    area = ramp(-0.104, -0.090, y) * (1.0 - ramp(-0.088, -0.080, y)) * ramp(0.05, 0.07, z)
    return area * furrow(x - 0.0310 - 0.18 * down, 0.0022)


@wp.func
def eye_bags(x: float, y: float, z: float) -> float:
    away = x - 0.031
    arc = y + 0.0215 - 9.0 * away * away
    area = (1.0 - ramp(0.008, 0.018, wp.abs(away))) * ramp(0.05, 0.07, z)
    return area * furrow(arc, 0.0020)


@wp.func
def wrinkles(rest: wp.vec3) -> float:
    """Depth of the creases of an old face, about −0.3 (ridge) .. 1."""
    x, y, z = wp.abs(rest[0]), rest[1], rest[2]
    broken = 0.55 + 0.9 * noise3(rest * 110.0, 14)  # no crease is drawn with a ruler
    lines = 0.55 * forehead_lines(x, y, z) + 0.60 * crows_feet(x, y) + 0.50 * eye_bags(x, y, z)
    folds = 0.60 * nose_to_mouth(x, y, z) + 0.40 * mouth_corners(x, y, z)
    spots = 0.28 * ramp(0.62, 0.90, noise3(rest * 130.0, 12))
    return lines * broken + folds * (0.7 + 0.3 * broken) + spots
