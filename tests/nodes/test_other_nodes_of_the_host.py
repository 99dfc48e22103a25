"""What the host's own nodes give, cameras, landmarks and boxes; what its page is told; hosts that lack new types."""

import inspect
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.faces.known_faces import frontal_points
from tests.nodes.host_stub import run


def camera(x, y, z, **more):
    return {"position": {"x": x, "y": y, "z": z}, "target": {"x": 0, "y": 0, "z": 0}, "zoom": 1, **more}


@pytest.mark.parametrize(
    ("place", "yaw_deg", "pitch_deg"),
    [((0, 0, 5), 0, 0), ((5, 0, 0), 90, 0), ((-3, 0, 3), -45, 0), ((0, 5, 0), None, -90), ((0, -2, 2), 0, None)],
)
def test_a_viewer_is_where_the_camera_is(part, place, yaw_deg, pitch_deg):
    view = part("nodes.viewer_camera").read_view(camera(*place))
    if yaw_deg is not None:
        assert math.degrees(view.yaw_rad) == pytest.approx(yaw_deg, abs=1e-4)
    if pitch_deg is not None:
        assert math.degrees(view.pitch_rad) == pytest.approx(pitch_deg, abs=1e-4)
    assert (view.pitch_rad > 0) == (place[1] < 0)  # positive is down


def test_a_camera_label_stands_where_the_viewer_stands(part, graph):
    """The direction of the label's own position is that of the viewer, whatever mapping of angles lies between."""
    network, orbit = graph.load()[0].network, part("nodes.orbit")
    view = part("nodes.viewer_camera").read_view(camera(1.0, 0.5, 2.0, zoom=2.0))
    label = orbit.make_cameras(network, "still", 1, 0.0, 0.0, None, view)[0]
    place = label[:16].reshape(4, 4)[:3, 3]
    wanted = torch.nn.functional.normalize(torch.tensor([1.0, 0.5, 2.0]), dim=0)
    torch.testing.assert_close(torch.nn.functional.normalize(place, dim=0), wanted, atol=1e-4, rtol=0)
    front = orbit.make_cameras(network, "still", 1, 0.0, 0.0, None)[0]
    torch.testing.assert_close(label[[16, 20]], 2 * front[[16, 20]])


def test_still_is_the_view_and_a_path_goes_around_it(graph):
    model = graph.load()[0]
    face = graph.sample(model)
    seen = graph.render(model, face, path="still", yaw_deg=0.0, pitch_deg=0.0, camera=camera(0, 0, 3))[0]
    assert torch.equal(seen, graph.render(model, face, path="still", yaw_deg=0.0, pitch_deg=0.0)[0])
    assert torch.equal(seen, graph.render(model, face, path="still", yaw_deg=40.0, camera=camera(0, 0, 9))[0])
    turned = graph.render(model, face, path="swing", frames=2, camera=camera(3, 0, 0))[0]
    assert not torch.equal(turned, graph.render(model, face, path="swing", frames=2)[0])
    assert torch.equal(graph.render(model, face, camera={})[0], graph.render(model, face)[0])  # not opened yet


@pytest.mark.parametrize("bad", [{"position": 1}, camera(0, 0, 0), camera(math.nan, 0, 1), camera(1, 0, 0, zoom=0)])
def test_what_is_no_camera_is_refused(graph, bad):
    model = graph.load()[0]
    with pytest.raises(graph.errors.ShapeError, match="no camera of a 3D viewer"):
        graph.render(model, graph.sample(model), camera=bad)


# -- faces


def landmarks(points, size=(512, 512), **more):
    """As the host's detector gives them: pixels, and depth in the units of its own crop."""
    points = np.asarray(points, np.float32)
    face = {"landmarks_xy": points[:, :2], "landmarks_3d": points / 2.5, "score": 0.9, **more}
    return {"frames": [[face]], "image_size": size, "connection_sets": {}}


@pytest.fixture
def align(part):
    def align(image, method="find the face", face=0, **more):
        return run(
            part("nodes.align").SAT3DAlignFace, image=image, method=method, points="", face=face, size=64, **more
        )

    return align


