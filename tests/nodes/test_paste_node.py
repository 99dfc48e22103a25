"""SAT3DPasteBack, SAT3DRenderAsTaken, the example photo and the place that links them to Align Face."""

import json
from dataclasses import replace

import pytest
import torch

from tests.nodes.host_stub import run

BOX = [{"left": 20, "top": 10, "side": 40, "width": 100, "height": 80}]


def noise(*shape, seed=0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def photo() -> torch.Tensor:
    return noise(1, 80, 100, 3)


@pytest.fixture
def paste(part):
    def paste(photo, edited, place=None, area="whole crop", feather=0, **more):
        text = place if isinstance(place, str) else json.dumps(BOX if place is None else place)
        return run(
            part("nodes.paste").SAT3DPasteBack,
            photo=photo,
            place=text,
            edited=edited,
            area=area,
            feather=feather,
            **more,
        )

    return paste


def test_a_hard_edge_puts_the_crop_where_it_was_cut(paste, photo):
    edited = torch.full((1, 64, 64, 3), 0.25)
    result, changed = paste(photo, edited)
    expected = photo.clone()
    expected[:, 10:50, 20:60] = 0.25
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)
    assert changed.shape == (1, 80, 100) and changed.sum() == pytest.approx(40 * 40, abs=0.1)


def test_nothing_else_of_the_photo_changes_at_all(paste, photo):
    result, changed = paste(photo, noise(1, 32, 32, 3, seed=1), feather=6)
    untouched = changed == 0
    assert untouched.sum() >= 80 * 100 - 40 * 40 and torch.equal(result[untouched], photo[untouched])


@pytest.mark.parametrize("feather", [0, 4, 12])
def test_the_seam_is_as_wide_as_asked(paste, photo, feather):
    _, changed = paste(photo, torch.ones(1, 40, 40, 3), feather=feather)
    row = changed[0, 30, 20:60]  # across the middle of the crop
    soft = int((row < 0.999).sum())
    assert soft == pytest.approx(2 * feather, abs=3) and (row.diff()[:19] >= -1e-5).all()


def test_an_unedited_face_leaves_the_photo_as_it_was(paste, photo):
    face = noise(1, 32, 32, 3, seed=1)
    result, _ = paste(photo, face, feather=5, before=face)
    torch.testing.assert_close(result, photo, atol=1e-5, rtol=0)


def test_with_before_only_the_difference_is_carried_over(paste):
    photo = noise(1, 80, 100, 3) * 0.5
    before = noise(1, 32, 32, 3, seed=1) * 0.5
    result, _ = paste(photo, before + 0.25, before=before)
    expected = photo.clone()
    expected[:, 10:50, 20:60] += 0.25
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)


def test_a_face_before_that_is_not_the_photos_is_said(paste, part, photo, caplog):
    """By how near it is where something is pasted: 0.1 off is 20 dB, which is just enough; elsewhere nothing counts."""
    own = photo[:, 10:50, 20:60] * 0.5 + 0.25
    photo = photo.clone()
    photo[:, 10:50, 20:60] = own
    for off, told in ((0.0, False), (0.09, False), (0.11, True)):
        caplog.clear()
        paste(photo, own, before=own + off)
        assert ("'before' is not like the photo (picture 1 of 1)" in caplog.text) is told, off
    assert "19.2 dB" in caplog.text and "ghost" in caplog.text
    caplog.clear()
    half, spoilt = torch.zeros(1, 40, 40), own.clone()
    half[:, :, :20], spoilt[:, :, 20:] = 1, 0
    paste(photo, own, before=spoilt, mask=half)
    paste(photo, own)
    assert not caplog.text
    paste(torch.cat([photo] * 3), torch.cat([own] * 3), BOX * 3, before=torch.cat([own, own * 0, own * 0]))
    assert "(pictures 2, 3 of 3)" in caplog.text


