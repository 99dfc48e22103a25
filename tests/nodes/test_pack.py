"""The pack as a whole: what it imports, and what old workflows rely on."""

import ast
import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOST_MODULES = {"comfy", "comfy_api", "comfy_execution", "folder_paths", "server", "execution"}

# Once shipped, an id never changes and inputs are only appended.
INPUTS = {
    "LoadEG3D": ["checkpoint"],
    "SAT3DSampleFace": ["model", "seed", "truncation", "batch_size"],
    "RenderOrbit": ["model", "latent", "path", "frames", "yaw_deg", "pitch_deg", "fov_deg", "neural_resolution", "fps"],
}
OUTPUTS = {
    "LoadEG3D": [("model", "EG3D_MODEL"), ("info", "STRING")],
    "SAT3DSampleFace": [("latent", "EG3D_LATENT")],
    "RenderOrbit": [("images", "IMAGE"), ("video", "VIDEO"), ("depth", "IMAGE"), ("alpha", "MASK")],
}


def host_imports(path: Path) -> set[str]:
    """Modules of the host that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.split(".")[0])
    return names & HOST_MODULES


def schemas(part) -> dict:
    extension = part("nodes.extension")
    nodes = asyncio.run(extension.Sat3dExtension().get_node_list())
    return {schema.node_id: schema for schema in (node.define_schema() for node in nodes)}


def test_importing_the_root_needs_neither_the_host_nor_torch():
    code = ("import importlib.util, sys; s = importlib.util.spec_from_file_location('p', sys.argv[1]); "
            "m = importlib.util.module_from_spec(s); s.loader.exec_module(m); "
            "assert callable(m.comfy_entrypoint) and not hasattr(m, 'NODE_CLASS_MAPPINGS'); "
            "assert not {'torch', 'comfy', 'numpy'} & set(sys.modules); print(m.WEB_DIRECTORY)")
    ran = subprocess.run([sys.executable, "-c", code, str(ROOT / "__init__.py")], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert (ROOT / ran.stdout.strip() / "docs").is_dir()


def test_entrypoint_gives_the_extension(part):
    extension = asyncio.run(part("").comfy_entrypoint())
    assert {node.define_schema().node_id for node in asyncio.run(extension.get_node_list())} == set(INPUTS)


@pytest.mark.parametrize("path", sorted((ROOT / "nodes").glob("*.py")), ids=lambda p: p.name)
def test_only_host_py_talks_to_the_running_host(path):
    if path.name != "host.py":
        assert host_imports(path) <= {"comfy_api"}


def test_ids_inputs_and_outputs_are_stable(part):
    found = schemas(part)
    assert {name: [slot.id for slot in schema.inputs] for name, schema in found.items()} == INPUTS
    assert {name: [(slot.id, slot.kind) for slot in schema.outputs] for name, schema in found.items()} == OUTPUTS


def test_every_node_explains_itself(part):
    for name, schema in schemas(part).items():
        assert schema.display_name and schema.description and schema.category.startswith("SAT3D/"), name
        for slot in (*schema.inputs, *schema.outputs):
            assert slot.options.get("tooltip"), f"{name}.{slot.id} has no tooltip"
        assert all(slot.options.get("display_name") for slot in schema.outputs), f"{name}: an output without a name"
        assert (ROOT / "nodes/web/docs" / f"{name}.md").is_file(), f"{name} has no help page"


def test_no_folder_takes_the_place_of_the_templates():
    assert not [name for name in ("example_workflows", "example", "examples", "workflow") if (ROOT / name).exists()]


@pytest.mark.parametrize("path", sorted((ROOT / "workflows/api").glob("*.json")), ids=lambda p: p.name)
def test_api_workflows_name_every_input(path):
    for node in json.loads(path.read_text(encoding="utf-8")).values():
        if node["class_type"] in INPUTS:
            assert set(node["inputs"]) == set(INPUTS[node["class_type"]])


@pytest.mark.parametrize("path", sorted((ROOT / "workflows").glob("*.json")), ids=lambda p: p.name)
def test_ui_workflows_have_a_value_for_every_widget(part, path):
    found = schemas(part)
    for node in json.loads(path.read_text(encoding="utf-8"))["nodes"]:
        if node["type"] in found:
            slots = found[node["type"]].inputs
            widgets = [slot for slot in slots if slot.kind in {"COMBO", "INT", "FLOAT", "STRING"}]
            extra = sum("control_after_generate" in slot.options for slot in widgets)
            assert len(node["widgets_values"]) == len(widgets) + extra, node["type"]
            for slot, connected in zip(found[node["type"]].outputs, node["outputs"], strict=True):
                assert (slot.id, slot.kind) == (connected["name"], connected["type"])
    assert path.with_suffix(".jpg").is_file(), "the template has no thumbnail"
