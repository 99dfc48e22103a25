"""What a step is taught: pixels and their rays, points whose answer is known, patches of true rendering."""

from dataclasses import replace
from types import SimpleNamespace

import torch

from sat3d.generators import build_generator
from sat3d.generators.rays import camera_rays
from tests.training.ball_heads import CENTRE, RADIUS
from tests.training.generator.runs import seeded
from training.generator.objective import crop_rim
from training.generator.patches import cut_patches, superresolve_patch
from training.generator.pixels import carve, draw_pixels
from training.generator.points import known_points
from training.generator.presets import PointSettings


def test_rays_meet_the_surface_that_was_rendered(pack):
    rays = draw_pixels(pack, torch.arange(4), PointSettings(200, 100, 0), seeded())
    surface = (rays.at(rays.distance) - CENTRE).norm(dim=-1)
    assert rays.solid.float().mean() > 0.5
    torch.testing.assert_close(surface[rays.solid], torch.full_like(surface[rays.solid], RADIUS), atol=2e-4, rtol=0)


def test_known_points_tell_the_truth(pack, tiny):
    heads, settings = torch.arange(4), PointSettings(200, 100, 400)
    rays = draw_pixels(pack, heads, settings, seeded())
    points = known_points(pack, heads, rays, settings, tiny.network, seeded(1))
    radius = (points.position - CENTRE).norm(dim=-1)
    # Occupied where it is claimed; free well outside of the ball, unless no view looks there.
    assert radius[points.occupied == 1].quantile(0.6) < RADIUS + 1e-3
    seen = points.position[..., :2].abs().amax(-1) < 0.25
    claimed_free = points.occupied == 0
    assert claimed_free[seen & (radius > RADIUS + 0.03)].float().mean() > 0.9
    assert (radius[claimed_free] > RADIUS - 3e-3).float().mean() > 0.97  # a pixel is wider than that


def test_carving_finds_the_inside(pack):
    points = (torch.rand(2, 500, 3, generator=seeded()) - 0.5) * 0.5
    occupied = carve(pack, torch.tensor([0, 5]), points)
    radius = (points - CENTRE).norm(dim=-1)
    assert occupied[radius < RADIUS - 0.01].min() == 1
    assert occupied[radius > RADIUS + 0.1].mean() < 0.4  # three views leave some corners unseen


def test_where_pictures_show_the_whole_thing_the_unseen_is_empty(pack):
    far = torch.tensor([[[0.9, 0.5, 0.0], [0.9, -0.5, 0.0]]])  # in no picture
    for above, wanted in ((0.0, [0, 1]), (-torch.inf, [0, 0]), (torch.inf, [1, 1])):
        told = replace(pack, learning=replace(pack.learning, whole_above=above))
        assert carve(told, torch.tensor([0]), far).tolist() == [wanted]


def test_patches_are_pieces_of_the_pictures(pack, tiny):
    patch = cut_patches(pack, torch.tensor([3]), torch.tensor([1]), torch.tensor([[4, 9]]), (16, 32))
    wanted = pack.image[3, 1, 4:20, 9:25].permute(2, 0, 1).float() / 127.5 - 1
    torch.testing.assert_close(patch.image[0], wanted)
    origins, directions = camera_rays(pack.camera[3, 1][None], 32)
    torch.testing.assert_close(patch.direction[0], directions[0].reshape(32, 32, 3)[4:20, 9:25].reshape(-1, 3))
    torch.testing.assert_close(patch.origin[0], origins[0, : 16 * 16])


def test_super_resolution_of_a_patch_is_that_of_the_picture_but_for_its_rim(tiny):
    torch.manual_seed(0)
    network = build_generator(tiny.network).requires_grad_(False)
    features, styles = torch.randn(1, 8, 16, 16), torch.randn(1, network.layout.num_channels)
    whole = network.superresolve(features, styles)
    cut = features[:, :, 4:16, 4:16].contiguous()
    piece, patch = superresolve_patch(network, cut, styles), SimpleNamespace(raw=cut)
    assert whole.shape == (1, 3, 32, 32) and piece.shape == (1, 3, 24, 24)
    assert (piece - whole[:, :, 8:, 8:]).abs().max() > 1e-3, "at its rim, neighbours are lacking"
    torch.testing.assert_close(crop_rim(piece, patch), crop_rim(whole[:, :, 8:, 8:], patch), atol=1e-4, rtol=0)
