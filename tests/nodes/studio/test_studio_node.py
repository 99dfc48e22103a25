"""SAT3DStudio: its result is that of the nodes for the same edits; camera and mask; what it tells its editor."""

import gc
import math

import pytest
import torch

from tests.nodes.host_stub import run
from tests.nodes.studio.conftest import state_of
from tests.nodes.test_multi_transfer_node import NAMES


def test_the_result_is_that_of_the_sliders_node(studio, part):
    made = studio(hair_colour=(-0.5, 1), beard=(1.5, 2), yaw_deg=20.0)
    sliders = part("nodes.multi_transfer").SAT3DMultiTransfer
    latent, picture, text = run(
        sliders,
        model=studio.model,
        source=studio.faces[0],
        reference=studio.faces[1],
        reference_beard=studio.faces[2],
        picture_resolution=16,
        **{**dict.fromkeys(NAMES, 0.0), "hair_colour": -0.5, "beard": 1.5},
        yaw_deg=20.0,
    )
    assert torch.equal(made.latent.styles, latent.styles) and made.latent.edits == latent.edits
    assert torch.equal(made.picture, picture) and made.provenance == text


def test_the_order_of_the_edits_is_that_of_the_masks(studio):
    one, other = studio(beard=(1.0, 1), hairstyle=(0.5, 2)), studio(hairstyle=(0.5, 2), beard=(1.0, 1))
    assert torch.equal(one.latent.styles, other.latent.styles) and one.provenance == other.provenance


def test_nothing_said_is_the_source_itself(studio):
    made = studio(beard=(0.0, 2))
    assert made.latent is studio.faces[0] and made.provenance == "seed 1" and not made.changed.any()
    assert torch.equal(made.picture, studio(state="").picture)


def test_the_mask_is_where_the_picture_changed(studio):
    made = studio(beard=(2.0, 1))
    assert made.changed.shape == made.picture.shape[:3] and made.changed.any() and not made.changed.all()
    change = (made.picture - studio().picture).abs().amax(3)
    assert change[made.changed > 0.5].mean() > 2 * change[made.changed < 0.5].mean()


def test_the_camera_is_one_that_render_orbit_takes(studio, part, graph):
    made = studio(yaw_deg=-35.0, pitch_deg=12.0)
    view = part("nodes.viewer_camera").read_view(made.camera)
    assert (math.degrees(view.yaw_rad), math.degrees(view.pitch_rad)) == pytest.approx((-35, 12), abs=1e-3)
    assert view.zoom == 1.0
    wanted = graph.render(
        studio.model, studio.faces[0], path="still", neural_resolution=16, camera=made.camera, yaw_deg=0.0
    )[0]
    torch.testing.assert_close(made.picture, wanted, atol=1e-4, rtol=0)


def test_each_face_of_a_batch_is_a_reference(studio, graph, part):
    many = graph.sample(studio.model, seed=2, batch_size=3)
    made = studio(reference_1=many, beard=(1.0, 2))
    assert studio.session["references"] == ["seed 2 #1", "seed 2 #2", "seed 2 #3", "seed 3"]
    torch.testing.assert_close(made.latent.styles, studio(beard=(1.0, 2)).latent.styles, atol=1e-5, rtol=1e-4)
    with pytest.raises(graph.errors.ShapeError, match="too many references"):
        studio(reference_1=graph.sample(studio.model, batch_size=17))


def test_all_faces_of_a_batch_are_edited(studio, graph):
    many = graph.sample(studio.model, seed=1, batch_size=2)
    assert studio(source=many, beard=(1.0, 1)).latent.styles.shape == many.styles.shape


def test_what_is_refused(studio, graph):
    with pytest.raises(graph.errors.ShapeError, match=r"no such reference.*Got: reference 3 of 2"):
        studio(beard=(1.0, 3))
    with pytest.raises(graph.errors.ShapeError, match=r"Unknown attribute.*tail"):
        studio(state='{"edits": {"tail": 1}}')
    with pytest.raises(
        graph.errors.LayoutError, match="face at 'reference_2' belongs to a generator of another architecture"
    ):
        studio(reference_2=graph.sample(graph.load("flat.safetensors")[0]))
    assert studio.node.validate_inputs(state="{}") is True and studio.node.validate_inputs() is True
    assert "not usable" in studio.node.validate_inputs(state="{")


def test_a_session_serves_its_very_faces(studio, graph):
    """Other edits of the same faces keep the session; other faces get one of their own."""
    studio(beard=(1.0, 1))
    first = studio.session["session"]
    studio(beard=(0.5, 1))
    assert studio.session["session"] == first and studio.session["attributes"] == list(NAMES)
    studio(source=graph.sample(studio.model, seed=9))
    assert studio.session["session"] != first and len(first) >= 16


def test_sessions_are_few_and_their_loss_runs_the_node_again(studio, graph, part):
    module = part("nodes.studio_session")
    studio()
    stamp = studio.node.fingerprint_inputs(state="{}")
    for seed in range(10, 10 + module.MOST_SESSIONS):
        assert studio.node.fingerprint_inputs(state="{}") == stamp
        studio(source=graph.sample(studio.model, seed=seed))
    assert studio.node.fingerprint_inputs(state="{}") != stamp
    assert len(module.SESSIONS._kept) == module.MOST_SESSIONS


def test_only_the_session_in_use_keeps_planes(studio, graph, part):
    sessions = part("nodes.studio_session").SESSIONS
    studio()
    first = sessions.find(studio.session["session"])
    first.draw(part("nodes.studio_state").StudioState(), 0, lambda: None)
    assert first._ladders
    studio(source=graph.sample(studio.model, seed=9))
    sessions.find(studio.session["session"])
    assert not first._ladders


def test_the_host_can_let_go_of_the_generator(studio, graph, part):
    other = graph.load()[0]
    studio(model=other)
    session = part("nodes.studio_session").SESSIONS.find(studio.session["session"])
    session.draw(part("nodes.studio_state").read_state(str(state_of()).replace("'", '"')), 0, lambda: None)
    del other
    gc.collect()
    with pytest.raises(part("nodes.studio_session").Gone):
        _ = session.model


def test_flat_faces_are_edited_but_not_turned(studio, graph, stylegan2):
    from tests.nodes.test_multi_transfer_node import masks_of

    model = graph.load("flat.safetensors")[0]
    faces = [graph.sample(model, seed=seed) for seed in (1, 2)]
    given = {"model": model, "source": faces[0], "reference_1": faces[1], "reference_2": None}
    made = studio(**given, masks=masks_of(stylegan2), beard=(1.0, 1))
    assert made.picture.shape == (1, 32, 32, 3) and studio.session["most_yaw_deg"] == 0
