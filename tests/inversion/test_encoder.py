"""The encoder: shapes, files, refusals, gradients, what it makes of a picture."""

import dataclasses
import math

import pytest
import torch

from sat3d.camera import split_label
from sat3d.errors import ConfigError, FileError, ShapeError
from sat3d.files.network_files import save_network
from sat3d.inversion import EncoderConfig, PortraitEncoder, encode, load_encoder
from sat3d.inversion.encoder import KIND

W_DIM = 32


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    network = PortraitEncoder(EncoderConfig(W_DIM, widths=(4, 8, 8, 8, 8), squeezed=8, hidden=16)).eval()
    network.mean.copy_(torch.linspace(-1, 1, W_DIM + 2))
    network.std.copy_(torch.linspace(0.1, 2, W_DIM + 2))
    return network


def pictures(count=2, size=128):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_standard_units_become_w_and_angles(encoder):
    found = encoder.units(torch.ones(3, W_DIM + 2))
    expected = encoder.mean + encoder.std
    torch.testing.assert_close(found.w[1], expected[:-2])
    assert float(found.yaw_rad[2]) == pytest.approx(float(expected[-2]))
    assert float(found.pitch_rad[0]) == pytest.approx(float(expected[-1]))


@pytest.mark.parametrize("size", [64, 128, 200])
def test_any_size_is_encoded(encoder, size):
    assert encoder(pictures(1, size)).w.shape == (1, W_DIM)


@pytest.mark.parametrize(
    "images", [torch.zeros(1, 3, 20, 20), torch.full((1, 3, 128, 128), math.nan), torch.zeros(3, 128, 128)]
)
def test_what_is_no_picture_is_refused(encoder, images):
    with pytest.raises(ShapeError):
        encoder(images)


def test_the_file_gives_the_same_network(encoder, tmp_path):
    save_network(tmp_path / "encoder.safetensors", KIND, encoder, {"licence": "free"})
    again = load_encoder(tmp_path / "encoder.safetensors")
    assert again.config == encoder.config
    torch.testing.assert_close(again(pictures()).w, encoder(pictures()).w, atol=5e-3, rtol=5e-3)
    with pytest.raises(FileError, match="train_encoder"):
        load_encoder(tmp_path / "missing.safetensors")


def test_a_face_with_its_camera_comes_out(encoder, triplane):
    own = PortraitEncoder(dataclasses.replace(encoder.config, w_dim=triplane.config.backbone.w_dim)).eval()
    latent = encode(own, triplane, pictures(3), "abc")
    latent.check_layout(triplane.layout)
    found = own(pictures(3))
    wanted = triplane.styles(found.w[:, None].repeat(1, triplane.config.backbone.num_ws, 1))
    torch.testing.assert_close(latent.styles, wanted)
    pose, _ = split_label(latent.camera)
    expected, _ = split_label(triplane.rig.label(found.yaw_rad[1], found.pitch_rad[1]))
    torch.testing.assert_close(pose[1], expected[0])
    assert latent.generator_fingerprint == "abc"


def test_another_generator_is_refused(encoder, triplane, stylegan2):
    other = PortraitEncoder(dataclasses.replace(encoder.config, w_dim=triplane.config.backbone.w_dim + 1)).eval()
    with pytest.raises(ConfigError, match="another generator"):
        encode(other, triplane, pictures())
    with pytest.raises(ConfigError, match="flat"):
        encode(encoder, stylegan2, pictures())


def test_the_picture_gets_a_gradient(encoder):
    images = pictures().requires_grad_()
    encoder(images).w.square().sum().backward()
    assert images.grad.abs().max() > 0


@pytest.mark.parametrize("wrong", [{"w_dim": 0}, {"input_px": 96}, {"depths": (0, 1)}, {"face_zoom": -1.0}])
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(ConfigError):
        EncoderConfig(**{"w_dim": 8, **wrong})
