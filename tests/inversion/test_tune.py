"""Pivotal tuning: the photo is met better, little else changes, the delta is small, travels in a file and is exact."""

import pytest
import torch

from sat3d.errors import ConfigError, LayoutError, ShapeError
from sat3d.inversion import Inverter, TuneOptions, tune, tuned_network, with_delta
from sat3d.inversion.delta import tunable_names
from sat3d.latent import Latent, load_latent

from .conftest import PITCH, YAW


@pytest.fixture
def pivot(case) -> Latent:
    network = case.tools.network
    return Latent(case.styles, network.rig.label(YAW, PITCH), "abc", network.layout.fingerprint)


@pytest.fixture
def photo(case):
    """The pivot's own picture, but redder and with a dark block, which no face has."""
    photo = case.picture.clone()
    photo[:, 0] = (photo[:, 0] + 0.4).clamp(-1, 1)
    photo[:, :, 24:40, 24:40] = -1
    return photo


def options(steps=30, **more):
    return TuneOptions(steps, resolution=16, rate=1e-2, **more)


def seen(network, latent):
    return tuned_network(network, latent).synthesize(latent.styles, latent.camera).image


@pytest.mark.slow
def test_the_photo_is_met_better(case, pivot, photo):
    tuned = tune(case.tools, pivot, photo, options())
    before, after = ((seen(case.tools.network, face) - photo).square().mean() for face in (pivot, tuned))
    assert after * 2 < before and torch.equal(tuned.styles, pivot.styles)


def test_the_network_stays_as_it_was(case, pivot, photo):
    network = case.tools.network.requires_grad_(True)
    before = network.fingerprint()
    tuned = tune(case.tools, pivot, photo, options(3))
    with_delta(network, tuned.tuned)
    assert network.fingerprint() == before and all(p.grad is None for p in network.parameters())


@pytest.mark.slow
def test_locality_holds_other_faces(case, pivot, photo):
    others = case.tools.network.styles(case.tools.network.map(torch.randn(4, 16)))
    moved = []
    for locality in (0.0, 10.0):
        latent = tune(case.tools, pivot, photo, options(24, locality=locality, locality_every=1))
        pictures = [n.synthesize(others).image for n in (case.tools.network, tuned_network(case.tools.network, latent))]
        moved.append(float((pictures[0] - pictures[1]).square().mean()))
    assert moved[1] * 1.5 < moved[0]


def test_what_is_masked_is_not_learned(case, pivot, photo):
    other, weight = photo.clone(), torch.ones(1, 1, 64, 64)
    other[:, :, :, 32:] = 1
    weight[:, :, :, 32:] = 0
    first, second = (tune(case.tools, pivot, picture, options(4), weight).tuned for picture in (photo, other))
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_the_delta_is_small_and_its_file_gives_the_same_picture(case, pivot, photo, tmp_path):
    tuned = tune(case.tools, pivot, photo, options(5))
    assert {t.dtype for t in tuned.tuned.values()} == {torch.float16}
    assert set(tuned.tuned) <= set(tunable_names(case.tools.network))
    assert not any("affine" in name or "mapping" in name for name in tuned.tuned)
    tuned.save(tmp_path / "face.safetensors")
    again = load_latent(tmp_path / "face.safetensors", case.tools.network.layout)
    torch.testing.assert_close(seen(case.tools.network, again), seen(case.tools.network, tuned))
    assert (seen(case.tools.network, again) - seen(case.tools.network, pivot)).abs().max() > 0.01


def test_zero_delta_is_the_same_network_and_a_known_one_adds_up(triplane, styles):
    name = "decoder.net.2.bias"
    change = torch.full_like(triplane.get_parameter(name), 0.25)
    made = with_delta(triplane, {name: change})
    torch.testing.assert_close(made.get_parameter(name), triplane.get_parameter(name) + 0.25)
    assert made.decoder.net[0].weight.data_ptr() == triplane.decoder.net[0].weight.data_ptr()
    torch.testing.assert_close(with_delta(triplane, {}).synthesize(styles).image, triplane.synthesize(styles).image)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(case, pivot, photo):
    first, second, other = (tune(case.tools, pivot, photo, options(4, seed=s)).tuned for s in (0, 0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_it_works_in_inference_mode_and_can_be_cancelled(case, pivot, photo):
    with torch.inference_mode():
        tuned = tune(case.tools, pivot, photo.clone(), options(2))
    assert not any(t.is_inference() for t in tuned.tuned.values())

    def cancel(done, total, picture=None):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(case.tools, pivot, photo, options(2), watch=cancel)


def test_foreign_deltas_and_pairs_are_refused(case, pivot, photo, stylegan2):
    with pytest.raises(LayoutError, match="another generator"):
        with_delta(stylegan2, {"decoder.net.0.weight": torch.zeros(1)})
    with pytest.raises(ShapeError, match="do not pair"):
        tune(case.tools, pivot, photo.repeat(2, 1, 1, 1))
    with pytest.raises(ConfigError, match="out of range"):
        TuneOptions(rate=float("nan"))
    tune(Inverter(case.tools.network), pivot, photo, options(1))  # pixels alone will do
