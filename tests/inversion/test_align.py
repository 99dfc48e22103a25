"""The FFHQ-EG3D crop, back into the photo, and the face that is meant."""

import time

import pytest
import torch
from PIL import Image

from sat3d.errors import ShapeError
from sat3d.faces.finding import Face
from sat3d.inversion import align, landmarks
from sat3d.inversion.align import Crop, crop_of, cut, photo_from, turn_points
from sat3d.inversion.face_points import check_landmarks, turn_deg
from sat3d.inversion.frames import BUILT_IN
from sat3d.inversion.paste import make_seam, paste_back, widen_mask
from sat3d.inversion.resampling import resample
from tests.faces.known_faces import frontal_points

# Where a frontal face's points are in the crop, from the facts about FFHQ-EG3D.
EXPECTED = torch.tensor([[183.0, 182.0], [329.0, 183.0], [257.0, 262.0], [196.0, 341.0], [315.0, 341.0]])


def smooth_photo(height=300, width=420):
    y, x = torch.meshgrid(torch.linspace(0, 6, height), torch.linspace(0, 9, width), indexing="ij")
    return torch.stack([torch.sin(x + y), torch.cos(x - 0.5 * y), torch.sin(0.3 * x * y)])[None] * 0.8


def test_the_crop_is_about_the_face():
    """Of a picture that is cropped already the crop has the same middle, and its size to a tenth."""
    crop = crop_of(EXPECTED)
    assert crop.side == pytest.approx(512, rel=0.1)
    assert (crop.left + crop.side / 2, crop.top + crop.side / 2) == pytest.approx((256, 256), abs=12)


@pytest.mark.parametrize(("factor", "shift"), [(3.0, (100.0, 40.0)), (0.25, (-20.0, 7.0))])
def test_the_crop_follows_the_face(factor, shift):
    plain, moved = crop_of(EXPECTED), crop_of(EXPECTED * factor + torch.tensor(shift))
    assert moved.side == pytest.approx(plain.side * factor, rel=1e-4)
    assert moved.left == pytest.approx(plain.left * factor + shift[0], abs=0.01)
    assert moved.top == pytest.approx(plain.top * factor + shift[1], abs=0.01)


def test_weak_perspective_by_hand():
    """Standard points at scale 90, seen from the front, around (400, 300): the crop is 210 wide and centred there."""
    points = torch.tensor([[400 + 90 * x, 300 - 90 * y] for x, y, _ in align.STANDARD_POINTS])
    crop = crop_of(points)
    assert (crop.side, crop.left, crop.top) == pytest.approx((210.0, 295.0, 195.0), abs=1e-2)


def test_points_of_the_photo_in_the_crop():
    crop = Crop(12.5, -3.0, 320.0)
    points = torch.tensor([[12.5, -3.0], [332.5, 317.0], [172.5, 77.0]])  # corners, and the middle of the upper half
    torch.testing.assert_close(crop.to_crop(points, 512), torch.tensor([[0.0, 0.0], [512.0, 512.0], [256.0, 128.0]]))


def test_a_crop_of_whole_pixels_is_exact():
    photo = torch.rand(1, 3, 60, 80) * 2 - 1
    torch.testing.assert_close(cut(photo, Crop(10, 5, 40), 40), photo[:, :, 5:45, 10:50], atol=1e-5, rtol=0)


