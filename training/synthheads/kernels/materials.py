"""The numbers of materials and labels as kernels see them (plain integers)."""

import warp as wp

from sat3d.parsing import labels

from ..materials import Material

SKIN, EYE, TEETH, TONGUE, CLOTH = (wp.constant(int(m)) for m in list(Material)[:5])
HAIR, BEARD, BROW, FRAME, LENS = (wp.constant(int(m)) for m in list(Material)[5:])
(
    LABEL_BACKGROUND, LABEL_SKIN, LABEL_HAIR, LABEL_BROWS, LABEL_EYES, LABEL_NOSE,
    LABEL_MOUTH, LABEL_BEARD, LABEL_GLASSES, LABEL_EARS, LABEL_NECK, LABEL_CLOTH,
) = (wp.constant(index) for index in range(len(labels.LABEL_NAMES)))  # fmt: skip
