"""Masks and transfer as nodes: what is moved, what stays, which masks are taken, what is refused."""

import json

import pytest
import torch

from tests.nodes.host_stub import run
from tests.nodes.transfer.setup import masks_of


def test_the_attribute_moves_and_the_rest_stays(faces, move, triplane):
    model, source, reference = faces
    edited, _, used = move(model, source, reference, intensity=1.5)
    assert used == 1.5
    own, theirs, new = (triplane.layout.editable(face.styles) for face in (source, reference, edited))
    torch.testing.assert_close(new[:, ::2][:, :-1], (own + 1.5 * (theirs - own))[:, ::2][:, :-1])
    assert torch.equal(new[:, 1::2][:, :-1], own[:, 1::2][:, :-1]) and torch.equal(new[:, -1], own[:, -1])
    fixed = [layer.name for layer in triplane.layout.layers if layer.group != "backbone_conv"]
    before, after = triplane.layout.split(source.styles), triplane.layout.split(edited.styles)
    assert fixed and all(torch.equal(before[name], after[name]) for name in fixed)
    assert torch.equal(edited.camera, source.camera) and not edited.styles.is_inference()


def test_zero_is_the_identity_and_the_picture_shows_it(faces, move, graph):
    model, source, reference = faces
    same = move(model, source, reference, intensity=0.0)[0]
    assert torch.equal(same.styles, source.styles)
    pictures = [graph.render(model, face, path="still")[0] for face in (source, same, move(*faces)[0])]
    assert torch.equal(pictures[0], pictures[1]) and (pictures[0] - pictures[2]).abs().max() > 0.01


def test_chains_tell_where_everything_came_from(faces, move):
    model, source, reference = faces
    first = move(model, source, reference)[0]
    second, text, _ = move(model, first, reference, "eyeglasses", -0.5)
    assert text.split("\n") == [
        "seed 1",
        "1. beard of seed 2, intensity 1, masks shipped",
        "2. eyeglasses of seed 2, intensity -0.5, masks shipped",
    ]
    assert [edit.attributes for edit in second.edits] == [("beard",), ("eyeglasses",)]


@pytest.mark.parametrize(("sources", "references"), [(3, 1), (3, 3), (1, 3)])
def test_batches_pair(graph, move, sources, references):
    model = graph.load()[0]
    many, wanted = graph.sample(model, batch_size=sources), graph.sample(model, seed=9, batch_size=references)
    edited = move(model, many, wanted)[0].styles
    assert len(edited) == 3
    one = move(
        model, graph.sample(model, seed=3 + min(2, sources - 1)), graph.sample(model, seed=9 + min(2, references - 1))
    )[0].styles
    torch.testing.assert_close(edited[2:], one, atol=1e-5, rtol=1e-4)


def test_batches_that_do_not_pair(graph, move):
    model = graph.load()[0]
    with pytest.raises(graph.errors.ShapeError, match="do not pair"):
        move(model, graph.sample(model, batch_size=2), graph.sample(model, batch_size=3))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_intensities_that_are_no_numbers(faces, move, graph, value):
    with pytest.raises(graph.errors.ShapeError, match="not a finite number"):
        move(*faces, intensity=value)


def test_an_attribute_that_the_masks_lack_is_explained(faces, move, graph, part):
    assert part("nodes.transfer").SAT3DTransfer.validate_inputs("freckles") is True
    with pytest.raises(graph.errors.ShapeError, match=r"freckles.*beard.*eyeglasses.*Next step"):
        move(*faces, "freckles")


def test_own_masks_bring_their_attributes(faces, move, part, own_masks):
    loaded, names, info = run(part("nodes.masks").SAT3DLoadMasks, masks_file="mine.safetensors")
    assert names.split("\n") == ["beard", "freckles"] and "licence: test" in info and "mine.safetensors" in info
    edited, text, _ = move(*faces, "freckles", masks=loaded)
    assert "freckles of seed 2, intensity 1, masks mine" in text and not torch.equal(edited.styles, faces[1].styles)
    combo = {slot.id: slot for slot in part("nodes.transfer").SAT3DTransfer.define_schema().inputs}["attribute"]
    assert combo.options["options"] == [
        "hairstyle",
        "hair_colour",
        "eye_region",
        "expression",
        "beard",
        "eyeglasses",
        "freckles",
    ]


def test_the_info_tells_the_share_of_each_attribute(part, own_masks, triplane):
    info = run(part("nodes.masks").SAT3DLoadMasks, masks_file="mine.safetensors")[2]
    n = triplane.layout.num_editable
    assert f"beard: {((n + 1) // 2 - n % 2) / n:.1%}" in info and f"none of these: {1 / n:.1%}" in info


