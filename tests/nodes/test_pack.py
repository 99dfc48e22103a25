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
    "LoadEG3D": ["checkpoint", "base"],
    "SAT3DLoadEncoder": ["encoder_file"],
    "SAT3DLoadMasks": ["masks_file"],
    "SAT3DLearnMasks": ["model", "domain", "clip", "faces", "seed", "filename", "parser", "architecture"],
    "SAT3DSampleFace": ["model", "seed", "truncation", "batch_size"],
    "SAT3DSaveLatent": ["latent", "filename_prefix"],
    "SAT3DLoadLatent": ["face_file", "model", "tuned_model"],
    "SAT3DTransfer": [
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
    ],
    "SAT3DSliders": [
        "model",
        "source",
        "slider",
        "position",
        "values",
        "as_in_reference",
        "picture_resolution",
        "yaw_deg",
        "reference",
        "sliders_file",
    ],
    "SAT3DReadParameters": ["model", "latent", "sliders_file"],
    "SAT3DSwapParts": ["model", "source", "reference", "parts", "feather", "heal"],
    "SAT3DPartMasks": ["parts", "choose", "edge"],
    "InvertImage": [
        "model",
        "image",
        "method",
        "steps",
        "seed",
        "ignore",
        "place",
        "frames",
        "leave_out",
        "masks",
        "encoder",
        "protect",
    ],
    "SAT3DAlignFace": ["image", "method", "points", "face", "size", "frame", "no_face", "landmarks", "boxes"],
    "SAT3DExamplePhoto": [],
    "SAT3DRenderAsTaken": ["model", "latent", "rendering"],
    "SAT3DPasteBack": ["photo", "place", "edited", "area", "feather", "before", "mask", "unlike"],
    "SAT3DDrive": ["face", "smoothing", "frame", "fps", "video", "images", "read_by"],
    "SAT3DAnimate": [
        "model",
        "latent",
        "motion",
        "mode",
        "rest",
        "mouth",
        "eyes",
        "brows",
        "gaze",
        "pose",
        "view",
        "orbit_yaw_deg",
        "orbit_pitch_deg",
        "orbit_seconds",
        "first_frame",
        "frames",
        "neural_resolution",
        "audio",
        "rendering",
        "outside",
        "precision",
    ],
    "SAT3DSaveMotion": ["motion", "filename_prefix", "format"],
    "SAT3DLoadMotion": ["motion_file", "map_file"],
    "SAT3DMultiTransfer": [
        "model",
        "source",
        "reference",
        "hairstyle",
        "hair_colour",
        "eye_region",
        "expression",
        "beard",
        "eyeglasses",
        "picture_resolution",
        "yaw_deg",
        "masks",
        "reference_hairstyle",
        "reference_hair_colour",
        "reference_eye_region",
        "reference_expression",
        "reference_beard",
        "reference_eyeglasses",
    ],
    "SAT3DStudio": [
        "model",
        "source",
        "reference_1",
        "state",
        "picture_resolution",
        "masks",
        "reference_2",
        "reference_3",
        "reference_4",
    ],
    "SAT3DExportMesh": ["model", "latent", "format", "resolution", "density_level", "filename_prefix"],
    "RenderOrbit": [
        "model",
        "latent",
        "path",
        "frames",
        "yaw_deg",
        "pitch_deg",
        "fov_deg",
        "neural_resolution",
        "fps",
        "camera",
        "rendering",
    ],
    "SAT3DContactSheet": ["row_1", "labels", "cell_px", "columns", "row_2", "row_3", "row_4", "row_5", "row_6", "more"],
    "QMMScore": ["source", "domain", "clip", "attribute", "reference", "edit", "architecture"],
    "SAT3DCompare": ["before", "after", "gain", "ignore"],
}
OUTPUTS = {
    "LoadEG3D": [("model", "EG3D_MODEL"), ("info", "STRING")],
    "SAT3DLoadEncoder": [("encoder", "SAT3D_ENCODER"), ("info", "STRING")],
    "SAT3DLoadMasks": [("masks", "SAT3D_MASKS"), ("attributes", "STRING"), ("info", "STRING")],
    "SAT3DLearnMasks": [("masks", "SAT3D_MASKS"), ("report", "STRING"), ("sheet", "IMAGE")],
    "SAT3DSampleFace": [("latent", "EG3D_LATENT")],
    "SAT3DSaveLatent": [("path", "STRING")],
    "SAT3DLoadLatent": [("latent", "EG3D_LATENT"), ("provenance", "STRING")],
    "SAT3DTransfer": [("latent", "EG3D_LATENT"), ("provenance", "STRING"), ("used_intensity", "FLOAT")],
    "SAT3DSliders": [
        ("latent", "EG3D_LATENT"),
        ("picture", "IMAGE"),
        ("json", "STRING"),
        ("provenance", "STRING"),
    ],
    "SAT3DReadParameters": [("json", "STRING"), ("ranges", "STRING")],
    "SAT3DSwapParts": [("latent", "EG3D_LATENT"), ("provenance", "STRING")],
    "SAT3DPartMasks": [("mask", "MASK"), ("labels", "IMAGE"), ("names", "STRING")],
    "InvertImage": [("latent", "EG3D_LATENT"), ("preview", "IMAGE"), ("info", "STRING")],
    "SAT3DAlignFace": [("crop", "IMAGE"), ("place", "STRING"), ("faces", "IMAGE")],
    "SAT3DExamplePhoto": [("photo", "IMAGE"), ("points", "STRING")],
    "SAT3DRenderAsTaken": [("images", "IMAGE"), ("alpha", "MASK"), ("parts", "SAT3D_PARTS")],
    "SAT3DPasteBack": [("image", "IMAGE"), ("changed", "MASK")],
    "SAT3DDrive": [("motion", "SAT3D_MOTION"), ("audio", "AUDIO"), ("info", "STRING")],
    "SAT3DAnimate": [("images", "IMAGE"), ("video", "VIDEO"), ("moved", "SAT3D_MOTION"), ("info", "STRING")],
    "SAT3DSaveMotion": [("path", "STRING")],
    "SAT3DLoadMotion": [("motion", "SAT3D_MOTION"), ("info", "STRING")],
    "SAT3DMultiTransfer": [("latent", "EG3D_LATENT"), ("picture", "IMAGE"), ("provenance", "STRING")],
    "SAT3DStudio": [
        ("latent", "EG3D_LATENT"),
        ("picture", "IMAGE"),
        ("camera", "LOAD3D_CAMERA"),
        ("changed", "MASK"),
        ("provenance", "STRING"),
    ],
    "SAT3DExportMesh": [("model_file", "STRING"), ("model_3d", "FILE_3D")],
    "RenderOrbit": [
        ("images", "IMAGE"),
        ("video", "VIDEO"),
        ("depth", "IMAGE"),
        ("alpha", "MASK"),
        ("normals", "IMAGE"),
        ("parts", "SAT3D_PARTS"),
    ],
    "SAT3DContactSheet": [("sheet", "IMAGE")],
    "QMMScore": [("chart", "IMAGE"), ("json", "STRING"), ("to_reference", "FLOAT"), ("to_source", "FLOAT")],
    "SAT3DCompare": [("difference", "IMAGE"), ("d_mean", "FLOAT"), ("d_max", "FLOAT")],
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
    code = (
        "import importlib.util, sys; s = importlib.util.spec_from_file_location('p', sys.argv[1]); "
        "m = importlib.util.module_from_spec(s); s.loader.exec_module(m); "
        "assert callable(m.comfy_entrypoint) and not hasattr(m, 'NODE_CLASS_MAPPINGS'); "
        "assert not {'torch', 'comfy', 'numpy'} & set(sys.modules); print(m.WEB_DIRECTORY)"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(ROOT / "__init__.py")], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert (ROOT / ran.stdout.strip() / "docs").is_dir()


@pytest.mark.slow
def test_the_nodes_load_without_the_libraries_that_take_seconds(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        "from tests.nodes.host_stub import make_modules\n"
        "sys.modules.update(make_modules(Path(sys.argv[2])))\n"
        "import importlib; from tests.nodes.conftest import load_pack, PACK; load_pack()\n"
        "extension = importlib.import_module(PACK + '.nodes.extension'); extension.register_model_folders()\n"
        "[node.define_schema() for node in extension.NODES]\n"
        "print({'open_clip', 'torchvision', 'timm', 'transformers', 'scipy'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(ROOT), str(tmp_path)], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout.strip()) == (0, "set()"), ran.stderr


def test_optional_inputs_come_last(part):
    """The page shows them there, and workflow files count widgets in that order."""
    for name, schema in schemas(part).items():
        optional = [bool(slot.options.get("optional")) for slot in schema.inputs]
        assert optional == sorted(optional), name


def test_entrypoint_gives_the_extension(part):
    extension = asyncio.run(part("").comfy_entrypoint())
    assert {node.define_schema().node_id for node in asyncio.run(extension.get_node_list())} == set(INPUTS)


@pytest.mark.parametrize("path", sorted((ROOT / "nodes").glob("*.py")), ids=lambda p: p.name)
def test_few_modules_talk_to_the_running_host(path):
    of_folders = ("model_folders.py", "output_files.py", "example_photo.py")
    folders = {name: {"folder_paths"} for name in of_folders}
    if path.name != "host.py":
        assert host_imports(path) <= {"comfy_api"} | folders.get(path.name, set())


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
            assert set(node["inputs"]) <= set(INPUTS[node["class_type"]])


@pytest.mark.parametrize("path", sorted((ROOT / "workflows").glob("*.json")), ids=lambda p: p.name)
def test_ui_workflows_have_a_value_for_every_widget(part, path):
    found = schemas(part)
    for node in json.loads(path.read_text(encoding="utf-8"))["nodes"]:
        if node["type"] in found:
            slots = found[node["type"]].inputs
            widgets = [slot for slot in slots if slot.kind in {"COMBO", "INT", "FLOAT", "STRING"}]
            extra = sum("control_after_generate" in slot.options for slot in widgets)
            assert len(node["widgets_values"]) == len(widgets) + extra, node["type"]
            old = [slot for slot in found[node["type"]].outputs if slot.kind != "FILE_3D"]  # of newer hosts alone
            for slot, connected in zip(old, node["outputs"], strict=True):
                assert (slot.id, slot.kind) == (connected["name"], connected["type"])
    assert path.with_suffix(".jpg").is_file(), "the template has no thumbnail"
