"""The vertex colours of a mesh as a texture: charts that are seen from one of six sides, laid out in a picture.

Every vertex gets a texel of its own, whose middle is its texture coordinate: there every program reads its colour to
the bit, also one that does not interpolate. What lies between vertices is the mean of the texels around it.
"""

from dataclasses import dataclass

import numpy as np

from .extraction import Mesh

_TEXELS = 2.0  # to a median edge: one of the vertex itself, one between it and the next
_MOST_TEXELS = 2000  # of the longest side of the mesh
_MOVE = 3  # texels at most, to one that no other vertex has
_GAP = 5  # texels between charts, for such moves and in the colours of the nearest, so that no neighbour shows through
_SMOOTHINGS = 6  # of the normals that choose sides: fewer, larger charts
_LEAST_SEEN = 0.2  # cosine between a face and the side that it is seen from
_OVERLAP = 3.0  # edges apart: two sheets that lie over each other in one chart
_MOST_CUTS = 12
_SPAN = 1 << 20  # beyond all coordinates, for one number out of chart, x and y


@dataclass(frozen=True)
class TexturedMesh:
    """C corners: the vertices, once for each chart that they are in. ``uv``: from the picture's upper left corner."""

    vertex: np.ndarray  # [C] int: the vertex of each corner
    faces: np.ndarray  # [F, 3] int32: corners
    uv: np.ndarray  # [C, 2] float32, 0..1
    picture: np.ndarray  # [H, W, 3] uint8, sRGB


@dataclass(frozen=True)
class _Corners:
    """``chart``, ``vertex [C]``; ``faces [F, 3]``; ``place [C, 3]``: in the chart and above it, in texels."""

    chart: np.ndarray
    vertex: np.ndarray
    faces: np.ndarray
    place: np.ndarray


def make_texture(mesh: Mesh) -> TexturedMesh:
    """The same surface with its colours in a picture; vertices on the seams between charts occur once for each."""
    corners = _make_charts(mesh)
    places = _lay_out(corners)
    width, height = np.rint(places).astype(np.int64).max(0) + 1 + _GAP
    texels = _assign_texels(places, (height, width))
    colours = np.rint(mesh.colours[corners.vertex] * 255)
    picture = _paint(texels, colours, (height, width))
    uv = ((texels + 0.5) / [width, height]).astype(np.float32)
    return TexturedMesh(corners.vertex, corners.faces.astype(np.int32), uv, picture)


def _make_charts(mesh: Mesh) -> _Corners:
    """Connected faces that look the same way; cut by planes where two sheets of one chart lie over each other."""
    scale, side = _scale(mesh), _choose_sides(mesh)
    key = side.copy()
    for _ in range(_MOST_CUTS):
        chart = _number_connected(mesh.faces, key)
        corners = _gather_corners(mesh, chart, side, scale)
        cuts = _find_cuts(corners)
        if not np.isfinite(cuts).any():
            break
        heights = corners.place[corners.faces, 2].mean(1)
        key = key * 2 + (heights > cuts[chart])
    return corners


def _scale(mesh: Mesh) -> float:
    """Texels per world unit."""
    ends = mesh.vertices[mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)].astype(np.float64)
    edge = np.median(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1))
    extent = max(float(np.ptp(mesh.vertices, axis=0).max()), 1e-12)
    return min(_TEXELS / max(edge, 1e-12), _MOST_TEXELS / extent)


