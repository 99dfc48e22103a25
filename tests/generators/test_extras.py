"""What our own networks have beyond the published ones: warped planes, a background, soft choices, a density gain."""

import dataclasses

import pytest
import torch

from sat3d.errors import ConfigError
from sat3d.generators import build_generator, generator_from_tensors, reference, z_from_seed
from sat3d.generators.background import Background
from sat3d.generators.config_json import config_from_dict, config_to_dict
from sat3d.generators.lines import WarpedRays, query_rays
from sat3d.generators.planes import warp_space
from sat3d.generators.rays import camera_rays, make_rays
from tests.conftest import seeded, tiny_config


def extended_config():
    config = tiny_config(plane_warp=0.2)
    backbone = dataclasses.replace(config.backbone, c_dim=0, mapping_choices=(3, 2))
    return dataclasses.replace(config, backbone=backbone, density_gain=3.0, background_hidden=6)


@pytest.fixture
def extended():
    return seeded(extended_config())


def latents(network, count=2):
    return network.styles(network.map(torch.cat([z_from_seed(seed, 16) for seed in range(count)])))


def test_the_fast_path_equals_the_readable_twin(extended):
    styles, camera = latents(extended), extended.rig.label([-0.3, 0.3], [0.1, -0.1])
    image = extended.synthesize(styles, camera).image
    torch.testing.assert_close(image, reference.synthesize(extended, styles, camera), atol=2e-5, rtol=0)


def test_points_are_where_rays_find_them(extended):
    """A ray's depth and a point in space must mean the same place in warped planes."""
    planes, camera = extended.planes(latents(extended, 1)), extended.rig.label(0.3, 0.1)
    scene, depths = extended.volume(planes), torch.linspace(2.4, 3.0, 7).expand(64, -1)
    rays = make_rays(camera, 8, extended.config.rendering, 1)
    origins, directions = camera_rays(camera, 8)
    points = origins[0, :, None] + depths[..., None] * directions[0, :, None]
    density, _ = query_rays(scene, WarpedRays(scene, rays), depths)
    wanted, _ = extended.query(planes, points.reshape(1, -1, 3))
    torch.testing.assert_close(density.flatten(), wanted[0], atol=1e-4, rtol=0)


def test_the_warp_keeps_the_box_and_refines_its_centre():
    corner = torch.full((1, 3), 0.36)
    torch.testing.assert_close(warp_space(corner, 0.72, 0.15), corner)
    near = torch.full((1, 3), 1e-3)
    assert (warp_space(near, 0.72, 0.15) > 1.4 * near).all()


def test_the_background_has_a_style_of_its_own(extended):
    styles, layout = latents(extended, 1), extended.layout
    place = layout.slices["background"]
    assert not set(range(place.start, place.stop)) & set(layout.editable_index.tolist())
    changed = styles.clone()
    changed[:, place] += 1
    assert torch.equal(extended.planes(styles), extended.planes(changed))
    before, after = (extended.synthesize(s).image_raw for s in (styles, changed))
    opacity = extended.synthesize(styles).opacity
    moved = (after - before).abs().mean(1, keepdim=True)
    assert moved[opacity < 0.3].mean() > 3 * moved[opacity > 0.9].mean()


@pytest.fixture
def with_grid():
    return seeded(dataclasses.replace(extended_config(), background_grid=5))


def test_a_backdrop_of_learned_pictures_is_as_in_the_readable_twin_and_loads(with_grid):
    styles, camera = latents(with_grid), with_grid.rig.label([-0.3, 0.3], [0.1, -0.1])
    image = with_grid.synthesize(styles, camera).image
    torch.testing.assert_close(image, reference.synthesize(with_grid, styles, camera), atol=2e-5, rtol=0)
    again = generator_from_tensors(with_grid.config, with_grid.state_dict())
    assert again.fingerprint() == with_grid.fingerprint()
    assert config_from_dict(config_to_dict(with_grid.config)) == with_grid.config


def test_a_learned_picture_is_seen_where_it_is_and_as_much_as_the_style_says():
    """One hidden unit whose picture is 0 but for its lower right cell, and layers that pass it on as it is."""
    background = Background(1, 1, 4, grid=2).requires_grad_(False)
    for layer, weight in ((background.place, 0.0), (background.mix, 1.0), (background.colour, 1.0)):
        layer.weight.fill_(weight / layer.weight_gain)
        layer.bias.zero_()
    background.cells.zero_()
    background.cells[0, 0, 1, 1] = 2.0
    pixels = torch.tensor([[[-0.5, 0.5, 0.0]], [[0.5, 0.5, 0.0]]])[None]  # x, y of two cells' middles and the centre
    for style in (1.0, 3.0):
        found = background(torch.full((1, 1), style), pixels)[0, 0, 0]
        seen = style * torch.tensor([0.0, 2.0, 0.5]) * 2**0.5  # the gain of the activation
        torch.testing.assert_close(found, 1.002 * seen.sigmoid() - 0.001, atol=1e-5, rtol=0)


def test_soft_choices_are_shares_of_two(extended):
    choices = extended.mapping.choices(torch.randn(5, 16))
    torch.testing.assert_close(choices[:, :3].sum(1), torch.full((5,), 2.0))
    torch.testing.assert_close(choices[:, 3:].sum(1), torch.full((5,), 2.0))


def test_published_networks_are_as_they_were():
    """The options' defaults add no parameter, so that old files load and fingerprints stay."""
    names = set(build_generator(tiny_config()).state_dict())
    assert not {name for name in names if name.startswith("background") or "choices" in name}
    assert config_from_dict(config_to_dict(extended_config())) == extended_config()
    old = config_to_dict(tiny_config())
    for name in ("density_gain", "background_hidden", "background_grid", "edit_torgb"):
        del old[name]
    del old["rendering"]["plane_warp"]
    assert config_from_dict(old) == tiny_config()


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [("", "density_gain", 0), ("", "background_hidden", -1), ("", "background_grid", -1), ("", "edit_torgb", "yes"),
     ("rendering", "plane_warp", -0.1), ("rendering", "plane_warp", float("nan")),
     ("backbone", "mapping_choices", [1]), ("backbone", "mapping_flow", {"numbers": 10_000})],
)  # fmt: skip
def test_unusable_options_are_refused(part, name, value):
    data = config_to_dict(extended_config())
    (data[part] if part else data)[name] = value
    with pytest.raises(ConfigError, match=name):
        config_from_dict(data)


def test_strict_loading_covers_the_extras(extended):
    tensors = extended.state_dict()
    assert generator_from_tensors(extended.config, tensors).fingerprint() == extended.fingerprint()


def test_torgb_styles_of_the_backbone_can_be_editable():
    plain = build_generator(tiny_config()).layout
    layout = build_generator(dataclasses.replace(tiny_config(), edit_torgb=True)).layout
    groups = {layer.group for layer in layout.editable_layers}
    assert groups == {"backbone_conv", "backbone_torgb"} and layout.num_channels == plain.num_channels
    added = sum(layer.channels for layer in plain.layers if layer.group == "backbone_torgb")
    assert layout.num_editable == plain.num_editable + added and layout.fingerprint != plain.fingerprint
    styles = torch.arange(float(layout.num_channels))[None]
    kept = [layer.name for layer in layout.layers if layer.group.startswith("superresolution")]
    moved = layout.with_editable(styles, -layout.editable(styles))
    assert all(torch.equal(layout.split(moved)[name], layout.split(styles)[name]) for name in kept)
    assert layout.editable_index.tolist() == sorted(layout.editable_index.tolist())
