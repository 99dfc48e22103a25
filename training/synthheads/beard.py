"""Beards: one opaque surface raised from the face, thick and hanging as it grows, below loose strands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import warp as wp

from training.synth.mesh import Mesh, make_mesh, vertex_normals

from .attributes import BEARDS
from .head import Head, HeadModel
from .kernels.face_masks import beard_depth, beard_mask
from .materials import Material
from .parameters import HeadParameters
from .patch import Patch

_MARGIN_M = 0.010  # of the ground around the outline, so that the outline lies inside it
_SUBDIVISIONS = 2
_LAYERS = ((0.30, 0.0), (0.74, 1.0))  # height in the fur, share of the lift: the closed surface, loose strands
_TIP_Z_M = 0.090  # long hair of the chin gathers below this place
_LIP_HANG = {"moustache": 1.0}  # share of the hang that a moustache's ends have; in a beard they rest on it
_DOWN = np.array([0.0, -1.0, 0.10], np.float32)


@dataclass(frozen=True)
class Growth:
    """A style's size in metres: ``thick`` and ``hang`` at length 0 and at length 1."""

    thick: tuple[float, float]
    hang: tuple[float, float]


GROWTHS = {
    "moustache": Growth(thick=(0.0040, 0.0085), hang=(0.0, 0.016)),
    "goatee": Growth(thick=(0.0035, 0.0085), hang=(0.002, 0.034)),
    "chin beard": Growth(thick=(0.0050, 0.0095), hang=(0.012, 0.046)),
    "full beard": Growth(thick=(0.0030, 0.0150), hang=(0.002, 0.048)),
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """What a style does at the vertices [N] of its ground that it uses (their numbers ``used``, template coordinates
    ``rest``, ``lip``): share of the thickness, of the hang, the way
    [N, 3] in metres to the middle into which hanging hair gathers, and the strands' direction [N, 3]."""

    used: np.ndarray
    rest: np.ndarray
    lip: np.ndarray
    thick: np.ndarray
    hang: np.ndarray
    gather: np.ndarray
    flow: np.ndarray
    triangles: np.ndarray


def build_beard(p: HeadParameters, head: Head) -> list[Mesh]:
    """The beard of ``p`` on the face as it moves; stubble is painted on the skin, so it has no mesh."""
    growth = GROWTHS.get(p.beard)
    if growth is None:
        return []
    style = BEARDS.index(p.beard)
    patch = head.patch(f"beard {style}", _ground(head.model, style), _SUBDIVISIONS)
    field = _field(head.model, style, patch)
    thick, hang = (low + p.beard_length * (high - low) for low, high in (growth.thick, growth.hang))
    fall = _DOWN * hang + field.gather * p.beard_length
    skin, outward = patch.position[field.used], patch.normal[field.used]
    surface = skin + outward * (thick * field.thick)[:, None] + fall * field.hang[:, None]
    normal = vertex_normals(surface, field.triangles)
    lift = 0.0010 + 0.0010 * p.beard_length
    return [_layer(field, surface + normal * (lift * share), normal, height) for height, share in _LAYERS]


def _layer(field: Field, position: np.ndarray, normal: np.ndarray, height: float) -> Mesh:
    extra = np.zeros((len(position), 4), np.float32)
    extra[:, 0], extra[:, 3] = field.lip, height
    tangent = field.flow - normal * (field.flow * normal).sum(1, keepdims=True)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-6)
    return make_mesh(
        position, field.triangles, Material.BEARD, normal=normal, tangent=tangent, rest=field.rest, extra=extra
    )


def _kept(model: HeadModel, key: str, make):
    """Fields depend on the template only: computed once, kept on the model."""
    store = model.__dict__.setdefault("_beards", {})
    if key not in store:
        store[key] = make()
    return store[key]


def _ground(model: HeadModel, style: int) -> np.ndarray:
    """[V] bool: skin in and around the beard, without the ears and the inside of the mouth."""

    def select():
        inside = _measure(_depth_kernel, model.rest, model.extra[:, 0], style) > -_MARGIN_M
        return inside & (model.extra[:, 2] < 0.15) & (model.extra[:, 3] < 0.5)

    return _kept(model, f"ground {style}", select)


def _field(model: HeadModel, style: int, patch: Patch) -> Field:
    return _kept(model, f"field {style}", lambda: _make_field(patch, style))


def _make_field(patch: Patch, style: int) -> Field:
    mask = measure_mask(patch.rest, patch.lip, style)
    triangles = patch.triangles[(mask > 0.0)[patch.triangles].any(1)]
    used, corners = np.unique(triangles, return_inverse=True)
    rest, mask = patch.rest[used], mask[used]
    depth = _measure(_depth_kernel, rest, patch.lip[used], style)
    locks = _locks(rest)
    hang = _chin_hang(rest, depth) * (1.0 + 0.17 * locks) + _LIP_HANG.get(BEARDS[style], 0.02) * _over_lip(rest)
    shares = mask * _thickness(rest, depth) * (1.0 + 0.16 * locks), mask * hang, _gathering(rest), _flow(rest)
    return Field(
        used, rest, patch.lip[used], *(share.astype(np.float32) for share in shares),
        corners.reshape(-1, 3).astype(np.int32),
    )  # fmt: skip


