"""Painted meshes: geometry whose every vertex has a colour and a finish. No kernels are needed for a domain of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sat3d.camera import CameraRig

from .mesh import Mesh, join, make_mesh, vertex_normals

if TYPE_CHECKING:
    from .scene import Model


@dataclass(frozen=True)
class Finish:
    """How a surface takes light: ``rough`` 0..1, ``shine`` (reflectance when seen straight on), ``soft`` 0..1 (light
    reaches round the edge, as in fur), ``metal`` 0..1 (it mirrors in its own colour)."""

    rough: float = 0.6
    shine: float = 0.03
    soft: float = 0.1
    metal: float = 0.0

    @property
    def numbers(self) -> tuple[float, float, float, float]:
        return self.rough, self.shine, self.soft, self.metal


def to_linear(colour: np.ndarray) -> np.ndarray:
    """sRGB 0..1, ``[…, 3]``, to linear light."""
    colour = np.clip(np.asarray(colour, np.float64), 0.0, 1.0)
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def painted(
    position: np.ndarray,
    triangles: np.ndarray,
    colour: np.ndarray | Sequence[float],
    label: int | np.ndarray,
    finish: Finish | np.ndarray = Finish(),
    grain: np.ndarray | None = None,
) -> Mesh:
    """A part: ``position [V, 3]`` in world units, ``triangles [T, 3]``; ``colour`` sRGB, one or ``[V, 3]``; ``label``
    one or ``[T]``; ``finish`` one or ``[V, 4]``; ``grain [V, 3]``: coordinates of fur's streaks, one a unit.

    Triangles are turned so that the part looks outwards from its middle.
    """
    position = np.asarray(position, np.float64).reshape(-1, 3)
    triangles = outward(position, np.asarray(triangles).reshape(-1, 3))
    count = len(position)
    linear = np.broadcast_to(to_linear(np.asarray(colour)), (count, 3))
    numbers = np.broadcast_to(finish.numbers if isinstance(finish, Finish) else finish, (count, 4))
    mesh = make_mesh(position, triangles, 0, rest=linear, extra=numbers, tangent=grain)
    mesh.material[:] = label
    return mesh


def outward(position: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """The triangles, all turned over if most of the surface looks inwards."""
    normal = vertex_normals(position, triangles)
    away = position - (position.min(0) + position.max(0)) / 2
    return triangles if (normal * away).sum() >= 0 else triangles[:, ::-1]


def mirrored(mesh: Mesh) -> Mesh:
    """The same part on the other side of the plane x = 0."""
    flip = np.float32([-1, 1, 1])
    return Mesh(
        mesh.position * flip, mesh.normal * flip, mesh.tangent, mesh.rest, mesh.extra, mesh.triangles[:, ::-1],
        mesh.material,
    )  # fmt: skip


def paint_model(parts: Sequence[Mesh], p: Any, rig: CameraRig) -> Model:
    """All ``parts`` in the surroundings of ``p`` (see :class:`.parameters.SurroundingsParameters`)."""
    from .kernels.paint import PAINT, PaintLook
    from .light import surroundings
    from .scene import Model

    look = PaintLook()
    look.around = surroundings(p)
    return Model(join(list(parts)), look, PAINT, rig)
