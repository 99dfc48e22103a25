"""The equations of volume rendering, against numbers worked out by hand."""

import math

import pytest
import torch

from sat3d.camera import CameraRig
from sat3d.generators import volume
from sat3d.generators.config import PLANE_AXES_CORRECTED, PLANE_AXES_EG3D
from sat3d.generators.planes import (
    plane_projection,
    read_as_pictures,
    sample_planes,
    sample_planes_reference,
    texel_rays,
)
from sat3d.generators.rays import box_limits, camera_rays


def test_stratified_depths():
    depths = volume.stratified_depths(torch.tensor([1.0]), torch.tensor([3.0]), 5, torch.full((1, 1), 0.5))
    assert depths.tolist() == [[1.25, 1.75, 2.25, 2.75, 3.25]]


def test_disparity_depths_are_even_in_inverse_depth():
    depths = volume.stratified_depths(torch.tensor([1.0]), torch.tensor([4.0]), 4, torch.zeros(1, 1), disparity=True)
    torch.testing.assert_close(1 / depths, torch.tensor([[1.0, 0.75, 0.5, 0.25]]))


def test_compositing_weights_by_hand():
    # softplus(1 + ln(e-1) - 1) = ln(1 + e - 1) = 1, so σ = 1 and α = 1 - 1/e on unit intervals.
    density = torch.full((1, 4), 1 + math.log(math.e - 1))
    weights = volume.compositing_weights(density, torch.tensor([[0.0, 1, 2, 3]]))
    alpha = 1 - 1 / math.e
    torch.testing.assert_close(weights, torch.tensor([[alpha, alpha / math.e, alpha / math.e**2]]))


def test_mean_density_of_an_interval_counts():
    one = volume.compositing_weights(torch.tensor([[0.0, 4.0]]), torch.tensor([[0.0, 0.5]]))
    assert one.item() == pytest.approx(1 - math.exp(-0.5 * math.log(1 + math.exp(2.0 - 1))))


def test_coefficients_equal_interval_averages():
    weights, colors = torch.rand(3, 5), torch.rand(3, 6, 2)
    averaged = (weights[..., None] * (colors[:, 1:] + colors[:, :-1]) / 2).sum(1)
    torch.testing.assert_close((volume.sample_coefficients(weights)[..., None] * colors).sum(1), averaged)


def test_histogram_sampling_by_hand():
    samples = volume.sample_histogram(
        torch.tensor([[0.0, 1, 2]]), torch.tensor([[1.0, 3.0]]), torch.tensor([[0.125, 0.25, 0.625, 0.99]])
    )
    torch.testing.assert_close(samples, torch.tensor([[0.5, 1.0, 1.5, 1.98667]]), atol=1e-4, rtol=0)


def test_importance_samples_gather_where_the_weight_is_and_stop_at_the_second_to_last_midpoint():
    depths = torch.linspace(0, 1, 11)[None]
    weights = torch.zeros(1, 10)
    weights[0, 4] = 1.0
    fine = volume.importance_depths(depths, weights, volume.Sampling().quantiles((1, 100), depths.device))
    assert ((fine > 0.3) & (fine < 0.6)).float().mean() > 0.85
    assert fine.max() <= 0.85 and (fine.diff() >= 0).all()


def test_random_sampling_repeats_with_its_generator_and_differs_without():
    draw = lambda seed: volume.Sampling(torch.Generator().manual_seed(seed)).uniform((2, 3), torch.device("cpu"))  # noqa: E731
    assert torch.equal(draw(1), draw(1)) and not torch.equal(draw(1), draw(2))


def test_rays_of_the_frontal_camera():
    origins, directions = camera_rays(CameraRig(pivot=(0, 0, 0)).label(), 2)
    torch.testing.assert_close(origins[0], torch.tensor([0, 0, 2.7]).expand(4, 3), atol=1e-6, rtol=0)
    x = 0.25 / 4.2647
    torch.testing.assert_close(
        directions[0, 0], torch.tensor([-x, x, -1.0]) / math.sqrt(1 + 2 * x * x), atol=1e-6, rtol=1e-6
    )
    assert directions[0, 1, 0] > 0 > directions[0, 2, 1]  # second pixel to the right, third below


