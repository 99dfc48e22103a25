"""Where beards, brows and cloth are, on the template head (metres, see ``head.py``). Left and right are alike.

Each region is a depth: metres inside its outline, negative outside; masks fade over a few millimetres from there.
"""

import warp as wp

from training.synth.kernels.noise import bump, ramp

_STUBBLE_STYLE, _MOUSTACHE_STYLE = wp.constant(1), wp.constant(2)
_GOATEE_STYLE, _CHIN_STYLE = wp.constant(3), wp.constant(4)
_EDGE_M = wp.constant(0.0028)
_STUBBLE_EDGE_M = wp.constant(0.0065)
_BROW_FROM_M, _BROW_LENGTH_M = wp.constant(0.0085), wp.constant(0.0455)


@wp.func
def joined(a: float, b: float, width: float) -> float:
    """The larger of two depths, with the corner between both regions filled within ``width`` metres."""
    near = wp.max(width - wp.abs(a - b), 0.0)
    return wp.max(a, b) + near * near / (4.0 * width)


@wp.func
def moustache_depth(x: float, y: float, z: float) -> float:
    """Two wings that follow the upper lip and taper beyond the corners of the mouth, with a dip below the nose."""
    centre = -0.0604 - 13.2 * x * x
    taper = 1.0 - ramp(0.020, 0.0400, x)
    above = 0.0008 + 0.0042 * taper - 0.0022 * bump(x, 0.0035)
    below = 0.0008 + 0.0050 * taper
    across = wp.min(centre + above - y, y - centre + below)
    slope = 26.4 * x
    return wp.min(wp.min(across / wp.sqrt(1.0 + slope * slope), 0.0375 - x), z - 0.06)


@wp.func
def mouth_clearance(x: float, y: float) -> float:
    """Metres outside the bare oval round the lips (the tuft below the lower lip is not bare)."""
    across, up = x / 0.0265, (y + 0.0782) / 0.0142
    oval = 0.018 * (wp.sqrt(across * across + up * up) - 1.0)
    tuft = wp.min(0.0052 - x, -0.0850 - y)
    return joined(oval, tuft, 0.003)


@wp.func
def chin_depth(x: float, y: float, z: float) -> float:
    """The chin from below the lower lip's dip to its underside."""
    across = 0.0250 - 0.004 * ramp(-0.112, -0.098, y) - x
    return wp.min(wp.min(across, -0.0925 - 9.0 * x * x - y), z - 0.052)


@wp.func
def goatee_depth(x: float, y: float, z: float) -> float:
    """A ring round the mouth that closes on the chin."""
    across = 0.0385 - 0.0115 * ramp(-0.082, -0.112, y) - 0.004 * ramp(-0.076, -0.064, y) - x
    ring = wp.min(wp.min(across, -0.0655 - y), z - 0.052)
    return joined(wp.min(ring, mouth_clearance(x, y)), moustache_depth(x, y, z), 0.003)


@wp.func
def full_beard_depth(x: float, y: float, z: float) -> float:
    """Sideburns, cheeks below a line from the ear to the mouth's corner, moustache, chin, and under the jaw."""
    sideburn = 1.0 - ramp(0.024, 0.050, z)
    cheek = -0.045 - 0.022 * ramp(0.042, 0.092, z) + 0.055 * sideburn - y
    front = wp.min(cheek * (1.0 - 0.55 * sideburn), 0.004 - y)
    behind = z - 0.018 + 0.022 * (1.0 - ramp(-0.060, -0.051, y)) + 0.55 * wp.min(y + 0.050, 0.0)
    area = wp.min(wp.min(front, behind), mouth_clearance(x, y) + 1.0 * ramp(0.06, 0.03, z))
    return joined(area, moustache_depth(x, y, z), 0.003)


@wp.func
def beard_depth(rest: wp.vec3, style: int) -> float:
    """Metres inside the beard of this style (its place in ``attributes.BEARDS``); about, and negative outside."""
    x, y, z = wp.abs(rest[0]), rest[1], rest[2]
    if style == 0:
        return -1.0
    if style == _MOUSTACHE_STYLE:
        return moustache_depth(x, y, z)
    if style == _GOATEE_STYLE:
        return goatee_depth(x, y, z)
    if style == _CHIN_STYLE:
        return chin_depth(x, y, z)
    return full_beard_depth(x, y, z)


@wp.func
def beard_mask(rest: wp.vec3, style: int, lip: float) -> float:
    """How much beard grows here, 0..1. ``style`` is its place in ``attributes.BEARDS``; stubble fades out softly."""
    edge = _EDGE_M
    if style == _STUBBLE_STYLE:
        edge = _STUBBLE_EDGE_M + 0.009 * ramp(0.028, 0.044, wp.abs(rest[0]))
    return ramp(-0.25 * edge, edge, beard_depth(rest, style)) * (1.0 - ramp(0.25, 0.60, lip))


@wp.func
def brow_mask(rest: wp.vec3, thickness: float, arch: float) -> float:
    """How much of an eyebrow is here, 0..1: full near the nose, highest at two thirds, a fine tail."""
    t = (wp.abs(rest[0]) - _BROW_FROM_M) / _BROW_LENGTH_M
    if t < -0.2 or t > 1.2 or rest[2] < 0.035:
        return 0.0
    rise, fall = wp.min(t - 0.60, 0.0) / 0.60, wp.max(t - 0.60, 0.0) / 0.42
    centre = 0.0136 + (0.0012 + 0.0066 * arch) * (1.0 - rise * rise) - (0.0036 + 0.0050 * arch) * fall * fall
    inner = ramp(-0.10, 0.16, t)
    half_width = (0.0015 + 0.0033 * thickness) * (0.60 + 0.40 * inner) * (1.0 - 0.75 * ramp(0.45, 1.10, t))
    off = wp.abs(rest[1] - centre) / half_width
    return (1.0 - ramp(0.55, 1.25, off)) * ramp(-0.07, 0.07, t) * (1.0 - ramp(0.90, 1.06, t))


@wp.func
def cloth_edge(rest: wp.vec3, neckline: int) -> float:
    """Metres inside the garment from its rim, about; negative outside. ``neckline``: place in ``NECKLINES``."""
    x, y, z = wp.abs(rest[0]), rest[1], rest[2]
    front = wp.max(z + 0.045, 0.0)
    if neckline == 2:  # turtleneck
        return -0.112 - 0.20 * front - y
    line = -0.134 - 0.28 * front + 0.10 * wp.min(z + 0.045, 0.0)
    if neckline == 1:  # v-neck
        line -= 0.029 * wp.max(0.0, 1.0 - x / 0.050) * ramp(-0.02, 0.02, z)
    outward = wp.max(wp.sqrt(x * x + (z + 0.035) * (z + 0.035)) - 0.060, 0.0)
    return 0.90 * (line - y) + 0.35 * outward
