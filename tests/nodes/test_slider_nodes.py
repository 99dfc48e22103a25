"""Face Sliders and Read Face Parameters, as the host calls them."""

import json
import sys
from types import SimpleNamespace

import pytest
import torch

from sat3d.sliders import save_sliders
from tests.nodes.host_stub import run
from tests.nodes.transfer.setup import masks_of
from tests.sliders.setup import tiny_sliders

ALL_AT_REST = {"slider": "none", "position": 0.5, "values": "", "as_in_reference": "", "picture_resolution": 16,
               "yaw_deg": 0.0}  # fmt: skip


@pytest.fixture
def folder(models, triplane, assets):
    """Sliders of the tiny generator in the user's folder, among files of other kinds."""
    folder = models / "sat3d_sliders"
    folder.mkdir(parents=True, exist_ok=True)
    save_sliders(folder / "tiny.safetensors", tiny_sliders(triplane))
    (folder / "broken.safetensors").write_text("nothing")
    return folder


@pytest.fixture
def slide(part, folder, monkeypatch):
    """The node with everything at rest but what is given; ``slide.shown`` are the pictures on the node."""
    shown = []
    ui = SimpleNamespace(PreviewImage=lambda image, cls: shown.append(image) or image)
    monkeypatch.setattr(sys.modules["comfy_api.latest"], "ui", ui, raising=False)

    def slide(model, source, **changes):
        return run(part("nodes.sliders").SAT3DSliders, model=model, source=source, **{**ALL_AT_REST, **changes})

    slide.shown = shown
    return slide


@pytest.fixture
def read(part, folder):
    def read(model, latent, **more):
        return run(part("nodes.sliders").SAT3DReadParameters, model=model, latent=latent, **more)

    return read


def numbers(text):
    return {name: value for group in json.loads(text).values() for name, value in group.items()}


def test_what_is_read_can_be_edited_and_fed_back(graph, slide, read):
    model = graph.load()[0]
    source = graph.sample(model)
    text, ranges = read(model, source)
    values = json.loads(text)
    assert list(values) == ["shape", "expression", "light"] and set(values["shape"]) == {"jaw", "nose"}
    assert "  light_yaw_deg: -1 to 1.5" in ranges
    same, picture, again, said = slide(model, source, values=text)
    assert torch.equal(same.styles, source.styles) and again == text and said == "seed 3"
    values["expression"]["jaw_open"] = 0.9
    edited, shown, told, said = slide(model, source, values=json.dumps(values))
    assert numbers(told)["jaw_open"] == pytest.approx(0.9, abs=0.02) and said.endswith("1. jaw_open 0.9")
    for name in ("jaw", "nose", "light_yaw_deg"):
        assert numbers(told)[name] == pytest.approx(numbers(text)[name], abs=1e-3)
    assert shown.shape[0] == 1 and not torch.equal(shown, picture) and slide.shown == [picture, shown]
    assert numbers(read(model, edited)[0]) == numbers(told) and not edited.styles.is_inference()
    flat = slide(model, source, values='{"jaw_open": 0.9}')[0]
    assert torch.equal(flat.styles, edited.styles)


def test_one_slider_by_hand_comes_last(graph, slide):
    model = graph.load()[0]
    source = graph.sample(model)
    least, most = (slide(model, source, slider="expression: jaw_open", position=p)[2] for p in (0.0, 1.0))
    assert numbers(least)["jaw_open"] == pytest.approx(-1, abs=0.05)
    assert numbers(most)["jaw_open"] == pytest.approx(1.5, abs=0.05)
    both = slide(model, source, slider="expression: jaw_open", position=0.0, values='{"jaw_open": 1, "nose": 0.5}')[2]
    assert numbers(both)["jaw_open"] == pytest.approx(-1, abs=0.05)
    assert numbers(both)["nose"] == pytest.approx(0.5, abs=0.02)


def test_the_combo_lists_what_is_at_hand(part, folder):
    inputs = {slot.id: slot for slot in part("nodes.sliders").SAT3DSliders.define_schema().inputs}
    assert inputs["slider"].options["options"][:3] == ["none", "shape: jaw", "shape: nose"]
    assert inputs["sliders_file"].options["options"][0] == "the model's own"
    assert "tiny.safetensors" in inputs["sliders_file"].options["options"]


def test_as_in_the_reference(graph, slide, read):
    model = graph.load()[0]
    source, reference = graph.sample(model), graph.sample(model, seed=8)
    copied, _, told, said = slide(model, source, reference=reference, as_in_reference="expression, nose")
    theirs, own = numbers(read(model, reference)[0]), numbers(read(model, source)[0])
    for name in ("smile_left", "jaw_open", "nose"):
        assert numbers(told)[name] == pytest.approx(theirs[name], abs=0.05)
    assert numbers(told)["light_yaw_deg"] == own["light_yaw_deg"]
    assert "as in seed 8" in said and len(copied.edits) == 3
    alone = slide(model, source, as_in_reference="expression")[0]
    assert torch.equal(alone.styles, source.styles)  # nothing connected: said, not an error