def test_box_limits_by_hand_and_for_misses():
    origins = torch.tensor([[[0.0, 0, 2], [0, 0, 2], [0.25, 0, 2]]])
    directions = torch.tensor([[[0.0, 0, -1], [0, 1, 0], [0, 0, -1]]])
    near, far = box_limits(origins, directions, 1.0)
    assert near.tolist() == [[1.5, 1.5, 1.5]] and far.tolist() == [[2.5, 1.5, 2.5]]
    near, far = box_limits(origins[:, 1:2], directions[:, 1:2], 1.0)
    assert near.tolist() == far.tolist() == [[0.0]]


@pytest.mark.parametrize(("near", "far"), [(0.0, 3.3), (0.0, 0.0), (-0.5, 1.0)])
def test_reciprocal_depths_are_finite_even_at_the_camera(near, far):
    limits, middle = (torch.tensor([near]), torch.tensor([far])), torch.tensor([[0.5]])
    depths = volume.stratified_depths(*limits, 6, middle, disparity=True)
    assert torch.isfinite(depths).all() and (depths > 0).all() and (depths.diff() >= 0).all()


def test_planes_project_as_their_axes_say():
    point = torch.tensor([1.0, 2.0, 3.0])
    official = torch.einsum("k,kpc->pc", point, plane_projection(PLANE_AXES_EG3D, 2.0))
    assert official.tolist() == [[1, 2], [1, 3], [3, 1]]
    corrected = torch.einsum("k,kpc->pc", point, plane_projection(PLANE_AXES_CORRECTED, 2.0))
    assert corrected.tolist() == [[1, 2], [1, 3], [3, 2]]


@pytest.mark.parametrize("axes", [PLANE_AXES_EG3D, PLANE_AXES_CORRECTED])
def test_fast_plane_sampling_equals_grid_sample_in_value_and_gradient(axes):
    torch.manual_seed(0)
    base = torch.randn(2, 6, 10, 3, 4)  # not square
    points = torch.rand(2, 50, 3) * 1.6 - 0.8  # many outside the box
    points[0, 0] = torch.tensor([0.5, -0.5, 0.5])
    projection = plane_projection(axes, 1.0)
    results = []
    for fast in (True, False):
        planes, where = base.clone().requires_grad_(), points.clone().requires_grad_()
        if fast:
            flat = where.reshape(-1, 3)
            texels, _ = texel_rays(flat, torch.zeros_like(flat), flat.new_zeros(len(flat)), projection, (6, 10))
            out = sample_planes(planes, texels, torch.arange(2).repeat_interleave(50)).reshape(2, 50, 4)
        else:
            out = sample_planes_reference(planes, where, projection).mean(1)
        results.append((out, *torch.autograd.grad((out * torch.arange(4.0)).square().sum(), [planes, where])))
    for got, wanted in zip(*results, strict=True):
        torch.testing.assert_close(got, wanted, atol=2e-4, rtol=1e-4)


def test_no_points_have_no_features():
    planes = torch.randn(1, 4, 4, 3, 5, requires_grad=True)
    found = sample_planes(planes, torch.zeros(3, 2, 0))
    assert found.shape == (0, 5)
    found.sum().backward()
    assert not planes.grad.any()


@pytest.mark.parametrize("shape", [(1, 6, 10, 3, 4), (1, 6, 10, 3, 5, 4)], ids=["planes", "grids"])
def test_planes_are_read_alike_where_bags_and_where_pictures_are_fast(shape):
    """Which of the two is used depends on the device; texels inside, at the edge and outside."""
    chance = torch.Generator().manual_seed(0)
    planes, shares = torch.rand(shape, generator=chance), torch.rand(3, 200, generator=chance)
    texels = torch.rand(3, len(shape) - 3, 200, generator=chance) * 14 - 2
    for own in (None, shares):
        found = []
        for read in (sample_planes, read_as_pictures):
            leaf = planes.clone().requires_grad_()
            out = read(leaf, texels, shares=own)
            found.append((out, torch.autograd.grad(out.square().sum(), leaf)[0]))
        for got, wanted in zip(*found, strict=True):
            torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-5)
