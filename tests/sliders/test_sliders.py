"""Sliders: what is set is read, nothing else moves, files are strict, edits of both kinds compose in both orders."""

import json
from dataclasses import replace

import pytest
import torch

from sat3d.errors import ConfigError, FileError, LayoutError, ShapeError
from sat3d.files.safetensors_io import read_tensors, write_tensors
from sat3d.latent import Latent, load_latent
from sat3d.masks import AttributeMasks
from sat3d.sliders import Slider, SliderConfig, SliderGroup, load_sliders, save_sliders
from sat3d.sliders.editing import copy_face, read_face, set_face
from sat3d.transfer import transfer
from tests.conftest import seeded
from tests.sliders.setup import LAYOUT, tiny_sliders


@pytest.fixture
def linear(triplane):
    return tiny_sliders(triplane, hidden=0)


@pytest.fixture
def bent(triplane):
    return tiny_sliders(triplane)


@pytest.fixture
def latent(triplane, styles):
    return Latent(styles, triplane.rig.label(), triplane.fingerprint(), triplane.layout.fingerprint, name="two")


def test_a_value_by_hand():
    from sat3d.sliders import SliderNetwork

    network = SliderNetwork(SliderConfig(4, (SliderGroup("age", 1, 2, 0),), (Slider("age", "age", 0, 1, 0.5, 0.25),)))
    (maps,) = network.maps
    with torch.no_grad():
        maps.channels.copy_(torch.tensor([1, 3]))
        maps.mean.copy_(torch.tensor([1.0, 2.0]))
        maps.spread.copy_(torch.tensor([2.0, 4.0]))
        maps.basis.copy_(torch.tensor([[1.0], [1.0]]))
        maps.straight_read.weight.fill_(1.0)
        maps.straight_read.bias.zero_()
        maps.straight_write.weight.fill_(1.0)
    root = 2**-0.5
    value = network.values(torch.tensor([[9.0, 3.0, 9.0, 10.0]]))  # ((3-1)/2 + (10-2)/4) / sqrt 2 = 3 / sqrt 2
    assert value.item() == pytest.approx(3 * root * 0.25 + 0.5, rel=1e-6)
    change = network.change(torch.zeros(1, 4), torch.tensor([[0.5]]))  # two spreads
    assert torch.allclose(change, torch.tensor([[0.0, 2 * root * 2, 0.0, 2 * root * 4]]))


def test_what_is_set_is_read_and_nothing_else_moves(linear, styles):
    before = linear.read(styles)
    moved = linear.set(styles, {"jaw_open": 0.7, "jaw": torch.tensor([0.1, 0.2])})
    after = linear.read(moved)
    assert torch.allclose(after["jaw_open"], torch.tensor([0.7, 0.7]), atol=1e-4)
    assert torch.allclose(after["jaw"], torch.tensor([0.1, 0.2]), atol=1e-4)
    for name in ("nose", "smile_left", "light_yaw_deg"):
        assert torch.allclose(after[name], before[name], atol=1e-4)
    reached = torch.cat([maps.channels for maps in linear.network.maps[:2]])
    untouched = torch.ones(styles.shape[1], dtype=torch.bool)
    untouched[reached] = False
    assert torch.equal(moved[:, untouched], styles[:, untouched]) and not torch.equal(moved, styles)


def test_maps_that_are_bent_come_close(bent, styles):
    after = bent.read(bent.set(styles, {"jaw_open": 0.7}))
    assert (after["jaw_open"] - 0.7).abs().max() < 0.02
    assert torch.equal(bent.change(styles, torch.zeros(2, 5)), torch.zeros_like(styles))


def test_what_is_there_already_changes_nothing(bent, styles):
    assert torch.equal(bent.set(styles, bent.read(styles)), styles)
    assert torch.equal(bent.set(styles, {}), styles)
    moved = bent.set(styles, {"nose": torch.stack([bent.read(styles)["nose"][0], torch.tensor(0.9)])})
    assert torch.equal(moved[0], styles[0]) and not torch.equal(moved[1], styles[1])


