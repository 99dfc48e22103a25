"""Where fur and cloth end: which points of their surfaces exist. Fixed functions of the template's coordinates."""

import warp as wp

from training.synth.kernels.noise import cell_hash, noise1, noise2

from .data import Look
from .face_masks import beard_mask, brow_mask, cloth_edge
from .materials import BEARD, BROW, CLOTH, HAIR

_BEARD_STRANDS_PER_M = wp.constant(700.0)
_FACE_RADIUS_M = wp.constant(0.075)
_BEARD_STRETCH = wp.constant(0.15)  # strands are longer than wide


@wp.func
def beard_grain(rest: wp.vec3) -> float:
    """Noise of the beard's strands, 0..1: they run down the face, so it changes fast around the head only."""
    around = wp.atan2(rest[0], rest[2] + 0.02) * _FACE_RADIUS_M
    sway = 0.0012 * wp.sin(rest[1] * 260.0)
    return noise2((around + sway) * _BEARD_STRANDS_PER_M, rest[1] * _BEARD_STRANDS_PER_M * _BEARD_STRETCH, 5)


@wp.func
def brow_grain(rest: wp.vec3) -> float:
    """Noise of the brow's strands: they lean outwards."""
    return noise2(wp.abs(rest[0]) * 420.0 - rest[1] * 480.0, wp.abs(rest[0]) * 90.0 + rest[1] * 120.0, 5)


@wp.func
def hair_exists(rest: wp.vec3, extra: wp.vec4, look: Look) -> bool:
    strand = rest[0] * look.strands_across
    fray = 0.45 * noise1(strand, 3) + 0.55 * noise1(strand * 0.15, 19)
    if rest[1] > 1.0 - look.tip_raggedness * extra[1] * fray:
        return False
    if extra[0] < 1.0:
        return extra[0] >= cell_hash(int(wp.floor(strand * 1.5)), int(wp.floor(rest[1] * look.strands_along)), 11)
    return True


@wp.func
def beard_exists(rest: wp.vec3, extra: wp.vec4, look: Look) -> bool:
    mask = beard_mask(rest, look.beard_style, extra[0])
    if mask <= 0.02:
        return False
    return (0.35 + 0.65 * beard_grain(rest)) * wp.min(1.0, mask * 1.6) >= extra[3] * 0.75 + 0.10


@wp.func
def brow_exists(rest: wp.vec3, extra: wp.vec4, look: Look) -> bool:
    mask = brow_mask(rest, look.brow_thickness, look.brow_arch)
    if mask <= 0.03:
        return False
    return (0.30 + 0.70 * brow_grain(rest)) * mask * 1.6 >= extra[3] * 0.6 + 0.22


@wp.func
def exists(material: int, rest: wp.vec3, extra: wp.vec4, look: Look) -> bool:
    """Whether a point of the surface is there."""
    if material == HAIR:
        return hair_exists(rest, extra, look)
    if material == BEARD:
        return beard_exists(rest, extra, look)
    if material == BROW:
        return brow_exists(rest, extra, look)
    if material == CLOTH:
        return cloth_edge(rest, look.neckline) >= 0.0
    return True
