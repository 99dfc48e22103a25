"""The networks: fast path against its readable twin, independence of samples, refusals."""

import dataclasses
import math

import pytest
import torch

from sat3d.errors import ConfigError, FileError, Sat3dError, ShapeError
from sat3d.generators import (
    Noise,
    RenderOptions,
    Sampling,
    StyleGAN2Config,
    as_view_generator,
    generator_from_tensors,
    reference,
    z_from_seed,
)
from sat3d.generators.bands import split_rows
from sat3d.generators.config import PLANE_AXES_CORRECTED, BackboneConfig
from sat3d.generators.config_json import config_from_dict, config_to_dict
from sat3d.generators.stylegan2 import as_rendering
from tests.conftest import seeded, tiny_config

VARIANTS = {
    "plain": {},
    "auto limits": {"ray_start": "auto", "ray_end": "auto"},
    "white": {"white_back": True},
    "disparity": {"disparity_space_sampling": True},
    "no importance": {"depth_resolution_importance": 0},
    "large box": {"box_warp": 1.6},
}


def cameras(network, views=3):
    return network.rig.label(torch.linspace(-0.4, 0.4, views), torch.linspace(0.1, -0.1, views))


@pytest.mark.parametrize("variant", VARIANTS)
def test_fast_path_equals_the_readable_twin(variant):
    network = seeded(tiny_config(**VARIANTS[variant]))
    styles, camera = network.styles(network.map(z_from_seed(3, 16))), cameras(network)
    wanted = reference.synthesize(network, styles, camera)
    with torch.no_grad():
        banded = network.synthesize(styles, camera).image
    torch.testing.assert_close(network.synthesize(styles, camera).image, wanted, atol=2e-5, rtol=0)
    torch.testing.assert_close(banded, wanted, atol=2e-5, rtol=0)


def test_depth_and_opacity_equal_the_readable_twin(triplane, styles):
    planes, camera = triplane.planes(styles), cameras(triplane, 2)
    rays = triplane.render_features(planes, camera, RenderOptions(rays_per_chunk=37))
    features, depth, opacity = reference.render_features(triplane, planes, camera, 16)
    torch.testing.assert_close(rays.features, features, atol=1e-5, rtol=0)
    torch.testing.assert_close(rays.depth, depth, atol=1e-4, rtol=0)
    torch.testing.assert_close(rays.opacity, opacity, atol=1e-5, rtol=0)
    assert opacity.std() > 0.02, "a network without varying opacity tests nothing"


def test_corrected_plane_axes_are_honoured(triplane, styles):
    config = dataclasses.replace(triplane.config, plane_axes=PLANE_AXES_CORRECTED)
    other = generator_from_tensors(config, triplane.state_dict())
    camera = cameras(triplane, 1)
    wanted = reference.synthesize(other, styles[:1], camera)
    torch.testing.assert_close(other.synthesize(styles[:1], camera).image, wanted, atol=2e-5, rtol=0)
    assert (wanted - triplane.synthesize(styles[:1], camera).image).abs().max() > 1e-3


@pytest.mark.parametrize("of", ["styles", "camera", "weights"])
def test_gradients_equal_those_of_the_readable_twin(triplane, styles, of):
    camera = cameras(triplane, 2)
    gradients = []
    for synthesize in (lambda s, c: triplane.synthesize(s, c).image, lambda s, c: reference.synthesize(triplane, s, c)):
        s, c = styles.clone().requires_grad_(of == "styles"), camera.clone().requires_grad_(of == "camera")
        weights = [
            triplane.backbone.synthesis.b8.conv0.weight,
            triplane.decoder.net[0].weight,
            triplane.superresolution.block1.conv1.weight,
        ]
        for weight in weights:
            weight.requires_grad_(of == "weights")
        leaves = {"styles": [s], "camera": [c], "weights": weights}[of]
        gradients.append(torch.autograd.grad(synthesize(s, c).square().mean(), leaves))
    for got, wanted in zip(*gradients, strict=True):
        assert wanted.norm() > 0
        assert (got - wanted).norm() / wanted.norm() < 1e-3


@pytest.mark.parametrize("options", [RenderOptions(), RenderOptions(rays_per_chunk=33)])
@pytest.mark.parametrize("limits", [{}, {"ray_start": "auto", "ray_end": "auto"}])
def test_a_sample_never_depends_on_the_batch(limits, options):
    network = seeded(tiny_config(**limits))
    styles = network.styles(network.map(torch.cat([z_from_seed(i, 16) for i in range(3)])))
    camera = cameras(network)
    together = network.synthesize(styles, camera, options)
    alone = network.synthesize(styles[1:2], camera[1:2], options)
    for name in ("image", "image_raw", "depth", "opacity"):
        torch.testing.assert_close(getattr(together, name)[1:2], getattr(alone, name), atol=1e-5, rtol=0)


