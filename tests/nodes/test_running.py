"""The nodes at work on tiny networks, inside the stand-in host and under inference mode as in the real one."""

import sys
from pathlib import Path

import pytest
import torch

from sat3d.camera import CameraRig
from sat3d.generators import z_from_seed
from tests.nodes.host_stub import Interrupted, run


def test_loaded_model_is_described_and_can_be_optimised_through(graph):
    model, info = graph.load()
    assert "heads can be turned" in info and "licence: test" in info and model.loaded.fingerprint in info
    assert not any(parameter.is_inference() for parameter in model.network.parameters())


def test_faces_are_those_of_the_seeds(graph, triplane):
    model, _ = graph.load()
    latent = graph.sample(model, batch_size=2)
    z = torch.cat([z_from_seed(3, 16), z_from_seed(4, 16)])
    torch.testing.assert_close(latent.styles, triplane.styles(triplane.map(z, None, 0.7)))
    assert torch.equal(latent.camera, triplane.rig.label()) and not latent.styles.is_inference()
    assert latent.generator_fingerprint == triplane.fingerprint()


def test_orbit_gives_aligned_frames_for_every_face(graph, triplane):
    model, _ = graph.load()
    latent = graph.sample(model, batch_size=2)
    pictures, video, depth, alpha, normals, _ = graph.render(model, latent)
    assert normals.shape == pictures.shape and normals[..., 2].min() >= 0.4  # what is seen faces the camera
    side = triplane.config.img_resolution
    assert pictures.shape == depth.shape == (6, side, side, 3) and alpha.shape == (6, side, side)
    assert all(part.min() >= 0 and part.max() <= 1 for part in (pictures, depth, alpha))
    assert video.images is pictures and video.frame_rate == 8
    second = graph.render(model, graph.sample(model, seed=4))[0]
    torch.testing.assert_close(pictures[3:], second, atol=1e-5, rtol=1e-4)


def test_frames_are_the_views_of_the_core(graph, triplane):
    model, _ = graph.load()
    latent = graph.sample(model)
    picture = graph.render(model, latent, path="still", yaw_deg=30.0, pitch_deg=0.0, fov_deg=25.0)[0]
    camera = triplane.rig.label(torch.pi / 6, 0.0, 25.0)
    wanted = triplane.synthesize(latent.styles, camera).image * 0.5 + 0.5
    torch.testing.assert_close(picture, wanted.clamp(0, 1).permute(0, 2, 3, 1), atol=1e-5, rtol=1e-4)


def test_preview_and_progress_follow_the_frames(graph):
    model, _ = graph.load()
    graph.render(model, graph.sample(model))
    updates = sys.modules["comfy.utils"].ProgressBar.updates
    assert [done for done, _, _ in updates] == [1, 2, 3]
    assert updates[0][2][0] == "JPEG" and updates[0][2][1].size == (64, 64)


def test_cancel_works_inside_a_frame_and_leaves_no_hooks(graph):
    model, _ = graph.load()
    latent = graph.sample(model)
    state = sys.modules["comfy.model_management"].state
    state.checks, state.interrupt_after = 0, 5
    with pytest.raises(Interrupted):
        graph.render(model, latent)
    assert state.checks == 6
    assert not any(module._forward_pre_hooks for module in model.network.modules())


def test_flat_face_is_shown_still_and_not_turned(graph):
    model, info = graph.load("flat.safetensors")
    assert "flat pictures" in info
    latent = graph.sample(model)
    assert torch.equal(latent.camera, CameraRig().label())
    pictures, _, depth, alpha, *_ = graph.render(model, latent, path="still")
    assert len(pictures) == 1 and depth.eq(0).all() and alpha.eq(1).all()
    with pytest.raises(graph.errors.Sat3dError, match=r"Turning a face needs a 3D generator.*path to still"):
        graph.render(model, latent)


def test_the_network_that_was_taken_from_a_pickle_is_told(graph, shelf):
    golden = Path(__file__).resolve().parents[1] / "golden" / "foreign"
    for name, told in (("micro_valid", "file: G_ema"), ("damaged_missing_gema", "file: G, since there is no G_ema")):
        (shelf / "file.pkl").write_bytes((golden / f"{name}.pkl").read_bytes())
        assert f"network taken from the {told}" in graph.load("file.pkl")[1]
    assert "taken from" not in graph.load("flat.safetensors")[1]


def test_face_of_another_architecture_is_refused(graph):
    latent = graph.sample(graph.load("flat.safetensors")[0])
    with pytest.raises(graph.errors.LayoutError, match="another architecture"):
        graph.render(graph.load()[0], latent)


