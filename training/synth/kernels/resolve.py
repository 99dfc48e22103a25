"""Samples to pixels: mean colours, the label of the majority, and the depth and normal of its nearest surface."""

import warp as wp

from .raster import FAR
from .samples import Samples

_SAME_SURFACE = wp.constant(0.02)  # world units: samples farther behind the nearest are another surface


@wp.struct
class Pixels:
    """One entry per pixel, row by row."""

    image: wp.array(dtype=wp.uint8, ndim=2)  # [H·W, 3]
    label: wp.array(dtype=wp.uint8)
    behind: wp.array(dtype=wp.uint8)
    depth: wp.array(dtype=float)
    normal: wp.array(dtype=wp.vec3)


@wp.func
def majority(label: wp.array(dtype=wp.uint8), start: int, stride: int, side: int) -> wp.uint8:
    """The commonest label of a square of samples; the first found of several."""
    best = label[start]
    most = int(0)
    for i in range(side * side):
        candidate = label[start + (i / side) * stride + i % side]
        count = int(0)
        for j in range(side * side):
            if label[start + (j / side) * stride + j % side] == candidate:
                count += 1
        if count > most:
            best = candidate
            most = count
        if 2 * most >= side * side:
            return best
    return best


@wp.func
def nearest_of(samples: Samples, label: wp.uint8, start: int, stride: int, side: int) -> float:
    nearest = float(FAR)
    for i in range(side * side):
        place = start + (i / side) * stride + i % side
        if samples.label[place] == label:
            nearest = wp.min(nearest, samples.distance[place])
    return nearest


@wp.kernel
def resolve(samples: Samples, width: int, side: int, pixels: Pixels):
    """``side``² samples to each pixel of a picture ``width`` wide."""
    pixel = wp.tid()
    stride = width * side
    start = (pixel / width) * side * stride + (pixel % width) * side
    label = majority(samples.label, start, stride, side)
    nearest = nearest_of(samples, label, start, stride, side)
    colour = wp.vec3(0.0, 0.0, 0.0)
    normal = wp.vec3(0.0, 0.0, 0.0)
    depth = float(0.0)
    count = float(0.0)
    for i in range(side * side):
        place = start + (i / side) * stride + i % side
        colour += samples.colour[place]
        distance = samples.distance[place]
        if samples.label[place] == label and distance - nearest < _SAME_SURFACE:
            depth += distance
            normal += samples.normal[place]
            count += 1.0
    for channel in range(3):
        pixels.image[pixel, channel] = wp.uint8(colour[channel] / float(side * side) * 255.0 + 0.5)
    pixels.label[pixel] = label
    pixels.behind[pixel] = majority(samples.behind, start, stride, side)
    pixels.depth[pixel] = depth / count
    if wp.length(normal) > 0.0:
        normal = wp.normalize(normal)
    pixels.normal[pixel] = normal
