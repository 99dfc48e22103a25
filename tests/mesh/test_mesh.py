"""Meshes: a sphere by hand, closed and turned outwards, files read back byte by byte, hostile values refused."""

import io
import json
import struct
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from sat3d.errors import ConfigError, FileError, Sat3dError, ShapeError
from sat3d.generators import TriplaneGenerator
from sat3d.mesh.extraction import Mesh, MeshOptions, colours_at, extract_mesh, surface_level
from sat3d.mesh.files import glb_bytes, ply_bytes, save_mesh
from sat3d.mesh.grid import Grid, extract_surface, sample_grid, signed_volumes, vertex_normals

RADIUS = 0.3


def ball(points, centre=(0.0, 0.0, 0.0), radius=RADIUS):
    """A density that falls by 100 a unit outwards and is 0 on the sphere."""
    return 100 * (radius - (points - torch.tensor(centre)).norm(dim=-1))


def surface(density, cells=64, half=0.5, level=0.0):
    grid = Grid(cells, half)
    return extract_surface(sample_grid(density, grid, level), grid, level)


def edge_counts(faces) -> np.ndarray:
    """How often each directed edge occurs, and each undirected one."""
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    assert np.unique(directed, axis=0, return_counts=True)[1].max() == 1  # neighbours agree on what is outside
    return np.unique(np.sort(directed, 1), axis=0, return_counts=True)[1]


@pytest.mark.parametrize("cells", [48, 128])
def test_a_sphere_has_its_radius_and_volume(cells):
    vertices, faces = surface(ball, cells)
    assert np.abs(np.linalg.norm(vertices, axis=1) - RADIUS).max() < 0.1 / cells
    volume = signed_volumes(vertices, faces).sum()
    assert volume == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=25 / cells**2) and volume > 0
    assert (edge_counts(faces) == 2).all() and len(vertices) - len(faces) // 2 == 2  # Euler: V - E + F = 2
    normals = vertex_normals(vertices, faces)
    assert (normals * vertices / RADIUS).sum(1).min() > 0.99


def test_the_surface_moves_with_the_level():
    vertices, _ = surface(ball, level=10.0)
    assert np.linalg.norm(vertices, axis=1) == pytest.approx(0.2, abs=2e-3)


def test_axes_are_those_of_the_world():
    vertices, _ = surface(lambda p: ball(p, (0.2, -0.1, 0.05), 0.1))
    assert (vertices.min(0) + vertices.max(0)) / 2 == pytest.approx([0.2, -0.1, 0.05], abs=2e-3)


def test_hollows_and_crumbs_are_dropped():
    def nested(points):
        hollow, crumb = -ball(points, radius=0.15), ball(points, (0.4, 0.4, 0.4), 0.06)
        return torch.maximum(torch.minimum(ball(points), hollow), crumb)

    vertices, faces = surface(nested)
    assert np.linalg.norm(vertices, axis=1) == pytest.approx(RADIUS, abs=2e-3) and (edge_counts(faces) == 2).all()


def test_what_the_box_cuts_is_closed_by_a_flat_wall():
    grid = Grid(32, 0.2)
    vertices, faces = surface(ball, 32, 0.2)
    assert (edge_counts(faces) == 2).all()
    wall = vertices[vertices[:, 0] > grid.half]
    assert len(wall) and wall[:, 0] == pytest.approx(grid.half + grid.cell / 4)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_noise_gives_a_closed_mesh_all_the_same(seed):
    values = torch.randn(13, 13, 13, generator=torch.Generator().manual_seed(seed)).round(decimals=1)
    vertices, faces = extract_surface(values, Grid(12, 1.0), 0.0)
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    ahead, back = (np.unique(pairs, axis=0, return_counts=True) for pairs in (directed, directed[:, ::-1]))
    assert np.array_equal(ahead[0], back[0]) and np.array_equal(ahead[1], back[1])
    assert np.isfinite(vertices).all() and np.isfinite(vertex_normals(vertices, faces)).all()


@pytest.mark.slow
@torch.no_grad()
def test_sampling_only_near_the_surface_finds_the_same(triplane, styles):
    planes = triplane.planes(styles[:1])
    calls = []

    def density(points):
        calls.append(len(points))
        return triplane.query(planes, points[None])[0][0]

    grid = Grid(128, 0.3)
    level = float(density(grid.points(torch.arange(0, grid.corners**3, 5001))).quantile(0.9))
    sparse = sample_grid(density, grid, level)
    assert sum(calls) < 0.7 * grid.corners**3
    everywhere = torch.cat([density(grid.points(rows)) for rows in torch.arange(grid.corners**3).split(1 << 17)])
    assert ((sparse.flatten() > level) == (everywhere > level)).float().mean() > 0.9999
    assert torch.equal(sample_grid(density, grid, 1e9) > 1e9, torch.zeros(3 * [grid.corners], dtype=torch.bool))


