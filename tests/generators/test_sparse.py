"""Fast views: what they leave out does not show, and what they do not leave out is exact."""

import math
from dataclasses import replace

import pytest
import torch

from sat3d.generators import RenderOptions, tracing, z_from_seed
from sat3d.generators.config import PLANE_AXES_CORRECTED
from sat3d.generators.layers import softplus
from sat3d.generators.matter import Sheets, find_matter, guess_matter, thinnest_density
from sat3d.generators.occupancy import Occupancy
from sat3d.generators.planes import Lattice, axes_of_planes, quick_asinh
from sat3d.generators.rays import RayBatch, make_rays
from sat3d.generators.renderer import render_volume
from sat3d.generators.scene import Volume, query_points
from sat3d.generators.sparse import render_volume_sparsely
from sat3d.generators.volume import Sampling
from tests.conftest import seeded, tiny_config
from tests.generators.full_heads import CASES, latents, tiny_full_head

VARIANTS = {
    "plain": tiny_config(),
    "auto limits": tiny_config(ray_start="auto", ray_end="auto"),
    "white": tiny_config(white_back=True),
    "disparity": tiny_config(disparity_space_sampling=True),
    "no importance": tiny_config(depth_resolution_importance=0),
    "warped": tiny_config(plane_warp=0.18),
    "corrected axes": replace(tiny_config(), plane_axes=PLANE_AXES_CORRECTED),
    "background": replace(tiny_config(), background_hidden=4),
}


def psnr(a, b):
    return -10 * math.log10(float(((a.detach().clamp(-1, 1) - b.detach().clamp(-1, 1)) / 2).square().mean()) + 1e-20)


def solid(network):
    """With a few lumps of matter, dense enough to hide what is behind them, in an empty box."""
    last = network.decoder.net[2]
    last.weight[0] *= 40
    last.bias[0] = last.bias[0] * 40 - 60
    return network


def cameras(network, views):
    return network.rig.label(torch.linspace(-0.6, 0.6, views), torch.linspace(0.2, -0.2, views))


@pytest.mark.parametrize("make", [lambda network: network, solid], ids=["fog", "solid"])
@pytest.mark.parametrize("name", VARIANTS)
@torch.no_grad()
def test_fast_views_are_those_of_the_exact_renderer(name, make):
    network = make(seeded(VARIANTS[name]))
    styles, camera = network.styles(network.map(z_from_seed(3, 16))), cameras(network, 3)
    exact, fast = network.synthesize(styles, camera), network.synthesize(styles, camera, RenderOptions(fast=True))
    assert all(psnr(a, b) > 45 for a, b in zip(exact.image, fast.image, strict=True))
    torch.testing.assert_close(fast.opacity, exact.opacity, atol=4e-3, rtol=0)
    seen = exact.opacity > 0.05
    torch.testing.assert_close(fast.depth[seen], exact.depth[seen], atol=2e-3, rtol=0)
    assert exact.opacity.std() > 0.01


@pytest.mark.parametrize("case", CASES)
@torch.no_grad()
def test_fast_views_of_full_heads(case):
    network = tiny_full_head(case)
    styles, camera = network.styles(latents(network.config)[1][:1]), cameras(network, 2)
    exact, fast = network.synthesize(styles, camera), network.synthesize(styles, camera, RenderOptions(fast=True))
    assert psnr(exact.image, fast.image) > 45


def counting(planes, low):
    """A volume whose raw density is ``low`` and four times the sum over the planes of their first feature."""
    network = seeded(tiny_config())
    first, last = network.decoder.net[0], network.decoder.net[2]
    for part in (first.weight, first.bias, last.weight[:1], last.bias[:1]):
        part.zero_()
    first.weight[0, 0], last.weight[0, 0], last.bias[0] = 12 / first.weight_gain, 1 / last.weight_gain, low
    return network, network.volume(planes)


