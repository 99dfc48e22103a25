"""SAT3DAlignFace inside the stand-in host: points, boxes, and photos in which no face is found."""

import json
import sys

import pytest
import torch

from tests.faces.known_faces import frontal_points
from tests.nodes.host_stub import run

FACE = "183 182, 329 183, 257 262, 196 341, 315 341"


@pytest.fixture
def align(part):
    def align(image, method="five points", points=FACE, face=0, size=128, **more):
        return run(
            part("nodes.align").SAT3DAlignFace, image=image, method=method, points=points, face=face, size=size, **more
        )

    return align


def test_a_face_is_cut_by_points_or_by_a_box(align):
    photo = torch.rand(2, 512, 700, 3, generator=torch.Generator().manual_seed(0))
    crop, place, _ = align(photo, "box", "100 50 64", size=64)
    torch.testing.assert_close(crop, photo[:, 50:114, 100:164], atol=1e-5, rtol=0)
    assert json.loads(place) == [{"left": 100, "top": 50, "side": 64, "width": 700, "height": 512}] * 2
    crop, place, _ = align(photo)
    assert crop.shape == (2, 128, 128, 3) and 500 < json.loads(place)[0]["side"] < 560


def test_a_box_far_larger_than_the_photo(align):
    """The photo is then small in the crop, and its border goes on around it."""
    photo = torch.full((1, 64, 64, 3), 0.5)
    crop, place, _ = align(photo, "box", "-8000 -8000 40000", size=64)
    assert crop.shape == (1, 64, 64, 3) and crop.sub(0.5).abs().max() < 1e-5
    assert json.loads(place)[0]["side"] == 40000


@pytest.mark.parametrize(
    ("method", "points", "said"),
    [
        ("five points", "1 2 3", r"five points.*3 numbers.*10"),
        ("box", "", "box.*0 numbers"),
        ("box", "0 0 1", "not usable"),
        ("find the face", "", "No face was found"),
    ],
)
def test_points_that_are_none(align, graph, method, points, said):
    with pytest.raises(graph.errors.Sat3dError, match=said):
        align(torch.rand(1, 64, 64, 3), method, points)


@pytest.fixture
def detector(part, monkeypatch):
    """Finds a face whose eyes are where FACE has them, as many pixels to the right as the photo's first pixel's red
    says; none where that is 0, and from 200 on one that is turned clockwise by 90 degrees."""
    landmarks, finding = part("sat3d.inversion.landmarks"), part("sat3d.faces.finding")

    def find_faces(photo):
        right = round(float(photo[0, 0, 0, 0] + 1) * 127.5)
        points = frontal_points(146, (256 + right, 182.5), 90 if right >= 200 else 0)
        return [finding.Face(points, 1.0, torch.zeros(52))] if right else []

    monkeypatch.setattr(landmarks, "find_faces", find_faces)


def photos(*reds) -> torch.Tensor:
    """700 x 512 pixels each, of noise, with this red in the first pixel."""
    made = torch.rand(len(reds), 512, 700, 3, generator=torch.Generator().manual_seed(0))
    made[:, 0, 0, 0] = torch.tensor(reds) / 255
    return made


def found(text) -> list[dict]:
    return json.loads(text)


def test_a_photo_without_a_face_stops_unless_asked(align, detector, graph):
    for more in ({}, {"no_face": "stop"}):
        with pytest.raises(graph.errors.ShapeError, match="Picture 2 of 2: No face was found in the photo"):
            align(photos(10, 0), "find the face", **more)


def test_the_whole_picture_where_there_is_no_face(align, detector):
    batch = photos(10, 0)
    crop, text, _ = align(batch, "find the face", no_face="whole picture", size=512, frame="built-in heads")
    first, second = found(text)
    assert second == {"left": 94, "top": 0, "side": 512, "width": 700, "height": 512}
    torch.testing.assert_close(crop[1], batch[1, :, 94:606], atol=1e-5, rtol=0)
    assert "camera_deg" in first and first["side"] > 800


