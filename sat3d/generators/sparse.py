"""Fast rays: the samples of ``renderer.render_rays``, but only those are computed that can show.

Left out are samples in empty cells of the :class:`Occupancy`, those behind what is as good as opaque, and the colours
of samples that hardly count; what is computed is what the exact renderer finds there.
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from . import volume
from .config import RenderingConfig
from .lines import rays_through
from .occupancy import Occupancy, thinnest_density
from .rays import RayBatch, make_rays
from .renderer import RenderedRays, as_views, clamp_depth, composite_rays, draw_noise
from .scene import CROPPED_DENSITY, Volume

_LEAST_LIGHT = 3e-4  # what is behind this share of the light is not looked for
_LEAST_COEFFICIENT = 2e-4  # of a sample's colour
_MOSTLY_FILLED = 0.6  # share of the samples above which it is faster to compute them all
_RAYS_PER_CHUNK_CPU, _RAYS_PER_CHUNK = 2048, 16384  # of those that meet anything
# On a ray that may hold matter, before asking whether light comes from farther behind; also of importance samples.
_FIRST_SAMPLES, _FIRST_FINE_SAMPLES = 4, 6


@dataclass
class _Found:
    """Samples computed so far of R rays: ``rows [R, N]`` says which of ``hidden`` is a sample's, -1: none."""

    depths: Tensor  # [R, N]
    densities: Tensor  # [R, N], raw
    rows: Tensor  # [R, N] int64
    hidden: list[Tensor] = field(default_factory=list)

    @classmethod
    def nothing(cls, depths: Tensor) -> "_Found":
        return cls(depths, torch.full_like(depths, CROPPED_DENSITY), torch.full_like(depths, -1, dtype=torch.int64))

    def add(self, where: Tensor, densities: Tensor, hidden: Tensor) -> None:
        """``where [M]``: flat numbers of samples."""
        before = sum(len(part) for part in self.hidden)
        self.densities.view(-1)[where] = densities
        self.rows.view(-1)[where] = torch.arange(before, before + len(where), device=where.device)
        self.hidden.append(hidden)

    def with_more(self, depths: Tensor, densities: Tensor) -> "_Found":
        """With samples ``[R, M]`` that are not computed yet, all in order of depth."""
        depths, order = torch.cat([self.depths, depths], 1).sort(1)
        densities = torch.cat([self.densities, densities], 1).gather(1, order)
        rows = F.pad(self.rows, (0, order.shape[1] - self.rows.shape[1]), value=-1).gather(1, order)
        return _Found(depths, densities, rows, self.hidden)


