"""What heads are made of, and what the parts of their meshes mean.

``tangent``: unit, along the hair. ``rest``: skin, beard, brow, cloth: the vertex on the template head in metres, so
patterns stick to the face; hair: across the strands, along them 0 root..1 tip, height in the hair 0 scalp..1 surface.
``extra``: skin: lip, distance to the lid margin in metres, ear, inside of the mouth; eye: direction from the eye's
centre; beard, brow: lip, 0, 0, height in the fur 0..1; hair: see ``hair``.
"""

from enum import IntEnum


class Material(IntEnum):
    """What a triangle is made of; the shading kernel has a branch for each."""

    SKIN = 0
    EYE = 1
    TEETH = 2
    TONGUE = 3
    CLOTH = 4
    HAIR = 5
    BEARD = 6
    BROW = 7
    FRAME = 8
    LENS = 9
