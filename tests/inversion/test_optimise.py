"""Inversion by descent: an own face is found again, nothing leaks, the same gives the same, non-pictures are told."""

import math

import pytest
import torch

from sat3d.errors import ConfigError, LayoutError, ShapeError
from sat3d.generators import generator_from_tensors
from sat3d.inversion import InversionOptions, Inverter, Start, invert, tune
from sat3d.inversion.encoder import EncoderConfig, PortraitEncoder
from sat3d.inversion.options import Rates, Weights
from sat3d.inversion.parameters import Variables
from sat3d.inversion.w_statistics import measure_w_statistics
from sat3d.networks.loading import resize

from .conftest import PITCH, YAW

QUICK = {"low_resolution": 16, "low_samples": 1.0, "full_share": 0.2}


def error(picture, wanted):
    return float((picture - wanted).square().mean())


def options(method="W+", steps=40, **more):
    return InversionOptions(method, steps, **{**QUICK, **more})


@pytest.mark.slow
@pytest.mark.parametrize(("method", "factor"), [("W", 3), ("W+", 5), ("styles", 5)])
def test_an_own_face_is_found_again(case, method, factor):
    """Mean squared error of the pixels falls by the factor, from that of the mean face at the true camera."""
    start = Start(yaw_rad=YAW, pitch_rad=PITCH)
    found = invert(case.tools, case.picture, options(method, 40), start=start)
    mean = measure_w_statistics(case.tools.network).mean
    ws = mean[:, None].expand(-1, case.tools.network.config.backbone.num_ws, -1)
    blind = case.tools.network.synthesize(case.tools.network.styles(ws), case.tools.network.rig.label(YAW, PITCH))
    assert error(found.picture, case.picture) * factor < error(blind.image, case.picture)
    found.latent.check_layout(case.tools.network.layout)
    again = case.tools.network.synthesize(found.latent.styles, found.latent.camera).image
    torch.testing.assert_close(again, found.picture)
    assert found.latent.generator_fingerprint == "abc"


@pytest.mark.slow
def test_the_camera_is_refined(case):
    """With the true face given and held, a camera that is off by 0.03 rad comes at least three times nearer."""
    w = case.tools.network.map(torch.randn(1, 16, generator=torch.Generator().manual_seed(4)))[:, 0]
    held = options("W", 40, rates=Rates(face=0, camera=0.005), full_share=1.0)
    found = invert(Inverter(case.tools.network), case.picture, held, start=Start(w, YAW + 0.03, PITCH - 0.03)).start
    assert abs(found.yaw_rad - YAW) < 0.01 and abs(found.pitch_rad - PITCH) < 0.01


@pytest.mark.slow
def test_the_same_seed_gives_the_same_latent(case):
    first, second, other = (invert(case.tools, case.picture, options("styles", 6, seed=s)).latent for s in (0, 0, 1))
    assert torch.equal(first.styles, second.styles) and torch.equal(first.camera, second.camera)
    assert not torch.equal(first.styles, other.styles)


def test_the_network_gets_no_gradients_and_stays_as_it_was(case):
    network = case.tools.network.requires_grad_(True)
    before = network.fingerprint()
    invert(case.tools, case.picture, options(steps=3))
    assert all(parameter.grad is None for parameter in network.parameters()) and network.fingerprint() == before
    assert all(parameter.grad is None for parameter in case.tools.features.parameters())


@pytest.mark.slow
def test_it_works_in_inference_mode(case):
    outside = invert(case.tools, case.picture, options(steps=4))
    with torch.inference_mode():
        inside = invert(case.tools, case.picture.clone(), options(steps=4))
    assert torch.equal(inside.latent.styles, outside.latent.styles) and not inside.latent.styles.is_inference()


def test_a_network_made_under_inference_mode_is_refused(case):
    with torch.inference_mode():
        spoilt = {name: tensor.clone() for name, tensor in case.tools.network.state_dict().items()}
        network = generator_from_tensors(case.tools.network.config, spoilt)
        for name, parameter in list(network.named_parameters()):
            owner, _, leaf = name.rpartition(".")
            setattr(network.get_submodule(owner), leaf, torch.nn.Parameter(parameter.clone(), requires_grad=False))
    with pytest.raises(ConfigError, match="optimised through"):
        invert(Inverter(network), case.picture, options(steps=2))


@pytest.mark.slow
def test_departures_are_held_near_the_population(case):
    """Departures that cost much are smaller; the cost itself is that of a hand-made case."""
    variables = Variables(torch.full((1, 24), 2.0), torch.full((1, 12, 24), 3.0), None, torch.zeros(2))
    assert float(variables.unlikeliness(0.5, 0.25)) == pytest.approx(0.5 * 4 + 0.25 * 9)
    start, network = Start(yaw_rad=YAW, pitch_rad=PITCH), case.tools.network
    off = []
    for cost in (0.0, 100.0):
        found = invert(case.tools, case.picture, options("W+", 12, weights=Weights(departure=cost)), start=start)
        shared = network.styles(found.start.w[:, None].expand(-1, network.config.backbone.num_ws, -1))
        off.append(float((found.latent.styles - shared).abs().mean()))
    assert off[1] * 1.5 < off[0]


