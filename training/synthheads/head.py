"""The bare head: from shape, age, sex, ancestry and expression to vertices. Reads the baked asset; needs no anny."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from sat3d.animation.channels import GAZE_PITCH_DEG, GAZE_YAW_DEG
from sat3d.files.safetensors_io import read_header, read_tensors
from training.synth.mesh import Mesh, vertex_normals

from .actions import FACE_UNITS, unit_weights
from .materials import Material
from .mouth import TEETH_DROP_M, are_upper, lay_tongue
from .parameters import HeadParameters
from .patch import Patch, cut_patch
from .scalp import Scalp, ScalpMap

ASSET = Path(__file__).parent / "asset" / "heads.safetensors"
SCHEMA = "synthheads.heads.1"
WORLD_PER_METRE = 1.65
EYE_MIDPOINT_M = np.array([0.0, -0.0066, 0.0745], np.float32)
_EAR_ROOT_M = (0.0765, 0.002, 0.008)
_CORNER_AGES = (0.30, 0.66, 1.0)  # of the asset's three ages (child, young, old) in the asset's own unit
_SHAPE_BASE = {"eye-scale-incr": 0.35}  # eyes a little larger than life: their colour has to be seen


@dataclass
class HeadModel:
    """The template and everything that moves it. V vertices; displacements in metres.

    ``corners`` [2, 3, 3, 3, V, 3]: sex (female, male) × age (child, young, old) × weight (thin, average, heavy) ×
    ancestry; ``shape_up``/``shape_down`` [K, V·3]: local changes at +1 and −1; ``units`` [U, V·3]: face units at 1.
    """

    rest: np.ndarray
    extra: np.ndarray
    triangles: np.ndarray
    material: np.ndarray
    corners: np.ndarray
    shape_up: np.ndarray
    shape_down: np.ndarray
    units: np.ndarray
    scalp_map: ScalpMap

    @cached_property
    def is_skin(self) -> np.ndarray:
        """[V] bool: vertices of the skin (not eyes, teeth, tongue)."""
        return self._used_by(Material.SKIN)

    @cached_property
    def eyes(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertex numbers of the eyeballs, x < 0 first."""
        eye = self._used_by(Material.EYE)
        return np.nonzero(eye & (self.rest[:, 0] < 0))[0], np.nonzero(eye & (self.rest[:, 0] > 0))[0]

    @cached_property
    def ear_roots(self) -> np.ndarray:
        """[2] vertex numbers where the temples of glasses rest, x < 0 first."""
        distance = [
            np.linalg.norm(self.rest - np.float32([s * _EAR_ROOT_M[0], *_EAR_ROOT_M[1:]]), axis=1) for s in (-1, 1)
        ]
        return np.array([np.argmin(d + ~self.is_skin) for d in distance])

    def _used_by(self, material: Material) -> np.ndarray:
        mask = np.zeros(len(self.rest), bool)
        mask[self.triangles[self.material == material].ravel()] = True
        return mask

    def pose(self, p: HeadParameters) -> Head:
        """The head of ``p``: relaxed for what is worn, with its expression for what is seen."""
        moved = self.rest + self._identity(p)
        scale, offset = self._registration(moved)
        relaxed = ((moved - offset) * scale + EYE_MIDPOINT_M).astype(np.float32)
        weights = unit_weights(p.actions, p.lid_openness, p.gaze_pitch)
        position = relaxed + (weights @ self.units).reshape(-1, 3) * scale
        turn = _eye_rotation(p.gaze_yaw, p.gaze_pitch)
        for eye in self.eyes:
            centre = relaxed[eye].mean(0)
            position[eye] = (relaxed[eye] - centre) @ turn.T + centre
        return Head(self, position.astype(np.float32), relaxed)

    def _identity(self, p: HeadParameters) -> np.ndarray:
        corner = np.einsum("s,a,w,e->sawe", _between(p.sex, 2), _age_shares(p.age), _between(p.weight, 3), p.ancestry)
        displacement = np.float32(corner.ravel()) @ self.corners.reshape(corner.size, -1)
        shape = np.asarray(p.shape, np.float32) + _shape_base()
        displacement += np.maximum(shape, 0) @ self.shape_up + np.maximum(-shape, 0) @ self.shape_down
        return displacement.reshape(-1, 3)

    def _registration(self, moved: np.ndarray) -> tuple[float, np.ndarray]:
        """Scale and origin that put both eyes where the template has them; so a child's head stays a child's."""
        left, right = (moved[index].mean(0) for index in self.eyes)
        rest_left, rest_right = (self.rest[index].mean(0) for index in self.eyes)
        return float((rest_right - rest_left)[0] / (right - left)[0]), (left + right) / 2