def test_beyond_the_photo_its_border_goes_on():
    photo = smooth_photo(100, 100)
    crop = cut(photo, Crop(-50, 0, 100), 100)
    torch.testing.assert_close(crop[:, :, :, 10], photo[:, :, :, 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(crop[:, :, :, 60:], photo[:, :, :, 10:50], atol=1e-5, rtol=0)


def test_shrinking_does_not_alias():
    """Stripes of one pixel become their mean."""
    stripes = torch.ones(1, 3, 256, 256)
    stripes[:, :, :, ::2] = -1
    assert resample(stripes, (0, 0, 256, 256), (32, 32))[:, :, :, 4:-4].abs().max() < 0.01


@pytest.mark.parametrize("crop", [Crop(100.3, 50.7, 128.9), Crop(-30.2, -20, 260.5), Crop(200, 100, 400)])
@pytest.mark.parametrize("size", [128, 512])
def test_an_unedited_crop_leaves_the_photo_as_it_is(crop, size):
    """With the crop before at hand: exactly. Without: a smooth photo to 1.5 % of the range."""
    photo = smooth_photo()
    own = cut(photo, crop, size)
    torch.testing.assert_close(paste_back(photo, own, crop, own), photo, atol=1e-6, rtol=0)
    assert (paste_back(photo, own, crop) - photo).abs().max() < 0.03


def test_details_of_the_photo_survive_a_small_crop():
    photo = (smooth_photo() + 0.2 * torch.randn(1, 3, 300, 420)).clamp(-1, 1)
    crop = Crop(60, 20, 250)
    own = cut(photo, crop, 64)
    assert (paste_back(photo, own, crop) - photo).abs().mean() > 0.02
    edited = (own + 0.1).clamp(-1, 1)
    change = paste_back(photo * 0.5, edited * 0.5, crop, own * 0.5) - photo * 0.5
    torch.testing.assert_close(change[:, :, 120:180, 150:220].mean(), torch.tensor(0.05), atol=0.01, rtol=0)


def test_only_the_crop_changes_and_the_seam_is_smooth():
    photo, crop = torch.zeros(1, 3, 200, 200), Crop(50, 60, 100)
    pasted = paste_back(photo, torch.ones(1, 3, 64, 64), crop)
    inside = torch.zeros(200, 200, dtype=torch.bool)
    inside[60:160, 50:150] = True
    assert pasted[0, 0][~inside].eq(0).all() and pasted[0, :, 110, 100].eq(1).all()
    assert pasted.diff(dim=3).abs().max() < 0.25
    weight = make_seam(crop, (50, 60, 150, 160), 0.08)
    assert weight.min() < 0.01 and weight[0, 0, 50, 50] == 1
    torch.testing.assert_close(weight, weight.transpose(2, 3))


def test_a_mask_limits_the_edit():
    photo, crop, mask = torch.zeros(1, 3, 100, 100), Crop(0, 0, 100), torch.zeros(1, 1, 50, 50)
    mask[:, :, :, 25:] = 1
    pasted = paste_back(photo, torch.ones(1, 3, 50, 50), crop, mask=mask)
    assert pasted[:, :, 50, :40].abs().max() < 1e-3 and pasted[:, :, 50, 60:85].min() > 0.99


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.5])
def test_a_mask_is_grown_and_blurred_by_a_share_of_its_side(share):
    """As windows in both directions at once; the widest takes no longer than a breath."""
    mask = torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(0))
    reach = max(1, round(share * 40))
    grown = torch.nn.functional.max_pool2d(mask, 2 * reach + 1, 1, reach)
    wanted = torch.nn.functional.avg_pool2d(grown, 2 * reach + 1, 1, reach, count_include_pad=False)
    torch.testing.assert_close(widen_mask(mask, share), wanted, atol=1e-4, rtol=0)
    started = time.perf_counter()
    widen_mask(torch.rand(1, 1, 512, 512), share)
    assert time.perf_counter() - started < 20


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "LA", "I;16"])
def test_photos_of_any_mode(mode):
    picture = Image.new(mode, (30, 20))
    assert photo_from(picture).shape == (1, 3, 20, 30)


