"""What the renderer has to know of a material besides its colour: bits, added up."""

CLOSED = 1  # a surface whose back is never seen
TWO_SIDED = 2  # its normal turns to whoever looks
CUT = 4  # it may have holes: ``Shading.exists`` is asked
FIBRES = 8  # its tangent is a direction of unit length
STRANDS = 16  # a cartoon's light follows its tangent
NO_SHADOW = 32  # it casts none
NO_SHADE = 64  # it takes no light of the sky from others
LENS = 128  # what is behind it is seen through it
