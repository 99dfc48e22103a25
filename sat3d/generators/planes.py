"""Sampling of feature planes, fast and plain.

Planes are ``[B, H, W, P, C]``: texel-major, so that a bilinear corner is one contiguous read of C numbers. The
fast sampler reads all 4·P corners of a point as one weighted bag of rows (``embedding_bag``), which runs an
order of magnitude faster on a CPU than ``grid_sample`` and never stores the features of single planes.

Grids are planes with depth, ``[B, H, W, P, D, C]`` (the tri-grids of PanoHead): the point's third coordinate counts,
too, and a bag has 8·P corners, of which the D slices of a texel lie together.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import PlaneAxes


def plane_projection(
    axes: PlaneAxes, box_warp: float, device: torch.device | None = None, coordinates: int = 2
) -> Tensor:
    """``[3, P, k]``: world point ``[…, 3]`` -> (width, height(, depth)) coordinates in -1..1 on each plane.

    The projection is the first k = 2 or 3 columns of each plane's inverse axes, scaled so that the box spans -1..1.
    """
    inverse = torch.linalg.inv(torch.tensor(axes, dtype=torch.float32))
    return (inverse[:, :, :coordinates].permute(1, 0, 2) * (2 / box_warp)).to(device)


def grid_size(planes: Tensor) -> tuple[int, ...]:
    """(H, W) of planes ``[B, H, W, P, C]``, (H, W, D) of grids ``[B, H, W, P, D, C]``: the size of their texels."""
    return (*planes.shape[1:3], *planes.shape[4:-1])


def _halves(size: Sequence[int]) -> list[float]:
    """Half of (W, H(, D))."""
    height, width, *depth = size
    return [length / 2 for length in (width, height, *depth)]


def warp_space(
    points: Tensor, box_warp: float, plane_warp: float, asinh: Callable[[Tensor], Tensor] = torch.asinh
) -> Tensor:
    """World ``points`` with every coordinate stretched by asinh about the box's centre; the box maps onto itself.

    With b = box_warp / (2 · plane_warp) a texel at the centre has ``asinh(b) / b`` of its usual size; outside it grows.
    """
    half = box_warp / 2
    return asinh(points * (1 / plane_warp)) * (half / math.asinh(half / plane_warp))


def quick_asinh(x: Tensor) -> Tensor:
    """asinh to a few units in the last place, of what PyTorch has vectorised for CPUs: a fifth of the time."""
    size = x.abs()
    square = size.square()
    return torch.log1p(size + square / (1 + (1 + square).sqrt())).copysign_(x)


def unwarp_space(points: Tensor, box_warp: float, plane_warp: float) -> Tensor:
    """The inverse of :func:`warp_space`."""
    half = box_warp / 2
    return torch.sinh(points * (math.asinh(half / plane_warp) / half)) * plane_warp


def texel_points(points: Tensor, projection: Tensor, size: Sequence[int]) -> Tensor:
    """``points [3, M]`` inside or near the box -> texel units ``[P, k, M]``; ``size``: see :func:`grid_size`."""
    half = torch.tensor(_halves(size), device=points.device, dtype=points.dtype)
    scaled = (projection * half).permute(1, 2, 0)  # [P, k, 3]
    return scaled @ points + (half - 0.5)[:, None]


def texel_rays(
    origins: Tensor, directions: Tensor, depth: Tensor, projection: Tensor, size: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Rays in texel units: ``[R, 3]`` -> ``[P, k, R]`` twice, so that depth t is at ``middle + (t - depth)·step``.

    ``depth [R]`` is a depth inside the box: from the camera, hundreds of texels away, float32 would lose a
    ten-thousandth of a texel. Half-pixel convention: coordinate x in -1..1 is the texel ((x + 1)·W - 1) / 2.
    """
    exact = torch.float32 if origins.device.type == "mps" else torch.float64
    half = torch.tensor(_halves(size), device=origins.device, dtype=exact)
    scaled = (projection.to(exact) * half).permute(1, 2, 0)  # [P, k, 3]
    point = origins.to(exact) + depth.to(exact)[:, None] * directions.to(exact)
    middle = scaled @ point.T + (half - 0.5)[:, None]
    return middle.to(origins.dtype), (scaled @ directions.to(exact).T).to(origins.dtype)


def axes_of_planes(projection: Tensor) -> list[tuple[int, int]] | None:
    """World axes (0, 1, 2) of the width and the height of planes that lie along axes; None if one does not.

    ``projection [3, P, 2]``.
    """
    along = projection != 0
    if projection.shape[2] != 2 or not bool((along.sum(0) == 1).all()):
        return None
    pairs = [(int(width), int(height)) for width, height in along.int().argmax(0)]
    return pairs if all(width != height for width, height in pairs) else None