class SparseRays:
    """R rays through one face's volume with an occupancy."""

    def __init__(self, scene: Volume, occupancy: Occupancy, rays: RayBatch):
        self.scene, self.occupancy, self.rays = scene, occupancy, rays
        self.lines = rays_through(scene, rays)
        self.thinnest = thinnest_density(scene.box_warp)

    def render(self, depths: Tensor, quantiles: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Coarse ``depths [R, N]`` and ``quantiles [R or 1, M]`` of the importance samples -> composited colours
        ``[R, C]``, depth ``[R]`` (NaN where nothing was hit), opacity ``[R]``."""
        found = _Found.nothing(depths)
        seen = self.occupancy.along(self.rays, depths)
        self._look(found, seen, _FIRST_SAMPLES)
        if quantiles.shape[1]:
            found = self._refine(found, quantiles)
        weights = _light(found)[1]
        coefficients, opacity = volume.sample_coefficients(weights), weights.sum(-1)
        hit = opacity > 0
        depth = torch.where(hit, (coefficients * found.depths).sum(-1) / torch.where(hit, opacity, 1.0), torch.nan)
        return self._composite(found, coefficients, opacity), depth, opacity

    def _refine(self, found: _Found, quantiles: Tensor) -> _Found:
        """The importance pass."""
        fine = volume.importance_depths(found.depths, _light(found)[1], quantiles)
        after = torch.searchsorted(found.depths, fine, right=True).clamp_(1, found.depths.shape[1] - 1)
        # Until they are computed, samples that may hold matter are taken to be as dense as what is around them.
        between = (found.densities.gather(1, after - 1) + found.densities.gather(1, after)) / 2
        found = found.with_more(fine, torch.where(self.occupancy.along(self.rays, fine), between, CROPPED_DENSITY))
        self._look(found, self.occupancy.along(self.rays, found.depths), _FIRST_FINE_SAMPLES)
        return found

    def _look(self, found: _Found, seen: Tensor, first: int) -> None:
        """Compute the samples that are ``seen [R, N]``, from the front to where no light comes from, and those beside
        what turns out to be matter, since an interval has the mean density of its ends."""
        missing = seen & (found.rows < 0)
        self._query(found, missing & (missing.cumsum(1) <= first))
        self._query(found, missing & (found.rows < 0) & (_light(found)[0] > _LEAST_LIGHT))
        matter = (found.rows >= 0) & (found.densities > self.thinnest)
        beside = _with_neighbours(matter) & (found.rows < 0)
        self._query(found, beside & (_light(found)[0] > _LEAST_LIGHT))

    def _query(self, found: _Found, wanted: Tensor) -> None:
        """Compute the samples that are marked in ``wanted [R, N]``."""
        where = wanted.flatten().nonzero()[:, 0]
        if not len(where):
            return
        ray, depths = where // wanted.shape[1], found.depths.flatten()[where]
        hidden = self.scene.decoder.hidden(self.scene.features(self.lines.places_of(ray, depths)))
        density = self.scene.decoder.density(hidden)
        if self.scene.half_seen is not None:
            density = self.scene.as_seen(density, self.rays.points(ray, depths))
        found.add(where, density, hidden)

    def _composite(self, found: _Found, coefficients: Tensor, opacity: Tensor) -> Tensor:
        """As ``renderer.composite``, of the samples that count; ``[R, C]``."""
        decoder = self.scene.decoder
        counts = (coefficients > _LEAST_COEFFICIENT) & (found.rows >= 0)
        where = counts.flatten().nonzero()[:, 0]
        if not len(where):
            return torch.zeros(len(opacity), self.scene.planes.shape[-1], device=opacity.device)
        hidden = torch.cat(found.hidden)[found.rows.flatten()[where]]
        colours = decoder.narrow_colours(decoder.logits(hidden))
        number = counts.sum(1)
        total = F.embedding_bag(
            torch.arange(len(where), device=where.device),
            colours,
            number.cumsum(0) - number,
            per_sample_weights=coefficients.flatten()[where],
            mode="sum",
        )
        counted = torch.where(counts, coefficients, 0).sum(1)
        total = total * (opacity / counted.clamp_min(_LEAST_COEFFICIENT))[:, None]
        return decoder.widened(total, opacity)


def _with_neighbours(seen: Tensor) -> Tensor:
    """``[R, N]`` bool, and the samples before and after."""
    wanted = seen.clone()
    wanted[:, 1:] |= seen[:, :-1]
    wanted[:, :-1] |= seen[:, 1:]
    return wanted


def _light(found: _Found) -> tuple[Tensor, Tensor]:
    """What share of the light from behind each sample is left before it ``[R, N]``, and the weights ``[R, N - 1]``."""
    weights = volume.compositing_weights(found.densities, found.depths)
    return 1 - F.pad(weights.cumsum(1), (1, 0)), weights


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
    rays = make_rays(camera, resolution, config, 1)
    jitter, quantiles = draw_noise(sampling or volume.Sampling(), len(rays.near), config, camera.device)
    depths = _coarse_depths(rays, config, config.depth_resolution, jitter)
    features = camera.new_zeros(len(depths), scene.planes.shape[-1])
    depth, opacity = torch.full_like(rays.near, torch.nan), torch.zeros_like(rays.near)
    chunk = rays_per_chunk or (_RAYS_PER_CHUNK_CPU if camera.device.type == "cpu" else _RAYS_PER_CHUNK)
    for part in _rays_with_matter(occupancy, rays, config).split(chunk):
        own = [x if len(x) == 1 else x[part] for x in (jitter, quantiles)]
        some = rays.slice(part)
        if occupancy.along(some, depths[part]).float().mean() > _MOSTLY_FILLED:
            features[part], depth[part], opacity[part] = composite_rays(scene, some, config, *own)[:3]
        else:
            features[part], depth[part], opacity[part] = SparseRays(scene, occupancy, some).render(depths[part], own[1])
    if config.white_back:
        features += (1 - opacity)[:, None]
    flat = [x.reshape(len(camera), -1) for x in (depth, depths[:, 0], depths[:, -1])]
    return as_views(scene.decoder.signed(features), clamp_depth(*flat, couple_batch=False), opacity, resolution)


def _coarse_depths(rays: RayBatch, config: RenderingConfig, number: int, jitter: Tensor) -> Tensor:
    return volume.stratified_depths(rays.near, rays.far, number, jitter, config.disparity_space_sampling)


def _rays_with_matter(occupancy: Occupancy, rays: RayBatch, config: RenderingConfig) -> Tensor:
    """The numbers of the rays that meet anything, ``[r]``."""
    step = float((rays.far - rays.near).max()) / (config.depth_resolution - 1)
    looks = config.depth_resolution * max(1, round(step / occupancy.cell))
    middle = torch.full((1, 1), 0.5, device=rays.near.device)
    return occupancy.along(rays, _coarse_depths(rays, config, looks, middle)).any(1).nonzero()[:, 0]