def test_exif_rotation_and_alpha():
    picture = Image.new("RGB", (30, 20), "black")
    picture.putpixel((0, 0), (255, 0, 0))
    exif = picture.getexif()
    exif[0x0112] = 6  # to be turned clockwise
    picture.info["exif"] = exif.tobytes()
    turned = photo_from(picture)
    assert turned.shape == (1, 3, 30, 20) and turned[0, 0, 0, -1] == 1
    clear = photo_from(Image.new("RGBA", (8, 8), (0, 0, 0, 0)))
    assert clear.eq(1).all()


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (EXPECTED[:4], "Not the points"),
        (EXPECTED * torch.nan, "Not the points"),
        (EXPECTED[[1, 0, 2, 3, 4]], "another order"),
        (EXPECTED * torch.tensor([1.0, -1.0]), "upside down.*y grows downwards"),
    ],
)
def test_what_is_no_face_is_told(points, said):
    with pytest.raises(ShapeError, match=said):
        crop_of(points)


def turned(points, degrees):
    """Points turned clockwise about the middle of a photo of 512 pixels; y grows downwards."""
    angle = torch.tensor(float(degrees)).deg2rad()
    turn = torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]])
    return (points - 256) @ turn.T + 256


TURNS = [
    (90, "lies on its side", "90 degrees counter-clockwise"), (-90, "lies on its side", "90 degrees clockwise"),
    (70, "lies on its side", "90 degrees counter-clockwise"), (180, "is upside down", "180 degrees"),
    (150, "is upside down", "180 degrees"), (-150, "is upside down", "180 degrees"),
]  # fmt: skip


@pytest.mark.parametrize(("degrees", "how", "back"), TURNS)
def test_a_head_that_is_not_upright_is_told_as_such(degrees, how, back):
    """In words that fit who gave the points, with the way back."""
    points = turned(EXPECTED, degrees)
    with pytest.raises(ShapeError, match=f"^The points are those of a head that {how}.*{back}.*y grows downwards"):
        crop_of(points)
    with pytest.raises(ShapeError, match=f"^The face that was found {how}.*{back}") as told:
        check_landmarks(points, found=True)
    assert f"turned by {abs(degrees)} degrees" in str(told.value) and "y grows" not in str(told.value)


@pytest.mark.parametrize("degrees", [0, 30, -50])
def test_a_tilted_head_is_none_of_these(degrees):
    check_landmarks(turned(EXPECTED, degrees), found=True)
    assert turn_deg(turned(EXPECTED, degrees)) == pytest.approx(-degrees, abs=0.2)


@pytest.mark.parametrize("degrees", [90, 180])
def test_left_and_right_as_seen_in_a_turned_photo(degrees):
    """Who types points of a turned photo as they lie there mixes up left and right; the turn is said all the same."""
    with pytest.raises(ShapeError, match="lies on its side" if degrees == 90 else "is upside down"):
        crop_of(turned(EXPECTED, degrees)[[1, 0, 2, 4, 3]])


def test_crops_that_cannot_be():
    with pytest.raises(ShapeError, match="not usable"):
        Crop(0, 0, float("nan"))
    with pytest.raises(ShapeError, match="outside"):
        cut(smooth_photo(), Crop(1000, 0, 50))
    with pytest.raises(ShapeError, match="outside"):
        paste_back(smooth_photo(), torch.zeros(1, 3, 8, 8), Crop(1000, 0, 50))
    with pytest.raises(ShapeError, match="NaN"):
        cut(smooth_photo() * torch.nan, Crop(0, 0, 50))
    with pytest.raises(ShapeError, match="Not a crop: edited"):
        paste_back(smooth_photo(), torch.zeros(1, 3, 8, 9), Crop(0, 0, 50))


def face_at(points, expressions=None):
    return Face(points, 1.0, torch.zeros(52) if expressions is None else expressions)


LARGE, SMALL = face_at(frontal_points(73, (128, 91))), face_at(frontal_points(29, (101, 86)))


def test_the_face_that_is_asked_for():
    assert landmarks.one_face([LARGE, SMALL], smooth_photo()) is LARGE
    assert landmarks.one_face([LARGE, SMALL], smooth_photo(), 1) is SMALL
    with pytest.raises(ShapeError, match=r"face 2 of 2.*0 to 1"):
        landmarks.one_face([LARGE, SMALL], smooth_photo(), 2)