@dataclass(frozen=True)
class Lattice:
    """N × M points on a plane of H × W texels; along each axis they ascend or descend."""

    across: Tensor  # [N], texel units
    down: Tensor  # [M]
    size: tuple[int, int]  # H, W

    @classmethod
    def of(cls, across: Tensor, down: Tensor, size: tuple[int, int]) -> "Lattice":
        """``across [N]`` (width) and ``down [M]`` in -1..1."""
        height, width = size
        return cls((across + 1) * (width / 2) - 0.5, (down + 1) * (height / 2) - 0.5, (height, width))

    def read(self, plane: Tensor) -> Tensor:
        """``plane [H, W, C]`` read linearly, zeros outside -> ``[N, M, C]``."""
        by_height, by_width = (_tents(x, length) for x, length in zip((self.down, self.across), self.size, strict=True))
        return torch.einsum("nw,mwc->nmc", by_width, torch.einsum("mh,hwc->mwc", by_height, plane))

    def between(self, values: Tensor) -> Tensor:
        """``[N, M, C]`` at the points -> ``[H, W, C]`` at the texels, linearly; the lattice must surround them."""
        by_height, by_width = (
            _shares(x, length) for x, length in zip((self.down, self.across), self.size, strict=True)
        )
        return torch.einsum("hm,wmc->hwc", by_height, torch.einsum("wn,nmc->wmc", by_width, values))

    def most_in_cells(self, values: Tensor) -> Tensor:
        """``[H, W]`` at the texels -> the largest that has a part in each cell ``[N - 1, M - 1]``."""
        by_height = _windows(self.down, self.size[0])
        rows = values[by_height].amax(1)  # [M - 1, W]
        return rows[:, _windows(self.across, self.size[1])].amax(2).T


def _tents(texels: Tensor, length: int) -> Tensor:
    """Points ``[N]`` in texel units -> weights of the texels ``[N, length]``."""
    return (1 - (texels[:, None] - torch.arange(length, device=texels.device)).abs()).clamp_min(0)


def _shares(texels: Tensor, length: int) -> Tensor:
    """Points ``[N]`` in order -> what each texel takes of them, between two, ``[length, N]``."""
    if texels[-1] < texels[0]:
        return _shares(texels.flip(0), length).flip(1)
    places = torch.arange(length, device=texels.device, dtype=texels.dtype)
    high = torch.searchsorted(texels, places, right=True).clamp_(1, len(texels) - 1)
    share = (places - texels[high - 1]) / (texels[high] - texels[high - 1])
    shares = texels.new_zeros(length, len(texels))
    return shares.scatter_(1, high[:, None], share[:, None]).scatter_(1, high[:, None] - 1, 1 - share[:, None])


def _windows(texels: Tensor, length: int) -> Tensor:
    """Points ``[N]`` in order -> the texels that have a part in the cells between them, ``[N - 1, K]``; some twice."""
    edges = torch.stack([texels[:-1], texels[1:]])
    first = edges.amin(0).sub(1).ceil().clamp(0, length - 1).long()
    last = edges.amax(0).add(1).floor().clamp(0, length - 1).long()
    steps = torch.arange(int((last - first).max()) + 1, device=texels.device)
    return torch.minimum(first[:, None] + steps, last[:, None])


