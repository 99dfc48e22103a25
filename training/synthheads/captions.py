"""Captions: random true sentences about a head. Word lists are data; :func:`caption` puts them together.

A phrase may hold ``{colour}`` and other fields; ``@`` stands for "a" or "an" by the word that follows.
"""

from __future__ import annotations

import numpy as np

from training.synth.truths import HIDDEN, NONE, OTHER
from training.synth.words import enumerate_words, pick, tidy

from .labels import action, attributes_of
from .parameters import HeadParameters

_NOUNS = {
    ("child", "feminine"): ("girl", "child", "young girl"),
    ("child", "androgynous"): ("child", "kid"),
    ("child", "masculine"): ("boy", "child", "young boy"),
    ("teenager", "feminine"): ("teenage girl", "teenager"),
    ("teenager", "androgynous"): ("teenager", "adolescent"),
    ("teenager", "masculine"): ("teenage boy", "teenager"),
}
_AGE_WORDS = {
    "young adult": ("young", ""),
    "middle-aged": ("middle-aged", ""),
    "old": ("old", "elderly", "aged", ""),
}
_SHAPE_WORDS = {"feminine": ("woman", "person"), "androgynous": ("person",), "masculine": ("man", "person")}
_OPENINGS = ("@{noun}", "@ portrait of @{noun}", "the face of @{noun}", "the head of @{noun}", "@ picture of @{noun}")
_HAIR = {
    "bald": ("@ bald head", "no hair"),
    "buzz cut": ("@{colour} buzz cut", "@{colour} buzz cut", "very short, cropped {colour} hair"),
    "short crop": ("short {colour} hair", "@{colour} short crop", "@ short {colour} haircut"),
    "side part": ("{colour} hair parted{parting}", "@{colour} side parting", "short {colour} hair combed to the side"),
    "quiff": ("@{colour} quiff", "{colour} hair swept up in front"),
    "mohawk": ("@{colour} mohawk", "@{colour} mohawk and shaved sides"),
    "afro": ("@{volume} {colour} afro", "@ round {colour} afro"),
    "curly": ("{volume} {colour} curls", "curly {colour} hair"),
    "bob": ("@{colour} bob", "{colour} hair cut in @ bob"),
    "long straight": ("long straight {colour} hair", "long, sleek {colour} hair"),
    "long wavy": ("long wavy {colour} hair", "long {colour} waves"),
    "bun": ("{colour} hair in @ bun", "{colour} hair tied up in @ bun"),
    "ponytail": ("@{colour} ponytail", "{colour} hair in @ ponytail"),
    "balding": ("thinning {colour} hair", "receding {colour} hair", "{colour} hair and @ bald top"),
}
_EXPRESSIONS = {
    "neutral": ("@ neutral expression", "@ straight face", "no smile"),
    "smile": ("@ smile", "@ closed-mouth smile"),
    "open-mouth smile": ("@ broad smile", "@ wide, open-mouth smile", "@ big grin"),
    "frown": ("@ frown", "@ frowning face"),
    "surprise": ("@ surprised look", "@ look of surprise"),
    "angry": ("@ angry look", "@ furious expression"),
    "sad": ("@ sad look", "@ sad expression"),
    "pucker": ("puckered lips", "pursed lips", "@ kissing mouth"),
    "wink": ("@ wink", "one eye closed"),
    "eyes closed": ("closed eyes", "both eyes closed"),
}
_BEARDS = {
    "none": ("no beard", "@ clean-shaven face", "no facial hair"),
    "stubble": ("{colour} stubble", "@ stubbly chin"),
    "moustache": ("@{colour} moustache", "@{colour} mustache"),
    "goatee": ("@{colour} goatee", "@{colour} goatee beard"),
    "chin beard": ("@{colour} chin beard", "@{colour} beard on the chin only"),
    "full beard": ("@{length} {colour} beard", "@ full {colour} beard"),
}
_GLASSES = {
    "none": ("no glasses", "no eyeglasses"),
    "round": ("round {colour} glasses", "round glasses", "{colour} round-framed eyeglasses"),
    "rectangular": ("rectangular {colour} glasses", "rectangular glasses", "square {colour} eyeglasses"),
    "sunglasses": ("dark glasses", "sunglasses with @{colour} frame", "sunglasses", "shades"),
}
_CLOTHES = {
    "crew neck": ("@{colour} shirt", "@{colour} crew-neck shirt", "@{colour} T-shirt"),
    "v-neck": ("@{colour} v-neck shirt", "@{colour} v-neck", "@{colour} V-neck sweater"),
    "turtleneck": ("@{colour} turtleneck", "@{colour} turtleneck sweater"),
    HIDDEN: ("@{colour} top", "{colour} clothes"),
}
_BACKDROPS = {
    "plain": ("@{colour} background", "@{colour} backdrop", "@ plain {colour} background"),
    "gradient": ("@{colour} background", "@ softly shaded {colour} background"),
    "blurred shapes": ("@ blurred {colour} background", "@{colour} room out of focus"),
    "blurred lights": ("@{colour} background with blurred lights", "blurred lights"),
    "horizon": ("@{colour} background", "@ blurred {colour} horizon"),
}
_MOUTHS = {
    "closed": ("@ closed mouth",),
    "slightly open": ("@ slightly open mouth", "parted lips"),
    "wide open": ("@ wide open mouth", "@ mouth wide open"),
}
_GAZES = {
    "ahead": ("looking straight ahead", "looking at the camera"),
    "left": ("looking left", "looking to the left", "eyes turned to the left"),
    "right": ("looking right", "looking to the right", "eyes turned to the right"),
    "up": ("looking up", "eyes turned upwards"),
    "down": ("looking down", "lowered eyes"),
    HIDDEN: (),
}
_LIGHTS = {
    "left": ("lit from the left", "light from the left"),
    "front": ("lit from the front", "even light"),
    "right": ("lit from the right", "light from the right"),
}
_WARMTHS = {"cool": ("cool light", "bluish light"), "neutral": (), "warm": ("warm light", "golden light")}
# What is said of a face whose expression has no name: (actions, least strength of each, phrases).
_FEATURES = (
    (("brow_outer_up_left", "brow_outer_up_right"), 0.5, ("raised eyebrows", "lifted brows")),
    (("brow_down_left", "brow_down_right"), 0.5, ("lowered brows", "knitted brows")),
    (("brows_inner_up",), 0.5, ("worried eyebrows",)),
    (("lid_wide_left", "lid_wide_right"), 0.5, ("wide eyes", "wide open eyes")),
    (("lid_closed_left", "lid_closed_right"), 0.75, ("closed eyes",)),
    (("smile_left", "smile_right"), 0.4, ("smiling lips", "@ smiling mouth")),
    (("frown_left", "frown_right"), 0.5, ("mouth corners turned down", "@ downturned mouth")),
    (("pucker",), 0.5, ("puckered lips", "pursed lips")),
    (("funnel",), 0.5, ("@ rounded mouth", "rounded lips")),
    (("lips_pressed",), 0.5, ("pressed lips", "lips pressed together")),
    (("mouth_stretched",), 0.6, ("@ stretched mouth",)),
    (("cheeks_puffed",), 0.5, ("puffed cheeks", "full cheeks")),
    (("mouth_left",), 0.5, ("@ mouth pulled to one side", "@ crooked mouth")),
    (("mouth_right",), 0.5, ("@ mouth pulled to one side", "@ crooked mouth")),
    (("nose_wrinkled",), 0.6, ("@ wrinkled nose",)),
    (("upper_lip_up",), 0.6, ("visible upper teeth", "@ raised upper lip")),
)
_COLOUR_WORDS = {"sky": "sky-blue", "sage": "sage-green", "brick": "brick-red", "sand": "sand-coloured"}
_TONE_WORDS = {"pale": ("pale",), "light": ("light", "fair"), "tan": ("tan",), "brown": ("brown",), "dark": ("dark",)}
_FRECKLES = {
    "none": ("no freckles",),
    "some": ("some freckles", "freckles"),
    "many": ("many freckles", "freckles"),
    HIDDEN: (),
}
_BROWS = {"thin": ("thin eyebrows",), "medium": (), "thick": ("thick eyebrows", "heavy brows"), HIDDEN: ()}
_HAIR_VOLUMES = {"flat": "", "medium": "", "voluminous": "big", NONE: ""}
_LONG_BEARD, _SHORT_BEARD = 0.7, 0.3
# How often each group of facts is told; what makes a picture is told most often.
_CHANCES = {
    "hair": 0.9, "expression": 0.65, "beard": 0.65, "glasses": 0.75, "eyes": 0.4, "skin": 0.4, "brows": 0.25,
    "freckles": 0.3, "lipstick": 0.5, "eye_shadow": 0.4, "clothes": 0.5, "backdrop": 0.45,
    "face": 0.7, "mouth": 0.25, "gaze": 0.4, "light": 0.2, "light_warmth": 0.25,
}  # fmt: skip
_RARE_NEGATIVES = 0.15  # how much of its chance remains for saying that freckles or lipstick are absent
_COMMON_NEGATIVES = 0.35  # the same for a closed mouth and a gaze straight ahead
_COLOUR_KEPT = 0.85


