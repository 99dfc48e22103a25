"""Volume rendering of EG3D (Chan et al. 2022), as equations: depths, compositing, importance sampling.

R rays, N samples on each. Depths are distances along unit directions. Nothing here keeps state, and nothing
couples one ray with another.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_TRANSMITTANCE_EPS = 1e-10
_PDF_EPS = 1e-5
_WEIGHT_FLOOR = 0.01
_LEAST_DISTANCE = 1e-3  # world units, where depths are reciprocal


@dataclass(frozen=True)
class Sampling:
    """Where on its bins a ray is sampled: at random from ``generator``, or by the midpoint rule without one.

    Midpoints: jitter ½ of a bin for stratified depths, u_i = (i + ½) / N for importance samples.
    """

    generator: torch.Generator | None = None

    def uniform(self, shape: tuple[int, int], device: torch.device) -> Tensor:
        """Jitter in [0, 1) of stratified samples, ``[R, N]``; midpoints come as ``[1, 1]``."""
        if self.generator is None:
            return torch.full((1, 1), 0.5, device=device)
        return _draw(self.generator, shape, device)

    def quantiles(self, shape: tuple[int, int], device: torch.device) -> Tensor:
        """Ascending numbers in [0, 1) at which the inverse cdf is read, ``[R, N]`` or ``[1, N]``."""
        if self.generator is None:
            return ((torch.arange(shape[1], device=device) + 0.5) / shape[1])[None]
        return _draw(self.generator, shape, device).sort(-1).values


def _draw(generator: torch.Generator, shape: tuple[int, int], device: torch.device) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device).to(device)


def stratified_depths(near: Tensor, far: Tensor, num: int, jitter: Tensor, disparity: bool = False) -> Tensor:
    """``near, far [R]`` -> depths ``[R, num]``, evenly spaced and shifted forward by ``jitter`` (in bins).

    As in the published code the last sample may lie past ``far`` by up to one step. ``disparity`` spaces evenly
    in 1/depth, where the camera itself (depth 0) is infinitely far.
    """
    t = torch.linspace(0, 1, num, device=near.device, dtype=near.dtype) + jitter / (num - 1)
    near, far = near[:, None], far[:, None]
    if disparity:
        near, far = near.clamp_min(_LEAST_DISTANCE), far.clamp_min(_LEAST_DISTANCE)
        return 1 / ((1 - t) / near + t / far).clamp_min(_LEAST_DISTANCE / far)  # past far, but not past infinity
    return near + t * (far - near)


def compositing_weights(densities: Tensor, depths: Tensor, softplus: Callable[[Tensor], Tensor] = F.softplus) -> Tensor:
    """Raw ``densities`` and sorted ``depths`` ``[R, N]`` -> weights of the N-1 intervals ``[R, N-1]``.

    An interval has the mean raw density of its ends, σ = softplus(mean - 1), α = 1 - exp(-σ·δ) and the weight
    α_i · Π_{j<i} (1 - α_j).

    >>> compositing_weights(torch.full((1, 3), 100.0), torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[1.0000e+00, 1.0000e-10]])
    """
    sigma = softplus((densities[:, 1:] + densities[:, :-1]) / 2 - 1)
    alpha = 1 - torch.exp(-sigma * (depths[:, 1:] - depths[:, :-1]))
    through = torch.cumprod(1 - alpha + _TRANSMITTANCE_EPS, -1)
    return alpha * torch.cat([torch.ones_like(through[:, :1]), through[:, :-1]], -1)


def sample_coefficients(weights: Tensor) -> Tensor:
    """Interval weights ``[R, N-1]`` -> what each sample contributes ``[R, N]``.

    Σ_i w_i (c_i + c_{i+1})/2 = Σ_j c_j (w_{j-1} + w_j)/2, so colours need neither be averaged nor sorted.
    """
    return (F.pad(weights, (0, 1)) + F.pad(weights, (1, 0))) / 2


def sum_of_some(values: Tensor, coefficients: Tensor, counts: Tensor) -> Tensor:
    """Σ_j c_j · v_j over those samples that count, ``[R, C]``: ``values [M, C]`` of those alone, in the order of
    ``counts [R, N]`` bool; ``coefficients [R, N]`` of all."""
    number = counts.sum(1)
    weights = coefficients.flatten().index_select(0, counts.flatten().nonzero()[:, 0])
    rows, first = torch.arange(len(values), device=values.device), number.cumsum(0) - number
    return F.embedding_bag(rows, values, first, per_sample_weights=weights, mode="sum")


@torch.no_grad()
def importance_depths(depths: Tensor, weights: Tensor, quantiles: Tensor) -> Tensor:
    """Depths ``[R, M]`` drawn where the coarse pass found weight; no gradient, as in the published code.

    ``depths [R, N]``, ``weights [R, N-1]``, ascending ``quantiles [R or 1, M]``. The weights are widened (maximum, then
    mean of neighbours), floored, and read as a histogram over the N-1 midpoints without the two outer weights:
    edges and weights do not match by one, so that nothing lies beyond the second-to-last midpoint.
    """
    widened = F.avg_pool1d(F.max_pool1d(weights[:, None], 2, 1, padding=1), 2, 1)[:, 0] + _WEIGHT_FLOOR
    edges = (depths[:, 1:] + depths[:, :-1]) / 2
    return sample_histogram(edges, widened[:, 1:-1], quantiles)


def sample_histogram(edges: Tensor, weights: Tensor, quantiles: Tensor) -> Tensor:
    """Inverse cdf of a histogram, linear inside a bin: ``edges [R, K+1 or more]``, ``weights [R, K]`` -> ``[R, M]``.

    >>> sample_histogram(torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[1.0, 3.0]]), torch.tensor([[0.125, 0.625]]))
    tensor([[0.5000, 1.5000]])
    """
    weights = weights + _PDF_EPS
    cdf = F.pad(torch.cumsum(weights / weights.sum(-1, keepdim=True), -1), (1, 0))
    u = quantiles.expand(len(cdf), -1).contiguous()
    above = torch.searchsorted(cdf, u, right=True)
    below, above = (above - 1).clamp_min(0), above.clamp_max(weights.shape[1])
    cdf_below, cdf_above = cdf.gather(1, below), cdf.gather(1, above)
    span = cdf_above - cdf_below
    share = (u - cdf_below) / torch.where(span < _PDF_EPS, 1.0, span)
    low, high = edges.gather(1, below), edges.gather(1, above)
    return low + share * (high - low)
