"""What is told of a face: the landmark network's own answer in the face's square, whatever the picture's size."""

import pytest
import torch

from sat3d.faces.finding import read_faces
from sat3d.faces.networks import face_networks_on
from sat3d.files.network_files import save_network
from sat3d.inversion import EncoderConfig, PortraitEncoder, load_encoder
from sat3d.inversion.encoder import KIND
from sat3d.inversion.face_look import FaceLook
from sat3d.networks.loading import resize
from sat3d.networks.seen_faces import see_faces

SQUARE = torch.tensor([[128.0, 148.0, 150.0, 0.0]])  # middle, side and angle, in a picture of 256 pixels


@pytest.fixture
def pictures():
    noise = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return resize(noise, 256, 256)


def test_points_are_those_that_are_read_in_the_faces_square(pictures):
    got = see_faces(pictures).points.reshape(2, -1, 3)
    for i in range(2):
        points, _ = read_faces(face_networks_on("cpu"), pictures[i : i + 1], SQUARE)
        points = points[0] - points[0].mean(0)
        torch.testing.assert_close(got[i], points / points[:, :2].norm(dim=1).mean(), atol=1e-4, rtol=1e-4)


def test_larger_pictures_tell_the_same(pictures):
    torch.testing.assert_close(
        see_faces(pictures.repeat_interleave(2, 2).repeat_interleave(2, 3)).features, see_faces(pictures).features
    )


def test_a_look_presses_together(pictures):
    look, seen = FaceLook(1, 2), see_faces(pictures)
    look.points_map[5], look.points_mean[5] = 3, 0.5
    look.features_map[7, 1] = 2
    told = look(pictures)
    torch.testing.assert_close(told[:, 0], 3 * (seen.points[:, 5] - 0.5))
    torch.testing.assert_close(told[:, 1:], torch.stack([torch.zeros(2), 2 * seen.features[:, 7]], 1))


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    config = EncoderConfig(8, widths=(4, 8, 8, 8, 8), squeezed=8, hidden=16, face_points=1, face_features=2)
    encoder = PortraitEncoder(config).eval()
    encoder.look.features_map[:, 0] = 0.1
    return encoder


def test_an_encoder_hears_what_it_is_told(encoder, pictures):
    small, told = encoder.see(pictures)
    torch.testing.assert_close(told, encoder.look(pictures))
    torch.testing.assert_close(encoder(pictures).w, encoder.units(encoder.raw(small, told)).w)
    assert not torch.allclose(encoder.raw(small, told), encoder.raw(small, told + 1))


def test_the_look_is_in_the_encoders_file(encoder, pictures, tmp_path):
    save_network(tmp_path / "encoder.safetensors", KIND, encoder)
    again = load_encoder(tmp_path / "encoder.safetensors")
    assert again.config == encoder.config
    torch.testing.assert_close(again(pictures).w, encoder(pictures).w, atol=5e-2, rtol=1e-2)
