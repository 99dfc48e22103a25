"""Codes of a population's heads, told by latents or found in renders; and the pictures that are made of them."""

import numpy as np
import pytest
import torch

from sat3d.errors import ConfigError
from sat3d.files.network_files import save_network
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.inversion.encoder import KIND
from tests.training.tiny_generators import labelled_config, random_encoder, random_network, unlabelled_config
from training.data.views import Views
from training.networks import coded_heads
from training.networks import generated_views as generated
from training.networks.coded_heads import (
    Coder,
    as_picture,
    choose_population,
    find_coder,
    generate_views,
    has_latents_of,
    styles_of,
)
from training.networks.generated_views import GeneratedSettings, generated_views, with_generated
from training.synth.cameras import Pose
from training.synthheads.populations import FIRST, PHOTOGRAPHS


class Render:
    """The background's colour, with the colour of the hair in its middle."""

    def __init__(self, p, pose, size):
        self.image = np.full((size, size, 3), np.array(p.background) * 255, np.uint8)
        self.image[size // 4 : -size // 4, size // 4 : -size // 4] = np.array(p.hair_colour) * 255


@pytest.fixture(autouse=True)
def renderer(monkeypatch):
    monkeypatch.setattr(coded_heads, "render_head", lambda p, poses, size: [Render(p, pose, size) for pose in poses])


@pytest.fixture(scope="module")
def network():
    return random_network(unlabelled_config())


@pytest.fixture(scope="module")
def encoder():
    return random_encoder(16)


@pytest.fixture
def coder(network, encoder):
    return Coder(network, PHOTOGRAPHS, encoder)


def test_codes_are_what_the_encoder_sees_in_the_renders(coder, network, encoder):
    heads = coder.draw(7, [3, 20, 4])
    assert heads.parameters == [PHOTOGRAPHS.draw(7, head) for head in (3, 20, 4)] and heads.latents is None
    for row, p in enumerate(heads.parameters):
        wanted = encoder(as_picture(Render(p, None, 64).image)[None]).w
        torch.testing.assert_close(heads.w[row : row + 1], wanted, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(heads.styles[row : row + 1], styles_of(network, wanted), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(heads.w[0], heads.w[1])


def test_many_heads_are_found_in_their_order(coder, monkeypatch):
    monkeypatch.setattr(coded_heads, "_BATCH", 2)
    heads = [PHOTOGRAPHS.draw(7, head) for head in range(5)]
    together, last = coder.find(heads), coder.find(heads[4:])
    assert together.w.shape == (5, 16)
    torch.testing.assert_close(together.w[4:], last.w, atol=1e-5, rtol=1e-4)


def test_a_descent_begins_at_the_encoders_w_and_comes_nearer(network, encoder):
    p = PHOTOGRAPHS.draw(7, 3)
    found, quick = (Coder(network, PHOTOGRAPHS, encoder, steps).find([p]) for steps in (6, 0))
    torch.testing.assert_close(found.w, quick.w)
    true = as_picture(Render(p, None, 64).image)[None]
    far, near = (
        (generate_views(network, heads.styles, [Pose(0.0, 0.0)]).image - true).square().mean()
        for heads in (quick, found)
    )
    assert near < far


def test_latents_tell_codes_where_they_are_the_generators_own():
    network = random_network(labelled_config())
    coder = find_coder(network, None, None)
    assert coder.encoder is None and coder.population is FIRST and has_latents_of(network, FIRST)
    heads = coder.draw(5, [1])
    torch.testing.assert_close(heads.w, network.map(torch.from_numpy(FIRST.draw_latent(5, 1))[None])[:, 0])
    assert heads.parameters == [FIRST.draw(5, 1)]
    assert not has_latents_of(network, PHOTOGRAPHS) and choose_population(network, "photographs") is PHOTOGRAPHS


def test_a_generator_nobody_labelled_needs_its_own_encoder(network, tmp_path):
    assert choose_population(network, None) is PHOTOGRAPHS
    with pytest.raises(ConfigError, match=r"say nothing of these heads.*--encoder"):
        Coder(network, PHOTOGRAPHS)
    save_network(tmp_path / "other.safetensors", KIND, random_encoder(24))
    with pytest.raises(ConfigError, match="belongs to another generator"):
        find_coder(network, tmp_path / "other.safetensors", None)


def test_generated_pictures_are_of_the_heads_that_renders_show(coder, network):
    """Whose captions hold for them, too: the parameters are the rendered head's, the picture the generator's."""
    made = generated_views(coder, 1, 3)
    seed = 1 + generated._SEED_OFFSET
    assert made.heads.tolist() == [0, 0, 1] and made.images.shape == (3, 64, 64, 3) and made.latents is None
    assert made.parameters == [PHOTOGRAPHS.draw(seed, head) for head in (0, 0, 1)]
    pose = Pose(float(made.yaw_rad[1]), float(made.pitch_rad[1]))
    image = generate_views(network, coder.draw(seed, [0]).styles, [pose]).image
    wanted = (image[0].permute(1, 2, 0) + 1) * 127.5
    assert (made.images[1].float() - wanted).abs().max() <= 0.51


def test_they_are_mixed_in_at_the_size_of_the_others(network, encoder, tmp_path):
    """A generator of 64 pixels, data of 128: both are trained on in one batch."""
    save_checkpoint(tmp_path / "generator.safetensors", network.config, dict(network.state_dict()), {})
    save_network(tmp_path / "encoder.safetensors", KIND, encoder)
    plain = Views(
        torch.zeros(2, 128, 128, 3, dtype=torch.uint8), None, torch.tensor([0, 5]),
        [PHOTOGRAPHS.draw(1, head) for head in (0, 5)], np.zeros(2, np.float32), np.zeros(2, np.float32),
    )  # fmt: skip
    files = {name: tmp_path / f"{name}.safetensors" for name in ("generator", "encoder")}
    assert with_generated(plain, GeneratedSettings(), 1) is plain
    both = with_generated(plain, GeneratedSettings(**files, generated=2), 1)
    assert both.images.shape == (4, 128, 128, 3) and both.heads.tolist() == [0, 5, 6, 6]
    assert both.parameters[2:] == [PHOTOGRAPHS.draw(1 + generated._SEED_OFFSET, 0)] * 2 and both.labels is None