def test_the_five_points_of_a_face():
    """Eyes by their corners, side by side in the picture, above the mouth."""
    points = LARGE.five_points
    torch.testing.assert_close(points[:2], torch.tensor([[91.5, 91], [164.5, 91]]), atol=0.01, rtol=0)
    assert points[2, 0] == pytest.approx(128) and points[3, 0] < 128 < points[4, 0]
    assert crop_of(points).side == pytest.approx(73 / 146 * crop_of(EXPECTED).side, rel=0.03)


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (70, 1), (-90, 3), (180, 2), (150, 2), (-150, 2), (50, 0)])
def test_a_face_that_is_found_turned(degrees, turns):
    """It may be taken, and its crop says how the photo is turned to have it upright, tilted by the rest at most."""
    large = face_at(frontal_points(73, (128, 91), degrees))
    assert landmarks.one_face([large, SMALL], smooth_photo(), 0) is large
    crop = BUILT_IN.crop_of_found(large.five_points)
    assert crop.quarter_turns == turns
    rest_deg = turn_deg(crop.to_crop(large.five_points, 512))
    assert abs(rest_deg) < 60 and rest_deg == pytest.approx((90 * turns - degrees + 180) % 360 - 180, abs=1)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_turned_photo_gives_the_same_crop_and_gets_it_back(turns):
    """The photo turned clockwise: the crop is that of the upright photo, and so is, turned, what is pasted."""
    photo, points = smooth_photo(), frontal_points(40, (200, 120))[:, :2]
    side = torch.rot90(photo, -turns, (2, 3))
    turned_face = face_at(torch.cat([turn_points(points, -turns, 420, 300), torch.zeros(len(points), 1)], 1))
    straight, crop = (BUILT_IN.crop_of_found(each.five_points) for each in (face_at(points), turned_face))
    assert crop.quarter_turns == turns and crop.side == pytest.approx(straight.side)
    torch.testing.assert_close(cut(side, crop, 64), cut(photo, straight, 64), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        crop.to_crop(turned_face.points[:, :2], 64), straight.to_crop(points, 64), atol=1e-3, rtol=0
    )
    edited = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    pasted = [paste_back(picture, edited, each) for picture, each in ((side, crop), (photo, straight))]
    torch.testing.assert_close(pasted[0], torch.rot90(pasted[1], -turns, (2, 3)), atol=1e-4, rtol=0)
    assert (pasted[0] - side).abs().amax() > 0.3


def test_points_turn_as_pictures_do():
    """A white pixel at x 5, y 2 of 9 x 7: wherever it is after the turn, the middle of it is there too."""
    photo = torch.zeros(1, 1, 7, 9)
    photo[0, 0, 2, 5] = 1
    for turns in range(-3, 5):
        x, y = turn_points(torch.tensor([[5.5, 2.5]]), turns, 9, 7)[0].tolist()
        assert torch.rot90(photo, turns, (2, 3))[0, 0, int(y), int(x)] == 1


def test_what_helps_small_faces():
    """1.2 % of 2400 are 28.8."""
    for size in ((1800, 2400), (2400, 1800)):
        said = rf"crop the photo nearer.*at least 29 pixels.*{size[1]} x {size[0]}.*1\.2%.*or a box"
        with pytest.raises(ShapeError, match=said):
            landmarks.one_face([], torch.zeros(1, 3, *size))


def test_a_photo_without_a_face():
    assert landmarks.faces_of(smooth_photo()) == []
    with pytest.raises(ShapeError, match=r"No face was found.*give the five points"):
        landmarks.one_face([], smooth_photo())


@pytest.mark.parametrize("photo", [torch.zeros(3, 8, 8), torch.full((1, 3, 64, 64), torch.nan)])
def test_what_is_no_photo_is_not_searched(photo):
    with pytest.raises(ShapeError, match=r"Not a photo|NaN"):
        landmarks.faces_of(photo)
