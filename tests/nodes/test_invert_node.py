"""InvertImage inside the stand-in host: shapes, cancel, preview, masks, tuning, what is refused."""

import re
import sys

import pytest
import torch

from tests.nodes.host_stub import Interrupted, run


@pytest.fixture
def invert(part, monkeypatch):
    """The node, quick: no encoder, few rays."""
    module = part("nodes.invert")
    options = part("sat3d.inversion").InversionOptions

    def quick(method, steps, seed):
        return options(method, steps, seed, low_resolution=8, full_resolution=16)

    monkeypatch.setattr(module, "InversionOptions", quick)
    monkeypatch.setattr(part("nodes.built_in_networks"), "encoder", lambda: None)
    monkeypatch.setattr(part("nodes.inversion_cache"), "find", lambda key: None)  # each is made anew

    def invert(model, image, method="W", steps=3, seed=0, **more):
        return run(module.InvertImage, model=model, image=image, method=method, steps=steps, seed=seed, **more)

    return invert


@pytest.fixture
def picture(graph):
    model = graph.load()[0]
    return graph.render(model, graph.sample(model, seed=5), path="still", frames=1, yaw_deg=0.0, pitch_deg=0.0)[0]


def test_a_face_comes_out_that_can_be_rendered(graph, invert, picture, triplane):
    model = graph.load()[0]
    latent, preview, info = invert(model, picture)
    assert latent.styles.shape == (1, triplane.layout.num_channels) and preview.shape == picture.shape
    assert not latent.styles.is_inference() and latent.generator_fingerprint == model.loaded.fingerprint
    assert preview.min() >= 0 and preview.max() <= 1 and "dB" in info and "yaw" in info and "the mean face" in info
    assert re.search(r"dB, (near|fair|far off): .*, yaw ", info)
    graph.render(model, latent)


def test_the_same_inputs_give_the_same_face(graph, invert, picture):
    model = graph.load()[0]
    first, second = (invert(model, picture.clone())[0] for _ in range(2))
    assert torch.equal(first.styles, second.styles) and torch.equal(first.camera, second.camera)


@pytest.mark.slow
def test_a_batch_gives_a_face_each(graph, invert, picture):
    model = graph.load()[0]
    batch = torch.cat([picture, picture.flip(2)])
    latent, preview, info = invert(model, batch)
    assert len(latent.styles) == len(latent.camera) == len(preview) == 2 and len(info.split("\n")) == 3
    torch.testing.assert_close(latent.styles[1:], invert(model, batch[1:])[0].styles)
    batch[1] = 0
    with pytest.raises(graph.errors.ShapeError, match=r"^Picture 2 of 2: The picture shows nothing"):
        invert(model, batch)


def test_preview_and_progress(graph, invert, picture):
    invert(graph.load()[0], picture, steps=5)
    updates = sys.modules["comfy.utils"].ProgressBar.updates
    assert [done for done, _, _ in updates] == [0, 1, 2, 3, 4, 5] and {total for _, total, _ in updates} == {5}
    assert updates[0][2][0] == "JPEG" and updates[-1][2][1].size == (64, 64)


@pytest.mark.parametrize("method", ["W+", "tune"])
@pytest.mark.parametrize("after", [3, 400])
def test_cancel_works_inside_a_step_and_leaves_no_hooks(graph, invert, picture, method, after):
    model = graph.load()[0]
    state = sys.modules["comfy.model_management"].state
    state.checks, state.interrupt_after = 0, after
    with pytest.raises(Interrupted):
        invert(model, picture, method, steps=50)
    assert state.checks == after + 1
    assert not any(module._forward_pre_hooks for module in model.network.modules())
    assert all(parameter.grad is None for parameter in model.network.parameters())


def test_checks_for_cancel_come_often(graph, invert, picture):
    """Several a step: where a step takes seconds, it can be left in the middle."""
    model = graph.load()[0]
    state = sys.modules["comfy.model_management"].state
    state.checks = 0
    invert(model, picture, steps=4)
    assert state.checks > 40


