"""Expressions as weights of facial actions (ARKit's names), at full strength. A new one is one entry.

Weights may exceed 1: at 128 pixels an expression has to be a little larger than life to be seen.
"""

from __future__ import annotations

import numpy as np

from .attributes import EXPRESSIONS


def _both(**weights: float) -> dict[str, float]:
    return {f"{name}{side}": weight for name, weight in weights.items() for side in ("Left", "Right")}


ACTIONS_OF = {
    "neutral": {},
    "smile": _both(mouthSmile=1.15, mouthDimple=0.4, cheekSquint=0.8, eyeSquint=0.25),
    "open-mouth smile": {
        **_both(mouthSmile=1.2, mouthUpperUp=0.9, mouthLowerDown=0.6, mouthStretch=0.3, cheekSquint=1.0, eyeSquint=0.2),
        "jawOpen": 0.30,
    },
    "frown": {**_both(mouthFrown=1.6, browDown=0.9, mouthStretch=0.3), "mouthShrugLower": 0.8},
    "surprise": {**_both(browOuterUp=1.2, eyeWide=1.2), "browInnerUp": 1.2, "jawOpen": 0.62, "mouthFunnel": 0.3},
    "angry": {
        **_both(browDown=1.4, noseSneer=1.0, eyeSquint=0.5, mouthUpperUp=0.55, mouthLowerDown=0.75, mouthStretch=0.5),
        "jawOpen": 0.10,
    },
    "sad": {
        **_both(mouthFrown=0.8, eyeBlink=0.42, eyeLookDown=0.35, browOuterUp=-0.7),
        "browInnerUp": 1.9, "mouthShrugLower": 0.3,
    },
    "pucker": {"mouthPucker": 1.25, "mouthFunnel": 0.35},
    "wink": {
        "eyeBlinkRight": 1.2, "cheekSquintRight": 1.2, "mouthSmileRight": 1.3, "mouthSmileLeft": 0.55,
        "browDownRight": 0.6, "browOuterUpLeft": 0.9, "eyeWideLeft": 0.4,
    },
    "eyes closed": _both(eyeBlink=1.15),
}  # fmt: skip
LID_ACTIONS = _both(eyeBlink=0.0, eyeWide=0.0)
USED_ACTIONS = tuple(sorted({name for weights in ACTIONS_OF.values() for name in weights} | set(LID_ACTIONS)))
_LID_CLOSING, _LID_WIDENING = 0.28, 0.45  # blink at openness 0, widening at openness 1


def action_weights(expression: str, strength: float, lid_openness: float) -> np.ndarray:
    """Weights ``[A]`` of ``USED_ACTIONS``; ``strength`` scales the expression, lids open with ``lid_openness`` 0..1."""
    weights = {name: strength * weight for name, weight in ACTIONS_OF[expression].items()}
    closing = _LID_CLOSING * max(0.0, 1.0 - 2.0 * lid_openness)
    widening = _LID_WIDENING * max(0.0, 2.0 * lid_openness - 1.0)
    for side in ("Left", "Right"):
        blink = weights.get(f"eyeBlink{side}", 0.0)
        weights[f"eyeBlink{side}"] = blink + closing * (1.0 - min(blink, 1.0))
        weights[f"eyeWide{side}"] = weights.get(f"eyeWide{side}", 0.0) + widening * (1.0 - min(blink, 1.0))
    return np.array([weights.get(name, 0.0) for name in USED_ACTIONS], np.float32)


assert set(ACTIONS_OF) == set(EXPRESSIONS)
