"""PanoHead and SphereHead: the numbers of the official code, a fast path that equals its readable twin, geometry."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sat3d.camera import orbit
from sat3d.errors import ConfigError, FileError
from sat3d.generators import (
    FullHeadGenerator,
    Noise,
    RenderOptions,
    generator_from_tensors,
    load_generator,
    reference,
    shifted,
)
from sat3d.generators.balls import ball_coordinates, ball_places, ball_weights
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.generators.config_json import config_from_dict, config_to_dict
from sat3d.generators.full_head_config import PLANE_AXES_FULL_HEAD
from sat3d.generators.planes import plane_projection, sample_planes, sample_planes_reference, texel_points
from sat3d.inversion import InversionOptions, Inverter, invert
from sat3d.inversion.w_statistics import measure_w_statistics
from sat3d.mesh.extraction import MeshOptions, extract_mesh
from tests.generators.full_heads import CASES, latents, tiny_full_head, tiny_full_head_config, weights_of

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "children"
RELATIVE_LIMIT = 1e-4


@pytest.fixture(params=CASES)
def case(request) -> str:
    return request.param


@pytest.fixture
def network(case) -> FullHeadGenerator:
    return tiny_full_head(case)


def styles_of(network: FullHeadGenerator) -> torch.Tensor:
    return network.styles(latents(network.config)[1])


def official(network: FullHeadGenerator, stored: dict) -> dict[str, torch.Tensor]:
    """What we make of the stored inputs, cut as it is stored."""
    z, _ = latents(network.config)
    styles, together = styles_of(network), RenderOptions(couple_batch=True)
    planes = network.planes(styles)
    seen = network.render(planes, styles, stored["in.c"], together)
    finer = network.render(planes, styles, stored["in.c"], RenderOptions(20, couple_batch=True))
    label = stored["in.c_cond"]
    own = network.styles(network.map(z, label, 0.7))
    forward = network.synthesize(own, shifted(label, network.camera_shift(z, label, 0.7)), together)
    density, features = network.query(planes, stored["in.points"])
    return {
        "image": seen.image[:, :, ::2, 1::2],
        "image_raw": seen.image_raw,
        "image_depth": seen.depth,
        "image_mask": seen.opacity * 1.002 - 0.001,
        "image_parsing": seen.parsing,
        "points.sigma": density,
        "points.rgb": features[..., :8],
        "forward": forward.image[:, :, ::2, ::2],
        "finer": finer.image[:, :, ::2, 1::2],
        "finer_raw": finer.image_raw[:, :, ::2, ::2],
    }


@torch.no_grad()
def test_outputs_are_those_of_the_official_code(case, network):
    stored = load_file(GOLDEN / f"{case}.safetensors")
    ours = official(network, stored)
    wanted = [name for name in stored if not name.startswith("in.")]
    assert len(wanted) >= 9 and (("image_parsing" in wanted) == (case == "spherehead"))
    for name in wanted:
        limit = RELATIVE_LIMIT * float(stored[name].abs().max())
        torch.testing.assert_close(
            ours[name], stored[name], atol=limit, rtol=0, msg=lambda text, n=name: f"{n}: {text}"
        )


def test_the_fast_path_equals_the_readable_twin_in_value_and_gradient(network):
    camera, found = network.rig.label([-0.4, 2.5], [0.1, -0.1]), []
    for synthesize in (
        lambda s: network.synthesize(s, camera).image,
        lambda s: reference.synthesize(network, s, camera),
    ):
        styles = styles_of(network).requires_grad_()
        image = synthesize(styles)
        found.append((image, torch.autograd.grad(image.square().mean(), styles)[0]))
    for got, wanted in zip(*found, strict=True):
        torch.testing.assert_close(got, wanted, atol=2e-4 * float(wanted.detach().abs().max()), rtol=0)


def test_grids_are_read_as_volumes():
    torch.manual_seed(0)
    grids, points = torch.randn(2, 6, 10, 3, 4, 5), torch.rand(2, 50, 3) * 1.6 - 0.8
    projection = plane_projection(PLANE_AXES_FULL_HEAD, 1.0, coordinates=3)
    found = []
    for fast in (True, False):
        table, where = grids.clone().requires_grad_(), points.clone().requires_grad_()
        if fast:
            texels = texel_points(where.reshape(-1, 3).T, projection, (6, 10, 4))
            out = sample_planes(table, texels, torch.arange(2).repeat_interleave(50)).reshape(2, 50, 5)
        else:
            out = sample_planes_reference(table, where, projection).mean(1)
        found.append((out, *torch.autograd.grad(out.square().sum(), [table, where])))
    for got, wanted in zip(*found, strict=True):
        torch.testing.assert_close(got, wanted, atol=2e-4, rtol=1e-4)


def test_a_grid_of_one_slice_is_not_a_plane():
    """Its feature fades with the distance from the plane: the missing neighbour counts as zero."""
    grid, plane = torch.ones(1, 4, 4, 1, 1, 3), torch.ones(1, 4, 4, 1, 3)
    axes = PLANE_AXES_FULL_HEAD[:1]
    points = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 0.25], [0.0, 0.0, -0.5]])
    texels = texel_points(points.T, plane_projection(axes, 1.0, coordinates=3), (4, 4, 1))
    assert sample_planes(grid, texels)[:, 0].tolist() == pytest.approx([1, 0.75, 0.5])
    flat = texel_points(points.T, plane_projection(axes, 1.0), (4, 4))
    assert sample_planes(plane, flat)[:, 0].tolist() == pytest.approx([1, 1, 1])


def test_planes_project_as_the_files_say():
    point = torch.tensor([1.0, 2.0, 3.0])
    found = torch.einsum("k,kpc->pc", point, plane_projection(PLANE_AXES_FULL_HEAD, 2.0, coordinates=3))
    assert found.tolist() == [[1, 2, 3], [1, 3, 2], [2, 3, 1]]


def test_places_in_balls():
    """By hand: polar angle, azimuth and radius of (z, y, -x) in the first ball and of (-z, -x, y) in the second."""
    points = torch.tensor([[0.1, 0.2, 0.3], [0.5, 0.5, 0.5], [-0.2, 0.4, 0.1]])
    found = ball_coordinates(points.T, 1.0)
    for i, (x, y, z) in enumerate((2 * points).tolist()):
        for ball, (a, b, c) in enumerate(((z, y, -x), (-z, -x, y))):
            wanted = [
                2 * math.atan2(math.hypot(a, b), c) / math.pi - 1,
                math.atan2(b, a) / math.pi,
                2 * math.sqrt(a * a + b * b + c * c) / math.sqrt(3) - 1,
            ]
            assert found[ball, :, i].tolist() == pytest.approx(wanted, abs=1e-6)
    assert found[:, 2, 1].tolist() == pytest.approx([1, 1], abs=1e-6)  # the corner of the box


def test_a_ball_counts_for_nothing_at_its_poles_its_seam_and_the_origin():
    coordinates = torch.tensor([[-1.0, 1.0, 0.0, 0.0, 0.0], [0.3, 0.3, 1.0, -1.0, 0.0], [0.0] * 5])[None]
    assert ball_weights(coordinates)[0].tolist() == pytest.approx([0, 0, 0, 0, 1], abs=1e-6)
    projection = plane_projection(PLANE_AXES_FULL_HEAD, 2.0)
    points = torch.zeros(3, 1, requires_grad=True)
    texels, shares = ball_places(points, 1.0, projection, (4, 4))
    assert texels.shape == (6, 2, 1) and not shares.any()
    (texels.sum() + shares.sum()).backward()
    assert torch.isfinite(points.grad).all()
    everywhere = ball_places(torch.rand(3, 100) - 0.5, 1.0, projection, (4, 4))[1]
    assert everywhere.sum(0).tolist() == pytest.approx([1] * 100, abs=1e-3)


def test_nothing_is_rendered_beyond_the_crop(network):
    planes = network.planes(styles_of(network)[:1])
    points = torch.tensor([[[0.39, 0.45, 0.0], [0.41, 0.0, 0.0], [0.0, 0.0, -0.41], [0.4, 0.0, 0.4]]])
    density, seen = network.query(planes, points)[0][0], network.query_seen(planes, points)[0][0]
    assert torch.equal(seen[[0, 3]], density[[0, 3]]) and seen[[1, 2]].tolist() == [-1000, -1000]
    wide = generator_from_tensors(replace(network.config, crop_margin=0.0), network.state_dict())
    camera = network.rig.label(math.pi / 2)
    opacity = [net.render_features(planes, camera).opacity.mean() for net in (network, wide)]
    assert opacity[0] < opacity[1]


def test_a_backdrop_is_seen_where_the_head_is_not(network):
    styles = styles_of(network)[:1]
    places = [place for name, place in network.layout.slices.items() if name.startswith("bcg_synthesis.")]
    assert bool(places) == (network.config.backdrop is not None)
    other = styles.clone()
    for place in places:
        other[:, place] += 1
    assert torch.equal(network.planes(styles), network.planes(other))
    camera = network.rig.label(0.3)
    rays = network.render_features(network.planes(styles), camera)
    before, after = (network.before_background(rays.features, rays.opacity, s) for s in (styles, other))
    if not places:
        assert torch.equal(before, after)
        return
    change = (network.behind(other) - network.behind(styles)).abs().mean()
    moved = (after - before).abs().mean(1, keepdim=True)
    behind = network.before_background(torch.zeros_like(rays.features), torch.zeros_like(rays.opacity), other)
    behind = behind - network.before_background(torch.zeros_like(rays.features), torch.zeros_like(rays.opacity), styles)
    assert change > 0.1
    torch.testing.assert_close(moved, (behind * (1 - rays.opacity)).abs().mean(1, keepdim=True), atol=1e-4, rtol=0)


def test_noise_reaches_the_backdrop():
    network = tiny_full_head("panohead")
    styles = styles_of(network)[:1]
    with_noise, without = (network.behind(styles, Noise(mode)) for mode in ("const", "none"))
    assert (with_noise - without).abs().mean() > 0.01
    options = [RenderOptions(noise=Noise(mode)) for mode in ("const", "none")]
    noisy, clean = (network.render(network.planes(styles), styles, network.rig.label(), o) for o in options)
    assert (noisy.image_raw - clean.image_raw).abs().mean() > 1e-3


@torch.no_grad()
def test_the_backdrop_is_drawn_once_for_all_views(monkeypatch):
    network, drawn = tiny_full_head("panohead"), []
    styles, cameras = styles_of(network), network.rig.label(*orbit(3, kind="turn"))
    single = [network.synthesize(styles[:1], camera).image for camera in cameras.split(1)]
    plain = FullHeadGenerator.behind
    monkeypatch.setattr(FullHeadGenerator, "behind", lambda self, *rest: drawn.append(1) or plain(self, *rest))
    views = list(network.views(styles, cameras))
    assert len(views) == 6 and len(drawn) == 2
    assert torch.equal(torch.cat([view.image for view in views[:3]]), torch.cat(single))
    assert torch.equal(network.render(network.planes(styles[:1]), styles[:1], cameras).image, torch.cat(single))
    assert len(drawn) == 3


def test_rows_of_the_backdrop_that_are_too_many_take_the_last(case):
    network = tiny_full_head(case)
    rows = {layer.name: layer.ws_index for layer in network.layout.layers if layer.group == "background"}
    if not rows:
        assert network.config.backdrop is None
        return
    last = network.config.backbone.num_ws - 1
    assert rows["bcg_synthesis.b4.conv1"] == 0 and rows["bcg_synthesis.b8.conv0"] == 1
    assert rows["bcg_synthesis.b32.conv1"] == rows["bcg_synthesis.b32.torgb"] == last


def test_editable_are_the_backbones_convolutions(network):
    names = [layer.name for layer in network.layout.editable_layers]
    assert names and all(name.startswith("backbone.synthesis.") and "torgb" not in name for name in names)


@torch.no_grad()
def test_a_head_can_be_seen_from_all_sides(network):
    styles = styles_of(network)[:1]
    planes, cameras = network.planes(styles), network.rig.label(*orbit(4, kind="turn"))
    assert network.knows_all_sides and network.rig.pivot == (0.0, 0.0, 0.0)
    views = network.render(planes, styles, cameras)
    assert views.image.shape == (4, 3, 32, 32) and torch.isfinite(views.image).all()
    differences = [(views.image[0] - view).abs().mean() for view in views.image[1:]]
    assert min(differences) > 0.05
    if network.config.parsing_labels:
        torch.testing.assert_close(views.parsing.sum(1), torch.ones(4, 12, 12))
    else:
        assert views.parsing is None


def test_a_shift_moves_the_camera_and_nothing_else():
    network = tiny_full_head("panohead")
    z, _ = latents(network.config)
    shift, label = network.camera_shift(z), network.rig.label().expand(2, -1)
    moved = shifted(label, shift) - label
    torch.testing.assert_close(moved[:, [3, 7, 11]], shift)
    assert not moved[:, [i for i in range(25) if i not in (3, 7, 11)]].any() and shift.abs().max() > 1e-3
    torch.testing.assert_close(network.camera_shift(z, truncation_psi=0.0), network.t_mapping.w_avg.expand(2, -1))


def test_a_checkpoint_of_ours_keeps_everything(case, network, tmp_path):
    assert config_from_dict(config_to_dict(network.config)) == network.config
    save_checkpoint(tmp_path / "head.safetensors", network.config, weights_of(network.config), {})
    again = load_generator(tmp_path / "head.safetensors").network
    assert again.fingerprint() == network.fingerprint() and again.layout == network.layout
    assert type(again) is FullHeadGenerator


def test_other_rendering_keeps_the_kind(network):
    other = network.with_rendering(depth_resolution=6)
    assert type(other) is FullHeadGenerator and other.config.rendering.depth_resolution == 6
    assert torch.equal(other.planes(styles_of(network)), network.planes(styles_of(network)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"grid_depth": 0}, "grid_depth"),
        ({"grid_depth": 2}, "does not draw grids of this depth.*288 channels.*192"),
        ({"decoder_activation": "relu"}, "decoder_activation"),
        ({"crop_margin": 0.6}, "crop_margin"),
        ({"crop_margin": float("nan")}, "crop_margin"),
        ({"ball_hidden": 4}, "ball_hidden"),
        ({"family": "spherehead"}, "ball_hidden"),
        ({"family": "eg3d"}, "family"),
        ({"features": 16}, "grids of this depth"),
        ({"parsing_labels": -1}, "parsing_labels"),
    ],
)
def test_configs_that_do_not_fit_are_refused(change, says):
    with pytest.raises(ConfigError, match=f"(?s){says}"):
        replace(tiny_full_head_config("panohead"), **change)


def test_missing_parts_are_named():
    config = tiny_full_head_config("spherehead")
    tensors = weights_of(config)
    del tensors["ConvB.1.weight"], tensors["toparsing.bias"]
    with pytest.raises(FileError, match=r"ConvB\.1\.weight is missing.*toparsing\.bias is missing"):
        generator_from_tensors(config, tensors)


@torch.no_grad()
@pytest.mark.parametrize("name", ["panohead", "spherehead"])
def test_a_mesh_ends_where_the_picture_does_and_has_its_colours(name):
    network = tiny_full_head(name)
    styles = styles_of(network)[:1]
    mesh = extract_mesh(network, network.planes(styles), MeshOptions(64, level=0.0), styles=styles)
    across, along = np.abs(mesh.vertices[:, [0, 2]]).max(), np.abs(mesh.vertices[:, 1]).max()
    assert 0.36 < across < 0.42 < along < 0.46
    assert mesh.colours.std() > 0.05
    with pytest.raises(ConfigError, match="depend on its styles"):
        extract_mesh(network, network.planes(styles), MeshOptions(16, level=0.0))


def test_colours_of_points_are_those_of_the_raw_picture():
    """A ray through one colour alone shows it as the raw picture does where the head is opaque."""
    for name in CASES:
        network = tiny_full_head(name)
        styles = styles_of(network)[:1]
        features = network.decoder.colours(torch.randn(1, 1, 32))
        flat = network.decoder.signed(features[:, 0])[:, :, None, None]
        wanted = (network.raw_image(flat, styles)[:, :, 0, 0] + 1) / 2
        got = network.point_colours(features.expand(1, 3, -1), torch.tensor([[0.2, 0.5, 0.3]]), styles)
        torch.testing.assert_close(got, wanted, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_picture_from_behind_is_inverted_from_behind():
    """Without an encoder the mean face is looked at from all sides."""
    network = tiny_full_head("panohead")
    for block in (network.superresolution.block0, network.superresolution.block1):
        block.torgb.weight *= 0.02  # so that its pictures lie in -1..1, as photos do
        block.torgb.bias *= 0.02
    network.torgb.weight *= 0.1
    network.torgb.bias *= 0.1
    population = measure_w_statistics(network)
    styles = network.styles(network.broadcast(population.mean))
    picture = network.synthesize(styles, network.rig.label(2.53)).image.clamp(-1, 1)
    found = invert(Inverter(network, "x", statistics=population), picture, InversionOptions("W", steps=1))
    assert math.degrees(found.start.yaw_rad) == pytest.approx(145, abs=0.1)