def test_the_official_coupling_can_be_switched_on():
    network = seeded(tiny_config(ray_start="auto", ray_end="auto"))
    styles = network.styles(network.map(z_from_seed(0, 16)))
    camera = torch.cat([network.rig.label(0.1, 0.0, fov_deg=60), network.rig.label(0.8, 0.3, fov_deg=80)])
    planes = network.planes(styles)
    coupled = network.render_features(planes, camera, RenderOptions(couple_batch=True)).depth
    single = network.render_features(planes, camera).depth
    assert not torch.equal(coupled, single)


def test_one_latent_from_many_cameras_equals_each_alone(triplane, styles):
    camera = cameras(triplane)
    with torch.inference_mode():
        orbit = triplane.synthesize(styles[:1], camera).image
        alone = torch.cat([triplane.synthesize(styles[:1], c[None]).image for c in camera])
    torch.testing.assert_close(orbit, alone, atol=1e-6, rtol=0)


def test_sampling_is_deterministic_or_from_the_passed_generator(triplane, styles):
    camera = cameras(triplane, 1)

    def render(seed):
        sampling = Sampling(torch.Generator().manual_seed(seed)) if seed is not None else Sampling()
        return triplane.synthesize(styles[:1], camera, RenderOptions(sampling=sampling)).image

    assert torch.equal(render(None), render(None)) and torch.equal(render(1), render(1))
    assert not torch.equal(render(1), render(2)) and not torch.equal(render(1), render(None))


def test_random_samples_do_not_depend_on_the_chunk_size(triplane, styles):
    def render(chunk):
        sampling = Sampling(torch.Generator().manual_seed(5))
        return triplane.synthesize(styles[:1], None, RenderOptions(sampling=sampling, rays_per_chunk=chunk)).image

    torch.testing.assert_close(render(17), render(256), atol=1e-5, rtol=0)


def test_noise_modes(stylegan2):
    styles = stylegan2.styles(stylegan2.map(z_from_seed(0, 16)))
    images = {
        mode: stylegan2.synthesize(
            styles, options=RenderOptions(noise=Noise(mode, torch.Generator().manual_seed(0)))
        ).image
        for mode in ("const", "none", "random")
    }
    assert len({image.sum().item() for image in images.values()}) == 3
    again = stylegan2.synthesize(
        styles, options=RenderOptions(noise=Noise("random", torch.Generator().manual_seed(0)))
    ).image
    assert torch.equal(images["random"], again)


