"""Which parameters of a head its picture shows: no eye colour behind dark lenses, no length of a beard that is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from training.synth.truths import HIDDEN, NONE

from .actions import ACTION_NAMES
from .labels import attributes_of
from .parameter_spec import FIELDS
from .parameters import HeadParameters

Truths = Mapping[str, str]  # of :func:`attributes_of`


_AROUND_EYES = ("brow", "lid", "cheek_up")  # first words of the actions that dark lenses hide


def _shown(category: str, *unless: str) -> Callable[[Truths], bool]:
    return lambda truths: truths[category] not in unless


# Parameter or action -> when it can be seen; what is not named here always can.
_SEEN: dict[str, Callable[[Truths], bool]] = {
    **dict.fromkeys(("hair_colour", "hair_volume", "hair_length"), _shown("hair_style", "bald")),
    "parting": _shown("parting", NONE),
    **dict.fromkeys(("iris_colour", "lid_openness"), _shown("iris_colour", HIDDEN)),
    **dict.fromkeys(("gaze_yaw", "gaze_pitch"), _shown("gaze", HIDDEN)),
    **dict.fromkeys(("brow_thickness", "brow_arch", "actions"), _shown("brows", HIDDEN)),
    **{name: _shown("brows", HIDDEN) for name in ACTION_NAMES if name.startswith(_AROUND_EYES)},
    "eye_shadow": _shown("eye_shadow", HIDDEN),
    **dict.fromkeys(("beard_colour", "beard_length"), _shown("beard", NONE)),
    **dict.fromkeys(("frame_colour", "frame_thickness", "glasses_size"), _shown("glasses", NONE)),
    "lens_darkness": lambda truths: truths["glasses"] == "sunglasses",
    "lipstick_colour": _shown("lipstick", NONE),
    "freckles": _shown("freckles", HIDDEN),
    "neckline": _shown("neckline", HIDDEN),
    **dict.fromkeys(("background_second", "backdrop_variant"), _shown("backdrop", "plain")),
}


def visible_parameters(p: HeadParameters) -> frozenset[str]:
    """Names of parameters, and of single actions, that can be seen; "actions": whether all of them can."""
    truths = attributes_of(p)
    return frozenset(name for name in (*FIELDS, *ACTION_NAMES) if name not in _SEEN or _SEEN[name](truths))