def test_a_face_that_is_not_the_photos_is_refused_unless_told_otherwise(part, graph, paste, example, aligned):
    """The face before the edit lies a tenth of the crop beside that of the photo; without it nothing can be said."""
    photo, (crop, place, _) = example[0], aligned
    beside = crop.roll(26, 2)
    with pytest.raises(graph.errors.ShapeError, match=r"not that of the photo.*like a drawing of it.*points \d+%"):
        paste(photo, crop, place, area="head", before=beside)
    assert paste(photo, crop, place, area="head", before=beside, unlike="paste anyway")[0].shape == photo.shape
    assert paste(photo, crop, place, area="head", before=crop)[0].equal(photo), "its own"
    wall = json.dumps([{"left": 0, "top": 0, "side": 150, "width": 960, "height": 720}])
    with pytest.raises(graph.errors.ShapeError, match="not a face"):
        paste(photo, crop, wall, area="head", before=crop)
    assert paste(photo, crop, wall, area="head")[0].shape == photo.shape


@pytest.mark.parametrize("of_photo", [True, False])
def test_a_mask_of_the_photo_or_of_the_crop(paste, photo, of_photo):
    edited = torch.zeros(1, 40, 40, 3)
    mask = torch.zeros(1, 80, 100) if of_photo else torch.zeros(1, 40, 40)
    if of_photo:
        mask[:, :, :40] = 1
    else:
        mask[:, :, :20] = 1
    result, changed = paste(photo, edited, mask=mask)
    assert changed[0, 30, 22:36].min() > 0.99 and changed[0, 30, 44:].abs().max() == 0
    assert torch.equal(result[:, :, 44:], photo[:, :, 44:]) and result[:, 12:48, 22:36].max() < 0.01


def test_the_same_photo_at_another_size(paste):
    """Aligned on a copy of half the size, pasted into the original."""
    large = noise(1, 160, 200, 3)
    result, changed = paste(large, torch.zeros(1, 40, 40, 3))
    assert result.shape == large.shape and changed.sum() == pytest.approx(80 * 80, abs=0.1)
    assert result[0, 22:98, 42:118].max() < 1e-4


def test_batches(paste, photo):
    photos = torch.cat([photo, photo.flip(2)])
    edits = noise(2, 32, 32, 3, seed=2)
    both, changed = paste(photos, edits, BOX * 2, feather=3)
    assert both.shape == photos.shape and changed.shape == (2, 80, 100)
    for i in range(2):
        assert torch.equal(both[i], paste(photos[[i]], edits[[i]], feather=3)[0][0])
    one_photo = paste(photo, edits, feather=3)[0]
    assert len(one_photo) == 2 and torch.equal(one_photo[0], both[0])


def test_alpha_is_dropped_and_a_crop_beyond_the_photo_is_fine(paste, photo):
    with_alpha = torch.cat([photo, torch.ones(1, 80, 100, 1)], 3)
    result, _ = paste(with_alpha, torch.zeros(1, 32, 32, 3), [{"left": -20, "top": -10.5, "side": 60}])
    assert result.shape == (1, 80, 100, 3) and result[:, :49, :39].max() < 0.01
    assert torch.equal(result[:, 51:], photo[:, 51:])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"place": ""}, "no place in a photo.*Align Face"),
        ({"place": "[]"}, "no place"),
        ({"place": "{"}, "no place"),
        ({"place": "[" * 100_000}, "no place"),
        ({"place": '[{"left": 1}]'}, "no place"),
        ({"place": "[1, 2, 3]"}, "no place"),
        ({"place": "null"}, "no place"),
        ({"place": '[{"left": 1, "top": 2, "side": NaN}]'}, "not usable"),
        ({"place": [{"left": 500, "top": 0, "side": 40}]}, "outside of the photo"),
        ({"place": [{**BOX[0], "width": 100, "height": 100}]}, "another photo.*100 x 80"),
        ({"place": BOX * 3}, "do not pair.*place: 3"),
        ({"edited": torch.zeros(1, 32, 48, 3)}, "square"),
        ({"before": torch.zeros(1, 16, 16, 3)}, "does not fit.*16"),
        ({"before": torch.zeros(2, 32, 32, 3)}, "do not pair.*before: 2"),
        ({"mask": torch.zeros(1, 7, 9)}, "fits neither.*9 x 7"),
        ({"mask": torch.zeros(7)}, "mask is not usable"),
        ({"mask": torch.full((1, 32, 32), float("nan"))}, "mask is not usable"),
        ({"edited": torch.full((1, 32, 32, 3), float("nan"))}, "finite"),
        ({"edited": torch.zeros(32, 32, 3)}, "picture"),
    ],
)
def test_what_does_not_fit_is_told(graph, paste, photo, more, said):
    with pytest.raises(graph.errors.ShapeError, match=said):
        paste(photo, **{"edited": torch.zeros(1, 32, 32, 3), **more})