def _thickness(rest: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """[N] 0..1: round at the outline, thinner on the cheeks and towards the neck."""
    x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
    cheek = 1.0 - 0.55 * _ramp(-0.085, -0.055, y) * _ramp(0.034, 0.050, x)
    rounding = np.sqrt(np.clip((depth + 0.0006) / 0.0080, 0.0, 1.0))
    return rounding * cheek * (0.35 + 0.65 * _ramp(0.0, 0.045, z))


def _chin_hang(rest: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """[N] how much hair hangs, 0..1: below the chin most, less along the jaw and at the outline."""
    x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
    below = _ramp(0.0, 0.019, depth) * _ramp(-0.074, -0.113, y)
    return below * _ramp(0.022, 0.080, z) * (1.0 - 0.72 * _ramp(0.012, 0.055, x))


def _gathering(rest: np.ndarray) -> np.ndarray:
    """[N, 3] metres: hanging hair draws together below the chin; the moustache does not."""
    ways = np.stack([-0.35 * rest[:, 0], np.zeros(len(rest)), 0.55 * (_TIP_Z_M - rest[:, 2])], axis=1)
    return ways * _ramp(-0.080, -0.095, rest[:, 1])[:, None]


def _over_lip(rest: np.ndarray) -> np.ndarray:
    """[N] how much hair of the upper lip hangs, 0..1: the wings' ends, hardly above the mouth itself."""
    x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
    lip = _ramp(-0.0560, -0.0640, y) * _ramp(-0.0950, -0.0850, y) * _ramp(0.068, 0.078, z)
    return lip * (0.12 + 0.88 * _ramp(0.018, 0.034, x))


def _locks(rest: np.ndarray) -> np.ndarray:
    """[N] tufts side by side, -1..1: a fixed pattern of directions that leans a little with height."""
    around = np.arctan2(rest[:, 0], rest[:, 2] + 0.02) + 0.8 * rest[:, 1]
    return 0.5 * np.sin(37.0 * around + 1.1) + 0.3 * np.sin(61.0 * around + 0.4) + 0.2 * np.sin(103.0 * around)


def _flow(rest: np.ndarray) -> np.ndarray:
    """Unnormalised strand directions [N, 3]: outwards over the lip, down elsewhere, towards the chin on the cheeks."""
    over_lip = _ramp(-0.082, -0.066, rest[:, 1]) * _ramp(0.070, 0.085, rest[:, 2])
    side = np.clip(rest[:, 0] / 0.006, -1.0, 1.0)
    flow = np.zeros_like(rest)
    flow[:, 0] = over_lip * 1.4 * side - (1.0 - over_lip) * 2.0 * rest[:, 0]
    flow[:, 1] = -1.0
    flow[:, 2] = 0.25 * (1.0 - over_lip)
    return flow.astype(np.float32)


def _ramp(start: float, end: float, value: np.ndarray) -> np.ndarray:
    t = np.clip((value - start) / (end - start), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def measure_mask(rest: np.ndarray, lip: np.ndarray, style: int) -> np.ndarray:
    """``face_masks.beard_mask`` [N] at points [N, 3] of the template with lip [N]."""
    return _measure(_mask_kernel, rest, lip, style)


def _measure(kernel: wp.Kernel, rest: np.ndarray, lip: np.ndarray, style: int) -> np.ndarray:
    """A field of ``face_masks`` at points [N, 3], so that shapes and cut-outs agree exactly."""
    points = wp.array(np.ascontiguousarray(rest, np.float32), dtype=wp.vec3, device="cpu")
    lips = wp.array(np.ascontiguousarray(lip, np.float32), dtype=float, device="cpu")
    result = wp.empty(len(rest), dtype=float, device="cpu")
    wp.launch(kernel, dim=len(rest), inputs=[points, lips, style, result], device="cpu")
    return result.numpy()


@wp.kernel
def _mask_kernel(rest: wp.array(dtype=wp.vec3), lip: wp.array(dtype=float), style: int, mask: wp.array(dtype=float)):
    i = wp.tid()
    mask[i] = beard_mask(rest[i], style, lip[i])


@wp.kernel
def _depth_kernel(rest: wp.array(dtype=wp.vec3), lip: wp.array(dtype=float), style: int, depth: wp.array(dtype=float)):
    i = wp.tid()
    depth[i] = beard_depth(rest[i], style)
