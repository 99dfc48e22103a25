"""The flow of hair that is combed over from a parting: strands are circles between a point in the face and the nape."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from training.synth.mesh import Mesh

from ..scalp_map import CENTRE_M
from .tube import unit

_FACE_POLAR_RAD, _NAPE_POLAR_RAD = np.deg2rad(82.0), np.deg2rad(150.0)
_STEP = 1e-3


@dataclass(frozen=True)
class Combed:
    """At directions [..., 3]: ``turn_rad`` from the parting, < 0 on the side of smaller x; ``across`` which strand,
    about 0..1 from the face to the nape; unit ``flow`` [..., 3] from root to tip, square to the direction."""

    turn_rad: np.ndarray
    across: np.ndarray
    flow: np.ndarray


def comb(direction: np.ndarray, parting: np.ndarray) -> Combed:
    """Bipolar coordinates of unit directions [..., 3]; the parting is the arc through the unit vector ``parting`` [3].

    Their circles have no end on top of the head, so no whorl is seen: both poles lie where no hair is.
    """
    place, through = _stereographic(direction), _stereographic(parting)
    face, nape = np.tan(_FACE_POLAR_RAD / 2), -np.tan(_NAPE_POLAR_RAD / 2)
    ratio = (place - face) / (place - nape)
    turn = np.angle(ratio / ((through - face) / (through - nape)))
    moved = place + _STEP * np.sign(turn) * 1j * (place - face) * (place - nape) / (face - nape)
    flow = unit(_from_plane(moved) - direction)
    return Combed(-turn, (np.log(np.abs(ratio)) + 3.0) / 5.0, flow)


def place_at(turn_rad: np.ndarray, across: np.ndarray, parting: np.ndarray) -> np.ndarray:
    """Unit directions [..., 3] of bipolar coordinates: what ``comb`` takes apart."""
    face, nape = np.tan(_FACE_POLAR_RAD / 2), -np.tan(_NAPE_POLAR_RAD / 2)
    through = _stereographic(parting)
    ratio = np.exp(5.0 * across - 3.0 + 1j * (np.angle((through - face) / (through - nape)) - turn_rad))
    return _from_plane((face - ratio * nape) / (1 - ratio))


def along_flow(mesh: Mesh, parting: np.ndarray) -> Mesh:
    """``mesh`` with strands that run as they are combed."""
    combed = comb(unit(mesh.position - CENTRE_M), parting)
    flow = combed.flow - mesh.normal * (combed.flow * mesh.normal).sum(-1, keepdims=True)
    rest = np.stack([combed.across, np.clip(np.abs(combed.turn_rad) / 2.2, 0, 1), mesh.rest[:, 2]], -1)
    return replace(mesh, tangent=unit(flow).astype(np.float32), rest=rest.astype(np.float32))


def _stereographic(direction: np.ndarray) -> np.ndarray:
    """Seen from below, the directions as complex numbers: 0 at the crown, real in front."""
    return (direction[..., 2] + 1j * direction[..., 0]) / (1 + direction[..., 1] + 1e-9)


def _from_plane(place: np.ndarray) -> np.ndarray:
    square = np.abs(place) ** 2
    return np.stack([2 * place.imag, 1 - square, 2 * place.real], -1) / (1 + square)[..., None]