@dataclass
class Head:
    """One posed head: ``position`` [V, 3] metres with its expression, ``relaxed`` [V, 3] without."""

    model: HeadModel
    position: np.ndarray
    relaxed: np.ndarray

    @cached_property
    def normal(self) -> np.ndarray:
        """[V, 3] unit normals of ``position``."""
        return vertex_normals(self.position, self.model.triangles)

    @cached_property
    def relaxed_normal(self) -> np.ndarray:
        """[V, 3] unit normals of ``relaxed``."""
        return vertex_normals(self.relaxed, self.model.triangles)

    @cached_property
    def eye_centres(self) -> np.ndarray:
        """[2, 3] metres, x < 0 first."""
        return np.stack([self.relaxed[index].mean(0) for index in self.model.eyes])

    @cached_property
    def ear_roots(self) -> np.ndarray:
        """[2, 3] metres, x < 0 first."""
        return self.relaxed[self.model.ear_roots]

    @cached_property
    def scalp(self) -> Scalp:
        """The relaxed head as a function of direction, without ears."""
        return Scalp.of(self.model.scalp_map, self.relaxed, self.relaxed_normal, head=self)

    def patch(self, name: str, select: np.ndarray, subdivisions: int = 1, relaxed: bool = False) -> Patch:
        """The skin whose vertices are all in ``select`` [V] bool, refined; ``name`` keeps its topology for reuse."""
        position, normal = (self.relaxed, self.relaxed_normal) if relaxed else (self.position, self.normal)
        return cut_patch(self.model, name, select, subdivisions).of(position, normal)

    def mesh(self) -> Mesh:
        """Skin, eyes, teeth and tongue; ``tangent`` is left for the scalp tint."""
        model = self.model
        zeros = np.zeros_like(self.position)
        return Mesh(self.position, self.normal, zeros, model.rest, model.extra, model.triangles, model.material)


@lru_cache(maxsize=1)
def load_head_model(path: Path = ASSET) -> HeadModel:
    """Read the baked asset (once).

    Raises:
        FileError: it is missing, damaged or of another version.
    """
    read_header(path, SCHEMA, "a baked head asset", "fetch the file again, or bake it: training/synthheads/bake.py")
    arrays = {name: tensor.numpy() for name, tensor in read_tensors(path).items()}
    vertices, triangles = arrays["rest"], arrays["triangles"]
    count = len(_shape_base())
    teeth, tongue = (np.unique(triangles[arrays["material"] == m]) for m in (Material.TEETH, Material.TONGUE))
    vertices[tongue] = lay_tongue(vertices[tongue])
    units = _dense(arrays, "action", len(FACE_UNITS))
    units[FACE_UNITS.index("jawOpen")].reshape(-1, 3)[teeth, 1] -= TEETH_DROP_M * are_upper(vertices[teeth])
    return HeadModel(
        rest=vertices, extra=arrays["extra"], triangles=triangles, material=arrays["material"].astype(np.int32),
        corners=arrays["corners"].reshape(-1, vertices.size),
        shape_up=_dense(arrays, "shape_up", count), shape_down=_dense(arrays, "shape_down", count),
        units=units,
        scalp_map=ScalpMap.of(arrays["bare_triangles"], arrays["scalp_triangle"], arrays["scalp_barycentric"]),
    )  # fmt: skip


def _dense(arrays: dict[str, np.ndarray], name: str, count: int) -> np.ndarray:
    dense = np.zeros((count, len(arrays["rest"]), 3), np.float32)
    dense[arrays[f"{name}_which"], arrays[f"{name}_vertex"]] = arrays[f"{name}_move"]
    return dense.reshape(count, -1)


@lru_cache(maxsize=1)
def _shape_base() -> np.ndarray:
    from .attributes import SHAPE_NAMES

    return np.array([_SHAPE_BASE.get(name, 0.0) for name in SHAPE_NAMES], np.float32)


def _eye_rotation(gaze_yaw: float, gaze_pitch: float) -> np.ndarray:
    """``[3, 3]``: from straight ahead to the gaze; x right as the viewer sees it, y up, z to the viewer."""
    yaw, pitch = np.radians(gaze_yaw * GAZE_YAW_DEG), np.radians(gaze_pitch * GAZE_PITCH_DEG)
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    return about_y @ about_x.T


def _between(value: float, count: int) -> np.ndarray:
    """Linear shares of ``count`` corners evenly spaced on 0..1."""
    place = min(max(value, 0.0), 1.0) * (count - 1)
    return np.maximum(0.0, 1.0 - np.abs(np.arange(count) - place))


def _age_shares(age: float) -> np.ndarray:
    """Age 0 is a child of about eight, 0.4 a young adult, 1 old."""
    asset_age = np.interp(age, (0.0, 0.4, 1.0), _CORNER_AGES)
    lower = np.interp(asset_age, (1 / 3, 2 / 3, 1.0), (0.0, 1.0, 2.0))
    return np.maximum(0.0, 1.0 - np.abs(np.arange(3) - lower))