def plain(count=1, side=512):
    return torch.full((count, side, side, 3), 0.5)  # no face is to be seen in it


def test_landmarks_take_the_place_of_a_search(part, align):
    points = frontal_points(100, (256.0, 240.0))
    _, place, _ = align(plain(), landmarks=landmarks(points))
    _, larger, _ = align(plain(side=1024), landmarks=landmarks(points))
    (small,), (large,) = (part("nodes.face_crops").from_text(text) for text in (place, larger))
    assert large.crop.side == pytest.approx(2 * small.crop.side, rel=1e-4) and 200 < small.crop.side < 600
    read = part("nodes.face_hints").read_landmarks(landmarks(points), plain().permute(0, 3, 1, 2))[0][0]
    torch.testing.assert_close(read.points - read.points.mean(0), points - points.mean(0), atol=0.05, rtol=0)


@pytest.mark.parametrize("bad", [{}, {"frames": [[{}]], "image_size": (9, 9)}, {"frames": 3, "image_size": (9, 9)}])
def test_what_are_no_landmarks_is_refused(graph, align, bad):
    with pytest.raises(graph.errors.ShapeError, match="no landmarks"):
        align(plain(), landmarks=bad)
    with pytest.raises(graph.errors.ShapeError, match="another photo"):
        align(plain(), landmarks={"frames": [[]], "image_size": (100, 512)})


BOX = {"x": 100, "y": 50, "width": 60, "height": 80}


@pytest.mark.parametrize("boxes", [BOX, [BOX], [[BOX]]])
def test_the_square_about_a_box_is_cut(part, align, boxes):
    _, place, _ = align(plain(2), "box", boxes=boxes)
    for found in part("nodes.face_crops").from_text(place):
        assert (found.crop.left, found.crop.top, found.crop.side) == (90, 50, 80)


def test_boxes_that_do_not_pair_or_are_none_are_refused(graph, align):
    for boxes, said in (([[BOX]] * 3, "do not pair"), ({"x": 1}, "no boxes"), ({**BOX, "width": 0}, "no boxes")):
        with pytest.raises(graph.errors.ShapeError, match=said):
            align(plain(2), "box", boxes=boxes)
    with pytest.raises(graph.errors.ShapeError, match="no such box"):
        align(plain(), "box", face=1, boxes=BOX)


def test_only_faces_in_a_box_count(part):
    hints = part("nodes.face_hints")
    faces = [SimpleNamespace(box=(x, 0, x + 10, 10)) for x in (0, 50, 100)]
    assert hints.inside(faces, [(40, -5, 70, 20), (95, 0, 96, 99)]) == faces[1:2]


# -- warnings, files, older hosts


def test_a_warning_reaches_the_page_of_the_node_that_runs(part):
    part("nodes.host").warn("mind this")
    part("nodes.host").warn(None)
    assert sys.modules["server"].PromptServer.instance.sent == [
        ("sat3d.warning", {"node": "7", "message": "mind this"}, "page")
    ]


def test_an_inversion_far_off_is_said_on_the_page(graph, part, monkeypatch):
    module = part("nodes.inversion_jobs")
    work = SimpleNamespace(pictures=torch.rand(2, 3, 32, 32) * 2 - 1, weight_of=lambda i: None, method="W+")
    assert module.explain_far(work, work.pictures.clone()) is None
    far = work.pictures.clone()
    far[1] = -far[1]
    assert "picture 2 of 2" in module.explain_far(work, far)
    work.method = "avatar"  # which is not meant to be near
    assert module.explain_far(work, far) is None


def test_a_mesh_is_listed_and_opens_its_workflow(graph, part, models):
    node, model = part("nodes.mesh").SAT3DExportMesh, graph.load()[0]
    options = {"format": "glb", "resolution": 64, "density_level": 0.0, "filename_prefix": "sat3d/head"}
    with torch.inference_mode():
        made = node.execute(model=model, latent=graph.sample(model), **options)
    assert made.ui == {"3d": [{"filename": "head_00001_.glb", "subfolder": "sat3d", "type": "output"}]}
    data = (models.parent / "output/sat3d/head_00001_.glb").read_bytes()
    assert b'"extras":{"prompt":"{\\"1\\": {}}","workflow":"{\\"nodes\\": []}"}' in data
    assert made.args[1][0].source.endswith("head_00001_.glb")
    sys.modules["comfy.cli_args"].args.disable_metadata = True
    with torch.inference_mode():
        node.execute(model=model, latent=graph.sample(model), **options)
    assert b'"extras"' not in (models.parent / "output/sat3d/head_00002_.glb").read_bytes()


