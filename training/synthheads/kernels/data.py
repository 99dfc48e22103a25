"""The uniform look of a head. Colours are linear light."""

import warp as wp

from training.synth.kernels.data import Surroundings


@wp.struct
class Look:
    """Everything of the shading that is the same for a whole head; made by ``look.make_look``."""

    skin: wp.vec3
    skin_redness: float  # -1 pale .. 1 flushed
    freckles: float
    wrinkles: float
    lip: wp.vec3
    lipstick: float
    eye_shadow: float
    hair: wp.vec3
    strands_across: float  # around the whole head
    strands_along: float
    hair_shine: float
    scalp_tint: float
    tip_raggedness: float
    brow: wp.vec3
    brow_thickness: float
    brow_arch: float
    beard: wp.vec3
    beard_style: int
    stubble: float
    iris: wp.vec3
    cloth: wp.vec3
    neckline: int
    frame: wp.vec3
    lens: wp.vec3
    lens_darkness: float
    around: Surroundings
