"""The same thing in another manner: modelled in clay, as a cartoon, drawn in ink."""

import warp as wp

from ..looks import STYLES
from .data import Camera, Hit, Shaded
from .light import ambient, wrapped
from .noise import noise3, ramp
from .samples import Samples

CLAY, TOON, INK = (wp.constant(STYLES.index(name)) for name in ("clay", "toon", "ink"))
_CLAY_TINT = wp.constant(wp.vec3(0.50, 0.40, 0.33))
_PAPER = wp.constant(wp.vec3(0.86, 0.83, 0.74))
_INK = wp.constant(wp.vec3(0.018, 0.016, 0.030))
_HATCHES_A_PICTURE = wp.constant(96.0)
_OUTLINES_A_PICTURE = wp.constant(220.0)  # how many outlines side by side would fill it
_DEPTH_STEP = wp.constant(0.022)  # world units: larger steps between neighbours are edges


@wp.func
def luminance(colour: wp.vec3) -> float:
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


@wp.func
def as_clay(hit: Hit, albedo: wp.vec3) -> wp.vec3:
    """Matt and thumbed: colours are mixed into the clay, edges of light are soft."""
    thumb = 0.10 * (noise3(hit.rest * 130.0, 71) - 0.5) + 0.05 * (noise3(hit.rest * 420.0, 72) - 0.5)
    body = wp.lerp(_CLAY_TINT * (0.35 + 1.1 * luminance(albedo)), albedo, 0.55) * (1.0 + thumb)
    key = hit.light.key * (wrapped(wp.dot(hit.normal, hit.light.to_key), 0.45) * (0.35 + 0.65 * hit.lit))
    return wp.cw_mul(body, key + ambient(hit.light, hit.normal, hit.sky * hit.sky))


@wp.func
def band(value: float) -> float:
    """Three even tones with thin soft seams."""
    return 0.46 + 0.28 * ramp(0.16, 0.20, value) + 0.26 * ramp(0.52, 0.56, value)


@wp.func
def as_toon(hit: Hit, albedo: wp.vec3, strands: bool) -> wp.vec3:
    """Flat colours in three tones of light; ``strands``: of fibres, which shine across."""
    facing = wp.max(wp.dot(hit.normal, hit.light.to_key), 0.0) * hit.lit
    if strands:
        facing = wp.lerp(facing, 1.0 - wp.abs(wp.dot(hit.tangent, hit.light.to_key)), 0.4)
    grey = luminance(albedo)
    vivid = wp.vec3(grey, grey, grey) * -0.18 + albedo * 1.18
    tone = 0.92 * band(facing) * (0.7 + 0.3 * ramp(0.2, 0.5, hit.sky))
    return wp.vec3(wp.max(vivid[0], 0.0), wp.max(vivid[1], 0.0), wp.max(vivid[2], 0.0)) * tone


@wp.func
def hatched(x: float, y: float, dark: float) -> float:
    """1 where a stroke of the pen lies, 0 on bare paper; strokes in two directions, wider where it is darker."""
    first = (x + y) * _HATCHES_A_PICTURE
    second = (x - 0.7 * y) * _HATCHES_A_PICTURE
    one = wp.abs(first - wp.floor(first) - 0.5) * 2.0
    two = wp.abs(second - wp.floor(second) - 0.5) * 2.0
    ink = ramp(-0.12, 0.12, wp.clamp(1.5 * dark - 0.45, -0.5, 1.0) - one)
    return wp.max(ink, ramp(-0.12, 0.12, wp.clamp(1.6 * dark - 0.95, -0.5, 0.9) - two))


@wp.func
def washed(albedo: wp.vec3) -> wp.vec3:
    """A colour as thin paint on the paper."""
    paint = wp.vec3(wp.sqrt(albedo[0]), wp.sqrt(albedo[1]), wp.sqrt(albedo[2]))
    return wp.cw_mul(_PAPER, wp.lerp(wp.vec3(1.0, 1.0, 1.0), paint, 0.80))


@wp.func
def as_ink(colour: wp.vec3, albedo: wp.vec3, x: float, y: float) -> wp.vec3:
    """Pen strokes over a thin wash of colour; ``x``, ``y`` 0..1 in the picture."""
    own = wp.clamp(luminance(albedo), 0.0, 1.0)
    shadow = 1.0 - wp.clamp(luminance(colour) / wp.max(own, 0.02), 0.0, 1.0)
    dark = 0.62 * shadow + 0.48 * (1.0 - wp.sqrt(own))
    return wp.lerp(washed(albedo), _INK, 0.82 * hatched(x, y, dark))


@wp.func
def styled(shaded: Shaded, hit: Hit, style: int, strands: bool, x: float, y: float) -> wp.vec3:
    """The colour of a point in a style; ``x``, ``y`` 0..1 in the picture."""
    if style == CLAY:
        return as_clay(hit, shaded.albedo)
    if style == TOON:
        return as_toon(hit, shaded.albedo, strands)
    if style == INK:
        return as_ink(shaded.colour, shaded.albedo, x, y)
    return shaded.colour


@wp.func
def styled_backdrop(colour: wp.vec3, style: int) -> wp.vec3:
    if style == INK:
        return wp.lerp(_PAPER, washed(colour), 0.55)
    if style == CLAY:
        return wp.lerp(_CLAY_TINT * (0.35 + 1.1 * luminance(colour)), colour, 0.65)
    return colour


@wp.func
def differs(samples: Samples, here: int, there: int) -> float:
    """How much of an edge lies between two samples, 0..1; only the nearer of them draws it."""
    if samples.distance[there] > 0.0 and samples.distance[there] < samples.distance[here]:
        return 0.0
    if samples.distance[there] == 0.0 or samples.distance[there] - samples.distance[here] > _DEPTH_STEP:
        return 1.0
    if samples.label[here] != samples.label[there]:
        return 0.55
    return 0.5 * ramp(0.35, 0.75, 1.0 - wp.dot(samples.normal[here], samples.normal[there]))


@wp.kernel
def draw_outlines(samples: Samples, camera: Camera, strength: float):
    """Lines along silhouettes and creases, on the nearer side. Reads no colour but the sample's own."""
    i = wp.tid()
    if samples.distance[i] == 0.0:
        return
    reach = wp.max(1, int(float(camera.size) / _OUTLINES_A_PICTURE))
    column, row = i % camera.size, i / camera.size
    edge = float(0.0)
    if column >= reach:
        edge = wp.max(edge, differs(samples, i, i - reach))
    if column + reach < camera.size:
        edge = wp.max(edge, differs(samples, i, i + reach))
    if row >= reach:
        edge = wp.max(edge, differs(samples, i, i - reach * camera.size))
    if row + reach < camera.size:
        edge = wp.max(edge, differs(samples, i, i + reach * camera.size))
    samples.colour[i] = samples.colour[i] * (1.0 - strength * edge)