def test_a_face_becomes_a_coloured_mesh(triplane, styles):
    planes, steps = triplane.planes(styles[:1]), []
    mesh = extract_mesh(triplane, planes, MeshOptions(32, border=0.1), lambda done, total: steps.append((done, total)))
    assert (edge_counts(mesh.faces) >= 2).all() and np.abs(mesh.vertices).max() <= 0.4 * (1 + 0.5 / 32)
    assert np.linalg.norm(mesh.normals, axis=1) == pytest.approx(1, abs=1e-4)
    assert mesh.colours.min() >= 0 and mesh.colours.max() <= 1 and mesh.colours.std() > 0.01
    assert steps == sorted(steps) and steps[0] == (0, 100) and steps[-1] == (100, 100)
    again = extract_mesh(triplane, planes, MeshOptions(32, border=0.1))
    assert np.array_equal(mesh.vertices, again.vertices) and np.array_equal(mesh.colours, again.colours)


def test_the_level_is_the_density_that_the_picture_sees(triplane, styles):
    """Doubling the decoder's density about doubles it; a published network needs no other number."""
    planes = triplane.planes(styles[:1])
    level = surface_level(triplane, planes)
    assert 0 < level < 50
    triplane.decoder.net[2].bias[0] -= 1e4
    with pytest.raises(Sat3dError, match=r"no opaque surface.*level by hand"):
        surface_level(triplane, planes)


def test_colours_are_those_behind_the_surface_and_not_of_the_air():
    class Painted(TriplaneGenerator):
        """A half space x < 0, opaque within a hundredth, red to a depth of 0.02 and blue below; the air is green."""

        def __init__(self):
            torch.nn.Module.__init__(self)
            self.config = SimpleNamespace(rendering=SimpleNamespace(box_warp=1.0))

        def query_seen(self, planes, points):
            air, deep = (points[..., 0] >= 0).float(), (points[..., 0] < -0.02).float()
            return torch.where(air > 0, -500.0, 500.0), torch.stack([1 - air - deep, air, deep, air], -1)

    colours = colours_at(Painted(), torch.zeros(1), np.zeros((1, 3), np.float32), np.array([[1, 0, 0]], np.float32))
    assert colours[0] == pytest.approx([0.9, 0.1, 0], abs=0.1)


@pytest.mark.parametrize("cells", [0, -1, 7, 65, 100, 513, 10**9])
def test_hostile_sizes_are_refused(cells):
    with pytest.raises(ConfigError, match="resolution of the mesh"):
        Grid(cells, 0.5)


@pytest.mark.parametrize(
    "options", [{"level": float("nan")}, {"level": float("inf")}, {"border": 0.5}, {"border": -0.1}]
)
def test_hostile_options_are_refused(options):
    with pytest.raises(ConfigError, match="Next step"):
        MeshOptions(**options)


@pytest.mark.parametrize("level", [1e6, -1e6])
def test_a_level_without_a_surface(level):
    with pytest.raises(Sat3dError, match=r"no surface.*-56.*30"):
        surface(ball, 16, level=level)


def test_nan_and_batches_are_refused(triplane, styles):
    with pytest.raises(Sat3dError, match="NaN"):
        surface(lambda points: points[:, 0] * float("nan"), 16)
    with pytest.raises(ShapeError, match="one face"):
        extract_mesh(triplane, triplane.planes(styles))
    with pytest.raises(ShapeError, match="Not a mesh"):
        Mesh(np.full((3, 3), np.nan, np.float32), np.array([[0, 1, 2]], np.int32), np.zeros((3, 3)), np.zeros((3, 3)))


def test_the_progress_can_cancel(triplane, styles):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract_mesh(triplane, triplane.planes(styles[:1]), MeshOptions(32), stop)


@pytest.fixture
def tetrahedron() -> Mesh:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3]], np.float32)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)
    colours = np.array([[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5], [1, 0, 0]], np.float32)
    return Mesh(vertices, faces, vertex_normals(vertices, faces), colours)


