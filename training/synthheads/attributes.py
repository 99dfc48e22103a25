"""Named values of the categorical attributes, and the colour anchors. A new value is one entry here.

Colours are sRGB, 0..1. Order matters: it is the order of the latent's scores and of a reader's logits, so append.
"""

HAIR_STYLES = (
    "bald", "buzz cut", "short crop", "side part", "quiff", "mohawk", "afro",
    "curly", "bob", "long straight", "long wavy", "bun", "ponytail", "balding",
)  # fmt: skip
EXPRESSIONS = (
    "neutral", "smile", "open-mouth smile", "frown", "surprise",
    "angry", "sad", "pucker", "wink", "eyes closed",
)  # fmt: skip
BEARDS = ("none", "stubble", "moustache", "goatee", "chin beard", "full beard")
GLASSES = ("none", "round", "rectangular", "sunglasses")
NECKLINES = ("crew neck", "v-neck", "turtleneck")

HAIR_COLOURS = {
    "black": (0.085, 0.075, 0.075),
    "brown": (0.31, 0.19, 0.115),
    "auburn": (0.47, 0.17, 0.10),
    "ginger": (0.78, 0.36, 0.11),
    "blond": (0.83, 0.69, 0.44),
    "platinum": (0.93, 0.89, 0.77),
    "grey": (0.52, 0.53, 0.54),
    "blue": (0.13, 0.29, 0.76),
    "pink": (0.92, 0.38, 0.62),
    "green": (0.15, 0.55, 0.27),
}
IRIS_COLOURS = {
    "brown": (0.36, 0.19, 0.08),
    "dark": (0.13, 0.075, 0.05),
    "amber": (0.62, 0.42, 0.12),
    "green": (0.22, 0.50, 0.24),
    "blue": (0.20, 0.45, 0.80),
    "grey": (0.52, 0.58, 0.62),
}
FRAME_COLOURS = {
    "black": (0.05, 0.05, 0.06),
    "tortoiseshell": (0.42, 0.26, 0.12),
    "red": (0.70, 0.10, 0.11),
    "gold": (0.78, 0.64, 0.33),
    "blue": (0.12, 0.24, 0.58),
    "white": (0.90, 0.90, 0.88),
}
CLOTH_COLOURS = {
    "white": (0.92, 0.92, 0.92),
    "black": (0.08, 0.08, 0.09),
    "red": (0.72, 0.13, 0.13),
    "blue": (0.15, 0.28, 0.62),
    "green": (0.15, 0.45, 0.25),
    "yellow": (0.90, 0.75, 0.20),
    "purple": (0.42, 0.22, 0.55),
    "grey": (0.50, 0.50, 0.52),
}
SKIN_TONES = (  # Knots of a continuous ramp, from the palest to the deepest.
    (0.95, 0.80, 0.72), (0.91, 0.73, 0.62), (0.85, 0.64, 0.51),
    (0.71, 0.49, 0.36), (0.52, 0.34, 0.24), (0.33, 0.215, 0.16),
)  # fmt: skip

# The local shape changes that a head is made of, as MakeHuman's targets name them; each goes from -1 to 1.
SHAPE_NAMES = (
    "cheek-trans-up", "cheek-volume-incr", "cheek-inner-incr", "cheek-bones-incr",
    "chin-jaw-drop-incr", "chin-height-incr", "chin-prominent-incr", "chin-bones-incr", "chin-width-incr",
    "chin-cleft-incr", "chin-prognathism-incr",
    "ear-lobe-incr", "ear-scale-incr", "ear-wing-incr",
    "eyebrows-angle-up", "eyebrows-trans-up",
    "eye-corner1-up", "eye-corner2-up", "eye-height1-incr", "eye-height2-incr", "eye-height3-incr", "eye-scale-incr",
    "eye-eyefold-up", "eye-eyefold-angle-up", "eye-bag-incr", "eye-epicanthus-out", "eye-trans-out",
    "forehead-temple-incr", "forehead-trans-forward", "forehead-nubian-incr",
    "head-angle-out", "head-fat-incr", "head-back-scale-depth-incr", "head-scale-horiz-incr", "head-scale-depth-incr",
    "mouth-lowerlip-height-incr", "mouth-scale-horiz-incr", "mouth-cupidsbow-incr", "mouth-laugh-lines-out",
    "mouth-scale-depth-incr", "mouth-lowerlip-volume-incr", "mouth-angles-up", "mouth-scale-vert-incr",
    "mouth-upperlip-height-incr", "mouth-upperlip-volume-incr", "mouth-trans-up", "mouth-philtrum-volume-incr",
    "neck-double-incr", "neck-scale-horiz-incr",
    "nose-nostrils-angle-up", "nose-flaring-incr", "nose-curve-convex", "nose-scale-depth-incr",
    "nose-scale-vert-incr", "nose-point-width-incr", "nose-scale-horiz-incr", "nose-width1-incr", "nose-trans-up",
    "nose-hump-incr", "nose-greek-incr", "nose-point-up", "nose-width2-incr", "nose-width3-incr", "nose-base-up",
    "nose-volume-incr",
)  # fmt: skip
