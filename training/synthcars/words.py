"""What can truly be said of a car: named attributes, and captions."""

from __future__ import annotations

import numpy as np

from training.synth.looks import BACKDROPS, BACKGROUND_COLOURS
from training.synth.truths import NONE, OTHER, colour_name, step
from training.synth.words import pick, sentence, tidy, told

from .parameters import BODIES, PAINTS, RIMS, SIGNS, TWO_TONES, CarParameters

_FINISHES = (("solid", 0.3), ("metallic", 1.0))
_TINTS = (("clear", 0.45), ("dark", 1.0))
_LAMPS = (("round", 0.35), ("medium", 0.65), ("slim", 1.0))
_TALL = {"SUV": "tall", "van": "tall", "pickup": "tall", "sports car": "low"}
ATTRIBUTE_VALUES: dict[str, tuple[str, ...]] = {
    "body": BODIES,
    "stature": ("low", "medium", "tall"),
    "paint": (*PAINTS, OTHER),
    "finish": tuple(name for name, _ in _FINISHES),
    "two_tone": TWO_TONES,
    "second_paint": (*PAINTS, OTHER, NONE),
    "windows": tuple(name for name, _ in _TINTS),
    "rims": RIMS,
    "lamps": tuple(name for name, _ in _LAMPS),
    "sign": SIGNS,
    "background": (*BACKGROUND_COLOURS, OTHER),
    "backdrop": BACKDROPS,
}
NOUNS = {
    "sedan": ("sedan", "four-door sedan", "car"),
    "hatchback": ("hatchback", "car"),
    "SUV": ("SUV", "off-road vehicle", "car"),
    "pickup": ("pickup truck", "pickup", "car"),
    "van": ("van", "delivery van", "car"),
    "sports car": ("sports car", "car"),
}
_OPENINGS = ("@{car}", "@ picture of @{car}", "@{car} seen from outside", "@ model of @{car}")
_TWO_TONES = {
    "none": ("paint of one colour",),
    "roof": ("@{second} roof", "@ roof of another colour"),
    "lower half": ("@{second} lower half", "@ lower half of another colour"),
}
_CHANCES = {"two_tone": 0.8, "windows": 0.3, "rims": 0.3, "lamps": 0.2, "sign": 0.8, "backdrop": 0.4}


def attributes_of(p: CarParameters) -> dict[str, str]:
    """The named truths of a car, one for each key of ``ATTRIBUTE_VALUES``."""
    shaded = p.backdrop in ("gradient", "horizon")
    return {
        "body": p.body,
        "stature": _TALL.get(p.body, "medium"),
        "paint": colour_name(p.paint, PAINTS),
        "finish": step(_FINISHES, p.metallic),
        "two_tone": p.two_tone,
        "second_paint": NONE if p.two_tone == "none" else colour_name(p.second_paint, PAINTS),
        "windows": step(_TINTS, p.window_tint),
        "rims": p.rims,
        "lamps": step(_LAMPS, p.lamps),
        "sign": p.sign,
        "background": OTHER if shaded else colour_name(p.background, BACKGROUND_COLOURS),
        "backdrop": p.backdrop,
    }


def caption(p: CarParameters, rng: np.random.Generator) -> str:
    """One English sentence that says some of what is true and visible."""
    facts = attributes_of(p)
    colour = "" if facts["paint"] == OTHER else facts["paint"]
    shine = "metallic" if facts["finish"] == "metallic" and rng.random() < 0.5 else ""
    noun, told_colour = pick(NOUNS[p.body], rng), colour if rng.random() < 0.9 else ""
    stature = facts["stature"] if noun == "car" and facts["stature"] != "medium" else ""
    car = f"{stature} {shine} {told_colour} {noun}"
    having = told(_phrases(p, facts, rng), _CHANCES, rng)
    return sentence(pick(_OPENINGS, rng).format(car=car), having)


def _phrases(p: CarParameters, facts: dict[str, str], rng: np.random.Generator) -> dict[str, str]:
    second = facts["second_paint"] if facts["second_paint"] in PAINTS and p.second_paint != p.paint else ""
    choices = _TWO_TONES[p.two_tone] if second or p.two_tone == "none" else ()
    background = facts["background"]
    return {
        "two_tone": pick(choices, rng).format(second=second) if choices else "",
        "windows": f"{facts['windows']} windows",
        "rims": "wheels with spokes" if p.rims == "spokes" else "plain disc wheels",
        "lamps": "" if facts["lamps"] == "medium" else f"{facts['lamps']} headlamps",
        "sign": "@ taxi sign on the roof" if p.sign == "taxi" else "",
        "backdrop": "" if background == OTHER else tidy(f"@ {background} background"),
    }
