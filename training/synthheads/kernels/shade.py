"""The branch of each material, and what the renderer has to know of it."""

import warp as wp

from training.synth.kernels.data import Hit, Shaded
from training.synth.kernels.pipeline import Shading
from training.synth.kernels.traits import (
    CLOSED,
    CUT,
    FIBRES,
    LENS,
    NO_SHADE,
    NO_SHADOW,
    STRANDS,
    TWO_SIDED,
)  # fmt: skip

from ..materials import Material
from .cutouts import exists
from .data import Look
from .materials import (
    BEARD,
    BROW,
    CLOTH,
    EYE,
    HAIR,
    SKIN,
    TEETH,
    TONGUE,
)  # fmt: skip
from .shade_eye import shade_eye, shade_teeth, shade_tongue
from .shade_hair import shade_beard, shade_brow, shade_hair
from .shade_skin import shade_skin
from .shade_worn import lens_label, shade_cloth, shade_frame, through_lens


@wp.func
def shade_hit(hit: Hit, look: Look) -> Shaded:
    """The branch of each material."""
    if hit.material == SKIN:
        return shade_skin(hit, look)
    if hit.material == HAIR:
        return shade_hair(hit, look)
    if hit.material == BEARD:
        return shade_beard(hit, look)
    if hit.material == BROW:
        return shade_brow(hit, look)
    if hit.material == CLOTH:
        return shade_cloth(hit, look)
    if hit.material == EYE:
        return shade_eye(hit, look)
    if hit.material == TEETH:
        return shade_teeth(hit)
    if hit.material == TONGUE:
        return shade_tongue(hit)
    return shade_frame(hit, look)


_TRAITS = {
    Material.SKIN: CLOSED,
    Material.EYE: CLOSED,
    Material.TEETH: TWO_SIDED,
    Material.TONGUE: TWO_SIDED,
    Material.CLOTH: TWO_SIDED + CUT,
    Material.HAIR: TWO_SIDED + CUT + FIBRES + STRANDS,
    Material.BEARD: CLOSED + TWO_SIDED + CUT + FIBRES + NO_SHADE,
    Material.BROW: CLOSED + TWO_SIDED + CUT + FIBRES + NO_SHADE + NO_SHADOW,
    Material.FRAME: TWO_SIDED + NO_SHADE,
    Material.LENS: TWO_SIDED + NO_SHADE + NO_SHADOW + LENS,
}
HEADS = Shading(Look, exists, shade_hit, through_lens, lens_label, tuple(_TRAITS[material] for material in Material))
