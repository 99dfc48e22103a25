"""Captions say only what is true and can be seen; attributes have closed sets of values."""

import re

import numpy as np
import pytest

from training.synth.streams import caption_stream
from training.synth.truths import colour_name
from training.synthheads.actions import actions_of
from training.synthheads.attributes import BEARDS, EXPRESSIONS, GLASSES, HAIR_STYLES
from training.synthheads.captions import attributes_of, caption
from training.synthheads.labels import ATTRIBUTE_VALUES
from training.synthheads.parameter_spec import change
from training.synthheads.parameters import HeadParameters
from training.synthheads.populations import INDEPENDENT

PLAIN = change(HeadParameters(), age=0.45)


def captions_of(p, count=300):
    return [caption(p, np.random.default_rng(index)) for index in range(count)]


@pytest.fixture(scope="module")
def people():
    return [INDEPENDENT.draw(21, index) for index in range(1500)]


def test_attributes_have_known_values(people):
    seen = {name: set() for name in ATTRIBUTE_VALUES}
    for p in people:
        facts = attributes_of(p)
        assert facts.keys() == ATTRIBUTE_VALUES.keys()
        for name, value in facts.items():
            assert value in ATTRIBUTE_VALUES[name]
            seen[name].add(value)
    for name, values in seen.items():
        assert set(ATTRIBUTE_VALUES[name]) - values <= {"other"}, name


def test_a_caption_depends_on_its_stream_only():
    assert caption(PLAIN, caption_stream(1, 2, 3)) == caption(PLAIN, caption_stream(1, 2, 3))
    assert len(set(captions_of(PLAIN))) > 250


def test_captions_are_tidy_sentences(people):
    for index, p in enumerate(people):
        text = caption(p, np.random.default_rng(index))
        assert not re.search(r"[{}@_]|  | ,|none|hidden|other\b|\ba [aeiou]|\ban [^aeiou]", text), text
        assert len(text) < 400 and text.isascii()


KEYWORDS = {
    "glasses": {
        "none": r"no (eye)?glasses",
        "round": r"round\b.*glasses|round-framed",
        "rectangular": r"rectangular|square",
        "sunglasses": r"sunglasses|dark glasses|shades",
    },
    "beard": {
        "none": r"no beard|clean-shaven|no facial hair",
        "stubble": r"stubbl",
        "moustache": r"moustache|mustache",
        "goatee": r"goatee",
        "chin beard": r"chin beard|beard on the chin",
        "full beard": r"full [a-z]* ?beard|(an?|long|short) (black|brown|[a-z]+)? ?beard",
    },
}


@pytest.mark.parametrize(("name", "values"), [("glasses", GLASSES), ("beard", BEARDS)])
def test_one_value_is_never_called_another(name, values):
    for value in values:
        texts = captions_of(change(PLAIN, **{name: value, "hair_style": "bob", "hair_colour": "brown"}))
        assert sum(bool(re.search(KEYWORDS[name][value], text)) for text in texts) > 100
        for other in set(values) - {value, "full beard"}:
            assert not any(re.search(KEYWORDS[name][other], text) for text in texts if other != "round"), (value, other)


@pytest.mark.slow
def test_hair_styles_and_expressions_are_told_apart():
    for name, values in (("hair_style", HAIR_STYLES), ("expression", EXPRESSIONS)):
        texts = {}
        for value in values:
            p = change(PLAIN, **{name: value}, glasses="none", hair_colour="green")
            for text in captions_of(p, 400):
                texts.setdefault(text, set()).add(value)
        shared = [text for text, found in texts.items() if len(found) > 1]
        # The same words for two values only where the words do not speak of the attribute.
        words = (
            r"hair|bald|buzz|crop|quiff|mohawk|afro|curl|bob|wav|bun|pony|part"
            if name == "hair_style"
            else (
                r"smile|grin|frown|surpris|angry|furious|sad|puckered|pursed|kiss|wink|eyes? closed|closed eyes|neutral"
                r"|straight face"
            )
        )
        assert not [
            text for text in shared if re.search(words, text.replace("facial hair", "").replace("lipstick", ""))
        ]


def test_a_bald_head_has_no_hair_colour():
    p = change(PLAIN, hair_style="bald", hair_colour="pink", beard="none", cloth_colour="white", background="grey")
    assert attributes_of(p)["hair_colour"] == "none"
    assert not any("pink" in text for text in captions_of(p))


def test_nothing_is_said_of_eyes_behind_dark_lenses():
    p = change(PLAIN, glasses="sunglasses", eye_shadow=1.0, brow_thickness=1.0)
    for expression in ("wink", "eyes closed", "neutral"):
        facts = attributes_of(change(p, expression=expression))
        assert facts["iris_colour"] == facts["brows"] == facts["eye_shadow"] == "hidden"
        texts = captions_of(change(p, expression=expression))
        assert not any(re.search(r"\beyes?\b|brows\b|wink|looking", text) for text in texts)
    assert attributes_of(change(p, lens_darkness=0.1))["iris_colour"] == "brown"


def test_closed_eyes_have_no_colour():
    p = change(PLAIN, expression="eyes closed", iris_colour="green", cloth_colour="white")
    assert not any("green eyes" in text for text in captions_of(p))


def test_a_weak_expression_is_not_named():
    assert attributes_of(change(PLAIN, actions=actions_of("smile", 0.1)))["expression"] == "neutral"
    p = change(PLAIN, actions=actions_of("smile", 0.3))
    assert attributes_of(p)["expression"] == "other"
    assert not any(re.search("smil|neutral|straight face", text) for text in captions_of(p))


def test_colours_between_names_have_none():
    anchors = {"a": (0.0, 0.0, 0.0), "b": (1.0, 1.0, 1.0)}
    assert [colour_name((x, x, x), anchors) for x in (0.1, 0.5, 0.9)] == ["a", "other", "b"]


def test_beards_are_named_by_the_hair_they_match():
    p = change(PLAIN, beard="full beard", hair_colour="platinum", beard_colour=(0.93 * 0.85, 0.89 * 0.85, 0.77 * 0.85))
    assert attributes_of(p)["beard_colour"] == "platinum"
    assert attributes_of(change(p, beard_colour="ginger"))["beard_colour"] == "ginger"
    assert attributes_of(change(p, beard="none"))["beard_colour"] == "none"


def test_negatives_are_said():
    texts = " ".join(captions_of(change(PLAIN, glasses="none", beard="none", lipstick=0.0, freckles=0.0), 600))
    for words in ("no glasses", "clean-shaven", "no beard", "no freckles", "no lipstick"):
        assert words in texts