def test_faces_of_a_batch_do_not_know_of_each_other(bent, styles):
    both = bent.set(styles, {"smile_left": 0.4})
    alone = torch.cat([bent.set(one, {"smile_left": 0.4}) for one in styles.split(1)])
    assert torch.allclose(both, alone, atol=1e-6) and torch.equal(both, bent.set(styles, {"smile_left": 0.4}))


def test_one_can_differentiate_through_all_of_it(bent, styles):
    wanted = torch.tensor(0.3, requires_grad=True)
    own = styles.clone().requires_grad_()
    bent.values(bent.set(own, {"jaw_open": wanted})).sum().backward()
    assert wanted.grad is not None and own.grad is not None
    assert wanted.grad.abs() > 0.5 and own.grad.abs().sum() > 0


def test_move_is_one_step_by_a_difference(linear, styles):
    moved = linear.read(linear.move(styles, {"jaw_open": 0.25}))
    assert torch.allclose(moved["jaw_open"] - linear.read(styles)["jaw_open"], torch.full((2,), 0.25), atol=1e-4)


def test_as_in_the_reference(linear, styles):
    other = styles.flip(0)
    copied = linear.copy(styles, other[:1], ["expression", "nose"])
    values, theirs, own = linear.read(copied), linear.read(other[:1]), linear.read(styles)
    for name in ("smile_left", "jaw_open", "nose"):
        assert torch.allclose(values[name], theirs[name].expand(2), atol=1e-4)
    assert torch.allclose(values["jaw"], own["jaw"], atol=1e-4)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"beak": 1.0}, "no such slider"),
        ({"jaw": float("nan")}, "not usable"),
        ({"jaw": True}, "not usable"),
        ({"jaw": 10**400}, "not usable"),
        ({"jaw": torch.zeros(3)}, "not usable"),
        ({"jaw": torch.full((2,), torch.inf)}, "not usable"),
    ],
)
def test_what_cannot_be_set(bent, styles, wanted, said):
    with pytest.raises(ShapeError, match=said):
        bent.set(styles, wanted)


def test_styles_of_another_generator(bent, styles):
    with pytest.raises(ShapeError, match="do not belong"):
        bent.read(styles[:, 1:])


# -- faces


def test_a_face_is_read_edited_as_text_and_set(bent, latent):
    values = json.loads(json.dumps(read_face(latent, bent)))
    assert set(values[0]) == set(bent.names) and set_face(latent, bent, values) is latent
    values[1]["jaw_open"] = 0.9
    face = set_face(latent, bent, values)
    assert torch.equal(face.styles[0], latent.styles[0])
    assert read_face(face, bent)[1]["jaw_open"] == pytest.approx(0.9, abs=0.02)
    assert [edit.attributes for edit in face.edits] == [("jaw_open",)] and face.edits[0].masks == "sliders"
    everybody = set_face(latent, bent, {"jaw_open": -0.2, "nose": 0.0})
    assert [edit.attributes[0] for edit in everybody.edits] == ["nose", "jaw_open"]


def test_values_that_do_not_pair_with_faces(bent, latent):
    with pytest.raises(ShapeError, match="do not pair"):
        set_face(latent, bent, [{}, {}, {}])
    with pytest.raises(ShapeError, match="do not pair"):
        copy_face(latent, replace(latent, styles=latent.styles[[0, 0, 1]]), bent, ["shape"])


def test_a_reference_gives_its_values_and_its_name(bent, latent):
    reference = replace(latent, styles=latent.styles[1:], name="her")
    face = copy_face(latent, reference, bent, ["expression"])
    assert read_face(face, bent)[0]["jaw_open"] == pytest.approx(read_face(reference, bent)[0]["jaw_open"], abs=0.02)
    assert {edit.reference for edit in face.edits} == {"her"}


