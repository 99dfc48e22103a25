"""The shipped workflows: their nodes, inputs and links exist, both formats say the same, and they run."""

import asyncio
import importlib
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from sat3d.animation.expression_space import LinearExpressionSpace
from sat3d.masks import AttributeMasks
from sat3d.parsing.labels import LABEL_NAMES
from sat3d.parts.field import save_parts
from sat3d.sliders import save_sliders
from tests.nodes.flows.blueprints import BLUEPRINTS
from tests.nodes.flows.builder import CORE, FILLED, PADDING, SCREEN, TITLE, Kind
from tests.nodes.flows.templates import TEMPLATES
from tests.nodes.host_stub import run
from tests.nodes.tiny_clip import write_tiny_clip
from tests.parts.setup import sure_field
from tests.sliders.setup import tiny_sliders

ROOT = Path(__file__).resolve().parents[2]
FLOWS = sorted(path.stem for path in (ROOT / "workflows/api").glob("*.json"))
BUILT_IN, OFFICIAL, CARS = "synthheads-256 (built-in)", "ffhq512-128.pkl", "synthcars (built-in)"
CARS_ATTRIBUTES = ("colour", "shape")
WIDGETS = {"COMBO": str, "INT": int, "FLOAT": (int, float), "STRING": str}
SEEN = ("SaveImage", "PreviewImage", "SaveVideo", "Preview3D", "PreviewAny")  # what shows or saves
READABLE = 0.7  # below 0.57 the page draws no text


