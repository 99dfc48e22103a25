"""Our face networks give what the original models give, on thirty pictures."""

from pathlib import Path

import pytest
import torch

from sat3d.faces.networks import load_face_networks
from sat3d.files.safetensors_io import read_header, read_tensors
from training.tools.face_parity import SCHEMA, detector_input, pictures

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "faces"
STORED = GOLDEN / "outputs.safetensors"
POINT_LIMIT_PX = 0.1 * 256 / 192  # a tenth of a pixel where the face's square has 192


def as_batch(all_pictures) -> torch.Tensor:
    return torch.stack([torch.from_numpy(picture).permute(2, 0, 1) for picture in all_pictures]) / 127.5 - 1


@pytest.fixture(scope="module")
def shown() -> list:
    return list(pictures(GOLDEN).values())


@pytest.fixture(scope="module")
def stored() -> dict:
    read_header(STORED, SCHEMA, "stored outputs", "make them again")
    return read_tensors(STORED)


@pytest.fixture(scope="module")
def networks():
    return load_face_networks()


def test_there_are_enough_pictures(shown, stored):
    faces = (stored["presence"] > 0).sum()
    assert len(shown) == len(stored["presence"]) >= 20 and faces >= 20 and faces < len(shown)


def test_landmarks_and_presence(networks, shown, stored):
    points, presence = networks.landmarks(as_batch(shown))
    assert (points - stored["points"]).abs().max() < POINT_LIMIT_PX
    torch.testing.assert_close(presence, stored["presence"], atol=0.05, rtol=0.01)


def test_expressions(networks, shown, stored):
    points, _ = networks.landmarks(as_batch(shown))
    assert (networks.expressions(points) - stored["expressions"]).abs().max() < 0.005
    assert stored["expressions"].std(0).max() > 0.1, "the pictures show different expressions"


def test_detector(networks, shown, stored):
    logits, values = networks.detector(as_batch(map(detector_input, shown)))
    torch.testing.assert_close(logits, stored["scores"], atol=0.05, rtol=1e-3)
    best = stored["scores"].argmax(1)
    middle = cell_middles()[best]
    strongest = stored["strongest"].clone()
    strongest[:, :2] += middle
    strongest[:, 4:] += middle.repeat(1, 6)
    torch.testing.assert_close(values[torch.arange(len(best)), best], strongest, atol=0.05, rtol=1e-3)


def cell_middles() -> torch.Tensor:
    """``[896, 2]``: 16 × 16 cells of 8 pixels with two guesses each, then 8 × 8 of 16 with six; an own count."""
    found = [
        ((column + 0.5) * cell, (row + 0.5) * cell)
        for cell, count, guesses in ((8, 16, 2), (16, 8, 6))
        for row in range(count)
        for column in range(count)
        for _ in range(guesses)
    ]
    return torch.tensor(found)


def test_the_file_is_small():
    from sat3d.faces.networks import KIND
    from sat3d.files.network_files import ASSETS

    assert (ASSETS / KIND.asset).stat().st_size < 4e6
