"""The term of an inversion that sees gaze, lids, mouth and outline of a face."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from sat3d.faces.contours import IRISES
from sat3d.faces.networks import load_face_networks
from sat3d.inversion.align import Crop, cut, photo_from
from sat3d.inversion.face_terms import FaceLoss
from sat3d.inversion.losses import Likeness
from sat3d.inversion.target import Target

SIDE = 192


@pytest.fixture(scope="module")
def loss() -> FaceLoss:
    return FaceLoss(load_face_networks())


@pytest.fixture(scope="module")
def face() -> torch.Tensor:
    photo = photo_from(Image.fromarray(np.ascontiguousarray(data.astronaut())))
    return cut(photo, Crop(110, 0, 230), SIDE)


def test_a_face_is_like_itself_at_any_size(loss, face):
    wanted = loss.features(face)
    assert float(loss(face, wanted)) < 1e-4
    smaller = torch.nn.functional.interpolate(face, (96, 96), mode="area")
    assert float(loss(smaller, wanted)) < 0.04


def test_a_face_that_is_shifted_costs_what_it_was_shifted_by(loss, face):
    """4 pixels, in distances of the eyes."""
    wanted = loss.features(face)
    moved = face.roll(4, 3)
    assert float(loss(moved, wanted)) == pytest.approx(4 / SIDE / wanted.apart, rel=0.15)


def test_another_mouth_costs_more_than_another_brightness(loss, face):
    wanted = loss.features(face)
    left, top, right, bottom = (wanted.points[0, [61, 291]] * SIDE).flatten().int().tolist()
    covered = face.clone()
    covered[:, :, top - 8 : bottom + 8, left - 4 : right + 4] = face[:, :, top - 20, (left + right) // 2][
        ..., None, None
    ]
    assert float(loss(covered, wanted)) > 2 * float(loss((face - 0.1).clamp(-1, 1), wanted))


def test_irises_weigh_most_and_all_weights_sum_to_one(loss):
    assert loss.weights.sum() == pytest.approx(1) and loss.weights[IRISES].min() == loss.weights.max()


def test_descent_along_its_gradient_moves_the_face(loss, face):
    wanted = loss.features(face)
    shift = torch.tensor(0.03, requires_grad=True)

    def cost(shift):
        turn = torch.stack([torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0])])[None]
        turn = torch.cat([turn[..., :2], torch.stack([shift, shift * 0])[None, :, None]], 2)
        grid = torch.nn.functional.affine_grid(turn, list(face.shape), align_corners=False)
        return loss(torch.nn.functional.grid_sample(face, grid, padding_mode="border", align_corners=False), wanted)

    (gradient,) = torch.autograd.grad(cost(shift), shift)
    assert gradient > 0 and cost(shift - 0.01) < cost(shift)


def test_one_that_was_made_under_inference_mode_has_gradients_too(loss, face):
    with torch.inference_mode():
        made = FaceLoss(loss.networks)
    picture = face.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(made(picture, made.features(face.roll(3, 3))), picture)
    assert gradient.abs().sum() > 0


def test_no_face_costs_nothing(loss, face):
    assert loss.features(torch.zeros(1, 3, 64, 64)) is None
    assert loss(face, None) == 0


def test_it_is_read_once_from_the_whole_picture(loss, face):
    """Though half of the face does not count: in a picture that is half another's there would be another face."""
    weight = torch.ones(1, 1, SIDE, SIDE)
    weight[:, :, :, SIDE // 2 :] = 0
    likeness = Likeness([(1.0, loss)], Target(face, weight), 0.0)
    asked = []
    counted = Likeness([(1.0, loss)], Target(face), 0.0)
    likeness.terms = [(1.0, lambda got, wanted: asked.append(wanted) or got.mean() * 0)]
    likeness(face * 0)
    likeness(face * 0.5)
    assert asked[0] is asked[1] and torch.equal(asked[0].points, counted.wanted[0].points)


def test_the_weight_is_of_the_loss(loss, face):
    plain = Likeness([(2.0, loss)], Target(face), 0.0)
    assert float(plain(face.roll(4, 3))) == pytest.approx(
        2 * float(loss(face.roll(4, 3), loss.features(face))), rel=1e-4
    )
    assert not Likeness([(0.0, loss)], Target(face), 0.0).wanted