def masks_of(network) -> AttributeMasks:
    logits = torch.randn(2, network.layout.num_editable, generator=torch.Generator().manual_seed(5))
    return AttributeMasks(logits, ("beard",), network.layout.to_json(), network.layout.fingerprint, {})


def test_both_kinds_of_edits_compose_in_both_orders(bent, latent, triplane, tmp_path):
    reference = replace(latent, styles=latent.styles.flip(0), name="other")
    masks, layout = masks_of(triplane), triplane.layout
    one = set_face(transfer(latent, reference, masks, ["beard"], layout), bent, {"jaw_open": 0.6})
    two = transfer(set_face(latent, bent, {"jaw_open": 0.6}), reference, masks, ["beard"], layout)
    assert [edit.masks for edit in one.edits] == ["", "sliders"] and [edit.masks for edit in two.edits] == [
        "sliders",
        "",
    ]
    assert read_face(one, bent)[0]["jaw_open"] == pytest.approx(0.6, abs=0.03)
    away = torch.ones(layout.num_channels, dtype=torch.bool)
    away[bent.network.maps[1].channels] = False
    assert torch.allclose(one.styles[:, away], two.styles[:, away], atol=1e-6)  # the masks' edit is the same in both
    one.save(tmp_path / "face.safetensors")
    assert load_latent(tmp_path / "face.safetensors", layout).edits == one.edits


def test_a_confined_edit_moves_along(bent, latent):
    from sat3d.latent_layers import EDIT, FieldWeights, Layer

    layers = (Layer(latent.styles + 0.1, ("skin",), kind=EDIT), Layer(latent.styles[:1], ("hair",)))
    composed = replace(latent, layers=layers, part_field=FieldWeights({}, ("none", "skin", "hair")))
    face = set_face(composed, bent, {"jaw_open": 0.6})
    assert bent.read(face.layers[0].styles)["jaw_open"].sub(0.6).abs().max() < 0.03
    assert torch.equal(face.layers[1].styles, layers[1].styles)


# -- of which generator


def test_sliders_know_their_generator(bent, triplane, stylegan2):
    bent.check_layout(triplane.layout)
    with pytest.raises(LayoutError, match="another style layout"):
        bent.check_layout(stylegan2.layout)
    assert bent.warning_for(triplane.fingerprint()) is None
    child = seeded(triplane.config, 7)
    assert "fine-tuned" in bent.warning_for(child.fingerprint())


def test_channels_that_may_not_be_edited_are_refused(bent, triplane):
    editable = set(triplane.layout.editable_index.tolist())
    other = next(i for i in range(triplane.layout.num_channels) if i not in editable)
    bent.network.maps[0].channels[-1] = other
    with pytest.raises(LayoutError, match="another style layout"):
        bent.check_layout(triplane.layout)


# -- files


def test_a_file_gives_the_same_sliders(bent, styles, triplane, tmp_path):
    path = tmp_path / "s.safetensors"
    save_sliders(path, bent, {"licence": "free", "steps": "3"})
    again = load_sliders(path, triplane.layout)
    assert again.names == bent.names and list(again.groups) == list(LAYOUT)
    assert again.metadata == {"licence": "free", "steps": "3"}
    assert again.generator_fingerprint == triplane.fingerprint()
    assert torch.allclose(again.values(styles), bent.values(styles), atol=2e-2)
    assert path.stat().st_size < 20_000
    own = styles.clone().requires_grad_()
    again.values(own).sum().backward()
    assert own.grad is not None


def spoil(tmp_path, sliders, name, tensor=None, **header):
    path = tmp_path / "bad.safetensors"
    save_sliders(path, sliders)
    tensors = read_tensors(path)
    from sat3d.files.safetensors_io import open_safetensors

    with open_safetensors(path) as stream:
        notes = dict(stream.metadata())
    if name:
        tensors.pop(name, None)
    write_tensors(path, tensors if tensor is None else {**tensors, name: tensor}, {**notes, **header})
    return path


