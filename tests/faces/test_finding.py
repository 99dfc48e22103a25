"""Faces in pictures: found at any size and turned any way, in a stable order, and none where there is none."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from sat3d.faces.drawing import draw_faces
from sat3d.faces.expressions import NAMES
from sat3d.faces.finding import Face, find_faces, in_order, read_faces, squares_around
from sat3d.faces.networks import load_face_networks
from sat3d.inversion.align import photo_from
from sat3d.inversion.face_points import turn_deg
from tests.faces.known_faces import frontal_points

# Middles of both eyes of the photograph that scikit-image ships, read off the picture.
EYES = torch.tensor([[204.0, 103.0], [247.0, 105.0]])
NEAR_PX = 4
SHIPPED = Path(__file__).resolve().parents[2] / "nodes" / "photos" / "portrait.jpg"


def photo_of(picture: np.ndarray) -> torch.Tensor:
    return photo_from(Image.fromarray(np.ascontiguousarray(picture)))


def eyes_of(face: Face) -> torch.Tensor:
    return face.five_points[:2]


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return data.astronaut()


def test_a_face_in_a_photograph(portrait):
    (face,) = find_faces(photo_of(portrait))
    assert (eyes_of(face) - EYES).norm(dim=1).max() < NEAR_PX and face.presence > 0.99
    left, top, right, bottom = face.box
    assert 165 < left < 190 and 50 < top < 80 and 255 < right < 275 and 165 < bottom < 190
    shown = dict(zip(NAMES, face.expressions.tolist(), strict=True))
    assert shown["mouthSmileLeft"] > 0.5 and shown["mouthSmileRight"] > 0.5
    assert max(shown["eyeBlinkLeft"], shown["jawOpen"], shown["mouthFrownLeft"]) < 0.2


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_head_that_lies_on_its_side_or_stands_upside_down(portrait, quarter_turns):
    (face,) = find_faces(photo_of(np.rot90(portrait, quarter_turns)))
    eyes = EYES
    for _ in range(quarter_turns):  # counter-clockwise, of a picture of 512 x 512 pixels
        eyes = torch.stack([eyes[:, 1], 512 - eyes[:, 0]], 1)
    assert (eyes_of(face) - eyes).norm(dim=1).max() < NEAR_PX


@pytest.mark.parametrize("degrees", [180, 135])
def test_a_drawn_head_is_not_read_upside_down(degrees):
    """Drawn heads have a second reading, which the landmark network is sure of."""
    with Image.open(SHIPPED) as picture:
        turned = picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(168, 178, 194))
    (face,) = find_faces(photo_of(np.asarray(turned)))
    assert math.cos(math.radians(turn_deg(face.five_points) - degrees)) > math.cos(math.radians(6))


def scene(portrait: np.ndarray, places: list[tuple[int, int, int]]) -> np.ndarray:
    """The portrait's head in a photograph without people, at left, top and pixels between the eyes."""
    ground = Image.fromarray(data.rocket()).resize((1600, 1200))
    head = Image.fromarray(portrait[:240, 110:340])
    for left, top, apart in places:
        size = [round(side * apart / 43) for side in head.size]
        ground.paste(head.resize(size, Image.Resampling.LANCZOS), (left, top))
    return np.array(ground)


def test_small_faces(portrait):
    """Eyes 19.2 pixels apart in 1600, which is 1.2 %."""
    (face,) = find_faces(photo_of(scene(portrait, [(900, 300, 20)])))
    assert face.eyes_apart_px == pytest.approx(20, rel=0.1)
    assert eyes_of(face).mean(0).tolist() == pytest.approx([900 + 115.5 * 20 / 43, 300 + 104 * 20 / 43], abs=3)


def test_many_faces_come_in_a_stable_order(portrait):
    """The largest first; the two that are alike by rows, also in the photo at half the size."""
    places = [(1200, 700, 60), (700, 500, 61), (150, 400, 120), (800, 60, 30)]
    photo = scene(portrait, places)
    half = np.array(Image.fromarray(photo).resize((800, 600), Image.Resampling.LANCZOS))
    for picture, scale in ((photo, 1.0), (half, 0.5)):
        lefts = [face.box[0] / scale for face in find_faces(photo_of(picture))]
        assert len(lefts) == 4
        assert 150 < lefts[0] < 700 < lefts[1] < 900 < 1200 < lefts[2] and 800 < lefts[3] < 1200