def _choose_sides(mesh: Mesh) -> np.ndarray:
    """``[F]`` 0..5: along which axis each face looks most, and which way: by smoothed normals, where the face itself
    is not edge-on or turned away there."""
    from scipy.sparse import coo_array

    ends = mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    ones, count = np.ones(len(ends), np.float32), len(mesh.vertices)
    beside = coo_array((ones, tuple(ends.T)), shape=(count, count)).tocsr()  # of a closed surface, in both directions
    normals = mesh.normals.astype(np.float32)
    for _ in range(_SMOOTHINGS):
        normals = normals + beside @ normals
        normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    a, b, c = (mesh.vertices[mesh.faces[:, i]].astype(np.float64) for i in range(3))
    own = np.cross(b - a, c - a)
    own /= np.linalg.norm(own, axis=1, keepdims=True) + 1e-30
    smoothed, alone = _side_of(normals[mesh.faces].sum(1)), _side_of(own)
    seen = np.take_along_axis(own, smoothed[:, None] // 2, 1)[:, 0] * (smoothed % 2 * 2 - 1)
    return np.where(seen > _LEAST_SEEN, smoothed, alone)


def _side_of(directions: np.ndarray) -> np.ndarray:
    """Twice the axis that they point along most, and 1 more where they point along and not against it."""
    axis = np.abs(directions).argmax(1)
    return axis * 2 + (np.take_along_axis(directions, axis[:, None], 1)[:, 0] > 0)


def _number_connected(faces: np.ndarray, key: np.ndarray) -> np.ndarray:
    """``[F]``: a number for each part whose faces have one key and share edges."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1).astype(np.int64)
    order = np.argsort(ends[:, 0] * (ends.max() + 1) + ends[:, 1], kind="stable")
    ends, face = ends[order], order // 3
    joined = (ends[1:] == ends[:-1]).all(1) & (key[face[1:]] == key[face[:-1]])
    pairs = (face[1:][joined], face[:-1][joined])
    graph = coo_array((np.ones(len(pairs[0]), np.int8), pairs), shape=(len(faces), len(faces)))
    return connected_components(graph, directed=False)[1]


def _gather_corners(mesh: Mesh, chart: np.ndarray, side: np.ndarray, scale: float) -> _Corners:
    count = len(mesh.vertices)
    found, faces = np.unique(chart[:, None].astype(np.int64) * count + mesh.faces, return_inverse=True)
    of_chart, vertex = found // count, found % count
    axis = np.zeros(chart.max() + 1, np.int64)
    axis[chart] = side // 2
    axes = (axis[of_chart][:, None] + [1, 2, 0]) % 3  # two across, then the one that the chart looks along
    place = np.take_along_axis(mesh.vertices[vertex].astype(np.float64), axes, 1) * scale
    return _Corners(of_chart, vertex, faces.reshape(-1, 3), place)


def _find_cuts(corners: _Corners) -> np.ndarray:
    """For each chart the height between two sheets where they are farthest apart; NaN where there is but one."""
    x, y = np.floor(corners.place[:, :2] / _TEXELS).astype(np.int64).T
    _, group = np.unique((corners.chart * _SPAN + x) * _SPAN + y, return_inverse=True)
    height = corners.place[:, 2]
    low, high = np.full(group.max() + 1, np.inf), np.full(group.max() + 1, -np.inf)
    np.minimum.at(low, group, height)
    np.maximum.at(high, group, height)
    apart, middle = (high - low)[group], ((high + low) / 2)[group]
    cuts = np.full(corners.chart.max() + 1, np.nan)
    order = np.argsort(apart, kind="stable")  # the last that is written is the widest
    order = order[apart[order] > _OVERLAP * _TEXELS]
    cuts[corners.chart[order]] = middle[order]
    return cuts


def _lay_out(corners: _Corners) -> np.ndarray:
    """``[C, 2]`` places in the picture, in texels: the charts in rows, the highest first, as square as may be."""
    chart, places = corners.chart, corners.place[:, :2]
    texels, count = np.rint(places), chart.max() + 1
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    np.minimum.at(low, chart, texels)
    np.maximum.at(high, chart, texels)
    sizes = (high - low).astype(np.int64) + 1 + _GAP
    width = max(int(sizes[:, 0].max()), int(np.sqrt(1.1 * sizes.prod(1).sum())))
    starts, x, y, row = np.zeros((count, 2), np.int64), 0, 0, 0
    for i in np.argsort(-sizes[:, 1], kind="stable"):
        if x + sizes[i, 0] > width:
            x, y, row = 0, y + row, 0
        starts[i] = x, y
        x, row = x + sizes[i, 0], max(row, sizes[i, 1])
    return places - low[chart] + starts[chart] + _GAP


def _assign_texels(places: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """``[C, 2]`` whole: the nearest texel; where that is another corner's, the nearest free one within three."""
    texels, taken = np.rint(places).astype(np.int64), np.zeros(size, bool).ravel()
    row_major = np.array([1, size[1]])
    order = np.argsort(np.abs(places - texels).max(1), kind="stable")
    found, first = np.unique((texels @ row_major)[order], return_index=True)
    taken[found] = True
    waiting = np.setdiff1d(np.arange(len(texels)), order[first])
    around = np.array([(x, y) for x in range(-_MOVE, _MOVE + 1) for y in range(-_MOVE, _MOVE + 1) if x or y])
    choices = texels[waiting, None] + around
    nearest = np.argsort(np.linalg.norm(choices - places[waiting, None], axis=2), axis=1, kind="stable")
    for choice in np.take_along_axis(choices, nearest[..., None], 1).transpose(1, 0, 2):
        target = choice @ row_major
        free = np.flatnonzero((waiting >= 0) & ~taken[target])
        found, first = np.unique(target[free], return_index=True)
        texels[waiting[free[first]]] = choice[free[first]]
        taken[found], waiting[free[first]] = True, -1
    return texels


def _paint(texels: np.ndarray, colours: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """``[H, W, 3]`` uint8: the texels in their colours, those around in the mean of their neighbours."""
    flat = texels[:, 1] * size[1] + texels[:, 0]
    known = np.bincount(flat, minlength=size[0] * size[1]).astype(np.float32)
    sums = [np.bincount(flat, colours[:, i], len(known)) for i in range(3)]
    picture = (np.stack(sums, 1) / np.maximum(known, 1)[:, None]).reshape(*size, 3).astype(np.float32)
    known = (known > 0).astype(np.float32).reshape(size)
    for _ in range(_GAP):
        weight = _sum_around(known)
        grown = _sum_around(picture * known[..., None]) / np.maximum(weight, 1)[..., None]
        new = (known == 0) & (weight > 0)
        picture[new] = grown[new]
        known[new] = 1
    picture[known == 0] = colours.mean(0)
    return np.rint(picture).astype(np.uint8)


def _sum_around(values: np.ndarray) -> np.ndarray:
    """Sums over 3 x 3 with the weights 1, 2, 1 along both axes."""
    for axis in (0, 1):
        wide = np.pad(values, [(1, 1) if i == axis else (0, 0) for i in range(values.ndim)])
        before, here, after = (np.take(wide, range(i, i + values.shape[axis]), axis) for i in range(3))
        values = before + 2 * here + after
    return values
