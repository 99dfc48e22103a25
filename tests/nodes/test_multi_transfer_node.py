"""Several attributes at once as a node: the same as a chain, each its own reference, a picture, refusals."""

import sys
from types import SimpleNamespace

import pytest
import torch

from sat3d.masks import AttributeMasks
from tests.nodes.host_stub import Interrupted, run

NAMES = ("hairstyle", "hair_colour", "eye_region", "expression", "beard", "eyeglasses")


def masks_of(network, attributes=NAMES, seed=0, **notes) -> AttributeMasks:
    """Random shares, so that every attribute has some of every channel."""
    logits = torch.randn(
        len(attributes) + 1, network.layout.num_editable, generator=torch.Generator().manual_seed(seed)
    )
    return AttributeMasks(logits, tuple(attributes), network.layout.to_json(), network.layout.fingerprint, notes)


@pytest.fixture
def faces(graph):
    model = graph.load()[0]
    return model, graph.sample(model, seed=1), graph.sample(model, seed=2)


@pytest.fixture
def move(part, triplane, assets, monkeypatch):
    """The node with all sliders at 0 but those given; ``move.shown`` are the pictures on the node."""
    masks_of(triplane, name="shipped", generator_fingerprint=triplane.fingerprint()).save(
        assets / "tiny-masks.safetensors"
    )
    shown = []
    ui = SimpleNamespace(PreviewImage=lambda image, cls: shown.append(image) or image)
    monkeypatch.setattr(sys.modules["comfy_api.latest"], "ui", ui, raising=False)

    def move(model, source, reference, **changes):
        values = {**dict.fromkeys(NAMES, 0.0), "picture_resolution": 16, "yaw_deg": 0.0, **changes}
        return run(
            part("nodes.multi_transfer").SAT3DMultiTransfer, model=model, source=source, reference=reference, **values
        )

    move.shown = shown
    return move


def test_sliders_are_a_chain_of_transfers(faces, move, part):
    model, source, reference = faces
    chain = source
    for attribute, intensity in (("hair_colour", -0.5), ("beard", 1.5)):
        chain = run(
            part("nodes.transfer").SAT3DTransfer,
            model=model,
            source=chain,
            reference=reference,
            attribute=attribute,
            intensity=intensity,
        )[0]
    edited, _, text = move(*faces, beard=1.5, hair_colour=-0.5)
    assert torch.equal(edited.styles, chain.styles) and edited.edits == chain.edits
    assert text.split("\n") == [
        "seed 1",
        "1. hair_colour of seed 2, intensity -0.5, masks shipped",
        "2. beard of seed 2, intensity 1.5, masks shipped",
    ]
    assert not edited.styles.is_inference()


def test_all_at_zero_is_the_source_itself(faces, move):
    edited, picture, text = move(*faces)
    assert torch.equal(edited.styles, faces[1].styles) and text == "seed 1"
    assert torch.equal(picture, move(*faces, beard=0.0)[1])
    assert not torch.equal(picture, move(*faces, beard=2.0)[1])


def test_each_attribute_may_have_its_own_reference(faces, move, graph):
    model, source, reference = faces
    other = graph.sample(model, seed=9)
    edited, _, text = move(*faces, beard=1.0, eyeglasses=1.0, reference_beard=other)
    assert "1. beard of seed 9" in text and "2. eyeglasses of seed 2" in text
    swapped = move(model, source, other, beard=1.0, eyeglasses=1.0, reference_eyeglasses=reference)[0]
    assert torch.equal(edited.styles, swapped.styles)


def test_the_picture_is_that_of_the_first_face_and_is_shown(faces, move, graph):
    model, _, reference = faces
    edited, picture, _ = move(*faces, beard=1.0, yaw_deg=20.0)
    wanted = graph.render(model, edited, path="still", yaw_deg=20.0, pitch_deg=0.0, neural_resolution=16)[0]
    assert torch.equal(picture, wanted) and move.shown == [picture]
    many = graph.sample(model, seed=1, batch_size=3)
    sys.modules["comfy.utils"].ProgressBar.updates.clear()
    assert len(move(model, many, reference, beard=1.0, yaw_deg=20.0)[0].styles) == 3
    torch.testing.assert_close(move.shown[-1], picture, atol=1e-5, rtol=1e-4)
    assert not sys.modules["comfy.utils"].ProgressBar.updates  # else the page would show those for good


@pytest.mark.parametrize(("sources", "references"), [(3, 1), (3, 3), (1, 3)])
def test_batches_pair(graph, move, sources, references):
    model = graph.load()[0]
    many, wanted = graph.sample(model, batch_size=sources), graph.sample(model, seed=9, batch_size=references)
    assert len(move(model, many, wanted, beard=1.0, hairstyle=1.0)[0].styles) == 3


def test_batches_that_do_not_pair(graph, move):
    model = graph.load()[0]
    with pytest.raises(graph.errors.ShapeError, match="do not pair"):
        move(model, graph.sample(model, batch_size=2), graph.sample(model, batch_size=3), beard=1.0)


def test_masks_that_lack_an_attribute_matter_only_where_it_moves(faces, move, graph, triplane, part):
    few = part("sat3d.masks").AttributeMasks(**vars(masks_of(triplane, ("beard",), name="few")))
    assert "masks few" in move(*faces, masks=few, beard=1.0)[2]
    with pytest.raises(graph.errors.ShapeError, match=r"eyeglasses.*beard.*Next step"):
        move(*faces, masks=few, eyeglasses=1.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_sliders_that_are_no_numbers(faces, move, graph, value):
    with pytest.raises(graph.errors.ShapeError, match="not a finite number"):
        move(*faces, beard=value)


def test_faces_of_another_architecture_are_refused(faces, move, graph):
    model, source, reference = faces
    flat = graph.sample(graph.load("flat.safetensors")[0])
    for wrong in ({"source": flat}, {"reference": flat}, {"reference_beard": flat}):
        with pytest.raises(graph.errors.LayoutError, match="another architecture"):
            move(model, **{"source": source, "reference": reference, **wrong})


def test_flat_faces_are_edited_too(graph, move, stylegan2):
    model = graph.load("flat.safetensors")[0]
    edited, picture, _ = move(
        model,
        graph.sample(model, seed=1),
        graph.sample(model, seed=2),
        beard=1.0,
        yaw_deg=30.0,
        masks=masks_of(stylegan2),
    )
    assert picture.shape == (1, 32, 32, 3) and edited.edits


def test_cancel_works_inside_the_picture(faces, move):
    state = sys.modules["comfy.model_management"].state
    state.checks, state.interrupt_after = 0, 5
    with pytest.raises(Interrupted):
        move(*faces, beard=1.0)
    assert not any(module._forward_pre_hooks for module in faces[0].network.modules())
