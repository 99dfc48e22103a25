"""Masks of parts and swaps of parts, as the host calls them."""

import pytest
import torch

from sat3d.parsing.labels import LABEL_NAMES
from sat3d.parts.field import save_parts
from tests.nodes.host_stub import run
from tests.nodes.transfer.setup import masks_of
from tests.parts.setup import tiny_field

SWING = {"path": "swing", "frames": 2}


@pytest.fixture
def field(models, triplane):
    """One for the tiny generator, in the user's folder."""
    folder = models / "sat3d_parts"
    folder.mkdir(parents=True, exist_ok=True)
    made = tiny_field(triplane, labels=LABEL_NAMES)
    save_parts(folder / "tiny.safetensors", made, triplane.fingerprint(), triplane.layout.fingerprint)
    (folder / "broken.safetensors").write_text("nothing")
    return folder


def test_masks_are_of_the_frames_size_and_follow_the_choice(part, graph, field):
    model = graph.load()[0]
    *_, parts = rendered = graph.render(model, graph.sample(model), **SWING)
    masks = part("nodes.parts").SAT3DPartMasks
    mask, labels, names = run(masks, parts=parts, choose="hair, skin", edge="soft")
    assert mask.shape == rendered[0].shape[:3] and labels.shape == rendered[0].shape
    assert float(mask.min()) >= 0 and float(mask.max()) <= 1
    every = run(masks, parts=parts, choose=names, edge="soft")[0]
    assert torch.allclose(every, torch.ones_like(every), atol=0.01) and names.split() == list(LABEL_NAMES)
    hard = run(masks, parts=parts, choose="hair", edge="hard")[0]
    assert set(hard.unique().tolist()) <= {0.0, 1.0}
    with pytest.raises(graph.errors.ConfigError, match="beak"):
        run(masks, parts=parts, choose="beak", edge="soft")


def test_a_generator_without_a_field_says_so_when_masks_are_wanted(part, graph, assets):
    model = graph.load()[0]
    *_, parts = graph.render(model, graph.sample(model), **SWING)
    with pytest.raises(graph.errors.ShapeError, match="no parts"):
        run(part("nodes.parts").SAT3DPartMasks, parts=parts, choose="hair", edge="soft")
    with pytest.raises(graph.errors.LayoutError, match="no semantic field"):
        face = graph.sample(model)
        run(part("nodes.parts").SAT3DSwapParts, model=model, source=face, reference=face, parts="hair", feather=0.4)


def test_a_swapped_face_goes_through_the_other_nodes(part, graph, field, tmp_path):
    model = graph.load()[0]
    source, reference = graph.sample(model), graph.sample(model, seed=8)
    face, said = run(part("nodes.parts").SAT3DSwapParts, model=model, source=source, reference=reference,
                     parts=", ".join(LABEL_NAMES[1:]), feather=0.4)  # fmt: skip
    assert "1. skin + hair + " in said and "of seed 8, intensity 1, masks parts" in said
    shown, plain = (graph.render(model, each, **SWING) for each in (face, source))
    assert not torch.equal(shown[0], plain[0])
    taken = run(part("nodes.render_source_view").SAT3DRenderAsTaken, model=model, latent=face)
    assert taken[0].shape[0] == 1 and taken[2].labels == LABEL_NAMES
    path = run(part("nodes.faces").SAT3DSaveLatent, latent=face, filename_prefix="sat3d/face")[0]
    again = part("sat3d.latent").load_latent(path)
    assert torch.equal(graph.render(model, again, **SWING)[0], shown[0])
    more, _ = run(part("nodes.parts").SAT3DSwapParts, model=model, source=face, reference=reference,
                  parts="glasses", feather=0.0)  # fmt: skip
    assert len(more.layers) == 2 and len(more.edits) == 2


def test_parts_that_grew_together_are_a_plain_face(part, graph, field):
    model = graph.load()[0]
    source, reference = graph.sample(model), graph.sample(model, seed=8)
    asked = {"model": model, "source": source, "reference": reference, "parts": "hair", "feather": 0.4}
    face, said = run(part("nodes.parts").SAT3DSwapParts, **asked, heal=2)
    assert not face.layers and "1. hair of seed 8" in said and not torch.equal(face.styles, source.styles)
    assert run(part("nodes.parts").SAT3DSwapParts, **asked, heal=0)[0].layers


def test_an_edit_stays_inside_its_region(part, graph, field, triplane):
    model = graph.load()[0]
    source, reference = graph.sample(model), graph.sample(model, seed=8)
    node = part("nodes.transfer")
    masks = masks_of(triplane, ("beard", "eyeglasses"), domain="synthheads")
    asked = {"model": model, "source": source, "reference": reference, "attribute": "beard", "intensity": 1.0}
    free = run(node.SAT3DTransfer, **asked, masks=masks)[0]
    kept = run(node.SAT3DTransfer, **asked, masks=masks, outside=node.STAYS)[0]
    assert not free.layers and torch.equal(kept.styles, source.styles)
    (layer,) = kept.layers
    assert layer.kind == "edit" and set(layer.parts) == {"beard", "mouth"} and set(layer.lower) == {"skin", "nose"}
    assert torch.equal(layer.styles, free.styles) and kept.edits == free.edits
    strange = masks_of(triplane, ("beard", "eyeglasses"))
    assert not run(node.SAT3DTransfer, **asked, masks=strange, outside=node.STAYS)[0].layers
    said = [data["message"] for _, data, _ in part("nodes.host").PromptServer.instance.sent]
    assert any("nothing tells where beard is: it is not confined" in message for message in said)
