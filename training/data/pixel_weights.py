"""Which pixels teach most: places that a domain names, and edges of depth and colour. No label is needed."""

from collections.abc import Sequence

import numpy as np
import torch

from sat3d.camera import split_label
from training.synth.learning import Place

_DEEP_SPREAD = 0.045
_DEPTH_EDGE, _COLOUR_EDGE = 2.0, 1.2
_DEPTH_STEP = 0.02  # world units between neighbours: one thing before another
_GREY_STEP = 0.10
_FLOOR = 0.02
UNIT = 20.0  # a weight of one, as stored


def pixel_weights(image: np.ndarray, depth: np.ndarray, camera: np.ndarray, places: Sequence[Place] = ()) -> np.ndarray:
    """``image [H, W, 3]`` uint8, ``depth [H, W]`` along the rays, ``camera [25]`` -> ``[H, W]`` uint8, in 1/20."""
    weight = _FLOOR + _place_weights(depth, camera, places)
    weight += _DEPTH_EDGE * (_largest_step(depth) > _DEPTH_STEP)
    weight += _COLOUR_EDGE * ((_largest_step(image.mean(-1, dtype=np.float32) / 255) > _GREY_STEP) & (depth > 0))
    return np.minimum(np.rint(weight * UNIT), 255).astype(np.uint8)


def _place_weights(depth: np.ndarray, camera: np.ndarray, places: Sequence[Place]) -> np.ndarray:
    """Bells about the places, on the surface that is seen there."""
    total = np.zeros(depth.shape, np.float32)
    seen = depth > 0
    surface = _surface(depth, camera)[seen] if places else None  # [n, 3]
    for place in places:
        spread = np.array((*place.spread, _DEEP_SPREAD), np.float32)
        away = (surface - np.array(place.at, np.float32)) / spread
        total[seen] += place.weight * np.exp(-0.5 * np.einsum("ij,ij->i", away, away))
    return total


def _surface(depth: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """``[H, W, 3]`` world points; the camera itself where nothing is seen."""
    pose, intrinsic = (part[0].numpy() for part in split_label(torch.tensor(camera)[None]))
    height, width = depth.shape
    x, y = ((np.arange(n, dtype=np.float32) + 0.5) / n for n in (width, height))
    x, y = np.meshgrid((x - intrinsic[0, 2]) / intrinsic[0, 0], (y - intrinsic[1, 2]) / intrinsic[1, 1])
    along = depth.astype(np.float32) / np.sqrt(x * x + y * y + 1)
    return pose[:3, 3] + np.stack([x * along, y * along, along], -1) @ pose[:3, :3].T


def _largest_step(values: np.ndarray) -> np.ndarray:
    """The largest absolute difference to one of the four neighbours."""
    steps = np.zeros(values.shape, np.float32)
    for axis in (0, 1):
        step = np.abs(np.diff(values, axis=axis))
        before, after = ((slice(None),) * axis + (part,) for part in (slice(None, -1), slice(1, None)))
        steps[before] = np.maximum(steps[before], step)
        steps[after] = np.maximum(steps[after], step)
    return steps
