"""Facial actions: what moves a face, as continuous strengths 0..1; and the named expressions as points among them.

An action is a weighted sum of the baked face units, which carry ARKit's names. Weights may exceed 1: at 128 pixels an
expression has to be a little larger than life to be seen. Left and right are the person's own. A new action or
expression is one entry here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from sat3d.animation import channels
from sat3d.animation.channels import ACTION_NAMES
from sat3d.errors import ConfigError

from .attributes import EXPRESSIONS

# The face units of the baked asset, in its order.
FACE_UNITS = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
    "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight",
    "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip


def _both(**weights: float) -> dict[str, float]:
    return {f"{name}{side}": weight for name, weight in weights.items() for side in ("Left", "Right")}


def _pair(name: str, **weights: float) -> dict[str, dict[str, float]]:
    """An action of each side."""
    return {
        f"{name}_{side.lower()}": {f"{unit}{side}": weight for unit, weight in weights.items()}
        for side in ("Left", "Right")
    }


# action -> weights of face units at strength 1
ACTIONS: dict[str, dict[str, float]] = {
    "jaw_open": {"jawOpen": 0.72},
    **_pair("smile", mouthSmile=1.08, cheekSquint=0.25),
    **_pair("frown", mouthFrown=1.7),
    "mouth_left": {"mouthLeft": 1.2, "jawLeft": 0.6},
    "mouth_right": {"mouthRight": 1.2, "jawRight": 0.6},
    "pucker": {"mouthPucker": 1.35, "mouthFunnel": 0.35},
    "funnel": {"mouthFunnel": 1.3, "jawOpen": 0.08},
    "lips_pressed": _both(mouthPress=1.2) | {"mouthRollLower": 0.5, "mouthRollUpper": 0.5},
    "mouth_stretched": _both(mouthStretch=1.6),
    "upper_lip_up": _both(mouthUpperUp=1.1),
    "lower_lip_down": _both(mouthLowerDown=1.3),
    "chin_up": {"mouthShrugLower": 1.5, "mouthShrugUpper": 0.4},
    "brows_inner_up": {"browInnerUp": 2.0} | _both(browOuterUp=-0.55),
    **_pair("brow_outer_up", browOuterUp=1.3),
    **_pair("brow_down", browDown=1.5),
    **_pair("lid_closed", eyeBlink=1.2),
    **_pair("lid_wide", eyeWide=1.3),
    **_pair("cheek_up", cheekSquint=1.25, eyeSquint=0.5),
    "nose_wrinkled": _both(noseSneer=1.6),
    "cheeks_puffed": {"cheekPuff": 1.6},
}  # fmt: skip
assert tuple(ACTIONS) == ACTION_NAMES


def _sides(**strengths: float) -> dict[str, float]:
    return {f"{name}_{side}": strength for name, strength in strengths.items() for side in ("left", "right")}


# expression -> strengths of actions at full strength
PRESETS: dict[str, dict[str, float]] = {
    "neutral": {},
    "smile": _sides(smile=1.0, cheek_up=0.5),
    "open-mouth smile": {
        **_sides(smile=1.0, cheek_up=0.6),
        "upper_lip_up": 0.82, "lower_lip_down": 0.46, "mouth_stretched": 0.2, "jaw_open": 0.42,
    },
    "frown": {**_sides(frown=0.94, brow_down=0.6), "mouth_stretched": 0.2, "chin_up": 0.55},
    "surprise": {**_sides(brow_outer_up=1.0, lid_wide=0.92), "brows_inner_up": 0.5, "jaw_open": 0.86, "funnel": 0.2},
    "angry": {
        **_sides(brow_down=0.93, cheek_up=0.4),
        "nose_wrinkled": 0.64, "upper_lip_up": 0.5, "lower_lip_down": 0.58, "mouth_stretched": 0.32, "jaw_open": 0.14,
    },
    "sad": {**_sides(frown=0.47, lid_closed=0.4), "brows_inner_up": 0.95, "chin_up": 0.2},
    "pucker": {"pucker": 0.93},
    "wink": {
        "lid_closed_right": 1.0, "cheek_up_right": 0.8, "smile_right": 1.0, "smile_left": 0.44,
        "brow_down_right": 0.4, "brow_outer_up_left": 0.5, "lid_wide_left": 0.3,
    },
    "eyes closed": _sides(lid_closed=0.96),
}  # fmt: skip
assert tuple(PRESETS) == EXPRESSIONS

_LID_CLOSING, _LID_WIDENING = 0.28, 0.45  # blink at lid openness 0, widening at 1
_NAMEABLE = 0.5  # strength from which an expression is worth its name
_PURE = 0.35  # most of what else may be in the face beside it, of its own size
_STILL = 0.2  # below this no action is seen

_UNITS_OF_ACTION = np.array([[units.get(name, 0.0) for name in FACE_UNITS] for units in ACTIONS.values()], np.float32)
_PRESET_ROWS = np.array([[preset.get(name, 0.0) for name in ACTION_NAMES] for preset in PRESETS.values()])


def actions_of(expression: str, strength: float = 1.0) -> tuple[float, ...]:
    """The strengths ``[A]`` of a named expression, all times ``strength`` 0..1.

    Raises:
        ConfigError: there is no such expression.
    """
    if expression not in PRESETS:
        raise ConfigError("There is no such expression", repr(expression), ", ".join(PRESETS), "choose one of these")
    return tuple(round(strength * PRESETS[expression].get(name, 0.0), 6) for name in ACTION_NAMES)


def expression_of(actions: tuple[float, ...]) -> tuple[str | None, float]:
    """The named expression that a face shows and its strength; None where it is none of them.

    The best fit a · preset in least squares counts, if little else is in the face (``_PURE``) and it is strong enough.
    """
    face = np.asarray(actions)
    if face.max() < _STILL:
        return "neutral", 1.0
    sizes = np.square(_PRESET_ROWS).sum(1)
    strengths = np.clip(_PRESET_ROWS @ face / np.maximum(sizes, 1e-9), 0.0, 1.0)
    rest = np.linalg.norm(face - strengths[:, None] * _PRESET_ROWS, axis=1) / np.linalg.norm(face)
    best = int(rest.argmin())
    if rest[best] > _PURE or strengths[best] < _NAMEABLE:
        return None, 0.0
    return EXPRESSIONS[best], float(strengths[best])


def unit_weights(actions: tuple[float, ...], lid_openness: float, gaze_pitch: float) -> np.ndarray:
    """Weights ``[U]`` of ``FACE_UNITS``: the actions, the eyes' own openness 0..1, and lids that follow the gaze."""
    weights = dict(zip(FACE_UNITS, (np.asarray(actions, np.float32) @ _UNITS_OF_ACTION).tolist(), strict=True))
    closing = _LID_CLOSING * max(0.0, 1.0 - 2.0 * lid_openness)
    widening = _LID_WIDENING * max(0.0, 2.0 * lid_openness - 1.0)
    for side in ("Left", "Right"):
        closed = min(weights[f"eyeBlink{side}"], 1.0)
        weights[f"eyeBlink{side}"] += closing * (1.0 - closed)
        weights[f"eyeWide{side}"] = (weights[f"eyeWide{side}"] + widening) * (1.0 - closed)
        weights[f"eyeLookDown{side}"] = max(-gaze_pitch, 0.0) * (1.0 - closed)
        weights[f"eyeLookUp{side}"] = max(gaze_pitch, 0.0) * (1.0 - closed)
    return np.array([weights[name] for name in FACE_UNITS], np.float32)


def actions_from_blendshapes(weights: Mapping[str, float]) -> tuple[tuple[float, ...], tuple[float, float]]:
    """Blendshape name -> 0..1, as other programs have them -> ``(actions [A], (gaze_yaw, gaze_pitch))``.

    What is missing counts as 0, and so does what has no counterpart (``NO_COUNTERPART`` in
    :mod:`sat3d.animation.channels`).

    Raises:
        ConfigError: a name that ARKit does not have.
    """
    names, values = list(weights), torch.tensor([list(weights.values())], dtype=torch.float64)
    strengths = channels.actions_from_blendshapes(names, values)[0].tolist()
    yaw, pitch = channels.gaze_channels(channels.gaze_from_blendshapes(names, values))[0].tolist()
    return tuple(strengths), (yaw, pitch)
