"""Export of meshes as a node: files where the 3D viewer looks for them, batches, cancel, refusals."""

import json
import struct
import sys

import pytest

from tests.nodes.host_stub import Interrupted, run


@pytest.fixture
def export(part):
    def export(model, latent, **changes):
        options = {"format": "glb", "resolution": 64, "density_level": 0.0, "filename_prefix": "sat3d/head", **changes}
        return run(part("nodes.mesh").SAT3DExportMesh, model=model, latent=latent, **options)[0]

    return export


@pytest.fixture
def output(models):
    return models.parent / "output"


def vertices_of(path) -> int:
    """The number of vertices that a GLB says it has."""
    data = path.read_bytes()
    magic, version, total, head = struct.unpack("<4sIII", data[:16])
    assert (magic, version, total) == (b"glTF", 2, len(data))
    return json.loads(data[20 : 20 + head])["accessors"][0]["count"]


def test_every_face_becomes_a_file_below_the_output_folder(graph, export, output):
    model = graph.load()[0]
    files = export(model, graph.sample(model, batch_size=2))
    assert files == ["sat3d/head_00001_.glb", "sat3d/head_00002_.glb"]
    assert all(vertices_of(output / file) > 100 for file in files)
    assert (output / files[0]).read_bytes() != (output / files[1]).read_bytes()
    again = [export(model, graph.sample(model))[0] for _ in range(2)]
    assert again == ["sat3d/head_00003_.glb", "sat3d/head_00004_.glb"]
    assert (output / again[0]).read_bytes() == (output / again[1]).read_bytes()


def test_the_viewer_gets_one_file_after_the_other(part):
    schema = part("nodes.mesh").SAT3DExportMesh.define_schema()
    assert schema.outputs[0].options["is_output_list"] and schema.is_output_node


def test_ply_and_a_level_by_hand(graph, export, output, part):
    model = graph.load()[0]
    latent = graph.sample(model)
    level = part("sat3d.mesh.extraction").surface_level(model.network, model.network.planes(latent.styles))
    by_hand, found = (export(model, latent, format="ply", density_level=value)[0] for value in (level, 0.0))
    data = (output / by_hand).read_bytes()
    assert data.startswith(b"ply\nformat binary_little_endian 1.0\n") and data == (output / found).read_bytes()


def test_progress_counts_over_all_faces(graph, export):
    model = graph.load()[0]
    export(model, graph.sample(model, batch_size=2))
    updates = [update[:2] for update in sys.modules["comfy.utils"].ProgressBar.updates]
    assert updates == sorted(updates) and updates[0] == (0, 200) and updates[-1] == (200, 200)


@pytest.mark.parametrize("after", [0, 3, 40])
def test_cancel_leaves_no_file_and_no_hooks(graph, export, output, after):
    model = graph.load()[0]
    latent = graph.sample(model)
    state = sys.modules["comfy.model_management"].state
    state.checks, state.interrupt_after = 0, after
    with pytest.raises(Interrupted):
        export(model, latent)
    assert state.checks == after + 1 and not [path for path in output.rglob("*") if path.is_file()]
    assert not any(module._forward_pre_hooks for module in model.network.modules())


def test_the_number_is_picked_when_the_mesh_is_made(graph, export, output, part, monkeypatch):
    """While one mesh is computed, another run saves under the number that was free at the beginning."""
    model, module = graph.load()[0], part("nodes.mesh")
    real, taken = module.extract_mesh, output / "sat3d" / "head_00001_.glb"

    def slow(*arguments):
        taken.parent.mkdir(parents=True, exist_ok=True)
        taken.write_text("theirs")
        return real(*arguments)

    monkeypatch.setattr(module, "extract_mesh", slow)
    assert export(model, graph.sample(model)) == ["sat3d/head_00002_.glb"]
    assert taken.read_text() == "theirs" and vertices_of(output / "sat3d" / "head_00002_.glb") > 100


def test_a_number_that_is_taken_while_a_mesh_is_written(graph, export, output, part, monkeypatch):
    model, files = graph.load()[0], part("sat3d.files.writing")
    real, taken = files._publish, output / "sat3d" / "head_00001_.glb"

    def slow(temporary, place, overwrite):
        if not taken.exists():
            taken.write_text("theirs")
        real(temporary, place, overwrite)

    monkeypatch.setattr(files, "_publish", slow)
    assert export(model, graph.sample(model)) == ["sat3d/head_00002_.glb"]
    assert taken.read_text() == "theirs" and len(list(taken.parent.iterdir())) == 2


@pytest.mark.parametrize("prefix", ["a\0b", "x" * 300])
def test_a_prefix_that_no_file_can_have_is_refused_at_once(graph, export, part, monkeypatch, prefix):
    model = graph.load()[0]
    monkeypatch.setattr(part("nodes.mesh"), "extract_mesh", lambda *_: pytest.fail("computed before the check"))
    with pytest.raises(graph.errors.FileError, match="Next step"):
        export(model, graph.sample(model), filename_prefix=prefix)


def test_flat_and_foreign_faces_are_refused(graph, export):
    flat, turn = graph.load("flat.safetensors")[0], graph.load()[0]
    face = graph.sample(flat)
    with pytest.raises(graph.errors.Sat3dError, match=r"mesh needs a 3D generator.*EG3D"):
        export(flat, face)
    with pytest.raises(graph.errors.LayoutError, match="another architecture"):
        export(turn, face)


@pytest.mark.parametrize(
    "changes",
    [
        {"resolution": 10**6},
        {"resolution": 0},
        {"density_level": float("nan")},
        {"density_level": 1e9},
        {"filename_prefix": "../head"},
    ],
)
def test_hostile_values_are_refused_with_advice(graph, export, output, changes):
    model = graph.load()[0]
    with pytest.raises(graph.errors.Sat3dError, match="Next step"):
        export(model, graph.sample(model), **changes)
    assert not list(output.parent.rglob("head*"))


def test_a_missing_package_is_named_with_what_to_do(graph, export, part, monkeypatch):
    monkeypatch.setattr(part("nodes.mesh"), "find_spec", lambda module: None if module == "skimage" else object())
    model = graph.load()[0]
    with pytest.raises(graph.errors.ConfigError, match=r"needs the Python package scikit-image.*requirements\.txt"):
        export(model, graph.sample(model))
