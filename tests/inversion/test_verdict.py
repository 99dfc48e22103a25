"""Whether an inversion found the face again, in words."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from sat3d.faces.networks import load_face_networks
from sat3d.inversion.align import Crop, cut, photo_from
from sat3d.inversion.verdict import Answer, Verdict, examine
from sat3d.parsing.parser import load_parser


@pytest.fixture(scope="module")
def look():
    parser, networks = load_parser(), load_face_networks()
    return lambda picture, found: examine(picture, found, parser.probabilities, networks)


def photograph(name: str, crop: Crop) -> torch.Tensor:
    return cut(photo_from(Image.fromarray(np.ascontiguousarray(getattr(data, name)()))), crop, 256)


@pytest.fixture(scope="module")
def face() -> torch.Tensor:
    return photograph("astronaut", Crop(90, 0, 260))


@pytest.fixture(scope="module")
def cup() -> torch.Tensor:
    return photograph("coffee", Crop(100, 0, 400))


def test_a_face_that_was_found_again(look, face):
    verdict = look(face, torch.nn.functional.interpolate(face, (128, 128), mode="area"))
    assert verdict.answer is Answer.GOOD and verdict.points < 0.03 and verdict.regions > 0.8 and verdict.db > 24


def test_a_face_elsewhere_or_of_other_colours_is_a_drawing(look, face):
    moved = look(face, face.roll(20, 2))
    assert moved.answer is Answer.LIKE_A_DRAWING
    assert moved.points == pytest.approx(20 / (43 * 256 / 260), rel=0.2), "the eyes are 43 pixels of the photo apart"
    green = face.clone()
    green[:, 0] -= 0.9
    assert look(face, green.clamp(-1, 1)).answer is Answer.LIKE_A_DRAWING


def test_what_is_no_face(look, face, cup):
    verdict = look(cup, face)
    assert verdict.answer is Answer.NO_FACE and verdict.points is None and not verdict.face and verdict.found_face
    assert look(cup, cup).answer is None, "nothing is said of pictures without faces"


def test_a_face_that_is_lost(look, face, cup):
    verdict = look(face, cup)
    assert verdict.answer is Answer.LIKE_A_DRAWING and "no face to compare" in verdict.numbers


def test_a_profile_that_came_near_is_good_though_no_face_is_seen():
    near = Verdict(face=False, found_face=True, points=None, regions=0.85, colours=0.02, db=24.0)
    far = Verdict(face=False, found_face=True, points=None, regions=0.85, colours=0.02, db=15.0)
    assert near.answer is Answer.GOOD and far.answer is Answer.NO_FACE


def test_the_numbers_are_told():
    said = Verdict(True, True, 0.123, 0.5, 0.1, 12.34).numbers
    assert said == "points 12% of the eyes' distance apart, parts 50% alike, colours 5% off, 12.3 dB"