def test_the_oldest_host_gets_what_it_knows(part, monkeypatch):
    io = sys.modules["comfy_api.latest"].io
    for name in ("File3DAny", "Autogrow"):
        monkeypatch.delattr(io, name)
    newer = part("nodes.newer_hosts")
    monkeypatch.setattr(newer, "FILE_3D", None)
    whole = io.Schema

    def old_schema(node_id, display_name, category, description, inputs, outputs, hidden=(), is_output_node=False):
        return whole(node_id, inputs, outputs, display_name=display_name)

    monkeypatch.setattr(io, "Schema", old_schema)
    kind = io.Float
    monkeypatch.setattr(io, "Float", SimpleNamespace(Output=kind.Output, Input=_without_advanced(kind.Input)))
    schemas = {each.node_id: each for each in (node.define_schema() for node in part("nodes.extension").NODES)}
    assert [slot.id for slot in schemas["SAT3DExportMesh"].outputs] == ["model_file"]
    assert "more" not in [slot.id for slot in schemas["SAT3DContactSheet"].inputs]


def _without_advanced(make):
    def old_input(id, *, tooltip, optional=False, default=None, min=None, max=None, step=None, display_mode=None):
        return make(id, tooltip=tooltip, optional=optional, default=default, min=min, max=max, step=step)

    assert "advanced" not in inspect.signature(old_input).parameters
    return old_input


WORDS = ("beard", "glasses", "hair", "face swap", "stylegan", "portrait", "3d head", "gan inversion", "smile", "glb")


@pytest.mark.parametrize("word", WORDS)
def test_what_people_search_for_is_found(part, word):
    schemas = [node.define_schema() for node in part("nodes.extension").NODES]
    assert [each for each in schemas if word in each.search_aliases]
    assert all(each.search_aliases for each in schemas)


# -- checks before any work


def test_missing_files_and_bad_names_are_said_before_anything_runs(part, shelf):
    load, mesh, align = part("nodes.load").LoadEG3D, part("nodes.mesh").SAT3DExportMesh, part("nodes.align")
    assert load.validate_inputs("turn.safetensors") is True and load.validate_inputs() is True
    assert "no such file" in load.validate_inputs("gone.pkl")
    assert mesh.validate_inputs("sat3d/head") is True and "cannot be saved" in mesh.validate_inputs("../../x")
    check = align.SAT3DAlignFace.validate_inputs
    assert check("five points", "183 182, 329 183, 257 262, 196 341, 315 341") is True and check("box", "") is True
    assert "five points" in check("five points", "1 2 3") and "not usable" in check("box", "1 2 0")
    assert "on one line" in check("five points", "10 10 20 20 30 30 40 40 50 50")


def test_a_mask_of_another_picture_is_refused_at_once(part):
    weights = part("nodes.inversion_masks").weights_from_mask
    pictures = torch.zeros(1, 3, 64, 96)
    assert weights(torch.zeros(1, 32, 48), pictures).shape == (1, 1, 32, 48)
    with pytest.raises(part("sat3d.errors").ShapeError, match="not of this picture"):
        weights(torch.zeros(1, 64, 64), pictures)


def test_a_sheet_that_is_too_large_gets_smaller_pictures(part):
    fitting = part("nodes.sheet").fitting_cell
    rows = [torch.zeros(64, 1, 1, 3)] * 2
    assert fitting(rows[:1], 128) == 128 and fitting(rows, 1024) == 16384 // 64 - 32
    assert sys.modules["server"].PromptServer.instance.sent[0][0] == "sat3d.warning"
    with pytest.raises(part("sat3d.errors").ShapeError, match="too large"):
        fitting([torch.zeros(400, 1, 1, 3)], 64)