@torch.no_grad()
def test_empty_space_is_not_sampled(monkeypatch):
    planes, axis = torch.zeros(1, 64, 64, 3, 8), torch.linspace(-1, 1, 64)
    planes[..., 0] = torch.exp(-10 * (axis[:, None].square() + axis.square()))[None, :, :, None] * 10
    network, scene = counting(planes, -80.0)
    config, camera, asked, plain = network.config.rendering, network.rig.label(), [], Volume.features

    def features(self, places, index=None):
        asked.append(places.texels.shape[-1])
        return plain(self, places, index)

    monkeypatch.setattr(Volume, "features", features)
    exact = render_volume(scene, camera, 32, config)
    before = sum(asked)
    asked.clear()
    fast = render_volume_sparsely(scene, find_matter(scene), camera, 32, config)
    assert 0 < sum(asked) < before / 5
    assert (exact.opacity > 0.99).any() and (exact.opacity < 1e-3).any()
    torch.testing.assert_close(fast.features, exact.features, atol=2e-3, rtol=0)


@torch.no_grad()
def test_an_empty_box_makes_an_empty_picture():
    network = seeded(tiny_config(white_back=True))
    network.decoder.net[2].bias[0] = -1e4
    planes = network.planes(network.styles(network.map(z_from_seed(3, 16))))
    rays = network.render_features(planes, network.rig.label(), RenderOptions(fast=True))
    assert (rays.opacity == 0).all() and (rays.features == 1).all() and torch.isfinite(rays.depth).all()


@torch.no_grad()
def test_a_wire_thinner_than_a_cell_is_found():
    """One texel wide on planes of 256 texels, a quarter of a cell."""
    planes = torch.zeros(1, 256, 256, 3, 8)
    planes[0, :, 133, 0, 0] = 30.0  # plane x, y: along y
    scene = counting(planes, -20.0)[1]
    along, wire = torch.linspace(-0.4, 0.4, 200), ((133.5 / 256) - 0.5)
    rays = RayBatch(
        torch.tensor([[wire, 0.0, 1.0]]), torch.tensor([[0.0, 0.0, -1.0]]), *torch.tensor([[0.5], [1.5]]), None
    )
    assert find_matter(scene).along(rays, 1 - along[None]).all()
    assert find_matter(scene).filled.float().mean() < 0.15


@pytest.mark.parametrize("name", ["plain", "warped", "corrected axes"])
@torch.no_grad()
def test_the_lattice_is_read_as_points_are(name):
    network = seeded(VARIANTS[name])
    scene = network.volume(network.planes(network.styles(network.map(z_from_seed(3, 16)))))
    axis = torch.linspace(-0.55, 0.55, 7)
    wanted = query_points(scene, torch.cartesian_prod(axis, axis, axis)[None])[0].reshape(7, 7, 7)
    sheets = Sheets.of(scene, axis, axes_of_planes(scene.projection))
    torch.testing.assert_close(sheets.density(), wanted, atol=1e-4, rtol=1e-5)
    some = torch.tensor([[0, 6, 3], [5, 1, 2]])
    torch.testing.assert_close(sheets.density_at(some), wanted[some.unbind(1)], atol=1e-4, rtol=1e-5)


def filled_at(occupancy, points):
    still, none = torch.zeros_like(points), torch.zeros(len(points))
    return occupancy.along(RayBatch(points, still, none, none, None), none[:, None])[:, 0]


@pytest.mark.parametrize("texels", [96, 256])
@pytest.mark.parametrize("name", ["plain", "warped", "corrected axes"])
@torch.no_grad()
def test_what_is_open_is_looked_at_texel_by_texel(name, texels):
    """A steep surface, rough as planes are: all of it is found, and little else."""
    network, chance = counting(torch.zeros(1, 1, 1, 3, 8), -60.0)[0], torch.Generator().manual_seed(0)
    network = network.with_rendering(plane_warp=VARIANTS[name].rendering.plane_warp)
    axis, planes = torch.linspace(-1, 1, texels), torch.zeros(1, texels, texels, 3, 8)
    rough = 1 + 0.2 * torch.rand(1, texels, texels, 3, generator=chance)
    planes[..., 0] = torch.exp(-6 * (axis[:, None].square() + axis.square()))[None, :, :, None] * 10 * rough
    scene, points = network.volume(planes), (torch.rand(200_000, 3, generator=chance) - 0.5) * 1.1
    dense = query_points(scene, points[None])[0][0] > thinnest_density(1.0)
    careful, quick = (filled_at(find_matter(scene, quick), points) for quick in (False, True))
    assert dense.sum() > 1000 and not (dense & ~careful).any() and not (dense & ~quick).any()
    assert careful.sum() < min(1.6 * dense.sum(), 0.85 * quick.sum())