def test_face_of_other_weights_is_shown_with_a_warning(graph, caplog):
    from dataclasses import replace

    model, _ = graph.load()
    graph.render(model, replace(graph.sample(model), generator_fingerprint="other"), path="still")
    assert "another checkpoint" in caplog.text


def test_combo_lists_only_checkpoints(part, shelf):
    built_in = [f"{name} (built-in)" for name in ("synthheads-256", "synthcars", "synthcats")]
    assert part("nodes.load").LIBRARY.entries() == [*built_in, "flat.safetensors", "turn.safetensors"]


def test_without_a_file_the_built_in_network_is_there(part, models):
    model, info = run(part("nodes.load").LoadEG3D, checkpoint=part("nodes.load").LIBRARY.entries()[0])
    assert isinstance(model.network, part("sat3d.generators").ViewGenerator) and "free for any use" in info


def test_empty_folder_says_what_to_do(part, models, assets):
    load, library = part("nodes.load").LoadEG3D, part("nodes.load").LIBRARY
    assert library.entries() == [library.nothing_there]
    for entry in (library.nothing_there, "ffhq512-128.pkl"):
        assert "no checkpoints yet" in load.validate_inputs(entry) and load.fingerprint_inputs(entry) == "missing"
        with pytest.raises(part("sat3d.errors").FileError, match=r"no checkpoints yet.*official EG3D.*models.eg3d"):
            run(load, checkpoint=entry)


@pytest.mark.parametrize("entry", ["../secret.pkl", "/etc/passwd", "notes.txt", "", "absent.pkl"])
def test_only_listed_entries_are_opened(part, shelf, entry):
    (shelf.parent / "secret.pkl").write_bytes(b"x")
    with pytest.raises(part("sat3d.errors").FileError, match=r"no such file among the checkpoints.*turn.safetensors"):
        run(part("nodes.load").LoadEG3D, checkpoint=entry)


def test_fingerprint_changes_with_the_file(part, shelf):
    fingerprint = part("nodes.load").LoadEG3D.fingerprint_inputs
    before = fingerprint("turn.safetensors")
    assert before == fingerprint("turn.safetensors")
    (shelf / "turn.safetensors").write_bytes(b"other")
    assert fingerprint("turn.safetensors") != before


def test_built_in_networks_come_first(part, shelf, monkeypatch):
    monkeypatch.setattr(part("nodes.library"), "ASSETS", shelf)
    entries = part("nodes.load").LIBRARY.entries()
    assert entries == ["flat (built-in)", "turn (built-in)", "flat.safetensors", "turn.safetensors"]
    model = run(part("nodes.load").LoadEG3D, checkpoint="turn (built-in)")[0]
    assert isinstance(model.network, part("sat3d.generators").ViewGenerator)


def test_extra_model_paths_are_kept(part, models):
    folder_paths = sys.modules["folder_paths"]
    folder_paths.folder_names_and_paths["eg3d"] = (["/elsewhere"], {".bin"})
    part("nodes.extension").register_model_folders()
    paths, extensions = folder_paths.folder_names_and_paths["eg3d"]
    assert paths == ["/elsewhere", str(models / "eg3d")]
    assert extensions == {".bin", ".safetensors", ".pkl", ".pt", ".pth"}


@pytest.mark.parametrize(
    ("chosen", "fast"), [({}, True), ({"rendering": "fast"}, True), ({"rendering": "exact"}, False)]
)
def test_views_are_fast_unless_exact_ones_are_asked_for(graph, part, monkeypatch, chosen, fast):
    """Workflows that were saved before there was a choice say nothing, and get the fast views they had."""
    orbit, seen = part("nodes.orbit"), []
    plain = orbit.render_views
    monkeypatch.setattr(orbit, "render_views", lambda *inputs: seen.append(inputs[3].fast) or plain(*inputs))
    model = graph.load()[0]
    graph.render(model, graph.sample(model), path="still", **chosen)
    assert seen == [fast]


@pytest.mark.parametrize(("chosen", "fast"), [({}, False), ({"rendering": "fast"}, True)])
def test_a_face_as_taken_is_exact_unless_asked_otherwise(graph, part, monkeypatch, chosen, fast):
    node, seen = part("nodes.render_source_view"), []
    plain = node.render_as_taken
    monkeypatch.setattr(node, "render_as_taken", lambda *inputs: seen.append(inputs[2].fast) or plain(*inputs))
    model = graph.load()[0]
    run(node.SAT3DRenderAsTaken, model=model, latent=graph.sample(model), **chosen)
    assert seen == [fast]
