"""The shipped workflows: their nodes, inputs and links exist, both formats say the same, and they run."""

import asyncio
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from sat3d.masks import AttributeMasks
from tests.nodes.host_stub import run
from tests.nodes.tiny_clip import write_tiny_clip

ROOT = Path(__file__).resolve().parents[2]
FLOWS = sorted(path.stem for path in (ROOT / "workflows/api").glob("*.json"))
BUILT_IN, OFFICIAL = "synthheads-128 (built-in)", "ffhq512-128.pkl"
WIDGETS = {"COMBO": str, "INT": int, "FLOAT": (int, float), "STRING": str}
# The host's own nodes: sockets, widgets (None: one that is not sent), outputs.
CORE = {
    "LoadImage": ({}, ["image", None], ["IMAGE", "MASK"]),
    "SaveVideo": ({"video": "VIDEO"}, ["filename_prefix", "format", "codec"], []),
    "SaveImage": ({"images": "IMAGE"}, ["filename_prefix"], []),
    "PreviewImage": ({"images": "IMAGE"}, [], []),
    "PreviewAny": ({"source": "*"}, [], []),
    "Preview3D": ({"model_file": "STRING"}, [], []),
}


def read(name: str, folder: str = "workflows") -> dict:
    return json.loads((ROOT / folder / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def schemas(part) -> dict:
    nodes = asyncio.run(part("nodes.extension").Sat3dExtension().get_node_list())
    return {schema.node_id: schema for schema in (node.define_schema() for node in nodes)}


def sockets_of(kind, schemas) -> dict[str, str]:
    """Input -> type, of what a wire may be connected to."""
    if kind in CORE:
        return CORE[kind][0]
    return {slot.id: slot.kind for slot in schemas[kind].inputs if slot.kind not in WIDGETS}


def kind_of(kind, key, schemas) -> str:
    """The type of an input, widget or not."""
    if kind in CORE:
        return CORE[kind][0][key]
    return next(slot.kind for slot in schemas[kind].inputs if slot.id == key)


def outputs_of(kind, schemas) -> list[str]:
    return CORE[kind][2] if kind in CORE else [slot.kind for slot in schemas[kind].outputs]


def widgets_of(kind, schemas) -> list:
    """Widget names; a seed has a second one, named None, for what happens to it after a run."""
    if kind in CORE:
        return CORE[kind][1]
    names = []
    for slot in schemas[kind].inputs:
        if slot.kind in WIDGETS:
            names += [slot.id, None] if "control_after_generate" in slot.options else [slot.id]
    return names


def api_of(ui: dict, schemas) -> dict:
    """What the page sends to the host for a UI workflow."""
    links, prompt = {link[0]: link for link in ui["links"]}, {}
    for node in ui["nodes"]:
        if node["type"] == "Note":
            continue
        inputs = {
            slot["name"]: [str(links[slot["link"]][1]), links[slot["link"]][2]]
            for slot in node["inputs"]
            if slot["link"] is not None
        }
        names = widgets_of(node["type"], schemas)
        if names:  # a wire into a widget counts, not what is typed there
            typed = {name: value for name, value in zip(names, node["widgets_values"], strict=True) if name}
            inputs = typed | inputs
        prompt[str(node["id"])] = {"class_type": node["type"], "inputs": inputs}
    return prompt


def test_there_are_the_promised_templates():
    assert set(FLOWS) == {
        "first_face",
        "first_edit",
        "six_attributes",
        "photo_edit",
        "orbit_and_mesh",
        "scores",
        "official_ffhq",
    }
    assert sorted(path.stem for path in (ROOT / "workflows").glob("*.json")) == FLOWS


@pytest.mark.parametrize("name", FLOWS)
def test_inputs_fit_the_schemas(schemas, name):
    prompt = read(name, "workflows/api")
    for node in prompt.values():
        kind, given = node["class_type"], node["inputs"]
        if kind in CORE:
            assert set(given) == {*CORE[kind][0], *CORE[kind][1]} - {None}
            continue
        slots = {slot.id: slot for slot in schemas[kind].inputs}
        needed = {slot.id for slot in slots.values() if not slot.options.get("optional")}
        assert needed <= set(given) <= set(slots), kind
        for key, value in given.items():
            if slots[key].kind in WIDGETS and not isinstance(value, list):
                check_value(slots[key], value, f"{kind}.{key}")


def check_value(slot, value, where):
    assert isinstance(value, WIDGETS[slot.kind]) and not isinstance(value, bool), where
    assert slot.options.get("min", value) <= value <= slot.options.get("max", value), where
    listed = slot.options.get("options", [value])
    assert value in [*listed, BUILT_IN, OFFICIAL], f"{where} = {value} is not one of {listed}"


@pytest.mark.parametrize("name", FLOWS)
def test_wires_join_what_belongs_together(schemas, name):
    prompt = read(name, "workflows/api")
    for node in prompt.values():
        kind = node["class_type"]
        for key, value in node["inputs"].items():
            if isinstance(value, list):
                source, slot = value
                made = outputs_of(prompt[source]["class_type"], schemas)[slot]
                wanted = kind_of(kind, key, schemas)
                assert wanted in (made, "*"), f"{kind}.{key} gets {made}"


@pytest.mark.parametrize("name", FLOWS)
def test_both_formats_say_the_same(schemas, name):
    assert api_of(read(name), schemas) == read(name, "workflows/api")


@pytest.mark.parametrize("name", FLOWS)
def test_the_links_of_the_page_are_consistent(schemas, name):
    ui = read(name)
    nodes = {node["id"]: node for node in ui["nodes"]}
    assert len(nodes) == len(ui["nodes"]) and ui["last_node_id"] == max(nodes)
    assert ui["last_link_id"] == max(link[0] for link in ui["links"]) == len({link[0] for link in ui["links"]})
    for number, source, slot, target, place, kind in ui["links"]:
        start, end = nodes[source]["outputs"][slot], nodes[target]["inputs"][place]
        assert number in start["links"] and end["link"] == number and start["type"] == kind
        assert nodes[source]["order"] < nodes[target]["order"]
    for node in nodes.values():
        if node["type"] in schemas:
            found = [(slot["name"], slot["type"]) for slot in node["inputs"] if "widget" not in slot]
            assert found == list(sockets_of(node["type"], schemas).items()), node["type"]
            wired = [slot for slot in node["inputs"] if "widget" in slot]
            assert all(slot["widget"] == {"name": slot["name"]} for slot in wired), node["type"]
            assert {slot["name"] for slot in wired} <= set(widgets_of(node["type"], schemas)), node["type"]
            assert [slot["name"] for slot in node["outputs"]] == [slot.id for slot in schemas[node["type"]].outputs]


@pytest.mark.parametrize("name", FLOWS)
def test_the_page_is_laid_out_neatly_and_explained(name):
    nodes = read(name)["nodes"]
    boxes = [(n["pos"][0], n["pos"][1] - 30, n["pos"][0] + n["size"][0], n["pos"][1] + n["size"][1]) for n in nodes]
    for i, a in enumerate(boxes):
        for j, b in enumerate(boxes[:i]):
            apart = a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]
            assert apart, f"{nodes[i]['type']} lies on {nodes[j]['type']}"
    notes = [node for node in nodes if node["type"] == "Note"]
    assert notes and all(len(note["widgets_values"][0]) > 100 and note["title"] for note in notes)


@pytest.mark.parametrize("name", FLOWS)
def test_only_the_official_one_needs_a_download(name):
    ui, text = read(name), json.dumps(read(name))
    if name == "official_ffhq":
        (loader,) = [node for node in ui["nodes"] if node["type"] == "LoadEG3D"]
        (model,) = loader["properties"]["models"]
        assert model == ui["models"][0] and model["directory"] == "eg3d" and model["url"].startswith("https://")
        assert model["name"] == loader["widgets_values"][0] == model["url"].rsplit("/", 1)[1] == OFFICIAL
        return
    assert "models" not in ui and '"models":' not in text and BUILT_IN in text
    samples = [node for node in read(name, "workflows/api").values() if node["class_type"] == "SAT3DSampleFace"]
    assert all(node["inputs"]["truncation"] == 1.0 for node in samples)


@pytest.fixture
def shipped(part, shelf, assets, triplane, monkeypatch):
    """Tiny networks in place of the built-in ones; gives the pictures that nodes show."""
    entry = shelf / "turn.safetensors"
    library = part("nodes.library").Library
    path = library.path
    monkeypatch.setattr(library, "path", lambda self, name: entry if name in (BUILT_IN, OFFICIAL) else path(self, name))
    names = part("nodes.masks").FACE_ATTRIBUTES
    AttributeMasks(
        torch.zeros(len(names) + 1, triplane.layout.num_editable),
        names,
        triplane.layout.to_json(),
        triplane.layout.fingerprint,
        {"name": "tiny"},
    ).save(assets / "tiny-masks.safetensors")
    write_tiny_clip(assets)
    part("nodes.clips")._kept.clear()
    tiny_helpers(part, monkeypatch)
    ui = SimpleNamespace(PreviewImage=lambda picture, cls: picture)
    monkeypatch.setattr(sys.modules["comfy_api.latest"], "ui", ui, raising=False)


def tiny_helpers(part, monkeypatch):
    """An inversion that takes no time: no encoder, no perceptual loss, few rays."""
    module, options = part("nodes.invert"), part("sat3d.inversion").InversionOptions
    small = {"low_resolution": 8, "full_resolution": 16}
    monkeypatch.setattr(part("nodes.built_in_networks"), "encoder", lambda: None)
    monkeypatch.setattr(part("nodes.built_in_networks"), "reader", lambda: None)
    monkeypatch.setattr(module, "InversionOptions", lambda *given: options(*given, **small))


SMALLER = {"frames": 2, "neural_resolution": 16, "picture_resolution": 16, "resolution": 64, "cell_px": 32, "steps": 2}


def smaller(key: str, value):
    """Numbers alone: what is called frames is a number of one node and a choice of another."""
    return min(value, SMALLER[key]) if key in SMALLER and value and not isinstance(value, str) else value


def perform(prompt: dict, nodes: dict) -> dict[str, list]:
    """Run a prompt as the host does, smaller; the inputs of the host's own nodes by title of their class."""
    made, arrived = {}, {}
    for number in sorted(prompt, key=int):
        node = prompt[number]
        inputs = {
            key: made[value[0]][value[1]] if isinstance(value, list) else smaller(key, value)
            for key, value in node["inputs"].items()
        }
        if node["class_type"] in CORE:
            arrived.setdefault(node["class_type"], []).append(inputs)
        else:
            made[number] = run(nodes[node["class_type"]], **inputs)
    return arrived


def check_arrived(kind, inputs, output):
    if kind in ("SaveImage", "PreviewImage"):
        picture = inputs["images"]
        assert picture.ndim == 4 and picture.shape[3] == 3 and torch.isfinite(picture).all()
        assert picture.min() >= 0 and picture.max() <= 1 and picture.std() > 0.001
    elif kind == "SaveVideo":
        assert len(inputs["video"].images) == 2
    elif kind == "Preview3D":
        assert [(output / file).read_bytes()[:4] for file in inputs["model_file"]] == [b"glTF"]
    else:
        assert isinstance(inputs["source"], str | float) and inputs["source"] not in ("", None)


def paste_anyway(prompt: dict) -> dict:
    """The network of the tests shows no heads: Paste Back stops, and rightly."""
    for node in prompt.values():
        if node["class_type"] == "SAT3DPasteBack":
            node["inputs"]["unlike"] = "paste anyway"
    return prompt


@pytest.mark.parametrize("name", FLOWS)
def test_it_runs(part, shipped, models, schemas, name):
    nodes = {node.define_schema().node_id: node for node in part("nodes.extension").NODES}
    arrived = perform(paste_anyway(read(name, "workflows/api")), nodes)
    assert arrived
    for kind, all_inputs in arrived.items():
        for inputs in all_inputs:
            check_arrived(kind, inputs, models.parent / "output")


def test_the_note_tells_of_intensity_zero(part, shipped):
    """In the first edit, intensity 0 shows the source and 1 does not: the promise of its note."""
    nodes = {node.define_schema().node_id: node for node in part("nodes.extension").NODES}
    prompt = read("first_edit", "workflows/api")
    (transfer,) = [node for node in prompt.values() if node["class_type"] == "SAT3DTransfer"]
    videos = []
    for intensity in (0.0, 1.0):
        transfer["inputs"]["intensity"] = intensity
        videos.append(perform(prompt, nodes)["SaveVideo"][0]["video"].images)
    (sheet,) = [node for node in prompt.values() if node["class_type"] == "SAT3DContactSheet"]
    source = prompt[sheet["inputs"]["row_1"][0]]["inputs"]["latent"]
    transfer["inputs"] |= {"source": source, "reference": source}
    unedited = perform(prompt, nodes)["SaveVideo"][0]["video"].images
    assert torch.equal(videos[0], unedited) and not torch.equal(videos[1], unedited)


def test_the_photo_comes_back_in_its_own_size(part, shipped):
    """What its notes promise: intensity 0 leaves the photo as it was; without 'before' the generator's head is seen."""
    nodes = {node.define_schema().node_id: node for node in part("nodes.extension").NODES}
    prompt = paste_anyway(read("photo_edit", "workflows/api"))
    photo = run(nodes["SAT3DExamplePhoto"])[0]
    steps = {node["class_type"]: node["inputs"] for node in prompt.values()}
    results = []
    for intensity in (0.0, 1.0):
        steps["SAT3DTransfer"]["intensity"] = intensity
        results.append(perform(prompt, nodes)["SaveImage"][0]["images"])
    assert all(result.shape == photo.shape for result in results)
    torch.testing.assert_close(results[0], photo, atol=1e-5, rtol=0)
    assert (results[1] - photo).abs().amax() > 0.01
    del steps["SAT3DPasteBack"]["before"]
    whole = perform(prompt, nodes)["SaveImage"][0]["images"]
    assert (whole - photo).abs().mean() > (results[1] - photo).abs().mean()
    assert torch.equal(whole[:, :, -100:], photo[:, :, -100:])  # beside the crop