BAD_TENSORS = {
    "a channel twice": ("groups.0.channels", torch.zeros(12, dtype=torch.int64)),
    "a channel that is not there": ("groups.0.channels", torch.arange(12) + 10**6),
    "a channel below 0": ("groups.0.channels", torch.arange(12) - 3),
    "channels that are no whole numbers": ("groups.0.channels", torch.arange(12) * 0.1),
    "a spread of 0": ("groups.1.spread", torch.zeros(12)),
    "a spread that vanishes": ("groups.1.spread", torch.full((12,), 1e-45)),
    "NaN": ("groups.0.basis", torch.full((12, 3), torch.nan)),
    "another shape": ("groups.0.basis", torch.zeros(12, 4)),
    "a tensor too few": ("groups.0.basis", None),
    "a tensor too many": ("groups.7.basis", torch.zeros(1)),
}


@pytest.mark.parametrize("case", BAD_TENSORS)
def test_hostile_tensors(bent, tmp_path, case):
    with pytest.raises(FileError):
        load_sliders(spoil(tmp_path, bent, *BAD_TENSORS[case]))


SLIDER = {"name": "a", "group": "g", "low": 0, "high": 1, "mean": 0, "spread": 1}
GROUP = {"name": "g", "rank": 1, "reach": 2}
BAD_CONFIGS = {
    "no list": {"styles": 4, "groups": 3, "sliders": [SLIDER]},
    "nothing": {},
    "rows of other kinds": {"styles": 4, "groups": [3], "sliders": [[]]},
    "an empty range": {"styles": 4, "groups": [GROUP], "sliders": [{**SLIDER, "low": 1}]},
    "a spread of 0": {"styles": 4, "groups": [GROUP], "sliders": [{**SLIDER, "spread": 0}]},
    "a huge number": {"styles": 4, "groups": [GROUP], "sliders": [{**SLIDER, "mean": 10**400}]},
    "a name that is none": {"styles": 4, "groups": [GROUP], "sliders": [{**SLIDER, "name": 3}]},
    "two of one name": {"styles": 4, "groups": [GROUP], "sliders": [SLIDER, SLIDER]},
    "a group without sliders": {"styles": 4, "groups": [GROUP, {**GROUP, "name": "h"}], "sliders": [SLIDER]},
    "a slider without a group": {"styles": 4, "groups": [GROUP], "sliders": [{**SLIDER, "group": "h"}]},
    "more channels than styles": {"styles": 1, "groups": [GROUP], "sliders": [SLIDER]},
    "a basis beyond memory": {"styles": 65536, "groups": [{**GROUP, "rank": 256, "reach": 65536}], "sliders": [SLIDER]},
    "a rank above the reach": {"styles": 4, "groups": [{**GROUP, "rank": 3}], "sliders": [SLIDER]},
    "unknown keys": {"styles": 4, "groups": [GROUP], "sliders": [SLIDER], "run": "me"},
}


@pytest.mark.parametrize("case", BAD_CONFIGS)
def test_hostile_configurations(bent, tmp_path, case):
    with pytest.raises((ConfigError, FileError)):
        load_sliders(spoil(tmp_path, bent, "", config=json.dumps(BAD_CONFIGS[case])))


@pytest.mark.parametrize(
    "header", [{"layers": "3"}, {"layers": "[[1, 2]]"}, {"layers": "{"}, {"schema": "sat3d-masks/1"}]
)
def test_hostile_headers(bent, tmp_path, header):
    with pytest.raises(FileError):
        load_sliders(spoil(tmp_path, bent, "", **header))


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileError, match="train"):
        load_sliders(tmp_path / "missing.safetensors")
    (tmp_path / "text.safetensors").write_text("no")
    with pytest.raises(FileError):
        load_sliders(tmp_path / "text.safetensors")
    with (tmp_path / "huge.safetensors").open("wb") as stream:
        stream.truncate((1 << 25) + 1)
    with pytest.raises(FileError, match="too large"):
        load_sliders(tmp_path / "huge.safetensors")