def read(name: str, folder: str = "workflows") -> dict:
    return json.loads((ROOT / folder / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def schemas(part) -> dict:
    nodes = asyncio.run(part("nodes.extension").Sat3dExtension().get_node_list())
    return {schema.node_id: schema for schema in (node.define_schema() for node in nodes)}


@pytest.fixture
def kinds(schemas) -> dict:
    return {**CORE, **{name: Kind.of_schema(schema) for name, schema in schemas.items()}}


def type_of_input(kind: Kind, name: str) -> str:
    """The type of an input, widget or not."""
    return kind.sockets.get(name) or kind.wired_types[name]


def subgraphs_of(ui: dict) -> dict:
    return {each["id"]: each for each in ui.get("definitions", {}).get("subgraphs", [])}


def api_of(graph: dict, kinds, subgraphs: dict, prefix: str = "", outside: list | None = None) -> dict:
    """What the page sends to the host for a UI workflow: subgraphs unfolded, their nodes named by the way to them."""
    links = {}
    for link in graph["links"]:
        row = link if isinstance(link, list) else [link[k] for k in ("id", "origin_id", "origin_slot")]
        links[row[0]] = (row[1], row[2])
    nodes = {node["id"]: node for node in graph["nodes"]}

    def source(number: int) -> list:
        node, slot = links[number]
        if node == -10:
            return outside[slot]
        if nodes[node]["type"] in subgraphs:
            inner = subgraphs[nodes[node]["type"]]
            (end,) = inner["outputs"][slot]["linkIds"]
            (link,) = [each for each in inner["links"] if each["id"] == end]
            return [f"{prefix}{node}:{link['origin_id']}", link["origin_slot"]]
        return [f"{prefix}{node}", slot]

    prompt = {}
    for node in graph["nodes"]:
        if node["type"] == "Note":
            continue
        wired = {slot["name"]: source(slot["link"]) for slot in node["inputs"] if slot["link"] is not None}
        if node["type"] in subgraphs:
            inner = subgraphs[node["type"]]
            given = [wired.get(slot["name"]) for slot in inner["inputs"]]
            prompt |= api_of(inner, kinds, subgraphs, f"{prefix}{node['id']}:", given)
            continue
        names = kinds[node["type"]].widgets  # a wire into a widget counts, not what is typed there
        typed = {name: value for name, value in zip(names, node["widgets_values"], strict=True) if name}
        prompt[f"{prefix}{node['id']}"] = {"class_type": node["type"], "inputs": typed | wired}
    return prompt


def test_there_are_the_promised_templates():
    assert FLOWS == [
        "1 First face",
        "10 Cars",
        "2 First edit",
        "3 Six attributes",
        "3b Change the hair",
        "4 Edit a photo",
        "4b Group photo",
        "5 Orbit and mesh",
        "5b Animate a face",
        "5c Your video",
        "6 Scores",
        "7 Official FFHQ",
        "7b Learn masks",
        "8 Refine",
        "8b Hand to inpainting",
        "9 Studio",
    ]
    assert sorted(path.stem for path in (ROOT / "workflows").glob("*.json")) == FLOWS


@pytest.mark.parametrize("make", TEMPLATES, ids=lambda make: make.__name__)
def test_the_files_are_those_of_the_description(make, schemas):
    graph = make({name: Kind.of_schema(schema) for name, schema in schemas.items()})
    assert graph.to_ui() == read(graph.name), "run: python -m tests.nodes.flows"
    assert graph.to_api() == read(graph.name, "workflows/api"), "run: python -m tests.nodes.flows"


@pytest.mark.parametrize("make", BLUEPRINTS, ids=lambda make: make.__name__)
def test_the_blueprints_are_those_of_the_description(make, kinds):
    graph = make(kinds)
    file = read(graph.name, "subgraphs")
    assert graph.to_blueprint() == file, "run: python -m tests.nodes.flows"
    (node,), (inside,) = file["nodes"], file["definitions"]["subgraphs"]
    assert node["type"] == inside["id"] and inside["category"] == "SAT3D" and inside["description"]
    inner = {str(each["id"]): each for each in inside["nodes"]}
    for number, widget in node["properties"]["proxyWidgets"]:
        assert widget in kinds[inner[number]["type"]].widgets


def test_every_blueprint_is_described(kinds):
    assert sorted(path.stem for path in (ROOT / "subgraphs").iterdir()) == sorted(
        make(kinds).name for make in BLUEPRINTS
    )


@pytest.mark.parametrize("name", FLOWS)
def test_inputs_fit_the_schemas(schemas, name):
    prompt = read(name, "workflows/api")
    for node in prompt.values():
        kind, given = node["class_type"], node["inputs"]
        if kind in CORE:
            allowed = {*CORE[kind].sockets, *CORE[kind].widgets} - {None}
            assert allowed - CORE[kind].optional <= set(given) <= allowed
            continue
        slots = {slot.id: slot for slot in schemas[kind].inputs}
        needed = {slot.id for slot in slots.values() if not slot.options.get("optional")}
        assert needed <= set(given) <= set(slots), kind
        for key, value in given.items():
            if slots[key].kind in WIDGETS and not isinstance(value, list):
                check_value(slots[key], value, f"{kind}.{key}", name == "10 Cars")


def check_value(slot, value, where, about_cars):
    assert isinstance(value, WIDGETS[slot.kind]) and not isinstance(value, bool), where
    assert slot.options.get("min", value) <= value <= slot.options.get("max", value), where
    listed = slot.options.get("options", [value])
    of_cars = CARS_ATTRIBUTES if where.endswith(".attribute") and about_cars else ()
    assert value in [*listed, BUILT_IN, OFFICIAL, CARS, *of_cars], f"{where} = {value} is not one of {listed}"


@pytest.mark.parametrize("name", FLOWS)
def test_wires_join_what_belongs_together(kinds, name):
    prompt = read(name, "workflows/api")
    for node in prompt.values():
        for key, value in node["inputs"].items():
            if isinstance(value, list):
                source, slot = value
                made = list(kinds[prompt[source]["class_type"]].outputs.values())[slot]
                wanted = type_of_input(kinds[node["class_type"]], key)
                assert wanted in (made, "*"), f"{node['class_type']}.{key} gets {made}"


@pytest.mark.parametrize("name", FLOWS)
def test_both_formats_say_the_same(kinds, name):
    ui = read(name)
    assert api_of(ui, kinds, subgraphs_of(ui)) == read(name, "workflows/api")


@pytest.mark.parametrize("name", FLOWS)
def test_the_links_of_the_page_are_consistent(kinds, name):
    ui = read(name)
    nodes = {node["id"]: node for node in ui["nodes"]}
    assert len(nodes) == len(ui["nodes"]) and ui["last_node_id"] == max(nodes)
    assert ui["last_link_id"] == max(link[0] for link in ui["links"]) == len({link[0] for link in ui["links"]})
    for number, source, slot, target, place, kind in ui["links"]:
        start, end = nodes[source]["outputs"][slot], nodes[target]["inputs"][place]
        assert number in start["links"] and end["link"] == number and start["type"] == kind
        assert nodes[source]["order"] < nodes[target]["order"]
    for node in nodes.values():
        if node["type"] in kinds:
            kind = kinds[node["type"]]
            found = [(slot["name"], slot["type"]) for slot in node["inputs"] if "widget" not in slot]
            assert found == list(kind.sockets.items()), node["type"]
            wired = [slot for slot in node["inputs"] if "widget" in slot]
            assert all(slot["widget"] == {"name": slot["name"]} for slot in wired), node["type"]
            assert {slot["name"] for slot in wired} <= set(kind.widgets), node["type"]
            assert [(slot["name"], slot["type"]) for slot in node["outputs"]] == list(kind.outputs.items())


@pytest.mark.parametrize("name", FLOWS)
def test_the_links_of_a_subgraph_are_consistent(name):
    ui = read(name)
    used = {node["type"]: node for node in ui["nodes"]}
    for id, graph in subgraphs_of(ui).items():
        assert [slot["name"] for slot in used[id]["inputs"]] == [slot["name"] for slot in graph["inputs"]]
        assert [slot["name"] for slot in used[id]["outputs"]] == [slot["name"] for slot in graph["outputs"]]
        nodes, links = {node["id"]: node for node in graph["nodes"]}, {link["id"]: link for link in graph["links"]}
        for number, link in links.items():
            start = (
                graph["inputs"][link["origin_slot"]]["linkIds"]
                if link["origin_id"] == -10
                else nodes[link["origin_id"]]["outputs"][link["origin_slot"]]["links"]
            )
            end = (
                graph["outputs"][link["target_slot"]]["linkIds"]
                if link["target_id"] == -20
                else [nodes[link["target_id"]]["inputs"][link["target_slot"]]["link"]]
            )
            assert number in start and number in end


@pytest.mark.parametrize("name", FLOWS)
def test_it_can_be_read_at_the_zoom_it_opens_with(name):
    """The page fits all nodes into three quarters of the screen; older pages take the view from the file."""
    ui = read(name)
    boxes = [(*n["pos"], n["pos"][0] + n["size"][0], n["pos"][1] + n["size"][1]) for n in ui["nodes"]]
    left, top = min(b[0] for b in boxes) - PADDING, min(b[1] for b in boxes) - TITLE - PADDING
    right, bottom = max(b[2] for b in boxes) + PADDING, max(b[3] for b in boxes) + PADDING
    zoom = min(FILLED * SCREEN[0] / (right - left), FILLED * SCREEN[1] / (bottom - top))
    assert zoom >= READABLE, f"{right - left} x {bottom - top}"
    view = ui["extra"]["ds"]
    assert view["scale"] == pytest.approx(min(1, zoom), abs=0.01)
    seen = [(edge + view["offset"][i % 2]) * view["scale"] for i, edge in enumerate((left, top, right, bottom))]
    assert seen[0] >= 60 and seen[1] >= 90 and seen[2] <= SCREEN[0] - 60 and seen[3] <= SCREEN[1] - 60


@pytest.mark.parametrize("name", FLOWS)
def test_nodes_are_at_least_as_large_as_the_page_makes_them(kinds, name):
    """Measured in the page: 20 pixels for each socket, 24 for each widget, 14 besides; a video as wide as its node."""
    for node in read(name)["nodes"]:
        width, height = node["size"]
        kind = kinds.get(node["type"])
        if kind is not None:
            least = 20 * max(len(kind.sockets), len(kind.outputs), 1) + 24 * len(kind.widgets) + 14
            least = {"PreviewAny": 122, "SaveVideo": 106 + width}.get(node["type"], least)
            assert height >= least and (width >= 210 or node["type"] == "PreviewImage"), node.get("title", node["type"])


APPS = ("1 First face", "2 First edit", "4 Edit a photo", "4b Group photo", "9 Studio")


@pytest.mark.parametrize("name", FLOWS)
def test_the_app_shows_what_is_there(kinds, name):
    """What the page's app mode shows; it opens as a graph all the same."""
    ui = read(name)
    assert ("linearData" in ui["extra"]) == (name in APPS) and "linearMode" not in ui["extra"]
    nodes, app = (
        {node["id"]: node for node in ui["nodes"]},
        ui["extra"].get("linearData", {"inputs": [], "outputs": []}),
    )
    for number, widget, *more in app["inputs"]:
        node = nodes[number]
        made_by_the_page = ["studio"] if node["type"] == "SAT3DStudio" else []
        assert widget in [*kinds[node["type"]].widgets, *made_by_the_page]
        assert widget not in [slot["name"] for slot in node["inputs"] if slot["link"] is not None]
        assert more == ([{"description": node["title"]}] if node.get("title") else [])
    assert all(nodes[number]["type"] in SEEN for number in app["outputs"])
    labels = [(widget, *(each["description"] for each in more)) for _, widget, *more in app["inputs"]]
    assert len(set(labels)) == len(labels), "two that look the same"


@pytest.mark.parametrize("name", FLOWS)
def test_groups_hold_all_nodes_and_do_not_overlap(name):
    ui = read(name)
    boxes = [(x, y, x + w, y + h) for x, y, w, h in (group["bounding"] for group in ui["groups"])]
    for node in ui["nodes"]:
        (x, y), (w, h) = node["pos"], node["size"]
        assert sum(b[0] < x and b[1] < y - TITLE and x + w < b[2] and y + h < b[3] for b in boxes) == 1, node["title"]
    for i, a in enumerate(boxes):
        assert all(a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3] for b in boxes[:i])
    assert all(group["title"] for group in ui["groups"])


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
def test_only_those_that_say_so_need_a_download(name):
    ui, text = read(name), json.dumps(read(name))
    if name == "7 Official FFHQ":
        (loader,) = [node for node in ui["nodes"] if node["type"] == "LoadEG3D"]
        (model,) = loader["properties"]["models"]
        assert model == ui["models"][0] and model["directory"] == "eg3d" and model["url"].startswith("https://")
        assert model["name"] == loader["widgets_values"][0] == model["url"].rsplit("/", 1)[1] == OFFICIAL
        return
    if name == "8 Refine":
        (model,) = ui["models"]
        (loader,) = [node for node in ui["nodes"] if node["type"] == "CheckpointLoaderSimple"]
        assert loader["properties"]["models"] == [model] and loader["widgets_values"] == [model["name"]]
        assert model["directory"] == "checkpoints" and model["url"].rsplit("/", 1)[1] == model["name"]
        assert any("NEEDS A MODEL" in str(node["widgets_values"]) for node in ui["nodes"])
        return
    assert "models" not in ui and '"models":' not in text and (CARS if name == "10 Cars" else BUILT_IN) in text
    samples = [node for node in read(name, "workflows/api").values() if node["class_type"] == "SAT3DSampleFace"]
    assert all(node["inputs"]["truncation"] == 1.0 for node in samples)


@pytest.fixture
def shipped(part, shelf, assets, triplane, monkeypatch):
    """Tiny networks in place of the built-in ones; gives the pictures that nodes show."""
    entry = shelf / "turn.safetensors"
    library = part("nodes.library").Library
    path = library.path
    stood_for = (BUILT_IN, OFFICIAL, CARS)
    monkeypatch.setattr(library, "path", lambda self, name: entry if name in stood_for else path(self, name))
    names = (*part("nodes.masks").FACE_ATTRIBUTES, *CARS_ATTRIBUTES)
    AttributeMasks(
        torch.zeros(len(names) + 1, triplane.layout.num_editable),
        names,
        triplane.layout.to_json(),
        triplane.layout.fingerprint,
        {"name": "tiny"},
    ).save(assets / "tiny-masks.safetensors")
    field = sure_field(triplane, "hair", LABEL_NAMES)
    save_parts(assets / "tiny-parts.safetensors", field, triplane.fingerprint(), triplane.layout.fingerprint)
    save_sliders(assets / "tiny-sliders.safetensors", tiny_sliders(triplane))
    write_tiny_directions(triplane.layout, assets)
    write_tiny_clip(assets)
    part("nodes.clips")._kept.clear()
    tiny_helpers(part, monkeypatch)


def write_tiny_directions(layout, assets):
    """What the jaw moves in the tiny network."""
    ones = torch.ones(1, 4)
    LinearExpressionSpace(
        ("jaw_open",), layout.editable_index[:4], ones, ones.T / 4, torch.zeros(4), torch.zeros(1), layout.fingerprint
    ).save(assets / "tiny-expressions.safetensors")


def tiny_helpers(part, monkeypatch):
    """An inversion that takes no time: no encoder, no perceptual loss, few rays."""
    module, options = part("nodes.invert"), part("sat3d.inversion").InversionOptions
    small = {"low_resolution": 8, "full_resolution": 16}
    monkeypatch.setattr(part("nodes.built_in_networks"), "encoder", lambda: None)
    monkeypatch.setattr(part("nodes.built_in_networks"), "reader", lambda: None)
    monkeypatch.setattr(module, "InversionOptions", lambda *given: options(*given, **small))
    learn_from_few(part, monkeypatch)


def learn_from_few(part, monkeypatch):
    """Masks of faces that nothing parses: the network of the tests shows no glasses, of which there must be some."""
    start = importlib.import_module(part("nodes.learn_masks").quick_start.__module__)
    jobs, judge = part("nodes.learning_jobs"), start.examine
    monkeypatch.setattr(jobs, "seen_domain", lambda domain, parser: unparsed(domain))
    monkeypatch.setattr(start, "HELD_OUT", 4)
    monkeypatch.setattr(start, "examine", lambda *given, **more: judge(*given, **{"transfers": 1, **more}))


def unparsed(domain):
    sampling = replace(domain.sampling, drop={}, at_least={})
    return replace(domain, parser="", regions={}, preselection={}, sampling=sampling)


SMALLER = {
    "faces": 40,
    "frames": 2,
    "neural_resolution": 16,
    "picture_resolution": 16,
    "resolution": 64,
    "cell_px": 32,
    "steps": 2,
}


def smaller(key: str, value):
    """Numbers alone: what is called frames is a number of one node and a choice of another."""
    return min(value, SMALLER[key]) if key in SMALLER and value and not isinstance(value, str) else value


def in_order(prompt: dict) -> list[str]:
    """Every node after those that it needs."""
    found: list[str] = []

    def visit(number: str) -> None:
        for value in prompt[number]["inputs"].values():
            if isinstance(value, list) and value[0] not in found:
                visit(value[0])
        if number not in found:
            found.append(number)

    for number in prompt:
        visit(number)
    return found


def load_image(name: str, nodes: dict) -> torch.Tensor:
    """What Load Image makes of a photo that the pack has put into the host's input folder."""
    module = importlib.import_module(nodes["SAT3DExamplePhoto"].__module__)
    module.offer_in_input()
    with Image.open(Path(module.folder_paths.get_input_directory()) / name) as picture:
        return torch.from_numpy(np.asarray(picture.convert("RGB")).copy()).float()[None] / 255


def load_video(nodes: dict) -> SimpleNamespace:
    """What Load Video makes of a film: two frames of the photo that comes with the pack, and a sound."""
    frames = load_image("sat3d_portrait.jpg", nodes).expand(2, -1, -1, -1)
    heard = {"waveform": torch.zeros(1, 1, 800), "sample_rate": 8000}
    return SimpleNamespace(get_components=lambda: SimpleNamespace(images=frames, audio=heard, frame_rate=Fraction(25)))


def perform(prompt: dict, nodes: dict, changed=smaller) -> dict[str, list]:
    """Run a prompt as the host does, smaller; the inputs of the host's own nodes by title of their class.

    ``changed``: name and value of a widget -> the value that is taken.
    """
    made, arrived = {}, {}
    for number in in_order(prompt):
        node = prompt[number]
        if node["class_type"] == "LoadImage":
            made[number] = [load_image(node["inputs"]["image"], nodes), None]
            continue
        if node["class_type"] == "LoadVideo":
            made[number] = [load_video(nodes)]
            continue
        needed = {value[0] for value in node["inputs"].values() if isinstance(value, list)}
        if not needed <= set(made) or (node["class_type"] in CORE and node["class_type"] not in SEEN):
            continue  # diffusion, which needs a model
        inputs = {
            key: made[value[0]][value[1]] if isinstance(value, list) else changed(key, value)
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
    prompt = read("2 First edit", "workflows/api")
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
    prompt = paste_anyway(read("4 Edit a photo", "workflows/api"))
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