@torch.no_grad()
def test_no_density_in_an_empty_cell_can_be_seen():
    """Planes with single texels, finer than the cells, which no lattice of points could find out."""
    chance = torch.Generator().manual_seed(0)
    planes = torch.zeros(1, 256, 256, 3, 8)
    planes[..., 0] = 30 * (torch.rand(1, 256, 256, 3, generator=chance) < 3e-4)
    scene, points = counting(planes, -20.0)[1], torch.rand(100_000, 3, generator=chance) - 0.5
    density = query_points(scene, points[None])[0][0]
    seen = filled_at(find_matter(scene), points)
    assert (density > 0).sum() > 100 and (~seen).float().mean() > 0.5
    assert not (density[~seen] > thinnest_density(1.0)).any()


def test_lattices_by_hand():
    """Four texels, read at their edges."""
    edges = torch.linspace(-1, 1, 5)
    plane = torch.zeros(4, 4)
    plane[1, 2] = 4.0
    for sign in (1, -1):
        lattice = Lattice.of(edges * sign, edges, (4, 4))
        read = lattice.read(plane[..., None])[..., 0]
        wanted = torch.zeros(5, 5)
        wanted[2:4, 1:3] = 1.0
        assert torch.equal(read, wanted if sign == 1 else wanted.flip(0))
        assert lattice.between(read[..., None])[1, 2, 0] == 1.0
        # A texel has a part in the cells around its own.
        cells = torch.zeros(4, 4)
        cells[1:4, 0:3] = 4.0
        assert torch.equal(lattice.most_in_cells(plane), cells if sign == 1 else cells.flip(0))


def test_cells_along_a_ray_by_hand():
    filled = torch.zeros(4, 4, 4, dtype=torch.bool)
    filled[3, 2, 0] = True  # x 1..2, y 0..1, z below -1
    rays = RayBatch(
        torch.tensor([[1.5, 0.5, 0.0]]), torch.tensor([[0.0, 0.0, -1.0]]), torch.zeros(1), torch.ones(1), None
    )
    depths = torch.tensor([[0.5, 1.5, 99.0, -5.0]])
    assert Occupancy(filled.flatten(), 2.0).along(rays, depths).tolist() == [[False, True, True, False]]
    assert Occupancy(filled.flatten(), 2.0, closed=False).along(rays, depths).tolist() == [[False, True, True, True]]


def test_the_thinnest_density_by_hand():
    assert math.log1p(math.exp(thinnest_density(0.5) - 1)) * 0.5 == pytest.approx(2e-3, rel=1e-4)


@torch.no_grad()
def test_random_samples_of_fast_views_do_not_depend_on_the_chunk_size():
    network = solid(seeded(tiny_config()))
    styles, camera = network.styles(network.map(z_from_seed(3, 16))), network.rig.label()
    images = [
        network.synthesize(
            styles,
            camera,
            RenderOptions(sampling=Sampling(torch.Generator().manual_seed(1)), fast=True, rays_per_chunk=chunk),
        ).image
        for chunk in (None, 50)
    ]
    torch.testing.assert_close(*images, atol=1e-4, rtol=0)


