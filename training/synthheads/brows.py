"""Eyebrows: a thin layer of hair above the skin that follows the expression."""

from __future__ import annotations

import numpy as np

from training.synth.mesh import Mesh, make_mesh

from .head import Head, HeadModel
from .materials import Material
from .parameters import HeadParameters

_LAYERS = ((0.15, 0.0008), (0.55, 0.0020))  # height in the fur; metres above the skin
_SUBDIVISIONS = 1


def build_brows(p: HeadParameters, head: Head) -> list[Mesh]:
    """Both brows; their outline for ``brow_thickness`` and ``brow_arch`` is cut out when drawn."""
    patch = head.patch("brows", _ground(head.model), _SUBDIVISIONS)
    flow = np.stack([np.sign(patch.rest[:, 0]), np.full(len(patch.rest), 0.30), np.full(len(patch.rest), -0.3)], 1)
    tangent = flow - patch.normal * (flow * patch.normal).sum(1, keepdims=True)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-6)
    bulk = 0.7 + 0.6 * p.brow_thickness
    layers = []
    for height, lift in _LAYERS:
        extra = np.zeros((len(patch.position), 4), np.float32)
        extra[:, 3] = height
        position = patch.position + patch.normal * np.float32(lift * bulk)
        layers.append(
            make_mesh(
                position,
                patch.triangles,
                Material.BROW,
                normal=patch.normal,
                tangent=tangent,
                rest=patch.rest,
                extra=extra,
            )
        )
    return layers


def _ground(model: HeadModel) -> np.ndarray:
    """[V] bool: skin where brows of any thickness and arch may be."""
    x, y, z = np.abs(model.rest[:, 0]), model.rest[:, 1], model.rest[:, 2]
    return (x < 0.066) & (y > -0.001) & (y < 0.036) & (z > 0.030)
