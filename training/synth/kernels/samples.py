"""What is known of each ray of a picture before rays are averaged into pixels."""

import warp as wp


@wp.struct
class Samples:
    """One entry per sample ``[size²]``: sRGB colour, labels in front of and behind lenses, distance along the ray."""

    nearest: wp.array(dtype=wp.int64)
    lens: wp.array(dtype=wp.int64)
    colour: wp.array(dtype=wp.vec3)
    label: wp.array(dtype=wp.uint8)
    behind: wp.array(dtype=wp.uint8)
    distance: wp.array(dtype=float)
    normal: wp.array(dtype=wp.vec3)