@pytest.fixture
def example(part):
    return run(part("nodes.example_photo").SAT3DExamplePhoto)


@pytest.fixture
def aligned(part, example):
    align = part("nodes.align")
    return run(
        align.SAT3DAlignFace,
        image=example[0],
        method=align.POINTS,
        points=example[1],
        face=0,
        size=256,
        frame=part("nodes.face_places").OWN,
    )


def test_the_example_photo_is_a_photo_with_a_face(example, aligned):
    photo, points = example
    assert photo.shape == (1, 720, 960, 3) and 0 <= photo.min() < 0.1 and 0.7 < photo.max() <= 1
    (place,) = json.loads(aligned[1])
    assert (place["width"], place["height"]) == (960, 720) and 560 < place["side"] < 680
    middle = [place[key] + place["side"] / 2 for key in ("left", "top")]
    assert middle == pytest.approx([420, 340], abs=25)  # where the renderer's camera looked
    x = [float(number) for number in points.replace(",", "").split()][0::2]
    assert all(place["left"] < value < place["left"] + place["side"] for value in x)


def test_only_the_head_changes_where_the_head_is_asked_for(paste, example, aligned):
    photo, place = example[0], aligned[1]
    grey = torch.full((1, 256, 256, 3), 0.5)
    result, changed = paste(photo, aligned[0], place, area="head", feather=12, before=grey, unlike="paste anyway")
    assert changed[0, 300:420, 390:480].min() > 0.95, "the face"
    assert changed[0, 40, 160:700].max() < 0.05 and changed[0, 690:, 400].max() < 0.5, "wall and clothes"
    assert torch.equal(result[:, :, 800:], photo[:, :, 800:])


def test_align_and_paste_undo_each_other(paste, example, aligned):
    """The crop itself, put back, is the photo but for what resampling costs."""
    photo, (crop, place, _) = example[0], aligned
    result, _ = paste(photo, crop, place, feather=24)
    assert (result - photo).abs().mean() < 0.004


def tilted(points: str, degrees: float) -> str:
    """Points that are turned counter-clockwise about their middle."""
    numbers = torch.tensor([float(number) for number in points.replace(",", "").split()]).reshape(5, 2)
    middle, angle = numbers.mean(0), torch.tensor(degrees).deg2rad()
    turn = torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]])
    return " ".join(f"{value:.2f}" for value in ((numbers - middle) @ turn + middle).flatten().tolist())


@pytest.mark.parametrize("degrees", [0, 20, -15])
def test_the_tilt_of_a_head_reaches_the_camera(part, graph, example, monkeypatch, degrees):
    """Points -> place -> the camera of the inverted face; Render as Taken then sees the head tilted."""
    align, module = part("nodes.align"), part("nodes.invert")
    options = part("sat3d.inversion").InversionOptions
    small = {"low_resolution": 8, "full_resolution": 16}
    monkeypatch.setattr(module, "InversionOptions", lambda *given: options(*given, **small))
    monkeypatch.setattr(part("nodes.built_in_networks"), "encoder", lambda: None)
    crop, place, _ = run(
        align.SAT3DAlignFace, image=example[0], method=align.POINTS, points=tilted(example[1], degrees), face=0, size=64
    )
    yaw, pitch, roll = json.loads(place)[0]["camera_deg"]
    assert roll == pytest.approx(degrees, abs=4) and abs(yaw) < 30 and abs(pitch) < 30
    model = graph.load()[0]
    face = run(module.InvertImage, model=model, image=crop, method="W", steps=2, seed=0, place=place)[0]
    pose = part("sat3d.camera").split_label(face.camera)[0][0]
    angles = part("sat3d.inversion.cameras").angles_of(pose)
    assert angles[2] * 180 / torch.pi == pytest.approx(roll, abs=0.1)


