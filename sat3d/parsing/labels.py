"""The parts of a head that a picture is parsed into. The number of a label is its index; append only."""

LABEL_NAMES = (
    "background", "skin", "hair", "brows", "eyes", "nose",
    "mouth", "beard", "glasses", "ears", "neck", "cloth",
)  # fmt: skip
(
    BACKGROUND, SKIN, HAIR, BROWS, EYES, NOSE,
    MOUTH, BEARD, GLASSES, EARS, NECK, CLOTH,
) = range(len(LABEL_NAMES))  # fmt: skip
