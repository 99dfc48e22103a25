"""Fast rays: the samples of ``renderer.render_rays``, but only those are computed that can show.

Left out are samples in empty cells of the :class:`Occupancy`, those behind what is as good as opaque, and the colours
of samples that hardly count; what is computed is what the exact renderer finds there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from . import volume
from .config import RenderingConfig
from .layers import softplus
from .lines import rays_through
from .occupancy import Occupancy
from .rays import RayBatch, make_rays
from .renderer import RenderedRays, as_views, clamp_depth, composite_rays, draw_noise
from .scene import CROPPED_DENSITY, Volume

_LEAST_LIGHT = 3e-4  # what is behind this share of the light is not looked for
_LEAST_COEFFICIENT = 2e-4  # of a sample's colour
MOSTLY_FILLED = 0.7  # share of the cells on rays that meet matter, above which it is faster to compute them all
_RAYS_PER_CHUNK_CPU, _RAYS_PER_CHUNK = 2048, 16384  # of those that meet anything
# So many samples of a ray are computed before it is asked how much light comes from farther behind, and so many after
# that, …, and then the rest; of the even pass, and of the importance pass.
_EVEN, _IMPORTANT = (4, 2), (4, 4)


@dataclass
class Found:
    """Samples computed so far of R rays: ``rows [R, N]`` says which of ``hidden`` is a sample's, -1: none."""

    depths: Tensor  # [R, N]
    seen: Tensor  # [R, N] bool: where there may be matter
    densities: Tensor  # [R, N], raw
    rows: Tensor  # [R, N] int64
    hidden: list[Tensor] = field(default_factory=list)

    @classmethod
    def nothing(cls, depths: Tensor, seen: Tensor) -> "Found":
        return cls(
            depths, seen, torch.full_like(depths, CROPPED_DENSITY), torch.full_like(depths, -1, dtype=torch.int64)
        )

    def add(self, where: Tensor, densities: Tensor, hidden: Tensor) -> None:
        """``where [M]``: flat numbers of samples."""
        before = sum(len(part) for part in self.hidden)
        self.densities.view(-1).index_copy_(0, where, densities)
        self.rows.view(-1).index_copy_(0, where, torch.arange(before, before + len(where), device=where.device))
        self.hidden.append(hidden)

    def weights(self) -> Tensor:
        """Of the intervals, ``[R, N - 1]``."""
        return _weights(self.densities, self.depths)

    def hidden_of(self, where: Tensor) -> Tensor:
        """Hidden units of computed samples, by their flat numbers ``[M]``."""
        if len(self.hidden) > 1:
            self.hidden[:] = [torch.cat(self.hidden)]
        return self.hidden[0].index_select(0, self.rows.flatten().index_select(0, where))

    def with_more(self, depths: Tensor, seen: Tensor, densities: Tensor) -> "Found":
        """With samples ``[R, M]`` that are not computed yet, all in order of depth."""
        depths, order = torch.cat([self.depths, depths], 1).sort(1)
        seen = torch.cat([self.seen, seen], 1).gather(1, order)
        densities = torch.cat([self.densities, densities], 1).gather(1, order)
        rows = F.pad(self.rows, (0, order.shape[1] - self.rows.shape[1]), value=-1).gather(1, order)
        return Found(depths, seen, densities, rows, self.hidden)


