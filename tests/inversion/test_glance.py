"""What an encoder sees at a glance: linear in the picture, heard by the encoder, kept in its file."""

import pytest
import torch

from sat3d.errors import ConfigError
from sat3d.files.network_files import save_network
from sat3d.inversion import EncoderConfig, PortraitEncoder, load_encoder
from sat3d.inversion.encoder import KIND
from sat3d.inversion.glance import Glance
from sat3d.networks.loading import resize

CONFIG = EncoderConfig(8, widths=(4, 8, 8, 8, 8), squeezed=8, hidden=16, glance=3, glance_px=16, blocks=2)


def pictures(count: int = 2) -> torch.Tensor:
    return torch.rand(count, 3, 128, 128, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_without_magnification_it_is_of_the_shrunken_picture():
    """One number: three times what the green pixel in the second row, third column is above a half."""
    glance = Glance(4, 4, 0.0, 1)
    glance.mean[16 + 4 + 2], glance.map[16 + 4 + 2] = 0.5, 3
    images = torch.zeros(2, 3, 4, 4)
    images[1, 1, 1, 2] = 1
    assert glance(images).tolist() == [[-1.5], [1.5]]


def test_a_magnified_middle_is_of_the_face():
    glance = Glance(64, 16, 2.2, 1)
    images = torch.zeros(2, 3, 64, 64)
    images[0, :, 34:42, 28:36], images[1, :, :8, :8] = 1, 1
    middle, corner = glance.small(images).sum(1)
    assert middle > 3 * corner > 0


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    encoder = PortraitEncoder(CONFIG).eval()
    torch.nn.init.normal_(encoder.glance.map, std=0.1)
    return encoder


def test_an_encoder_takes_it_into_account_beside_what_it_sees(encoder):
    images = pictures()
    small, faces = encoder.see(images)
    assert faces is None
    before = encoder.raw(small)
    encoder.glance.mean += 1
    change = encoder.raw(small) - before
    assert (change.abs().max(1).values > 1e-3).all()
    torch.testing.assert_close(encoder.raw(small + 0), before + change)


def test_layers_that_add_begin_as_nothing_else(encoder):
    """A block whose layer says nothing passes on what comes."""
    block = encoder.hidden[2].eval()
    torch.nn.init.zeros_(block.layer[1].weight)
    torch.nn.init.zeros_(block.layer[1].bias)
    x = torch.randn(2, 16)
    assert torch.equal(block(x), x)


def test_it_is_in_the_encoders_file(encoder, tmp_path):
    save_network(tmp_path / "encoder.safetensors", KIND, encoder)
    again, images = load_encoder(tmp_path / "encoder.safetensors"), pictures()
    assert again.config == CONFIG
    torch.testing.assert_close(again(images).w, encoder(images).w, atol=2e-2, rtol=1e-2)


def test_an_encoder_of_before_has_none():
    before = PortraitEncoder(EncoderConfig(8, widths=(4, 8, 8, 8, 8), squeezed=8, hidden=16))
    assert before.glance is None and not [name for name in before.state_dict() if "glance" in name]


@pytest.mark.parametrize("wrong", [{"glance": -1}, {"glance": 10_000}, {"glance_px": 0}, {"blocks": 99}])
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(ConfigError, match="encoder"):
        EncoderConfig(8, **wrong)


def test_larger_pictures_say_the_same(encoder):
    images = resize(pictures(), 128, 128)
    larger = images.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(encoder(larger).w, encoder(images).w, atol=1e-4, rtol=1e-4)
