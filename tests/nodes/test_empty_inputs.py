"""Nothing where a picture, a mask or a face is wanted: every node says so. Made from the nodes' own schemas."""

import asyncio
import json
from dataclasses import replace

import pytest
import torch

from sat3d.files.safetensors_io import write_tensors
from tests.nodes.host_stub import run
from tests.nodes.transfer.setup import masks_of

EMPTY = {
    "IMAGE": [(0, 64, 64, 3), (0, 64, 64, 1), (1, 0, 64, 3), (1, 64, 0, 3), (0, 0, 0, 3)],
    "MASK": [(0, 64, 64), (1, 0, 64), (1, 64, 0), (0, 64), (0, 1, 64, 64)],
}
PLACE = json.dumps([{"left": 8, "top": 8, "side": 40}])
TEXTS = {"place": PLACE, "points": "8 8 40"}


@pytest.fixture
def nodes(part) -> dict:
    found = asyncio.run(part("nodes.extension").Sat3dExtension().get_node_list())
    return {node.define_schema().node_id: node for node in found}


@pytest.fixture
def connected(part, graph, triplane) -> dict:
    """Something usable for every kind of wire."""
    model = graph.load()[0]
    return {"EG3D_MODEL": model, "EG3D_LATENT": graph.sample(model), "SAT3D_MASKS": masks_of(triplane),
            "IMAGE": torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(0)),
            "MASK": torch.zeros(1, 64, 64)}  # fmt: skip


def slots(node, *kinds):
    return [slot for slot in node.define_schema().inputs if slot.kind in kinds]


def usable(node, connected) -> dict:
    """Every input of a node, as the page would send it."""
    given = {slot.id: connected.get(slot.kind, slot.options.get("default")) for slot in node.define_schema().inputs}
    return {**given, **{name: text for name, text in TEXTS.items() if name in given}}


def choices(node) -> list[dict]:
    """Nothing changed, then each choice of each combo."""
    return [{}, *({slot.id: option} for slot in slots(node, "COMBO") for option in slot.options["options"])]


def test_every_node_with_pictures_or_masks_is_asked(nodes, connected):
    """By every way it can work. A new node is here by itself."""
    asked = {}
    for name, node in nodes.items():
        for slot in slots(node, *EMPTY):
            for shape in EMPTY[slot.kind]:
                for choice in choices(node):
                    inputs = usable(node, connected) | choice | {slot.id: torch.zeros(shape)}
                    with pytest.raises(Exception, match=r"(?s)There is no (picture|mask)\..*Next step") as told:
                        run(node, **inputs)
                    assert type(told.value).__name__ == "ShapeError", (name, slot.id, shape, choice)
                    asked[name] = asked.get(name, 0) + 1
    assert asked["SAT3DAlignFace"] >= 5 * 10 and asked["InvertImage"] > 10 * 10 and len(asked) >= 6


def test_the_same_inputs_are_usable_where_they_are_not_empty(nodes, connected, part):
    """Else the test above would prove nothing: the nodes that need no weights and no detector do run."""
    for name, choice in (("SAT3DAlignFace", {"method": "box"}), ("SAT3DPasteBack", {"area": "whole crop"}),
                         ("SAT3DContactSheet", {}), ("SAT3DCompare", {})):  # fmt: skip
        run(nodes[name], **usable(nodes[name], connected) | choice)


def test_no_face_can_be_in_a_latent(graph, connected, part, models, nodes):
    """The one check that all nodes with faces inherit: such a latent is not made, not changed into, not read."""
    face, error = connected["EG3D_LATENT"], graph.errors.ShapeError
    channels = face.styles.shape[1]
    for shape in ((0, channels), (0, 0), (1, 0)):
        with pytest.raises(error, match=r"(?s)no face in the latent.*Next step"):
            part("sat3d.latent").Latent(torch.zeros(shape), face.camera, "abc", "def")
        with pytest.raises(error, match="no face in the latent"):
            replace(face, styles=torch.zeros(shape))
    header = {"schema": part("sat3d.latent").SCHEMA, "edits": "[]"}
    write_tensors(models / "sat3d_latents" / "none.safetensors",
                  {"styles": torch.zeros(0, channels), "camera": face.camera}, header)  # fmt: skip
    with pytest.raises(error, match="no face in the latent"):
        run(nodes["SAT3DLoadLatent"], face_file="none.safetensors")


@pytest.mark.parametrize("node", ["InvertImage", "SAT3DPasteBack"])
def test_no_place_in_the_list(nodes, connected, graph, node):
    with pytest.raises(graph.errors.ShapeError, match=r"(?s)no place in a photo.*Next step"):
        run(nodes[node], **usable(nodes[node], connected) | {"place": "[]"})
