"""Which pixels teach most: small parts of the face, the places of the eyes, and edges of depth and colour."""

import numpy as np
import torch

from sat3d.camera import split_label
from sat3d.parsing.labels import LABEL_NAMES

# Parts that are a few pixels wide, and that a head is recognised by. What is not named is seen often enough.
_PART_WEIGHTS = {"brows": 3.0, "eyes": 6.0, "nose": 1.0, "mouth": 4.5, "beard": 1.5, "glasses": 5.0}
# A closed eye is labelled skin and eye shadow lies on skin: without a weight for the place itself no eye ever learns to
# close. World units; an eye's middle differs by 0.004 between people.
_EYE_PLACES = ((0.0525, -0.012, 0.148), (-0.0525, -0.012, 0.148))
_EYE_WEIGHT, _EYE_SPREAD = 4.0, 0.018
_DEPTH_EDGE, _COLOUR_EDGE = 1.5, 1.0
_DEPTH_STEP = 0.02  # world units between neighbours: one thing before another
_GREY_STEP = 0.10
_FLOOR = 0.02
UNIT = 20.0  # a weight of one, as stored


def pixel_weights(image: np.ndarray, labels: np.ndarray, depth: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """``image [H, W, 3]``, ``labels [H, W]`` uint8, ``depth [H, W]`` along the rays, ``camera [25]`` ->
    ``[H, W]`` uint8, in 1/20."""
    by_label = np.array([_PART_WEIGHTS.get(name, 0.0) for name in LABEL_NAMES], np.float32)
    weight = by_label[labels] + _FLOOR
    weight += _eye_weights(depth, camera)
    weight += _DEPTH_EDGE * (_largest_step(depth) > _DEPTH_STEP)
    weight += _COLOUR_EDGE * ((_largest_step(image.mean(-1) / 255) > _GREY_STEP) & (depth > 0))
    return np.minimum(np.rint(weight * UNIT), 255).astype(np.uint8)


def _eye_weights(depth: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """Bells about the places of the eyes, on the surface that is seen there."""
    surface = _surface(depth, camera)
    squares = [np.square(surface - place).sum(-1) for place in _EYE_PLACES]
    return _EYE_WEIGHT * np.exp(-0.5 * np.minimum(*squares) / _EYE_SPREAD**2) * (depth > 0)


def _surface(depth: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """``[H, W, 3]`` world points; the camera itself where nothing is seen."""
    pose, intrinsic = (part[0].numpy() for part in split_label(torch.tensor(camera)[None]))
    height, width = depth.shape
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    local = np.stack([(x - intrinsic[0, 2]) / intrinsic[0, 0], (y - intrinsic[1, 2]) / intrinsic[1, 1], 1 + 0 * x], -1)
    direction = local @ pose[:3, :3].T
    return pose[:3, 3] + depth[..., None] * direction / np.linalg.norm(local, axis=-1, keepdims=True)


def _largest_step(values: np.ndarray) -> np.ndarray:
    """The largest absolute difference to one of the four neighbours."""
    steps = np.zeros(values.shape, np.float32)
    for axis in (0, 1):
        step = np.abs(np.diff(values, axis=axis))
        before, after = ((slice(None),) * axis + (part,) for part in (slice(None, -1), slice(1, None)))
        steps[before] = np.maximum(steps[before], step)
        steps[after] = np.maximum(steps[after], step)
    return steps