def read_glb(data: bytes) -> tuple[dict, list[np.ndarray]]:
    magic, version, total, head_size, head_kind = struct.unpack("<IIIII", data[:20])
    assert (magic, version, total, head_kind) == (0x46546C67, 2, len(data), 0x4E4F534A) and head_size % 4 == 0
    tree = json.loads(data[20 : 20 + head_size])
    body_size, body_kind = struct.unpack("<II", data[20 + head_size : 28 + head_size])
    body = data[28 + head_size :]
    assert body_kind == 0x004E4942 and body_size == len(body) == tree["buffers"][0]["byteLength"]
    kinds, widths = {5126: "<f4", 5125: "<u4"}, {"SCALAR": 1, "VEC2": 2, "VEC3": 3}
    arrays = []
    for accessor in tree["accessors"]:
        view = tree["bufferViews"][accessor["bufferView"]]
        assert view["byteOffset"] % 4 == 0
        raw = body[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
        arrays.append(np.frombuffer(raw, kinds[accessor["componentType"]]).reshape(-1, widths[accessor["type"]]))
        assert len(arrays[-1]) == accessor["count"]
    return tree, arrays


def test_glb_is_read_back(tetrahedron):
    """Its four faces look to four sides, so that every vertex occurs three times."""
    tree, (vertices, normals, uv, faces) = read_glb(glb_bytes(tetrahedron))
    assert len(vertices) == len(normals) == len(uv) == 12 and faces.shape == (12, 1)
    assert np.array_equal(vertices[faces[:, 0]], tetrahedron.vertices[tetrahedron.faces.ravel()])
    assert np.array_equal(normals[faces[:, 0]], tetrahedron.normals[tetrahedron.faces.ravel()])
    assert tree["accessors"][0]["min"] == [0, 0, 0] and tree["accessors"][0]["max"] == [1, 2, 3]
    primitive = tree["meshes"][0]["primitives"][0]
    assert primitive["attributes"] == {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2} and primitive["indices"] == 3


def test_the_glb_shows_its_colours_by_an_unlit_texture(tetrahedron):
    """What three.js and Blender need: a material with a PNG, and no vertex colours by which they would multiply it."""
    tree, (_, _, uv, faces) = read_glb(glb_bytes(tetrahedron))
    (material,), (image,) = tree["materials"], tree["images"]
    assert material["extensions"] == {"KHR_materials_unlit": {}} and tree["extensionsUsed"] == ["KHR_materials_unlit"]
    texture = tree["textures"][material["pbrMetallicRoughness"]["baseColorTexture"]["index"]]
    assert texture == {"sampler": 0, "source": 0}
    assert tree["samplers"] == [{"magFilter": 9729, "minFilter": 9729, "wrapS": 33071, "wrapT": 33071}]
    view, data = tree["bufferViews"][image["bufferView"]], glb_bytes(tetrahedron)
    start = 28 + struct.unpack("<I", data[12:16])[0] + view["byteOffset"]
    picture = np.asarray(Image.open(io.BytesIO(data[start : start + view["byteLength"]]))).astype(int)
    columns, rows = (uv[faces[:, 0]] * picture.shape[1::-1]).T.astype(int)
    assert np.array_equal(picture[rows, columns], np.rint(tetrahedron.colours * 255)[tetrahedron.faces.ravel()])


def test_ply_is_read_back(tetrahedron):
    head, body = ply_bytes(tetrahedron).split(b"end_header\n", 1)
    lines = head.decode("ascii").split("\n")
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"] and "element vertex 4" in lines
    assert len(body) == 4 * (6 * 4 + 3) + 4 * (1 + 3 * 4)
    vertex = struct.unpack("<6f3B", body[2 * 27 : 3 * 27])
    assert vertex[:3] == (0, 2, 0) and vertex[6:] == (128, 128, 128)
    assert struct.unpack("<B3i", body[4 * 27 : 4 * 27 + 13]) == (3, 0, 2, 1)


def test_files_appear_whole_and_are_not_overwritten(tetrahedron, tmp_path):
    save_mesh(tetrahedron, tmp_path / "head.GLB")
    assert read_glb((tmp_path / "head.GLB").read_bytes())[0]["asset"]["version"] == "2.0"
    with pytest.raises(FileError, match="exists already"):
        save_mesh(tetrahedron, tmp_path / "head.GLB", overwrite=False)
    with pytest.raises(ConfigError, match="Unknown kind"):
        save_mesh(tetrahedron, tmp_path / "head.obj")
    assert [path.name for path in tmp_path.iterdir()] == ["head.GLB"]


def test_faces_of_missing_vertices_are_refused(tetrahedron):
    for faces in (np.array([[0, 1, 4]], np.int32), np.array([[0, 1, -1]], np.int32), np.zeros((0, 3), np.int32)):
        with pytest.raises(ShapeError, match="no faces, or faces of missing"):
            Mesh(tetrahedron.vertices, faces, tetrahedron.normals, tetrahedron.colours)