def test_faces_of_like_size_are_ordered_as_one_reads():
    faces = [Face(frontal_points(apart, (x, 50.0)), 1.0, torch.zeros(52))
             for apart, x in ((100, 900), (104, 600), (40, 10), (82, 100))]  # fmt: skip
    assert [round(face.five_points[2, 0].item()) for face in in_order(faces)] == [100, 600, 900, 10]
    rows = [Face(frontal_points(50, (x, y)), 1.0, torch.zeros(52)) for x, y in ((100, 400), (101, 100), (300, 120))]
    assert [round(face.five_points[2, 0].item()) for face in in_order(rows)] == [101, 300, 100]


@pytest.mark.parametrize("name", ["coffee", "chelsea", "moon", "rocket", "gravel", "page", "clock"])
def test_no_face_is_found_where_there_is_none(name):
    picture = getattr(data, name)()
    assert find_faces(photo_of(picture if picture.ndim == 3 else np.stack([picture] * 3, 2))) == []


@pytest.mark.parametrize("size", [(1, 1), (8, 300), (300, 8), (17, 64)])
def test_pictures_of_any_shape_are_searched(size):
    photo = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert find_faces(photo) == []


def test_no_picture_depends_on_threads_or_on_the_call_before(portrait):
    first, second = (find_faces(photo_of(portrait))[0].points for _ in range(2))
    assert torch.equal(first, second)


def test_points_and_expressions_have_gradients_in_the_picture(portrait):
    """A term of an inversion: what is seen in a known square, as a function of the pixels."""
    networks, photo = load_face_networks(), photo_of(portrait)
    squares = squares_around(find_faces(photo)[0].points[None])
    photo.requires_grad_()
    points, logits = read_faces(networks, photo, squares)
    (networks.expressions(points).sum() + points.mean() + logits.sum()).backward()
    moved = photo.grad.abs().sum(1)[0]
    assert torch.isfinite(moved).all() and moved[60:180, 170:270].sum() > 0 and moved[300:].sum() == 0


def test_a_batch_gives_what_its_pictures_give_alone():
    networks = load_face_networks()
    squares = torch.rand(3, 3, 256, 256, generator=torch.Generator().manual_seed(0)) * 2 - 1
    points, logits = networks.landmarks(squares)
    for i in range(3):
        alone, logit = networks.landmarks(squares[i : i + 1])
        torch.testing.assert_close(points[i], alone[0], atol=2e-3, rtol=1e-4)
        torch.testing.assert_close(logits[i], logit[0], atol=1e-3, rtol=1e-4)
    together = networks.expressions(points)
    torch.testing.assert_close(together[1], networks.expressions(points[1:2])[0], atol=1e-5, rtol=1e-4)


def test_expressions_depend_neither_on_place_nor_on_size():
    networks = load_face_networks()
    points = frontal_points(80, (300, 200))[None]
    moved = points * 3 + torch.tensor([50.0, -20.0, 7.0])
    torch.testing.assert_close(networks.expressions(points), networks.expressions(moved), atol=1e-4, rtol=1e-3)


def test_the_numbers_of_faces_are_drawn():
    """A box about each, the chosen one in another colour; numbers stay inside of the picture."""
    blank = Image.new("RGB", (300, 200))
    faces = [Face(frontal_points(30, (60, 3)), 1.0, torch.zeros(52)),
             Face(frontal_points(30, (200, 90)), 1.0, torch.zeros(52))]  # fmt: skip
    drawn, chosen = (np.array(draw_faces(blank, faces, chosen=which)) for which in (None, 1))
    left, top, right, bottom = (round(edge) for edge in faces[1].box)
    for x, y in ((left, (top + bottom) // 2), (right, (top + bottom) // 2), ((left + right) // 2, bottom)):
        assert drawn[y, x].any() and tuple(drawn[y, x]) != tuple(chosen[y, x])
    assert not drawn[150:, :150].any()
    assert (drawn[0:14, 30:90] != 0).any(), "the first face's number, though its box begins above the picture"
    assert (np.array(draw_faces(blank, faces, scale=0.5)) != 0).any(2)[:, 150:].sum() == 0
    assert not np.array(blank).any(), "the picture itself stays"