class SparseRays:
    """R rays through one face's volume with an occupancy."""

    def __init__(self, scene: Volume, occupancy: Occupancy, rays: RayBatch):
        self.scene, self.occupancy, self.rays = scene, occupancy, rays
        self.lines = rays_through(scene, rays)

    def render(self, depths: Tensor, seen: Tensor, quantiles: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Coarse ``depths [R, N]``, of them ``seen [R, N]`` those where there may be matter, ``quantiles [R or 1, M]``
        of the importance samples -> composited colours ``[R, C]``, depth ``[R]`` (NaN where nothing was hit), opacity
        ``[R]``."""
        found = self.look(depths, seen, quantiles)
        weights = found.weights()
        coefficients, opacity = volume.sample_coefficients(weights), weights.sum(-1)
        hit = opacity > 0
        depth = torch.where(hit, (coefficients * found.depths).sum(-1) / torch.where(hit, opacity, 1.0), torch.nan)
        return self._composite(found, coefficients, opacity), depth, opacity

    def look(self, depths: Tensor, seen: Tensor, quantiles: Tensor) -> Found:
        """Both passes; see :meth:`render`."""
        found = Found.nothing(depths, seen)
        self._look(found, _EVEN)
        return self._refine(found, quantiles) if quantiles.shape[1] else found

    def _refine(self, found: Found, quantiles: Tensor) -> Found:
        """The importance pass."""
        fine = volume.importance_depths(found.depths, found.weights(), quantiles)
        after = torch.searchsorted(found.depths, fine, right=True).clamp_(1, found.depths.shape[1] - 1)
        seen = self.occupancy.along(self.rays, fine)
        # Until they are computed, samples that may hold matter are taken to be as dense as what is around them.
        between = (found.densities.gather(1, after - 1) + found.densities.gather(1, after)) / 2
        found = found.with_more(fine, seen, torch.where(seen, between, CROPPED_DENSITY))
        self._look(found, _IMPORTANT)
        return found

    def _look(self, found: Found, numbers: Sequence[int]) -> None:
        """Compute the samples where there may be matter, and those beside them, since an interval has the mean density
        of its ends, from the front on, as long as light comes from there; ``numbers``: so many at a time."""
        wanted = _with_neighbours(found.seen) & (found.rows < 0)
        rays, seen = torch.arange(len(wanted), device=wanted.device), wanted
        for number in (*numbers, wanted.shape[1]):
            now = seen & (seen.cumsum(1, dtype=torch.int16) <= number)
            ray, place = now.nonzero(as_tuple=True)
            self._query(found, rays.index_select(0, ray), place)
            wanted = wanted & ~now
            some = (wanted.any(1) & now.any(1)).nonzero()[:, 0]
            if not len(some):
                return
            rays, wanted = rays.index_select(0, some), wanted.index_select(0, some)
            light = _light(found.densities.index_select(0, rays), found.depths.index_select(0, rays))
            seen = wanted & (light > _LEAST_LIGHT)

    def compute(self, found: Found, which: Tensor) -> None:
        """The samples ``which [R, N]``, which are not computed yet."""
        self._query(found, *which.nonzero(as_tuple=True))

    def _query(self, found: Found, ray: Tensor, place: Tensor) -> None:
        """Compute the samples at ``place [M]`` on ``ray [M]``."""
        if not len(ray):
            return
        where = ray * found.depths.shape[1] + place
        depths = found.depths.flatten().index_select(0, where)
        hidden = self.scene.decoder.hidden(self.scene.features(self.lines.places_of(ray, depths)))
        density = self.scene.decoder.density(hidden)
        if self.scene.half_seen is not None:
            density = self.scene.as_seen(density, self.rays.points(ray, depths))
        found.add(where, density, hidden)

    def _composite(self, found: Found, coefficients: Tensor, opacity: Tensor) -> Tensor:
        """As ``renderer.composite_rays``, of the samples that count; ``[R, C]``."""
        counts = (coefficients > _LEAST_COEFFICIENT) & (found.rows >= 0)
        if not counts.any():
            return torch.zeros(len(opacity), self.scene.channels, device=opacity.device)
        return self.scene.decoder.composite_some(coefficients, counts, found.hidden_of, opacity)


def _with_neighbours(seen: Tensor) -> Tensor:
    """``[R, N]`` bool, and the samples before and after."""
    wanted = seen.clone()
    wanted[:, 1:] |= seen[:, :-1]
    wanted[:, :-1] |= seen[:, 1:]
    return wanted


def _weights(densities: Tensor, depths: Tensor) -> Tensor:
    return volume.compositing_weights(densities, depths, softplus)


def _light(densities: Tensor, depths: Tensor) -> Tensor:
    """What share of the light from behind each sample is left before it, ``[R, N]``."""
    return 1 - F.pad(_weights(densities, depths).cumsum(1), (1, 0))


def render_volume_sparsely(
    scene: Volume,
    occupancy: Occupancy,
    camera: Tensor,
    resolution: int,
    config: RenderingConfig,
    sampling: volume.Sampling | None = None,
    rays_per_chunk: int | None = None,
) -> RenderedRays:
    """As :func:`renderer.render_volume`, of one face whose ``occupancy`` is known; without gradients.

    Rays that meet nothing are empty, with the depth of the far end.
    """
    scene, rays = replace(scene, quick=True), make_rays(camera, resolution, config, 1)
    jitter, quantiles = draw_noise(sampling or volume.Sampling(), len(rays.near), config, camera.device)
    depths = coarse_depths(rays, config, config.depth_resolution, jitter)
    features = camera.new_zeros(len(depths), scene.channels)
    depth, opacity = torch.full_like(rays.near, torch.nan), torch.zeros_like(rays.near)
    chunk = rays_per_chunk or rays_at_once(camera.device)
    meeting, share = rays_with_matter(occupancy, rays, config, chunk)
    for part in meeting.split(chunk):
        own = [x if len(x) == 1 else x[part] for x in (jitter, quantiles)]
        some, even = rays.slice(part), depths[part]
        if share > MOSTLY_FILLED:
            features[part], depth[part], opacity[part] = composite_rays(scene, some, config, *own)[:3]
        else:
            found = SparseRays(scene, occupancy, some).render(even, occupancy.along(some, even), own[1])
            features[part], depth[part], opacity[part] = found
    if config.white_back:
        features += (1 - opacity)[:, None]
    flat = [x.reshape(len(camera), -1) for x in (depth, depths[:, 0], depths[:, -1])]
    return as_views(scene.decoder.signed(features), clamp_depth(*flat, couple_batch=False), opacity, resolution)


def rays_at_once(device: torch.device) -> int:
    return _RAYS_PER_CHUNK_CPU if device.type == "cpu" else _RAYS_PER_CHUNK


def coarse_depths(rays: RayBatch, config: RenderingConfig, number: int, jitter: Tensor) -> Tensor:
    return volume.stratified_depths(rays.near, rays.far, number, jitter, config.disparity_space_sampling)


def rays_with_matter(occupancy: Occupancy, rays: RayBatch, config: RenderingConfig, chunk: int) -> tuple[Tensor, float]:
    """The numbers of the rays that meet anything, ``[r]``, asked for at every cell of a coarser grid, and what share of
    these cells is filled."""
    coarse = occupancy.coarser
    step = float((rays.far - rays.near).max()) / (config.depth_resolution - 1)
    looks = config.depth_resolution * max(1, round(step / coarse.cell))
    middle = torch.full((1, 1), 0.5, device=rays.near.device)
    parts = (rays.slice(slice(low, low + chunk)) for low in range(0, len(rays.near), chunk))
    filled = torch.cat([coarse.along(part, coarse_depths(part, config, looks, middle)).sum(1) for part in parts])
    meeting = filled.nonzero()[:, 0]
    return meeting, float(filled.sum()) / max(1, len(meeting) * looks)