def caption(p: HeadParameters, rng: np.random.Generator) -> str:
    """One English sentence, or a list of key words, that says some of what is true and visible."""
    facts = attributes_of(p)
    phrases = {group: phrase for group in _CHANCES if (phrase := _phrase(group, facts, p, rng))}
    told = {group: text for group, text in phrases.items() if rng.random() < _chance(group, facts)}
    subject = tidy(pick(_OPENINGS, rng).format(noun=_noun(facts, rng)))
    if rng.random() < 0.2:
        return ", ".join([_noun(facts, rng), *told.values()])
    return _sentence(subject, told, rng)


def _chance(group: str, facts: dict[str, str]) -> float:
    if group in ("freckles", "lipstick", "eye_shadow") and facts[group] == NONE:
        return _CHANCES[group] * _RARE_NEGATIVES
    usual = facts.get(group) in ("closed", "ahead")
    return _CHANCES[group] * (_COMMON_NEGATIVES if usual else 1.0)


def _sentence(subject: str, told: dict[str, str], rng: np.random.Generator) -> str:
    worn = [told.pop(group) for group in ("glasses", "clothes") if group in told and not told[group].startswith("no ")]
    backdrop = told.pop("backdrop", None)
    aside = [told.pop(group) for group in ("gaze", "light", "light_warmth") if group in told]
    having = list(told.values())
    rng.shuffle(having)
    text = subject
    if having:
        text += " with " + enumerate_words(having)
    if worn:
        text += (", " if having else " ") + pick(("wearing", "in"), rng) + " " + enumerate_words(worn)
    text += "".join(f", {_as_clause(phrase)}" for phrase in aside)
    if backdrop:
        text += " " + pick(("in front of", "against"), rng) + " " + backdrop
    return text[0].upper() + text[1:] + "."


