"""What the kernels share: surroundings, geometry, light and camera, and one point to be shaded.

Colours are linear light. Lengths are world units; ``rest`` and ``extra`` are what a domain's shading needs at a point.
"""

import warp as wp


@wp.struct
class Light:
    """Directions are unit vectors to each light, colours its linear light; made by ``light.make_light``."""

    to_key: wp.vec3
    key: wp.vec3
    to_fill: wp.vec3
    fill: wp.vec3
    to_rim: wp.vec3
    rim: wp.vec3
    sky: wp.vec3
    ground: wp.vec3


@wp.struct
class Surroundings:
    """What is the same for everything in a picture: light, what is behind, and the style; made by
    ``light.surroundings``."""

    style: int
    backdrop: int
    background: wp.vec3
    background_second: wp.vec3
    backdrop_variant: float
    light: Light


@wp.struct
class Geometry:
    """Vertices ``[V]`` and triangles ``[T]``; ``sky`` [V] is the share of the ambient light that arrives, 0..1;
    ``traits`` [T]: see :mod:`.traits`."""

    position: wp.array(dtype=wp.vec3)
    normal: wp.array(dtype=wp.vec3)
    tangent: wp.array(dtype=wp.vec3)
    rest: wp.array(dtype=wp.vec3)
    extra: wp.array(dtype=wp.vec4)
    sky: wp.array(dtype=float)
    triangles: wp.array(dtype=wp.vec3i)
    material: wp.array(dtype=int)
    traits: wp.array(dtype=int)


@wp.struct
class Camera:
    """A pinhole: the columns of ``axes`` are right, down and forward; ``focal`` in widths; ``size`` in samples."""

    axes: wp.mat33
    position: wp.vec3
    focal: float
    size: int


@wp.struct
class Sunlight:
    """The key light's depth map: parallel rays along the third column of ``axes``."""

    axes: wp.mat33
    scale: float  # image widths per world unit
    size: int
    depth: wp.array(dtype=float)


@wp.struct
class Hit:
    """One visible point."""

    material: int
    traits: int
    position: wp.vec3
    normal: wp.vec3  # towards the viewer's side
    tangent: wp.vec3
    rest: wp.vec3
    extra: wp.vec4
    sky: float
    view: wp.vec3  # unit, towards the camera
    lit: float  # 0 in the key light's shadow .. 1
    light: Light


@wp.struct
class Shaded:
    colour: wp.vec3
    albedo: wp.vec3  # the surface's own colour, for other styles than the natural one
    label: int
