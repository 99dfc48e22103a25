"""What moves in a face, by name: ARKit's blendshapes, the actions of the drawn heads, and how one becomes the other.

An action is one movement of its own, such as ``jaw_open``; blendshapes overlap. Left and right are the person's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from ..errors import ConfigError
from ..faces.expressions import NAMES as BLENDSHAPES

Group = Literal["mouth", "eyes", "brows", "gaze"]
GROUPS: tuple[Group, ...] = ("mouth", "eyes", "brows", "gaze")
ACTION_NAMES = (
    "jaw_open", "smile_left", "smile_right", "frown_left", "frown_right", "mouth_left", "mouth_right", "pucker",
    "funnel", "lips_pressed", "mouth_stretched", "upper_lip_up", "lower_lip_down", "chin_up", "brows_inner_up",
    "brow_outer_up_left", "brow_outer_up_right", "brow_down_left", "brow_down_right", "lid_closed_left",
    "lid_closed_right", "lid_wide_left", "lid_wide_right", "cheek_up_left", "cheek_up_right", "nose_wrinkled",
    "cheeks_puffed",
)  # fmt: skip
# Where the eyes look, as channels of an expression space: -1..1, and where 1 is.
GAZE_YAW, GAZE_PITCH = "gaze_yaw", "gaze_pitch"
GAZE_YAW_DEG, GAZE_PITCH_DEG = 30.0, 25.0  # to the viewer's right, up
GAZE_NAMES = (GAZE_YAW, GAZE_PITCH)
ACTION_PREFIX = "action_"  # before the name of an action: what an attribute reader calls its strength
_GAZE_FULL_RAD = (math.radians(GAZE_YAW_DEG), math.radians(GAZE_PITCH_DEG))

# What other programs call a movement (ARKit's 52 blendshapes) -> the action it is, and its strength at blendshape 1.
ACTION_OF_BLENDSHAPE: dict[str, tuple[str, float]] = {
    "jawOpen": ("jaw_open", 1.0),
    "jawLeft": ("mouth_left", 0.5),
    "jawRight": ("mouth_right", 0.5),
    "mouthLeft": ("mouth_left", 0.8),
    "mouthRight": ("mouth_right", 0.8),
    "mouthSmileLeft": ("smile_left", 0.9),
    "mouthSmileRight": ("smile_right", 0.9),
    "mouthDimpleLeft": ("smile_left", 0.3),
    "mouthDimpleRight": ("smile_right", 0.3),
    "mouthFrownLeft": ("frown_left", 0.9),
    "mouthFrownRight": ("frown_right", 0.9),
    "mouthPucker": ("pucker", 0.9),
    "mouthFunnel": ("funnel", 0.9),
    "mouthPressLeft": ("lips_pressed", 0.4),
    "mouthPressRight": ("lips_pressed", 0.4),
    "mouthRollLower": ("lips_pressed", 0.5),
    "mouthRollUpper": ("lips_pressed", 0.5),
    "mouthStretchLeft": ("mouth_stretched", 0.35),
    "mouthStretchRight": ("mouth_stretched", 0.35),
    "mouthUpperUpLeft": ("upper_lip_up", 0.45),
    "mouthUpperUpRight": ("upper_lip_up", 0.45),
    "mouthLowerDownLeft": ("lower_lip_down", 0.4),
    "mouthLowerDownRight": ("lower_lip_down", 0.4),
    "mouthShrugLower": ("chin_up", 0.7),
    "browInnerUp": ("brows_inner_up", 0.7),
    "browOuterUpLeft": ("brow_outer_up_left", 0.8),
    "browOuterUpRight": ("brow_outer_up_right", 0.8),
    "browDownLeft": ("brow_down_left", 0.8),
    "browDownRight": ("brow_down_right", 0.8),
    "eyeBlinkLeft": ("lid_closed_left", 1.0),
    "eyeBlinkRight": ("lid_closed_right", 1.0),
    "eyeWideLeft": ("lid_wide_left", 0.9),
    "eyeWideRight": ("lid_wide_right", 0.9),
    "cheekSquintLeft": ("cheek_up_left", 0.7),
    "cheekSquintRight": ("cheek_up_right", 0.7),
    "eyeSquintLeft": ("cheek_up_left", 0.5),
    "eyeSquintRight": ("cheek_up_right", 0.5),
    "noseSneerLeft": ("nose_wrinkled", 0.35),
    "noseSneerRight": ("nose_wrinkled", 0.35),
    "cheekPuff": ("cheeks_puffed", 0.65),
}
# Blendshape -> which way both eyes look at 1, in degrees (to the viewer's right, up). Each eye has its own blendshape:
# the two that describe one look share it.
GAZE_OF_BLENDSHAPE: dict[str, tuple[float, float]] = {
    "eyeLookInLeft": (-15.0, 0.0), "eyeLookOutRight": (-15.0, 0.0),
    "eyeLookOutLeft": (15.0, 0.0), "eyeLookInRight": (15.0, 0.0),
    "eyeLookUpLeft": (0.0, 12.5), "eyeLookUpRight": (0.0, 12.5),
    "eyeLookDownLeft": (0.0, -12.5), "eyeLookDownRight": (0.0, -12.5),
}  # fmt: skip
# Blendshapes that the drawn face cannot make.
NO_COUNTERPART = ("jawForward", "mouthClose", "mouthShrugUpper", "tongueOut")
# Everything that trackers of faces tell: MediaPipe has ``_neutral``, ARKit ``tongueOut``.
KNOWN_BLENDSHAPES = frozenset({*BLENDSHAPES, *NO_COUNTERPART})
_EYES = ("eye", "cheekSquint", "lid_", "cheek_up")
_BROWS = ("brow",)
_GAZE = ("eyeLook", "gaze_")


def group_of(name: str) -> Group:
    """Which group of the face a blendshape or an action moves; of names that nobody knows, the mouth.

    Example:
        >>> [group_of(name) for name in ("eyeBlinkLeft", "brow_down_left", "eyeLookUpLeft", "jaw_open")]
        ['eyes', 'brows', 'gaze', 'mouth']
    """
    if name.startswith(_GAZE):
        return "gaze"
    if name.startswith(_EYES):
        return "eyes"
    return "brows" if name.startswith(_BROWS) else "mouth"


def actions_from_blendshapes(names: Sequence[str], values: Tensor) -> Tensor:
    """Blendshapes ``[T, K]`` in 0..1, called ``names`` -> actions ``[T, 27]`` in 0..1, in the order of
    :data:`ACTION_NAMES`. What is missing counts as 0; what has no counterpart is dropped.

    Raises:
        ConfigError: a name that ARKit does not have.
    """
    _check_blendshapes(names)
    gains = values.new_zeros(len(names), len(ACTION_NAMES))
    for i, name in enumerate(names):
        if name in ACTION_OF_BLENDSHAPE:
            action, gain = ACTION_OF_BLENDSHAPE[name]
            gains[i, ACTION_NAMES.index(action)] = gain
    return (values @ gains).clamp(0, 1)


def gaze_from_blendshapes(names: Sequence[str], values: Tensor) -> Tensor:
    """Blendshapes ``[T, K]``, called ``names`` -> where both eyes look ``[T, 2]``, radians: to the viewer's right, up.

    Raises:
        ConfigError: a name that ARKit does not have.
    """
    _check_blendshapes(names)
    turns = values.new_tensor([GAZE_OF_BLENDSHAPE.get(name, (0.0, 0.0)) for name in names]).reshape(-1, 2)
    return torch.deg2rad(values @ turns)


def gaze_channels(gaze_rad: Tensor) -> Tensor:
    """``[T, 2]`` radians -> :data:`GAZE_NAMES` in -1..1."""
    return (gaze_rad / gaze_rad.new_tensor(_GAZE_FULL_RAD)).clamp(-1, 1)


def gaze_from_channels(gaze: Tensor) -> Tensor:
    """The way back: ``[..., 2]`` in -1..1 -> radians."""
    return gaze * gaze.new_tensor(_GAZE_FULL_RAD)


def _check_blendshapes(names: Sequence[str]) -> None:
    if unknown := sorted(set(names) - KNOWN_BLENDSHAPES):
        wanted = f"one of {', '.join(sorted(KNOWN_BLENDSHAPES))}"
        raise ConfigError("Not a blendshape", unknown[0], wanted, "correct its name")
