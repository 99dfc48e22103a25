"""What tuning leaves alone: polygons by hand, and the mouth and the eyes of a photograph."""

import pytest
import torch
from PIL import Image
from skimage import data

from sat3d.errors import ConfigError
from sat3d.faces.finding import find_faces
from sat3d.inversion import drivable_regions
from sat3d.inversion.align import photo_from
from sat3d.inversion.protected import fill_polygon


def test_polygons_by_hand():
    square = torch.tensor([[1.0, 1.0], [4.0, 1.0], [4.0, 3.0], [1.0, 3.0]])
    expected = torch.zeros(4, 6, dtype=torch.bool)
    expected[1:3, 1:4] = True
    assert torch.equal(fill_polygon(square, 4, 6)[0, 0], expected)
    assert torch.equal(fill_polygon(square.flip(0), 4, 6)[0, 0], expected)
    arrow = torch.tensor([[0.0, 0.0], [4.0, 2.0], [0.0, 4.0], [2.0, 2.0]])  # not convex: its notch is outside
    rows = ["1000", "0110", "0110", "1000"]
    assert fill_polygon(arrow, 4, 4)[0, 0].int().tolist() == [[int(c) for c in row] for row in rows]
    assert not fill_polygon(square + 10, 4, 6).any()


@pytest.fixture(scope="module")
def portrait() -> torch.Tensor:
    return photo_from(Image.fromarray(data.astronaut()))[:, :, :256, 100:356]


def test_the_inside_of_mouth_and_eyes_of_a_photograph(portrait):
    (face, *_) = find_faces(portrait)
    at = lambda region, point: bool(region[0, 0, int(face.points[point, 1]), int(face.points[point, 0])])  # noqa: E731
    mouth, both = drivable_regions(portrait, ["mouth"]), drivable_regions(portrait, ["mouth", "eyes"])
    assert at(mouth, 13) and at(mouth, 14) and not at(mouth, 468) and not at(mouth, 4)
    assert at(both, 468) and at(both, 473) and at(both, 14) and not at(both, 4)
    assert 0.0005 < mouth.float().mean() < 0.02 and (both | mouth).equal(both)
    wide = drivable_regions(portrait, ["mouth"], margin=0.03)
    assert wide.sum() > mouth.sum() and (wide | mouth).equal(wide)


def test_where_there_is_no_face_there_is_no_region(portrait):
    assert drivable_regions(torch.zeros(1, 3, 64, 64), ["mouth"]) is None
    with pytest.raises(ConfigError, match="nose"):
        drivable_regions(portrait, ["nose"])
    with pytest.raises(ConfigError, match="margin"):
        drivable_regions(portrait, ["mouth"], margin=2)