def test_several_faces_have_a_set_each(graph, slide, read):
    model = graph.load()[0]
    faces = graph.sample(model, batch_size=2)
    values = json.loads(read(model, faces)[0])
    assert len(values) == 2
    values[1]["light"]["light_yaw_deg"] = 1.2
    edited = slide(model, faces, values=json.dumps(values))[0]
    assert torch.equal(edited.styles[0], faces.styles[0]) and not torch.equal(edited.styles[1], faces.styles[1])
    with pytest.raises(graph.errors.ShapeError, match="do not pair"):
        slide(model, graph.sample(model), values=json.dumps(values))


def test_chains_with_other_edits_in_both_orders(graph, slide, part, triplane):
    model = graph.load()[0]
    source, reference = graph.sample(model), graph.sample(model, seed=8)
    asked = {"reference": reference, "attribute": "beard", "intensity": 1.0, "masks": masks_of(triplane, ("beard",))}
    transfer = part("nodes.transfer").SAT3DTransfer
    before = run(transfer, model=model, source=slide(model, source, values='{"nose": 1}')[0], **asked)
    after = slide(model, run(transfer, model=model, source=source, **asked)[0], values='{"nose": 1}')
    assert [line[:7] for line in before[1].split("\n")[1:]] == ["1. nose", "2. bear"]
    assert [line[:7] for line in after[3].split("\n")[1:]] == ["1. bear", "2. nose"]
    assert numbers(after[2])["nose"] == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(
    "text", ["{", "3", "[3]", '{"jaw": "much"}', '{"jaw": NaN}', '{"jaw": 1e999}', '{"jaw": true}', "[" * 9999,
             '{"a": {"b": {"c": 1}}}', '{"jaw": ' + "9" * 400 + "}", " " * 1_000_001 + "x"],
)  # fmt: skip
def test_values_that_are_none_are_refused_before_anything_runs(part, graph, slide, text):
    said = part("nodes.sliders").SAT3DSliders.validate_inputs(values=text)
    assert isinstance(said, str) and "sliders are not usable" in said
    model = graph.load()[0]
    with pytest.raises(graph.errors.ConfigError, match="not usable"):
        slide(model, graph.sample(model), values=text)


def test_what_is_not_there_is_said(part, graph, slide):
    model = graph.load()[0]
    source = graph.sample(model)
    for changes in ({"values": '{"beak": 1}'}, {"slider": "shape: beak"},
                    {"reference": source, "as_in_reference": "beak"}):  # fmt: skip
        with pytest.raises(graph.errors.ShapeError, match=r"no such slider.*beak"):
            slide(model, source, **changes)
    node = part("nodes.sliders").SAT3DSliders
    assert node.validate_inputs(values="", sliders_file="tiny.safetensors") is True
    assert "no such file" in node.validate_inputs(values="", sliders_file="gone.safetensors")
    with pytest.raises(graph.errors.FileError):
        slide(model, source, sliders_file="broken.safetensors")


def test_more_than_heads_have_is_said(graph, slide, part, monkeypatch):
    said = []
    monkeypatch.setattr(part("nodes.host"), "warn", lambda text: said.append(text) if text else None)
    model = graph.load()[0]
    slide(model, graph.sample(model), values='{"jaw": 9, "nose": 0.2}')
    assert [text for text in said if "more than heads" in text and "jaw" in text and "nose" not in text]


def test_a_generator_without_sliders_says_so(graph, slide, folder):
    (folder / "tiny.safetensors").unlink()
    model = graph.load()[0]
    with pytest.raises(graph.errors.LayoutError, match=r"no sliders.*train_sliders"):
        slide(model, graph.sample(model))
    flat = graph.load("flat.safetensors")[0]
    with pytest.raises(graph.errors.LayoutError):
        slide(flat, graph.sample(flat))


def test_flat_faces_have_sliders_too(graph, slide, folder, stylegan2):
    save_sliders(folder / "flat.safetensors", tiny_sliders(stylegan2))
    model = graph.load("flat.safetensors")[0]
    edited, picture, told, _ = slide(model, graph.sample(model), values='{"jaw": 1}')
    assert picture.shape == (1, 32, 32, 3) and numbers(told)["jaw"] == pytest.approx(1, abs=0.03)
    assert edited.edits
    with pytest.raises(graph.errors.LayoutError, match="another style layout"):
        slide(model, graph.sample(model), sliders_file="tiny.safetensors")


def test_sliders_of_a_relative_are_used_with_a_warning(graph, slide, folder, triplane, part, monkeypatch):
    from dataclasses import replace

    save_sliders(folder / "tiny.safetensors", replace(tiny_sliders(triplane), generator_fingerprint="0123456789abcdef"))
    said = []
    monkeypatch.setattr(part("nodes.host"), "warn", lambda text: said.append(text) if text else None)
    model = graph.load()[0]
    assert slide(model, graph.sample(model), values='{"jaw": 1}')[0].edits
    assert any("fine-tuned" in text for text in said)
