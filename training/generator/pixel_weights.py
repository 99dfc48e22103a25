"""Which pixels teach most: small parts of the face, and edges of depth and colour."""

import numpy as np

from sat3d.parsing.labels import LABEL_NAMES

# Parts that are a few pixels wide, and that a head is recognised by. What is not named is seen often enough.
_PART_WEIGHTS = {"brows": 3.0, "eyes": 6.0, "nose": 1.0, "mouth": 4.5, "beard": 1.5, "glasses": 5.0}
_DEPTH_EDGE, _COLOUR_EDGE = 1.5, 1.0
_DEPTH_STEP = 0.02  # world units between neighbours: one thing before another
_GREY_STEP = 0.10
_FLOOR = 0.02
UNIT = 20.0  # a weight of one, as stored


def pixel_weights(image: np.ndarray, labels: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """``image [H, W, 3]`` and ``labels [H, W]`` uint8, ``depth [H, W]`` -> ``[H, W]`` uint8, in 1/20."""
    by_label = np.array([_PART_WEIGHTS.get(name, 0.0) for name in LABEL_NAMES], np.float32)
    weight = by_label[labels] + _FLOOR
    weight += _DEPTH_EDGE * (_largest_step(depth) > _DEPTH_STEP)
    weight += _COLOUR_EDGE * ((_largest_step(image.mean(-1) / 255) > _GREY_STEP) & (depth > 0))
    return np.minimum(np.rint(weight * UNIT), 255).astype(np.uint8)


def _largest_step(values: np.ndarray) -> np.ndarray:
    """The largest absolute difference to one of the four neighbours."""
    steps = np.zeros(values.shape, np.float32)
    for axis in (0, 1):
        step = np.abs(np.diff(values, axis=axis))
        before, after = ((slice(None),) * axis + (part,) for part in (slice(None, -1), slice(1, None)))
        steps[before] = np.maximum(steps[before], step)
        steps[after] = np.maximum(steps[after], step)
    return steps