@pytest.mark.slow
def test_tuning_gives_a_small_delta(graph, invert, picture):
    model = graph.load()[0]
    latent, preview, info = invert(model, picture, "tune", steps=4)
    assert latent.tuned and preview.shape == picture.shape and "6 steps" in info
    assert all(tensor.dtype == torch.float16 for tensor in latent.tuned.values())
    updates = sys.modules["comfy.utils"].ProgressBar.updates
    assert updates[-1][:2] == (6, 6) and [done for done, _, _ in updates] == sorted(done for done, _, _ in updates)


@pytest.mark.slow
def test_what_is_ignored_does_not_matter(graph, invert, picture):
    model, spoilt = graph.load()[0], picture.clone()
    spoilt[:, :, :32] = 1
    ignore = torch.zeros(1, 64, 64)
    ignore[:, :, :32] = 1
    first, second = (invert(model, image, ignore=ignore)[0] for image in (picture, spoilt))
    assert torch.equal(first.styles, second.styles)
    assert not torch.equal(first.styles, invert(model, picture, ignore=torch.zeros(1, 8, 8))[0].styles)


def test_masks_that_do_not_pair(graph, invert, picture):
    with pytest.raises(graph.errors.ShapeError, match="do not pair"):
        invert(graph.load()[0], picture, ignore=torch.zeros(3, 64, 64))


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (torch.zeros(1, 64, 64, 3), "shows nothing"),
        (torch.rand(1, 1, 1, 3), "too small"),
        (torch.full((1, 64, 64, 3), float("nan")), "NaN"),
        (torch.rand(64, 64, 3), "Not a picture"),
    ],
)
def test_what_is_no_picture_is_told(graph, invert, image, said):
    with pytest.raises(graph.errors.ShapeError, match=said):
        invert(graph.load()[0], image)


def test_the_encoder_has_to_fit(graph, invert, picture):
    with pytest.raises(graph.errors.ConfigError, match=r"no encoder.*choose W"):
        invert(graph.load()[0], picture, "encoder")


def test_an_avatar_is_refused_by_generators_of_photographs(graph, invert, picture):
    for model in (graph.load()[0], graph.load("flat.safetensors")[0]):
        with pytest.raises(graph.errors.ConfigError, match=r"drawn heads.*choose W, W\+ or tune"):
            invert(model, picture, "avatar")


def test_an_avatar_comes_out_by_its_name_and_without_a_warning(graph, invert, picture, part, monkeypatch):
    """What it is for pixels is not complained about; what was asked for is said."""
    jobs, inversion = part("nodes.inversion_jobs"), part("sat3d.inversion")
    monkeypatch.setattr(part("nodes.invert"), "check_drawn_heads", lambda network: None)
    asked = []

    def found(tools, image, options, weight, start, watch):
        asked.append((options.method, options.steps))
        return inversion.invert(tools, image, options, weight, start, watch)

    monkeypatch.setattr(jobs, "find_avatar", found)
    answer = part("sat3d.inversion.verdict").Verdict(True, True, 0.3, 0.5, 0.4, 12.0)
    monkeypatch.setattr(jobs.verdicts, "examine_inversion", lambda *_: answer)
    warned = []
    monkeypatch.setattr(jobs.host, "warn", lambda text: warned.append(text) if text else None)
    monkeypatch.setattr(part("nodes.invert").host, "warn", lambda text: warned.append(text) if text else None)
    info = invert(graph.load()[0], picture, "avatar")[2]
    assert asked == [("W", 3)] and info.startswith("avatar: ") and "a character of its own" in info and not warned
    invert(graph.load()[0], picture, "W")
    assert any("Choose method avatar" in text for text in warned)


def test_a_flat_generator_has_no_camera_to_find(graph, invert):
    model = graph.load("flat.safetensors")[0]
    image = torch.rand(1, 48, 80, 3, generator=torch.Generator().manual_seed(0))
    latent, preview, info = invert(model, image)
    assert preview.shape[1] == preview.shape[2] == model.network.config.img_resolution and "yaw" not in info
    graph.render(model, latent, path="still")