def test_bands_do_not_change_a_2d_image():
    network = seeded(StyleGAN2Config(BackboneConfig(16, 0, 24, 2, 64, 3, 512, 16, conv_clamp=1.5)))
    styles = network.styles(network.map(torch.cat([z_from_seed(i, 16) for i in range(2)])))
    whole = network.synthesize(styles).image  # gradients are on: nothing is banded
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "sat3d.generators.synthesis.split_rows",
            lambda total, bytes_per_row: split_rows(total, bytes_per_row, 40000),
        )
        banded = network.synthesize(styles).image
    torch.testing.assert_close(banded, whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("total, row, band", [(512, 1 << 18, 8 << 20), (64, 10, 1), (4, 100, 1 << 20), (30, 7, 50)])
def test_bands_cover_every_row_once(total, row, band):
    rows = [r for low, high in split_rows(total, row, band) for r in range(low, high)]
    assert rows == list(range(total))


def test_truncation(triplane):
    z = z_from_seed(0, 16)
    full, none, half = (triplane.map(z, truncation_psi=psi) for psi in (1, 0, 0.5))
    torch.testing.assert_close(none, triplane.mapping.w_avg.expand_as(none))
    torch.testing.assert_close(half, (full + none) / 2)
    cut = triplane.map(z, truncation_psi=0, truncation_cutoff=2)
    assert torch.equal(cut[:, 2:], full[:, 2:]) and torch.equal(cut[:, :2], none[:, :2])


def test_editing_only_editable_styles_leaves_superresolution_and_torgb(triplane, styles):
    layout = triplane.layout
    edited = layout.with_editable(styles, layout.editable(styles) + 1)
    changed = (edited != styles).any(0)
    assert changed.sum() == layout.num_editable
    for layer in layout.layers:
        assert changed[layout.slices[layer.name]].all() == (layer.group == "backbone_conv")


def test_half_precision_superresolution_is_close(triplane, styles):
    options = RenderOptions(superresolution_dtype=torch.bfloat16)
    exact, rough = (triplane.synthesize(styles[:1], None, o).image for o in (None, options))
    assert rough.dtype == torch.float32 and 0 < (exact - rough).abs().max() < 0.1


def test_fingerprint_changes_with_a_single_weight(triplane):
    before = triplane.fingerprint()
    assert before == seeded(tiny_config()).fingerprint()
    triplane.decoder.net[0].bias[0] += 1e-3
    assert triplane.fingerprint() != before


def test_with_rendering_shares_the_weights(triplane):
    other = triplane.with_rendering(ray_start="auto", ray_end="auto")
    assert other.decoder.net[0].weight.data_ptr() == triplane.decoder.net[0].weight.data_ptr()
    assert other.config.rendering.ray_start == "auto" and triplane.config.rendering.ray_start == 2.25


def test_gradient_after_building_under_inference_mode(triplane):
    with torch.inference_mode():
        network = generator_from_tensors(triplane.config, {k: v.clone() for k, v in triplane.state_dict().items()})
    styles = network.styles(network.map(z_from_seed(0, 16))).detach().requires_grad_()
    network.synthesize(styles).image.mean().backward()
    assert torch.isfinite(styles.grad).all()


@pytest.mark.parametrize(
    "call, kind, word",
    [
        (lambda g, s: g.synthesize(s, torch.full((1, 25), math.nan)), ShapeError, "NaN"),
        (lambda g, s: g.synthesize(s, g.rig.label().expand(3, -1)), ShapeError, "2 planes, 3 cameras"),
        (lambda g, s: g.synthesize(s[:, :-1]), Sat3dError, "do not belong"),
        (lambda g, s: g.map(torch.zeros(1, 5)), ShapeError, r"\[B, 16\]"),
        (lambda g, s: g.map(torch.full((1, 16), math.inf)), ShapeError, "NaN or infinite"),
        (lambda g, s: g.synthesize(s, None, RenderOptions(neural_resolution=100000)), ConfigError, "4 … 1024"),
    ],
)
def test_bad_calls_are_explained(triplane, styles, call, kind, word):
    with pytest.raises(kind, match=word) as caught:
        call(triplane, styles)
    assert "Next step" in str(caught.value)


def test_wrong_tensors_are_all_named(triplane):
    tensors = dict(triplane.state_dict())
    tensors["decoder.net.0.weight"] = torch.zeros(1, 2)
    tensors["surplus"] = torch.zeros(1)
    del tensors["backbone.mapping.w_avg"]
    with pytest.raises(FileError, match=r"w_avg is missing; surplus is unexpected; decoder\.net\.0\.weight is"):
        generator_from_tensors(triplane.config, tensors)


@pytest.mark.parametrize(
    "path, value",
    [
        (("family",), "stylegan9"),
        (("backbone", "resolution"), 2**30),
        (("backbone", "resolution"), 48),
        (("backbone", "z_dim"), "x"),
        (("backbone", "z_dim"), -1),
        (("rendering", "ray_start"), "auto"),
        (("rendering", "ray_end"), 1.0),
        (("rendering", "box_warp"), 0),
        (("rendering", "depth_resolution"), 10**9),
        (("superresolution", "channels"), []),
        (("unknown",), 1),
        (("rendering",), 3),
        (("backbone", "c_dim"), 16),
        (("backbone", "conv_clamp"), -1.0),
        (("backbone", "conv_clamp"), "256"),
        (("rendering", "white_back"), 1),
        (("rendering", "c_scale"), None),
        (("rendering", "avg_camera_radius"), "2.7"),
        (("rendering", "avg_camera_radius"), 0),
        (("rendering", "avg_camera_radius"), math.nan),
        (("rendering", "avg_camera_pivot"), [0, 0]),
        (("rendering", "avg_camera_pivot"), 0.2),
        (("rendering", "avg_camera_pivot"), [0, 0, 2.7]),
        (("superresolution", "upsample"), [1, 1]),
        (("superresolution", "antialias"), "yes"),
        (("superresolution", "in_resolution"), 2048),
        (("decoder_lr_mul",), 0),
        (("plane_axes",), []),
        (("plane_axes",), [[[1, 0, 0], [0, 1, 0], [1, 1, 0]]] * 3),
        (("plane_axes",), [[[1, 0], [0, 1]]] * 3),
    ],
)
def test_bad_configs_are_refused(path, value):
    data = config_to_dict(tiny_config())
    target = data
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    with pytest.raises(ConfigError, match="Next step"):
        config_from_dict(data)


@pytest.mark.parametrize("channels", [2, 5, 96])
def test_flat_generators_of_other_channels_are_refused(channels):
    with pytest.raises(ConfigError, match=rf"{channels} channels.*1 \(grey\), 3 \(RGB\), 4 \(RGB and opacity\)"):
        StyleGAN2Config(BackboneConfig(img_channels=channels))


def flat(channels: int, c_dim: int = 0):
    return seeded(StyleGAN2Config(BackboneConfig(16, c_dim, 24, 2, 16, channels, 256, 16)))


def test_a_grey_picture_is_three_channels_alike_and_gradients_reach_it():
    network = flat(1)
    styles = network.styles(network.map(z_from_seed(0, 16))).requires_grad_()
    view = network.synthesize(styles)
    drawn = network.draw(styles)
    assert drawn.shape == (1, 1, 16, 16) and view.opacity is None
    assert torch.equal(view.image, drawn.expand(-1, 3, -1, -1))
    got, wanted = (torch.autograd.grad(x.square().sum(), styles)[0] for x in (view.image, drawn))
    torch.testing.assert_close(got, 3 * wanted)


def test_a_picture_with_opacity_is_taken_apart():
    network = flat(4)
    styles = network.styles(network.map(z_from_seed(0, 16)))
    view, drawn = network.synthesize(styles), network.draw(styles)
    assert torch.equal(view.image, drawn[:, :3]) and view.depth is None
    torch.testing.assert_close(view.opacity, (drawn[:, 3:] / 2 + 0.5).clamp(0, 1))
    assert as_rendering(torch.tensor([0.0, 0, 0, -1]).reshape(1, 4, 1, 1)).opacity.item() == 0
    assert as_rendering(torch.tensor([0.0, 0, 0, 3]).reshape(1, 4, 1, 1)).opacity.item() == 1


def test_classes_go_by_the_seed_whatever_the_batch():
    network = flat(3, c_dim=4)
    assert torch.equal(network.labels([6, 3]), torch.eye(4)[[2, 3]])
    assert flat(3).labels([6, 3]) is None and seeded(tiny_config()).labels([6]) is None


def test_a_feature_image_larger_than_the_super_resolution_takes_is_shrunk(triplane, styles):
    config = dataclasses.replace(
        triplane.config, superresolution=dataclasses.replace(triplane.config.superresolution, upsample=(False, True))
    )
    network = seeded(config)
    image = network.synthesize(styles[:1], None, RenderOptions(neural_resolution=24)).image
    assert image.shape == (1, 3, 32, 32)
    wanted = network.synthesize(styles[:1], None, RenderOptions(neural_resolution=16)).image
    assert (image - wanted).abs().mean() < 0.5 * wanted.std()


def test_files_of_older_versions_are_read():
    data = config_to_dict(tiny_config())
    data["superresolution"]["resize_larger"] = False
    assert config_from_dict(data) == tiny_config()


def test_config_round_trip():
    for config in (tiny_config(ray_start="auto", ray_end="auto"), StyleGAN2Config()):
        assert config_from_dict(config_to_dict(config)) == config


def test_views_are_those_of_one_face_and_camera_after_the_other(triplane, stylegan2, styles):
    cameras = triplane.rig.label(torch.tensor([0.0, 0.4, -0.3]))
    found = list(triplane.views(styles, cameras))
    assert len(found) == 6
    torch.testing.assert_close(found[4].image, triplane.synthesize(styles[1:], cameras[1:2]).image)
    flat = stylegan2.styles(stylegan2.map(torch.randn(2, 16)))
    assert len(pictures := list(stylegan2.views(flat, cameras[:2]))) == 4
    assert torch.equal(pictures[2].image, pictures[3].image) and not torch.equal(pictures[0].image, pictures[2].image)


def test_only_a_3d_generator_has_views(triplane, stylegan2):
    assert as_view_generator(triplane, "A mesh") is triplane and triplane.own_resolution == 16
    with pytest.raises(ConfigError, match=r"^A mesh needs a 3D generator\. Got: a flat one \(stylegan2\).*EG3D"):
        as_view_generator(stylegan2, "A mesh")


@pytest.mark.parametrize(("wanted", "share"), [(None, 1.0), (4, 0.25), (16, 1.0), (64, 1.0)])
def test_a_rendering_is_at_most_as_sharp_as_the_generators_own(triplane, stylegan2, wanted, share):
    assert triplane.relative_resolution(wanted) == share and stylegan2.relative_resolution(wanted) == 1.0


def test_a_coarser_generator_takes_fewer_samples_of_the_same_weights(triplane, stylegan2):
    coarse = triplane.with_rendering(depth_resolution=40, depth_resolution_importance=12).coarser(0.5)
    rendering = coarse.config.rendering
    assert (rendering.depth_resolution, rendering.depth_resolution_importance) == (20, 8)
    assert coarse.decoder.net[0].weight is triplane.decoder.net[0].weight
    assert triplane.with_rendering(depth_resolution_importance=0).coarser(0.5).config.rendering.depth_resolution == 8
    assert triplane.coarser(1) is triplane and stylegan2.coarser(0.5) is stylegan2


def test_one_w_serves_every_layer(triplane):
    w = torch.randn(2, 24)
    ws = triplane.broadcast(w)
    assert ws.shape == (2, 8, 24) and all(torch.equal(ws[:, layer], w) for layer in range(8))