def test_places_and_pictures_of_an_inversion_pair(part, graph):
    module = part("nodes.invert")
    assert module.read_cameras("", 3) == module.read_cameras(" ", 3) == (None,) * 3
    (start, same) = module.read_cameras(json.dumps([{**BOX[0], "camera_deg": [10, 0, 90]}]), 2)
    assert start == same and start.w is None and start.roll_rad == pytest.approx(torch.pi / 2)
    with pytest.raises(graph.errors.ShapeError, match=r"Places and pictures do not pair.*2 places"):
        module.read_cameras(json.dumps(BOX * 2), 3)
    for wrong in ("[1]", [1, 2], [0, 0, float("nan")], "abc"):
        with pytest.raises(graph.errors.ShapeError, match="no place"):
            module.read_cameras(json.dumps([{**BOX[0], "camera_deg": wrong}]), 1)


@pytest.mark.parametrize(("height", "width"), [(60, 100), (90, 40), (64, 64)])
def test_a_picture_that_is_cropped_already(part, height, width):
    align, picture = part("nodes.align"), noise(1, height, width, 3)
    side = min(height, width)
    crop, place, _ = run(align.SAT3DAlignFace, image=picture, method=align.WHOLE, points="", face=0, size=side)
    top, left = (height - side) // 2, (width - side) // 2
    torch.testing.assert_close(crop, picture[:, top : top + side, left : left + side], atol=1e-5, rtol=0)
    assert json.loads(place) == [{"left": left, "top": top, "side": side, "width": width, "height": height}]


def test_published_models_want_a_closer_crop(part, example):
    align = part("nodes.align")
    sides = {}
    for frame in align.FRAMES:
        text = run(
            align.SAT3DAlignFace, image=example[0], method=align.POINTS, points=example[1], face=0, size=64, frame=frame
        )[1]
        sides[frame] = json.loads(text)[0]["side"]
    assert sides[part("nodes.face_places").OWN] == pytest.approx(1.58 * sides[align.PUBLISHED])


def test_a_face_is_rendered_from_its_own_camera(part, graph):
    model = graph.load()[0]
    face = graph.sample(model, batch_size=2)
    rig = model.network.rig
    cameras = torch.cat([rig.label(0.3, 0.1), rig.label(-0.4, 0.0)])
    node = part("nodes.render_source_view").SAT3DRenderAsTaken
    pictures, alpha, _ = run(node, model=model, latent=replace(face, camera=cameras))
    assert len(pictures) == len(alpha) == 2 and alpha.shape[1:] == pictures.shape[1:3]
    for i, (yaw, pitch) in enumerate([(0.3, 0.1), (-0.4, 0.0)]):
        degrees = {"yaw_deg": yaw * 180 / torch.pi, "pitch_deg": pitch * 180 / torch.pi}
        one = graph.render(model, replace(face, styles=face.styles[[i]]), path="still", **degrees)[0]
        torch.testing.assert_close(pictures[[i]], one, atol=2e-3, rtol=0)
    assert (pictures[0] - pictures[1]).abs().max() > 0.01


def test_a_flat_face_has_only_its_front(part, graph):
    model = graph.load("flat.safetensors")[0]
    face = graph.sample(model)
    pictures, alpha, _ = run(part("nodes.render_source_view").SAT3DRenderAsTaken, model=model, latent=face)
    assert torch.equal(pictures, graph.render(model, face, path="still")[0]) and alpha.min() == 1