def sample_planes(
    planes: Tensor,
    texels: Tensor,
    batch_index: Tensor | None = None,
    shares: Tensor | None = None,
    layers: int = 1,
    first: int = 0,
) -> Tensor:
    """Mean over planes of the (tri)linear samples, zeros outside: ``texels [P, k, M]`` -> ``[M, C]``.

    ``planes [B, H, W, P, C]`` or ``[B, H, W, P, D, C]``; ``batch_index [M]`` says which of the B a point reads (None:
    all read the first); ``shares [P, M]``: weights in the place of the mean's 1 / P. ``layers``: the texels are
    those of so many volumes, one after the other, each with a mean of its own: ``[M, layers · C]``; ``first``: the
    plane that the first of them is for. Differentiable in planes, texels and shares. Points run along the last axis
    until the very end, so that every small operation is a long contiguous loop.
    """
    num_planes, features = len(texels), planes.shape[-1]
    if layers == 1 and num_planes == planes.shape[3] and _reads_pictures(planes, batch_index):
        return read_as_pictures(planes, texels, shares)
    rows, weights = _corners(texels, grid_size(planes), planes.shape[3], first)
    if batch_index is not None:
        rows = rows + (batch_index * math.prod(planes.shape[1:-1])).to(rows.dtype)
    table = planes.reshape(-1, features)
    if shares is None:
        bag = weights / (num_planes // layers)
    else:
        bag = weights * shares[(slice(None), *[None] * (weights.ndim - 2))]
    rows, bag = (_bags(part, layers) for part in (rows, bag.to(table.dtype)))
    found = F.embedding_bag(rows, table, per_sample_weights=bag, mode="sum")
    return found if layers == 1 else found.view(-1, layers * features)


def _bags(corners: Tensor, layers: int) -> Tensor:
    """``[P, …, M]`` -> ``[M · layers, corners]``: a point's corners of one volume in a row."""
    each = math.prod(corners.shape[:-1]) // layers  # said, since there may be no points
    return corners.reshape(layers, each, corners.shape[-1]).permute(2, 0, 1).flatten(0, 1).contiguous()


def _reads_pictures(planes: Tensor, batch_index: Tensor | None) -> bool:
    """GPUs have units that read textures, and ``grid_sample`` is faster there than bags of rows."""
    return planes.device.type == "cuda" and batch_index is None


def read_as_pictures(planes: Tensor, texels: Tensor, shares: Tensor | None = None) -> Tensor:
    """The same by ``grid_sample``, of the first planes."""
    num_planes, coordinates, number = texels.shape
    half = torch.tensor(_halves(grid_size(planes)), device=texels.device, dtype=texels.dtype)[:, None]
    grid = ((texels + 0.5) / half - 1).transpose(1, 2).unflatten(1, (*[1] * (coordinates - 1), number))
    maps = planes[0].permute(2, 3, 0, 1) if planes.ndim == 5 else planes[0].permute(2, 4, 3, 0, 1)
    read = F.grid_sample(maps, grid.to(maps.dtype), "bilinear", "zeros", False).reshape(num_planes, -1, number)
    return (read.mean(0) if shares is None else torch.einsum("pcm,pm->cm", read, shares.to(read.dtype))).T


def _corners(texels: Tensor, size: tuple[int, ...], num_planes: int, first: int) -> tuple[Tensor, Tensor]:
    """Table rows and linear weights of the corners: ``[P, k, M]`` -> ``[P, 2, 2, M]`` (y, x) or ``[P, 2, 2, 2, M]``
    (z, y, x) twice; of ``num_planes`` in the table those from ``first`` on."""
    height, width, *more = size
    slices = more[0] if more else 1
    limit = torch.tensor([[width], [height], *([length] for length in more)], device=texels.device, dtype=texels.dtype)
    texels = torch.minimum(texels.clamp_min(-2), limit + 1)
    low = texels.detach().floor()
    fraction = texels - low
    weight_low = torch.where((low >= 0) & (low < limit), 1 - fraction, 0)
    weight_high = torch.where((low >= -1) & (low < limit - 1), fraction, 0)
    steps = [[num_planes * slices], [width * num_planes * slices], *([1] for _ in more)]
    stride = torch.tensor(steps, device=texels.device, dtype=torch.int32)
    row_low, row_high = (torch.minimum(edge.clamp_min(0), limit - 1).int() * stride for edge in (low, low + 1))
    planes = torch.arange(first, first + len(texels), device=texels.device, dtype=torch.int32)
    offset = planes[:, None, None, None] * slices
    axes = range(texels.shape[1])
    row = [torch.stack([row_low[:, axis], row_high[:, axis]], 1) for axis in axes]
    weight = [torch.stack([weight_low[:, axis], weight_high[:, axis]], 1) for axis in axes]
    rows, weights = row[1][:, :, None] + (row[0][:, None] + offset), weight[1][:, :, None] * weight[0][:, None]
    if not more:
        return rows, weights
    return row[2][:, :, None, None] + rows[:, None], weight[2][:, :, None, None] * weights[:, None]


def sample_planes_reference(planes: Tensor, points: Tensor, projection: Tensor) -> Tensor:
    """The readable twin: world ``points [B, M, 3]`` -> ``[B, P, M, C]`` by ``grid_sample``.

    ``planes [B, H, W, P, C]`` or ``[B, H, W, P, D, C]``. The features of each plane, before the mean.
    """
    batch, num_planes, features = planes.shape[0], planes.shape[3], planes.shape[-1]
    grid = torch.einsum("bmk,kpc->bpmc", points, projection).flatten(0, 1)[:, None]
    maps = (
        planes.permute(0, 3, 4, 1, 2).flatten(0, 1)
        if planes.ndim == 5
        else planes.permute(0, 3, 5, 4, 1, 2).flatten(0, 1)
    )
    grid = grid if planes.ndim == 5 else grid[:, None]
    sampled = F.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return sampled.reshape(batch, num_planes, features, -1).transpose(2, 3)