def test_masks_of_this_very_network_are_preferred(faces, move, assets, triplane, caplog):
    masks_of(triplane, name="parent", generator_fingerprint="else").save(assets / "a-masks.safetensors")
    assert "masks shipped" in move(*faces)[1] and not caplog.text


def test_masks_of_a_related_network_serve_with_a_warning(faces, move, assets, triplane, caplog):
    masks_of(triplane, name="parent", generator_fingerprint="else").save(assets / "tiny-masks.safetensors")
    assert "masks parent" in move(*faces)[1] and "learned on generator else" in caplog.text


def test_no_masks_for_a_generator(graph, move):
    model = graph.load("flat.safetensors")[0]
    face = graph.sample(model)
    with pytest.raises(graph.errors.LayoutError, match=r"No masks.*flat\.safetensors.*Load Attribute.*train_masks"):
        move(model, face, face)


def test_masks_and_faces_of_another_architecture(faces, move, graph, part, stylegan2, own_masks):
    model, source, _ = faces
    masks_of(stylegan2).save(own_masks / "flat.safetensors")
    flat = run(part("nodes.masks").SAT3DLoadMasks, masks_file="flat.safetensors")[0]
    with pytest.raises(graph.errors.LayoutError, match="another style layout"):
        move(*faces, masks=flat)
    with pytest.raises(graph.errors.LayoutError, match="another architecture"):
        move(model, source, graph.sample(graph.load("flat.safetensors")[0]))


def test_empty_folder_says_what_to_do(part, assets):
    masks = part("nodes.masks")
    assert masks.LIBRARY.entries() == [masks.LIBRARY.nothing_there]
    node = masks.SAT3DLoadMasks
    assert (
        node.validate_inputs("x").startswith("There are no masks yet. Got: x. ")
        and node.fingerprint_inputs("x") == "missing"
    )
    assert node.fingerprint_inputs(None) == "missing"
    with pytest.raises(part("sat3d.errors").FileError, match=r"no masks yet.*sat3d_masks"):
        run(node, masks_file=masks.LIBRARY.nothing_there)


@pytest.mark.parametrize("entry", ["../secret.safetensors", "/etc/passwd", "", "absent.safetensors"])
def test_only_listed_entries_are_opened(part, own_masks, entry):
    (own_masks.parent / "secret.safetensors").write_bytes((own_masks / "mine.safetensors").read_bytes())
    with pytest.raises(part("sat3d.errors").FileError, match=r"no such file among the masks.*mine\.safetensors"):
        run(part("nodes.masks").SAT3DLoadMasks, masks_file=entry)


@pytest.mark.parametrize("damage", ["truncated", "another kind", "hostile names"])
def test_a_damaged_file_leaves_the_combos_whole(part, own_masks, damage, triplane, graph):
    bad = own_masks / "bad.safetensors"
    data = (own_masks / "mine.safetensors").read_bytes()
    if damage == "another kind":
        graph.sample(graph.load()[0]).save(bad)
    else:
        names = data.replace(
            json.dumps('["beard", "freckles"]').encode(), json.dumps('[[[7]], {"a": 11}, 3]  ').encode()
        )
        assert len(names) == len(data) and names != data
        bad.write_bytes(data[:200] if damage == "truncated" else names)
    assert part("nodes.masks").list_attributes()[-1] == "freckles"
    with pytest.raises(part("sat3d.errors").Sat3dError, match="Next step"):
        run(part("nodes.masks").SAT3DLoadMasks, masks_file="bad.safetensors")


def test_new_and_changed_files_are_noticed(part, own_masks, triplane):
    node, entries = part("nodes.masks").SAT3DLoadMasks, part("nodes.masks").list_attributes
    before = node.fingerprint_inputs("mine.safetensors")
    assert before == node.fingerprint_inputs("mine.safetensors") and "moles" not in entries()
    masks_of(triplane, ("beard", "moles")).save(own_masks / "mine.safetensors")
    assert node.fingerprint_inputs("mine.safetensors") != before and "moles" in entries()


def test_built_in_masks_are_listed_first(part, move, own_masks):
    assert part("nodes.masks").LIBRARY.entries() == ["tiny-masks (built-in)", "mine.safetensors"]
    masks, _, info = run(part("nodes.masks").SAT3DLoadMasks, masks_file="tiny-masks (built-in)")
    assert masks.attributes == ("beard", "eyeglasses") and info.startswith("tiny-masks (built-in)\n")


def test_new_inputs_stand_at_the_end_and_may_be_left_out(part):
    slots = part("nodes.transfer").SAT3DTransfer.define_schema().inputs
    assert [slot.id for slot in slots] == [
        "model",
        "source",
        "reference",
        "attribute",
        "intensity",
        "masks",
        "auto_intensity",
        "clip",
        "architecture",
        "outside",
    ]
    assert all(slot.options["optional"] for slot in slots[5:])
