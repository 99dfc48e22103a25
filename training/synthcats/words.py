"""What can truly be said of a cat's head: named attributes, and captions."""

from __future__ import annotations

import numpy as np

from training.synth.looks import BACKDROPS, BACKGROUND_COLOURS
from training.synth.truths import HIDDEN, NONE, OTHER, colour_name, step
from training.synth.words import pick, sentence, tidy, told

from .parameters import EARS, FURS, IRISES, PATTERNS, CatParameters

_LENGTHS = (("short", 0.45), ("long", 1.0))
_SIZES = (("small", 0.35), ("medium", 0.65), ("large", 1.0))
_OPENINGS_OF_EYES = (("nearly closed", 0.22), ("half-closed", 0.55), ("open", 1.0))
_MUZZLES = (("flat", 0.3), ("medium", 0.7), ("long", 1.0))
ATTRIBUTE_VALUES: dict[str, tuple[str, ...]] = {
    "fur_colour": (*FURS, OTHER, NONE),
    "pattern": PATTERNS,
    "fur_length": tuple(name for name, _ in _LENGTHS),
    "ears": EARS,
    "ear_size": tuple(name for name, _ in _SIZES),
    "eye_opening": tuple(name for name, _ in _OPENINGS_OF_EYES),
    "iris_colour": (*IRISES, OTHER, HIDDEN),
    "muzzle": tuple(name for name, _ in _MUZZLES),
    "background": (*BACKGROUND_COLOURS, OTHER),
    "backdrop": BACKDROPS,
}
_OPENINGS = ("the face of @{cat}", "the head of @{cat}", "@ picture of @{cat}", "@{cat}")
_KINDS = {
    "solid": ("{colour} cat", "plain {colour} cat", "cat with plain {colour} fur"),
    "tabby": ("{colour} tabby cat", "striped {colour} cat"),
    "tuxedo": ("{colour} and white tuxedo cat", "{colour} cat with a white muzzle and chest"),
    "calico": ("calico cat", "white cat with orange and black patches"),
    "points": ("{colour} cat with a dark face mask", "pale {colour} cat with dark ears and a dark mask"),
}
_CHANCES = {"fur": 0.55, "ears": 0.45, "eyes": 0.55, "lids": 0.3, "muzzle": 0.25, "backdrop": 0.35}


def attributes_of(p: CatParameters) -> dict[str, str]:
    """The named truths of a cat, one for each key of ``ATTRIBUTE_VALUES``."""
    opening = step(_OPENINGS_OF_EYES, p.eye_opening)
    shaded = p.backdrop in ("gradient", "horizon")
    return {
        "fur_colour": NONE if p.pattern == "calico" else colour_name(p.fur_colour, FURS),
        "pattern": p.pattern,
        "fur_length": step(_LENGTHS, p.fur_length),
        "ears": p.ears,
        "ear_size": step(_SIZES, p.ear_size),
        "eye_opening": opening,
        "iris_colour": HIDDEN if opening == "nearly closed" else colour_name(p.iris_colour, IRISES),
        "muzzle": step(_MUZZLES, p.muzzle),
        "background": OTHER if shaded else colour_name(p.background, BACKGROUND_COLOURS),
        "backdrop": p.backdrop,
    }


def caption(p: CatParameters, rng: np.random.Generator) -> str:
    """One English sentence that says some of what is true and visible."""
    facts = attributes_of(p)
    colour = facts["fur_colour"] if facts["fur_colour"] in FURS else ""
    cat = pick(_KINDS[p.pattern] if colour else _KINDS[p.pattern][:1], rng).format(colour=colour)
    having = told(_phrases(p, facts), _CHANCES, rng)
    opening = pick(_OPENINGS, rng)
    if " with " in cat and having:
        return sentence(opening.format(cat=cat) + ", " + ", ".join(having), ())
    return sentence(opening.format(cat=cat), having)


def _phrases(p: CatParameters, facts: dict[str, str]) -> dict[str, str]:
    iris, background, size = facts["iris_colour"], facts["background"], facts["ear_size"]
    fluffy = {"short": "short fur", "long": "long fluffy fur"}
    return {
        "fur": fluffy[facts["fur_length"]],
        "ears": "folded ears" if p.ears == "folded" else "pointed ears" if size == "medium" else f"{size} pointed ears",
        "eyes": f"{iris} eyes" if iris in IRISES else "",
        "lids": f"{facts['eye_opening']} eyes",
        "muzzle": "" if facts["muzzle"] == "medium" else f"@ {facts['muzzle']} muzzle",
        "backdrop": "" if background == OTHER else tidy(f"@ {background} background"),
    }