@pytest.mark.slow
def test_what_is_masked_does_not_matter(case):
    spoilt, weight = case.picture.clone(), torch.ones(1, 1, 64, 64)
    spoilt[:, :, :, :24] = 1.0  # whole texels of the coarse rendering
    weight[:, :, :, :24] = 0
    found = [invert(case.tools, picture, options("W", 10), weight).latent.styles for picture in (case.picture, spoilt)]
    assert torch.equal(*found)


def test_progress_goes_up_and_shows_pictures(case):
    calls = []
    invert(case.tools, case.picture, options(steps=8), watch=lambda *call: calls.append(call))
    assert [done for done, _, _ in calls] == list(range(9)) and {total for _, total, _ in calls} == {8}
    assert calls[0][2].shape == calls[-1][2].shape == (1, 3, 64, 64) and not calls[0][2].requires_grad


def test_cancelling_stops_at_once(case):
    calls = []

    def cancel(done, total, picture=None):
        calls.append(done)
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        invert(case.tools, case.picture, options(), watch=cancel)
    assert calls == [0, 1, 2] and all(p.grad is None for p in case.tools.network.parameters())


def test_it_stops_early_where_nothing_is_gained(case):
    still = options(steps=400, patience=2, rates=Rates(0, 0, 0))
    assert len(invert(case.tools, case.picture, still).losses) == 6  # 1 + 2 steps of each phase


def test_a_flat_generator_is_inverted_too(stylegan2, case):
    with torch.no_grad():
        styles = stylegan2.styles(stylegan2.map(torch.randn(1, 16, generator=torch.Generator().manual_seed(2))))
        picture = stylegan2.synthesize(styles).image.clamp(-1, 1)
    picture = resize(picture, 64, 64)
    found = invert(Inverter(stylegan2), picture, options(steps=30))
    assert found.losses[-1] * 2 < found.losses[0]


def tiny_encoder(w_dim):
    torch.manual_seed(0)
    return PortraitEncoder(EncoderConfig(w_dim, widths=(4, 8, 8, 8, 8), squeezed=8, hidden=16)).eval()


def test_the_encoder_is_where_it_starts(case):
    encoder = tiny_encoder(case.tools.network.config.backbone.w_dim)
    tools = Inverter(case.tools.network, encoder=encoder)
    found = invert(tools, case.picture, options("encoder"))
    expected = encoder(case.picture)
    torch.testing.assert_close(found.start.w, expected.w)
    assert found.start.yaw_rad == pytest.approx(expected.yaw_rad.item())
    one_step = invert(tools, case.picture, options("W", 1, full_share=1.0))
    torch.testing.assert_close(one_step.start.w, expected.w, atol=1e-3, rtol=1e-3)


def test_no_encoder_or_a_foreign_one(case):
    with pytest.raises(ConfigError, match=r"no encoder.*W, W\+ or styles"):
        invert(case.tools, case.picture, options("encoder"))
    with pytest.raises(ConfigError, match="another generator"):
        invert(Inverter(case.tools.network, encoder=tiny_encoder(7)), case.picture, options("encoder"))


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (torch.full((1, 3, 64, 64), -1.0), "shows nothing"),
        (torch.zeros(1, 3, 1, 1), "too small"),
        (torch.full((1, 3, 64, 64), math.nan), "NaN"),
        (torch.zeros(2, 3, 64, 64), "one RGB picture"),
        (torch.zeros(1, 4, 64, 64), "one RGB picture"),
        (torch.zeros(1, 3, 64, 64, dtype=torch.uint8), "uint8"),
    ],
)
def test_what_cannot_be_inverted_is_told(case, image, said):
    with pytest.raises(ShapeError, match=said):
        invert(case.tools, image, options(steps=2))


def test_a_mask_that_leaves_nothing(case):
    with pytest.raises(ShapeError, match="leaves nothing"):
        invert(case.tools, case.picture, options(steps=2), torch.zeros(1, 1, 8, 8))


@pytest.mark.slow
def test_a_large_oblong_photo_is_taken(case):
    photo = resize(case.picture, 2000, 2000)
    oblong = torch.cat([torch.rand(1, 3, 2000, 300), photo, torch.rand(1, 3, 2000, 300)], 3)
    found = invert(case.tools, oblong, options("W", 2)).latent
    torch.testing.assert_close(found.styles, invert(case.tools, photo, options("W", 2)).latent.styles)


@pytest.mark.parametrize("wrong", [{"method": "Z"}, {"steps": 0}, {"low_resolution": 2}, {"full_share": math.nan}])
def test_impossible_options(wrong):
    with pytest.raises(ConfigError, match="Next step"):
        InversionOptions(**wrong)


def test_latents_of_another_layout_are_refused_when_tuned(case, stylegan2):
    latent = invert(case.tools, case.picture, options("W", 1)).latent
    with pytest.raises(LayoutError):
        tune(Inverter(stylegan2), latent, case.picture)
