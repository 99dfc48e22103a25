"""A domain's latent: numbers from N(0, I) to a thing and back, and the draws of a data set.

Each parameter has a slice ("block") of an inner latent; a fixed rotation turns that into the latent z, so that no
attribute lies along an axis of z and a network has to find its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sat3d.errors import ConfigError, ShapeError

from .blocks import Block
from .cameras import CAMERA_STREAM, Pose, Views
from .distributions import normal_of_share
from .rules import ParameterTable
from .streams import random_stream

DrawPoses = Callable[[np.random.Generator, int, Any], tuple[Pose, ...]]


@dataclass(frozen=True, eq=False)
class Population:
    """``blocks`` in the order of the inner latent; parameters without a block have their default.

    ``draw_own_poses(stream, views, p)``: a law for the cameras, such as mostly from the front, as in photographs; by
    default they stand evenly wherever the domain's ``cameras`` may.

    Raises:
        ConfigError: a block's name is no parameter's.
    """

    name: str
    table: ParameterTable
    cameras: Views
    blocks: tuple[Block, ...]
    rotation_seed: int
    draw_own_poses: DrawPoses | None = None

    def __post_init__(self):
        if unknown := [block.name for block in self.blocks if block.name not in self.table.fields]:
            known = f"parameters of a {self.table.noun}: {', '.join(self.table.fields)}"
            step = "name each block after the parameter that it draws"
            raise ConfigError(f"Blocks of the population '{self.name}' draw no parameter", unknown, known, step)

    @cached_property
    def z_dim(self) -> int:
        """Z: how many numbers a latent has."""
        return sum(block.size for block in self.blocks)

    @cached_property
    def rotation(self) -> np.ndarray:
        """``[Z, Z]`` orthogonal; fixed for all time and every machine.

        Built from the generator's raw 53-bit numbers, which every numpy draws alike. Its columns have the signs that
        make QR unique, and are rounded far above the noise of a linear algebra library and far below what a parameter
        keeps.
        """
        draws = np.random.Generator(np.random.PCG64(self.rotation_seed)).random((self.z_dim, self.z_dim))
        normal = np.vectorize(normal_of_share, otypes=[float])(draws)
        q, r = np.linalg.qr(normal)
        matrix = np.round(q * np.sign(np.diag(r)), 11)
        matrix.setflags(write=False)
        return matrix

    def parameters(self, z: np.ndarray) -> Any:
        """The thing of a latent [Z]; any finite numbers are allowed, N(0, I) gives the population's balance.

        Raises:
            ShapeError: another shape, NaN or infinity.
        """
        inner = self._checked(z) @ self.rotation
        values: dict[str, object] = {}
        start = 0
        for block in self.blocks:
            values[block.name] = block.decode(inner[start : start + block.size], values)
            start += block.size
        return self.table.kind(**values)

    def latent(self, p: Any) -> np.ndarray:
        """A latent [Z] float64 of this thing: :meth:`parameters` gives it back.

        What ``p`` has and the population never draws (a colour between anchors, half a wink) becomes the nearest it
        does draw.
        """
        return self.rotation @ np.concatenate([block.encode(p) for block in self.blocks])

    def edit(self, z: np.ndarray, **values: object) -> np.ndarray:
        """``z`` with the named parameters changed (as :func:`change` takes them) and nothing else.

        One thing can give way: a beard's colour is drawn as a mixture with the hair's, so after a change of the hair's
        colour it is the nearest such mixture to what it was.
        """
        after = self.table.change(self.parameters(z), **values)
        inner, target = self._checked(z) @ self.rotation, self.latent(after) @ self.rotation
        start = 0
        for block in self.blocks:
            own = slice(start, start + block.size)
            if block.decode(inner[own], vars(after)) != getattr(after, block.name):
                inner[own] = target[own]
            start += block.size
        return self.rotation @ inner

    def _checked(self, z: np.ndarray) -> np.ndarray:
        array = np.asarray(z, dtype=np.float64)
        if array.shape != (self.z_dim,):
            raise ShapeError(
                f"Not a latent of the population '{self.name}'", array.shape, f"({self.z_dim},)", "use draw_latent"
            )
        if not np.isfinite(array).all():
            wanted = f"{self.z_dim} finite numbers"
            raise ShapeError("The latent holds NaN or infinity", None, wanted, "use draw_latent")
        return array

    def draw_latent(self, seed: int, index: int) -> np.ndarray:
        """The latent [Z] float32 of thing ``index``; float32, so that a stored latent gives the very same thing."""
        return random_stream(seed, index).standard_normal(self.z_dim).astype(np.float32)

    def draw(self, seed: int, index: int) -> Any:
        """Thing ``index`` of the data set of that seed."""
        return self.parameters(self.draw_latent(seed, index))

    def draw_poses(self, seed: int, index: int, views: int, *, wide: bool | None = None) -> tuple[Pose, ...]:
        """Cameras of all views of a thing: see :mod:`.cameras`; ``wide`` overrules the population."""
        stream = random_stream(seed, index, CAMERA_STREAM)
        if self.draw_own_poses is None if wide is None else wide:
            return self.cameras.draw_wide(stream, views)
        return self.draw_own_poses(stream, views, self.draw(seed, index))


def population_named(populations: Mapping[str, Population], name: str) -> Population:
    """
    Raises:
        ConfigError: there is no such population.
    """
    if name not in populations:
        raise ConfigError("There is no such population", repr(name), ", ".join(populations), "choose one of these")
    return populations[name]
