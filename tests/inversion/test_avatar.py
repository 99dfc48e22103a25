"""Avatars: the domain they are of, likely heads, region colours, the descent."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from sat3d.camera import CameraRig
from sat3d.errors import ConfigError
from sat3d.faces.networks import load_face_networks
from sat3d.generators import build_generator
from sat3d.inversion import EncoderConfig, InversionOptions, Inverter, PortraitEncoder, find_avatar
from sat3d.inversion.align import Crop, cut, photo_from
from sat3d.inversion.avatar import likely, makes_drawn_heads
from sat3d.inversion.face_terms import FaceLoss
from sat3d.inversion.frames import BUILT_IN, PUBLISHED, are_cameras_of
from sat3d.inversion.parameters import Start
from sat3d.inversion.region_terms import RegionLoss
from sat3d.inversion.w_statistics import WStatistics, measure_w_statistics
from sat3d.parsing.parser import load_parser
from tests.conftest import tiny_config

W_DIM = 16


@pytest.fixture(scope="module")
def regions() -> RegionLoss:
    return RegionLoss(load_parser())


@pytest.fixture(scope="module")
def face() -> torch.Tensor:
    return cut(photo_from(Image.fromarray(np.ascontiguousarray(data.astronaut()))), Crop(90, 0, 260), 128)


@pytest.fixture
def drawing():
    """A tiny generator with the cameras of drawn heads."""
    torch.manual_seed(0)
    config = tiny_config()
    config = replace(config, rendering=replace(config.rendering, avg_camera_pivot=BUILT_IN.rig.pivot))
    return build_generator(config).eval().requires_grad_(False)


@pytest.fixture
def tools(drawing, regions) -> Inverter:
    torch.manual_seed(1)
    w_dim = drawing.config.backbone.w_dim
    encoder = PortraitEncoder(EncoderConfig(w_dim, 64, (4, 8, 8, 8), (0, 0, 0, 0), 4, 16, 0.0)).eval()
    encoder.requires_grad_(False)
    return Inverter(drawing, "abc", encoder, points=FaceLoss(load_face_networks()), regions=regions)


QUICK = InversionOptions(steps=4, low_resolution=8, full_resolution=16)


def test_only_cameras_of_drawn_heads_will_do(drawing, triplane, stylegan2):
    assert makes_drawn_heads(drawing) and not makes_drawn_heads(triplane) and not makes_drawn_heads(stylegan2)
    assert are_cameras_of(PUBLISHED, CameraRig()) and not are_cameras_of(PUBLISHED, CameraRig(focal=4.0))
    for network in (triplane, stylegan2):
        with pytest.raises(ConfigError, match=r"An avatar is for generators of drawn heads.*choose W, W\+ or tune"):
            find_avatar(Inverter(network), torch.rand(1, 3, 64, 64))


def test_unlikely_heads_are_drawn_to_the_mean_and_likely_ones_stay():
    """Of a spread of 2 about 1: v is (w - 1) / 2, and its root mean square at most 1."""
    statistics = WStatistics(torch.ones(1, 4), 2 * torch.eye(4), torch.ones(4))
    near, far = torch.tensor([[1.0, 2.0, 0.0, 1.0]]), torch.tensor([[7.0, 7.0, -5.0, -5.0]])
    torch.testing.assert_close(likely(near, statistics), near)
    torch.testing.assert_close(likely(far, statistics), torch.tensor([[3.0, 3.0, -1.0, -1.0]]))


def test_regions_like_themselves_cost_nothing(regions, face):
    wanted = regions.features(face)
    assert float(regions(face, wanted)) < 1e-5
    assert wanted.areas[0].sum() < 1 and wanted.colours.abs().max() <= 1.01


def test_the_gradient_of_region_colours_brings_a_tint_back(regions, face):
    wanted = regions.features(face)
    tint = torch.tensor([-0.15, 0.1, 0.1])[None, :, None, None].requires_grad_()
    (gradient,) = torch.autograd.grad(regions(face + tint, wanted), tint)
    assert (gradient.sign() == tint.sign()).all()


def test_an_avatar_keeps_near_the_encoder_and_comes_nearer(tools, face):
    """It is one w for all layers, and the same every time."""
    found = find_avatar(tools, face, QUICK)
    assert found.latent.name == "avatar" and len(found.losses) == 4 and found.picture.shape == (1, 3, 64, 64)
    assert found.start.rows is None and found.start.channels is None
    torch.testing.assert_close(found.latent.styles, tools.network.styles(tools.network.broadcast(found.start.w)))
    again = find_avatar(tools, face, QUICK)
    assert torch.equal(again.latent.styles, found.latent.styles)
    assert min(found.losses[:-1]) <= found.losses[0]


def test_the_camera_is_that_of_the_points_unless_it_is_known(tools, face):
    """The astronaut looks nearly straight ahead, her head tilted a little; a known camera is begun with."""
    one = replace(QUICK, steps=1)
    seen = find_avatar(tools, face, one).start
    assert abs(seen.yaw_rad) < 0.15 and 0.01 < abs(seen.roll_rad) < 0.15
    known = find_avatar(tools, face, one, start=Start(None, 0.3, -0.1, 0.0)).start
    assert (known.yaw_rad, known.pitch_rad) == pytest.approx((0.3, -0.1)) and known.w is not None


def test_without_a_face_the_encoder_tells_the_camera(tools):
    noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = find_avatar(tools, noise, replace(QUICK, steps=1))
    told = tools.encoder(noise)
    assert found.start.yaw_rad == pytest.approx(float(told.yaw_rad), abs=1e-5)


def test_no_encoder_no_avatar(tools, face):
    with pytest.raises(ConfigError, match="no encoder"):
        find_avatar(replace(tools, encoder=None), face, QUICK)


def test_statistics_at_hand_are_used(tools, face):
    statistics = measure_w_statistics(tools.network)
    found = find_avatar(replace(tools, statistics=statistics), face, QUICK)
    assert torch.equal(found.latent.styles, find_avatar(tools, face, QUICK).latent.styles)