def test_the_crop_before_where_there_is_no_face(align, detector):
    """The first frames take that of the first face; the camera comes along."""
    crop, text, _ = align(photos(0, 0, 10, 0, 30, 0, 0), "find the face", no_face="as before")
    places = found(text)
    lefts = [place["left"] - places[0]["left"] for place in places]
    assert lefts == pytest.approx([0, 0, 0, 0, 20, 20, 20], abs=0.01) and len(crop) == 7
    assert places[0] == places[1] == places[2] == places[3] and places[4] == places[5] == places[6]
    assert places[5]["camera_deg"] == places[4]["camera_deg"]


def test_a_face_of_that_number_is_missed_too(align, detector, graph):
    (place,) = found(align(photos(10), "find the face", face=1, no_face="whole picture")[1])
    assert (place["left"], place["side"]) == (94, 512)
    with pytest.raises(graph.errors.ShapeError, match="face 1 of 1"):
        align(photos(10), "find the face", face=1, no_face="as before")


def test_not_one_face_to_take_the_crop_of(align, detector, graph):
    with pytest.raises(graph.errors.ShapeError, match=r"Picture 1 of 2: No face was found.*Next step"):
        align(photos(0, 0), "find the face", no_face="as before")


@pytest.mark.parametrize("no_face", ["stop", "whole picture", "as before"])
def test_other_mistakes_stay_mistakes(align, detector, graph, no_face):
    """Points or a box of the user's that are none, and a photo of NaN."""
    for method in ("five points", "box"):
        with pytest.raises(graph.errors.ShapeError, match="does not hold"):
            align(photos(10), method, "1 2", no_face=no_face)
    with pytest.raises(graph.errors.ShapeError, match="NaN"):
        align(photos(10, 10) * torch.tensor([1, torch.nan])[:, None, None, None], "find the face", no_face=no_face)


def test_a_face_on_its_side_is_put_upright(align, detector):
    """Turned clockwise by 90 degrees: the square of the photo, turned back, and what comes later knows of it."""
    batch = photos(10, 200)
    crop, text, _ = align(batch, "find the face", size=64)
    first, second = found(text)
    assert "quarter_turns" not in first and second["quarter_turns"] == 1
    assert second["camera_deg"] == pytest.approx(first["camera_deg"], abs=0.5)
    assert second["side"] == pytest.approx(first["side"], rel=1e-3)
    box = f"{second['left']} {second['top']} {second['side']}"
    as_it_lies = align(batch[1:], "box", box, size=64)[0]
    torch.testing.assert_close(crop[1:], torch.rot90(as_it_lies, 1, (1, 2)), atol=1e-5, rtol=0)


def test_points_of_a_turned_photo_are_told_as_typed(align, graph):
    """90 degrees clockwise about the middle of 512 pixels."""
    numbers = torch.tensor([float(number) for number in FACE.replace(",", "").split()]).reshape(5, 2)
    text = " ".join(f"{512 - y:.0f} {x:.0f}" for x, y in numbers.tolist())
    with pytest.raises(graph.errors.ShapeError, match=r"^The points are those of a head that lies on its side"):
        align(photos(10), points=text)
    with pytest.raises(graph.errors.ShapeError, match=r"^Picture 1 of 2: The points are those"):
        align(photos(10, 10), points=text)


def test_points_that_no_head_has_are_told(align, caplog):
    """The corners of the mouth exchanged: the crop is made, but that it may be wrong is said."""
    _, text, _ = align(photos(10, 10), points="183 182, 329 183, 257 262, 315 341, 196 341")
    assert "camera_deg" not in found(text)[0]
    assert "eyes, nose and mouth like these (pictures 1, 2 of 2)" in caplog.text
    caplog.clear()
    align(photos(10))
    assert not caplog.text


def test_progress_and_cancel(align, detector):
    state = sys.modules["comfy.model_management"].state
    align(photos(10, 0), "find the face", no_face="as before")
    updates = sys.modules["comfy.utils"].ProgressBar.updates
    assert [update[:2] for update in updates] == [(i, 4) for i in range(5)] and state.checks == 5