@torch.no_grad()
def test_matter_that_was_found_before_makes_the_same_view():
    network = seeded(tiny_config())
    styles, camera, options = (
        network.styles(network.map(z_from_seed(3, 16))),
        network.rig.label(),
        RenderOptions(fast=True),
    )
    planes = network.planes(styles)
    one = network.render(planes, styles, camera, options)
    other = network.render(planes, styles, camera, replace(options, occupancy=network.find_matter(planes)))
    assert torch.equal(one.image, other.image)


def test_with_gradients_views_stay_exact():
    network = seeded(tiny_config())
    styles = network.styles(network.map(z_from_seed(3, 16))).requires_grad_()
    exact, fast = (network.synthesize(styles, None, RenderOptions(fast=fast)).image for fast in (False, True))
    assert torch.equal(exact, fast)
    assert torch.autograd.grad(fast.square().mean(), styles)[0].abs().max() > 0


def test_the_quick_asinh():
    x = torch.cat([torch.linspace(-50, 50, 20001), torch.logspace(-12, 12, 200), torch.tensor([0.0, -1e-9])])
    torch.testing.assert_close(quick_asinh(x).double(), torch.asinh(x.double()), atol=0, rtol=5e-7)
    assert quick_asinh(torch.tensor([-2.0, 0.0])).tolist() == pytest.approx([-1.4436354751788103, 0.0])


def test_the_quick_softplus():
    x = torch.cat([torch.linspace(-120, 120, 20001), torch.tensor([math.inf, -math.inf, 1e30, -1e30, math.nan])])
    wanted = torch.nn.functional.softplus(x.double(), threshold=1e9)
    torch.testing.assert_close(softplus(x).double(), wanted, atol=3e-7, rtol=1e-6, equal_nan=True)


def test_wider_cells_by_hand():
    filled = torch.zeros(4, 4, 4, dtype=torch.bool)
    filled[3, 2, 0] = True
    wider = Occupancy(filled.flatten(), 2.0).coarser
    assert wider.side == 2 and wider.cell == 2.0 and wider.filled.nonzero().tolist() == [[0b110]]
    assert Occupancy(torch.ones(27, dtype=torch.bool), 1.0).coarser.side == 3


@pytest.mark.parametrize("name", ["plain", "white", "warped", "no importance"])
def test_gradients_of_what_shows_are_the_same_where_matter_is_guessed(name, monkeypatch):
    network = solid(seeded(VARIANTS[name])).requires_grad_(False)
    styles, camera = network.styles(network.map(z_from_seed(3, 16))).repeat(2, 1), cameras(network, 2)
    guessed = []

    def run(guess):
        monkeypatch.setattr(tracing, "_guess", guess)
        own = styles.clone().requires_grad_()
        view = network.synthesize(own, camera, RenderOptions(24, least_share=1e-3))
        return view, torch.autograd.grad(view.image.square().mean(), own)[0]

    def guess(scene, rays, config):
        guessed.append(guess_matter(scene, 32))
        return guessed[-1]

    (all_, whole), (some, found) = run(lambda *_: None), run(guess)
    assert len(guessed) == 2 and any(each.filled.float().mean() < 0.9 for each in guessed)
    assert all(psnr(a, b) > 45 for a, b in zip(all_.image, some.image, strict=True))
    torch.testing.assert_close(some.opacity, all_.opacity, atol=4e-3, rtol=0)
    assert torch.cosine_similarity(whole.flatten(), found.flatten(), 0) > 0.99


def test_few_rays_are_looked_at_sample_by_sample():
    network = seeded(VARIANTS["plain"])
    rays = make_rays(cameras(network, 1), 16, network.config.rendering, 1)
    assert tracing._guess(network.volume(torch.zeros(1, 8, 8, 3, 32)), rays, network.config.rendering) is None


def test_softplus_has_its_slope():
    x = torch.tensor([-200.0, -30.0, -1.0, 0.0, 2.0, 30.0, 200.0], requires_grad=True)
    softplus(x).sum().backward()
    torch.testing.assert_close(x.grad, torch.sigmoid(x.detach()))
    torch.testing.assert_close(softplus(x), torch.nn.functional.softplus(x), atol=3e-7, rtol=1e-6)