def _as_clause(phrase: str) -> str:
    """What can follow a comma: "looking left" as it is, "warm light" as "in warm light", eyes with their own word."""
    if phrase.startswith(("looking", "lit")):
        return phrase
    return f"{'in' if phrase.endswith('light') or phrase.startswith('light') else 'with'} {phrase}"


def _noun(facts: dict[str, str], rng: np.random.Generator) -> str:
    key = facts["age"], facts["shape"]
    if key in _NOUNS:
        return pick(_NOUNS[key], rng)
    return f"{pick(_AGE_WORDS[facts['age']], rng)} {pick(_SHAPE_WORDS[facts['shape']], rng)}".strip()


def _phrase(group: str, facts: dict[str, str], p: HeadParameters, rng: np.random.Generator) -> str:
    """The words for one group of facts; empty where there is nothing to say or nothing to see."""
    choices = _feature_choices(facts, p, rng) if group == "face" else _choices(group, facts)
    if not choices:
        return ""
    fields = {
        "colour": _colour(group, facts, rng),
        "parting": f" {_PARTING_WORDS[facts['parting']]}",
        "volume": _HAIR_VOLUMES[facts["hair_volume"]],
        "length": "long" if p.beard_length > _LONG_BEARD else "short" if p.beard_length < _SHORT_BEARD else "",
    }
    return tidy(pick(choices, rng).format(**fields))


