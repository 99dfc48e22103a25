"""Descriptor groups of the domain, as data: for each named truth, phrases that exclude each other.

The first phrase of a value is the one that is judged; all are learned from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sat3d.clip.words import vocabulary_of
from training.synthheads import captions
from training.synthheads.attributes import (
    BACKGROUND_COLOURS,
    CLOTH_COLOURS,
    FRAME_COLOURS,
    HAIR_COLOURS,
    IRIS_COLOURS,
)
from training.synthheads.fields import LIPSTICK_COLOURS
from training.synthheads.parameters import HeadParameters
from training.synthheads.truths import attributes_of
from training.vision.targets import UNKNOWN

TEMPLATES = ("a face with {}", "a portrait with {}", "a picture of a head with {}", "{}")  # the first is judged


@dataclass(frozen=True)
class Group:
    """Phrases for the values of the truth ``fact``; a head whose value is not among them does not count here."""

    attribute: str
    name: str
    fact: str
    phrases: Mapping[str, tuple[str, ...]]

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(self.phrases)


def _each(names: Iterable[str], *patterns: str) -> dict[str, tuple[str, ...]]:
    words = {"sky": "sky-blue", "sage": "sage-green", "brick": "brick-red", "sand": "sand-coloured"}
    return {name: tuple(pattern.format(words.get(name, name)) for pattern in patterns) for name in names}


_HAIR_STYLES = {
    "bald": ("a bald head", "no hair"),
    "buzz cut": ("a buzz cut", "very short, cropped hair"),
    "short crop": ("a short crop", "a short haircut"),
    "side part": ("a side parting", "hair combed to the side"),
    "quiff": ("a quiff", "hair swept up in front"),
    "mohawk": ("a mohawk", "a mohawk and shaved sides"),
    "afro": ("an afro", "a round afro"),
    "curly": ("curly hair", "curls"),
    "bob": ("a bob", "hair cut in a bob"),
    "long straight": ("long straight hair", "long, sleek hair"),
    "long wavy": ("long wavy hair", "long waves"),
    "bun": ("hair in a bun", "hair tied up in a bun"),
    "ponytail": ("a ponytail", "hair in a ponytail"),
    "balding": ("receding hair", "thinning hair", "a bald top"),
}
_EXPRESSIONS = {
    "neutral": ("a neutral expression", "a straight face"),
    "smile": ("a closed-mouth smile", "a smile"),
    "open-mouth smile": ("a wide, open-mouth smile", "a broad smile", "a big grin"),
    "frown": ("a frown", "a frowning face"),
    "surprise": ("a surprised look", "a look of surprise"),
    "angry": ("an angry look", "a furious expression"),
    "sad": ("a sad look", "a sad expression"),
    "pucker": ("puckered lips", "pursed lips", "a kissing mouth"),
    "wink": ("one eye closed", "a wink"),
    "eyes closed": ("both eyes closed", "closed eyes"),
}
_BEARDS = {
    "none": ("no beard", "a clean-shaven face", "no facial hair"),
    "stubble": ("stubble", "a stubbly chin"),
    "moustache": ("a moustache", "a mustache"),
    "goatee": ("a goatee", "a goatee beard"),
    "chin beard": ("a chin beard", "a beard on the chin only"),
    "full beard": ("a full beard",),
}
_GLASSES = {
    "none": ("no glasses", "no eyeglasses"),
    "round": ("round glasses", "round-framed eyeglasses"),
    "rectangular": ("rectangular glasses", "square eyeglasses"),
    "sunglasses": ("sunglasses", "dark glasses", "shades"),
}
_SKIN_TONES = {name: (f"{name} skin",) for name in ("pale", "light", "tan", "brown", "dark")}
_NECKLINES = {
    "crew neck": ("a crew-neck shirt", "a T-shirt"),
    "v-neck": ("a v-neck shirt", "a v-neck"),
    "turtleneck": ("a turtleneck", "a turtleneck sweater"),
}

GROUPS = (
    Group("hairstyle", "style", "hair_style", _HAIR_STYLES),
    Group("hair_colour", "colour", "hair_colour", _each(HAIR_COLOURS, "{} hair")),
    Group("eyes", "iris", "iris_colour", _each(IRIS_COLOURS, "{} eyes")),
    Group("expression", "kind", "expression", _EXPRESSIONS),
    Group("beard", "kind", "beard", _BEARDS),
    Group("beard", "colour", "beard_colour", _each(HAIR_COLOURS, "a {} beard")),
    Group("eyeglasses", "kind", "glasses", _GLASSES),
    Group("eyeglasses", "frame", "frame_colour", _each(FRAME_COLOURS, "{} glasses", "a {} frame")),
    Group("skin", "tone", "skin_tone", _SKIN_TONES),
    Group("make_up", "lipstick", "lipstick", _each(LIPSTICK_COLOURS, "{} lipstick", "lips painted {}")
          | {"none": ("no lipstick",)}),
    Group("clothes", "colour", "cloth_colour", _each(CLOTH_COLOURS, "a {} shirt", "{} clothes")),
    Group("clothes", "neckline", "neckline", _NECKLINES),
    Group("background", "colour", "background", _each(BACKGROUND_COLOURS, "a {} background", "a {} backdrop")),
)  # fmt: skip


def targets(people: Iterable[HeadParameters], groups: Iterable[Group] = GROUPS) -> Tensor:
    """``[N, G]`` int64: the number of the true phrase in each group, ``UNKNOWN`` where none is true or visible."""
    groups = tuple(groups)
    numbers = [{value: number for number, value in enumerate(group.values)} for group in groups]
    rows = []
    for person in people:
        facts = attributes_of(person)
        rows.append([known.get(facts[group.fact], UNKNOWN) for group, known in zip(groups, numbers, strict=True)])
    return torch.tensor(rows, dtype=torch.int64).reshape(-1, len(groups))


def judged_texts(group: Group) -> list[str]:
    """One text a value, as a user would write it."""
    return [TEMPLATES[0].format(phrases[0]) for phrases in group.phrases.values()]


# What the captions' grammar puts between its phrases, and a few words that users put there.
_JOINING = "a an and the with without no or wearing in front of against skin eyes lipstick lips painted"


def vocabulary() -> tuple[str, ...]:
    """Every word that a caption of the domain or a phrase above can hold."""
    texts = [text for name, value in vars(captions).items() if not name.startswith("__") for text in _strings(value)]
    texts += [text for group in GROUPS for text in _strings(dict(group.phrases))]
    colours = _each((*HAIR_COLOURS, *BACKGROUND_COLOURS, *CLOTH_COLOURS), "{}").values()
    return vocabulary_of([*texts, *TEMPLATES, *(text for part in colours for text in part), _JOINING])


def _strings(value: object) -> Iterator[str]:
    """The texts in nested tables, without the names of their fields."""
    if isinstance(value, str):
        for field in ("colour", "noun", "parting", "volume", "length"):
            value = value.replace("{" + field + "}", " ")
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _strings(part)
    elif isinstance(value, Mapping):
        yield from _strings([*value.keys(), *value.values()])
