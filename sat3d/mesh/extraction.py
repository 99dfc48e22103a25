"""A face of a tri-plane generator as a triangle mesh with colours.

World axes, as those of the cameras and of glTF: x to the right of the frontal picture, y up, z from the head towards
the frontal camera. Lengths are world units: the box around the built-in heads is 0.72 wide, that of EG3D faces 1.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import ConfigError, Sat3dError, ShapeError
from ..generators.base import RenderOptions, ViewGenerator
from ..generators.volume import compositing_weights, sample_coefficients
from ..progress import Progress, no_progress
from .grid import Grid, extract_surface, sample_grid, vertex_normals

DEFAULT_CELLS = 192
_PROBE_SIDE = 48
_PROBE_OPACITY, _LEAST_OPACITY = 0.9, 0.05
_BORDER, _PUBLISHED_BORDER = 0.06, 30 / 256
_VERTICES_AT_ONCE = 1 << 13
_RAY_SAMPLES = 12
_RAY_OUT, _RAY_IN = 0.01, 0.03  # of the box: where the short rays for colours begin and end


@dataclass(frozen=True)
class MeshOptions:
    """``cells``: side of the grid. ``level``: raw density (before softplus) of the surface; None: where the frontal
    picture sees it (:func:`surface_level`). ``border``: share of the box that is cut off at every side, 0 … 0.45;
    None: 0.06 where the network has a background of its own, just what no training camera saw; else 30/256 as the
    published export does, since there a wall of background surrounds the head.
    """

    cells: int = DEFAULT_CELLS
    level: float | None = None
    border: float | None = None

    def __post_init__(self):
        if self.level is not None and not math.isfinite(self.level):
            raise ConfigError("The density level is not a number", self.level, "a finite number", "use 0 or None")
        if self.border is not None and not 0 <= self.border <= 0.45:
            raise ConfigError("The border is out of range", self.border, "0 … 0.45 of the box", "use 0.1")


@dataclass(frozen=True)
class Mesh:
    """A closed surface: every edge has two faces, counter-clockwise from outside."""

    vertices: np.ndarray  # [V, 3] float32, world units
    faces: np.ndarray  # [F, 3] int32
    normals: np.ndarray  # [V, 3] float32, unit, outwards
    colours: np.ndarray  # [V, 3] float32, sRGB 0..1, with the light that is in the picture

    def __post_init__(self):
        wanted = (len(self.vertices), 3)
        good = all(
            part.shape == wanted and np.isfinite(part).all() for part in (self.vertices, self.normals, self.colours)
        )
        if not good or self.faces.ndim != 2 or self.faces.shape[1] != 3:
            raise ShapeError(
                "Not a mesh",
                "arrays of other shapes, or NaN inside",
                "vertices, normals and colours [V, 3], faces [F, 3]",
                "make the mesh again",
            )
        if not len(self.faces) or self.faces.min() < 0 or self.faces.max() >= len(self.vertices):
            raise ShapeError(
                "The mesh has no faces, or faces of missing vertices",
                len(self.faces),
                f"faces of {len(self.vertices)} vertices",
                "make the mesh again",
            )


@torch.no_grad()
def extract_mesh(
    network: ViewGenerator,
    planes: Tensor,
    options: MeshOptions | None = None,
    progress: Progress = no_progress,
    styles: Tensor | None = None,
) -> Mesh:
    """The surface of one face, ``planes [1, …]`` of :meth:`ViewGenerator.planes`; its ``styles [1, S]`` for
    networks whose colours depend on them.

    Each vertex has the colour that the picture shows there before super-resolution: that of a short ray against its
    normal. ``progress`` counts to 100.

    Raises:
        ConfigError, ShapeError: unusable options, several faces at once.
        Sat3dError: no surface at that level, or nothing opaque to find the level from.
    """
    options = options or MeshOptions()
    if len(planes) != 1:
        raise ShapeError("A mesh is made of one face", len(planes), 1, "make one after the other")
    grid = Grid(options.cells, network.config.rendering.box_warp * (0.5 - _border(network, options)))
    level = surface_level(network, planes) if options.level is None else options.level
    values = sample_grid(
        lambda points: network.query_seen(planes, points.to(planes.device)[None])[0][0],
        grid,
        level,
        _share_of(progress, 0, 70),
    )
    vertices, faces = extract_surface(values, grid, level)
    normals = vertex_normals(vertices, faces)
    colours = colours_at(network, planes, vertices, normals, _share_of(progress, 75, 100), styles)
    return Mesh(vertices, faces, normals, colours)


def _border(network: ViewGenerator, options: MeshOptions) -> float:
    if options.border is not None:
        return options.border
    alone = network.config.background_hidden or network.knows_all_sides
    return _BORDER if alone else _PUBLISHED_BORDER


def _share_of(progress: Progress, start: int, end: int) -> Progress:
    return lambda done, total: progress(start + (end - start) * done // max(total, 1), 100)


@torch.no_grad()
def surface_level(network: ViewGenerator, planes: Tensor) -> float:
    """The raw density where the picture sees the surface: the median over the opaque pixels of a small frontal view,
    which are those of at least nine tenths of its highest opacity.

    Densities of networks differ by orders of magnitude (``density_gain``); this needs no constant of theirs.

    Raises:
        Sat3dError: nothing in the view is opaque.
    """
    from ..generators.rays import camera_rays

    camera = network.rig.label().to(planes.device)
    view = network.render_features(planes, camera, RenderOptions(neural_resolution=_PROBE_SIDE, fast=True))
    origins, directions = camera_rays(camera, _PROBE_SIDE)
    points = origins + directions * view.depth.reshape(1, -1, 1)
    highest = float(view.opacity.max())
    if not highest > _LEAST_OPACITY:
        raise Sat3dError(
            "This face has no opaque surface",
            f"opacity up to {highest:.2f}",
            f"more than {_LEAST_OPACITY} somewhere",
            "choose a density level by hand",
        )
    seen = points[:, view.opacity.flatten() >= _PROBE_OPACITY * highest]
    return float(network.query(planes, seen)[0].median())


@torch.no_grad()
def colours_at(
    network: ViewGenerator,
    planes: Tensor,
    vertices: np.ndarray,
    normals: np.ndarray,
    progress: Progress = no_progress,
    styles: Tensor | None = None,
) -> np.ndarray:
    """sRGB ``[V, 3]`` 0..1 of points on the surface: what the raw picture shows of them, along a short ray inwards.

    A colour at the very point would be that of thin air in front of soft surfaces such as hair.
    """
    box = network.config.rendering.box_warp
    depths = torch.linspace(0, (_RAY_OUT + _RAY_IN) * box, _RAY_SAMPLES, device=planes.device)
    found = []
    for start in range(0, len(vertices), _VERTICES_AT_ONCE):
        progress(start, len(vertices))
        part = slice(start, start + _VERTICES_AT_ONCE)
        point, normal = (torch.from_numpy(x[part]).to(planes.device) for x in (vertices, normals))
        points = point[:, None] + (_RAY_OUT * box - depths)[None, :, None] * normal[:, None]
        density, features = network.query_seen(planes, points.reshape(1, -1, 3))
        shares = sample_coefficients(compositing_weights(density.reshape(-1, _RAY_SAMPLES), depths[None]))
        colour = network.point_colours(features[0].unflatten(0, (-1, _RAY_SAMPLES)), shares, styles)
        found.append(colour.clamp(0, 1).float().cpu())
    progress(len(vertices), len(vertices))
    return torch.cat(found).numpy()