def _feature_choices(facts: dict[str, str], p: HeadParameters, rng: np.random.Generator) -> tuple[str, ...]:
    """Phrases for one of the things that a nameless expression consists of."""
    if facts["expression"] != OTHER:
        return ()
    covered = facts["gaze"] == HIDDEN and p.glasses == "sunglasses"
    seen = [
        phrases
        for actions, least, phrases in _FEATURES
        if min(action(p, name) for name in actions) >= least
        and not (covered and actions[0].startswith(("lid_", "brow")))
    ]
    return seen[int(rng.integers(len(seen)))] if seen else ()


_PARTING_WORDS = {"left": "on the left", "middle": "in the middle", "right": "on the right", NONE: ""}
_TABLES = {
    "hair": ("hair_style", _HAIR),
    "expression": ("expression", {**_EXPRESSIONS, OTHER: (), HIDDEN: ()}),
    "beard": ("beard", _BEARDS),
    "glasses": ("glasses", _GLASSES),
    "brows": ("brows", _BROWS),
    "freckles": ("freckles", _FRECKLES),
    "clothes": ("neckline", _CLOTHES),
    "eye_shadow": ("eye_shadow", {"yes": ("eye shadow",), NONE: ("no eye shadow",), HIDDEN: ()}),
    "mouth": ("mouth", _MOUTHS),
    "gaze": ("gaze", _GAZES),
    "light": ("light", _LIGHTS),
    "light_warmth": ("light_warmth", _WARMTHS),
}
_COLOUR_OF = {
    "hair": "hair_colour",
    "beard": "beard_colour",
    "glasses": "frame_colour",
    "eyes": "iris_colour",
    "lipstick": "lipstick",
    "clothes": "cloth_colour",
    "backdrop": "background",
}


def _choices(group: str, facts: dict[str, str]) -> tuple[str, ...]:
    if group in _TABLES:
        fact, table = _TABLES[group]
        return table[facts[fact]]
    if group == "skin":
        return tuple(f"{word} skin" for word in _TONE_WORDS[facts["skin_tone"]])
    if group == "lipstick":
        return ("no lipstick",) if facts["lipstick"] == NONE else ("{colour} lipstick", "lips painted {colour}")
    # Without its colour there is nothing to say of an eye or a backdrop.
    untold = facts[_COLOUR_OF[group]] in (HIDDEN, OTHER)
    if group == "backdrop":
        blurred = facts["backdrop"].startswith("blurred")
        return _BACKDROPS[facts["backdrop"]] if blurred or not untold else ()
    return () if untold else ("{colour} eyes",)


def _colour(group: str, facts: dict[str, str], rng: np.random.Generator) -> str:
    """The colour's word, or nothing: where it has no name, and sometimes where it could be left out."""
    name = facts.get(_COLOUR_OF.get(group, ""), NONE)
    kept = group in ("eyes", "backdrop", "lipstick") or rng.random() < _COLOUR_KEPT
    return _COLOUR_WORDS.get(name, name) if kept and name not in (NONE, OTHER, HIDDEN) else ""
