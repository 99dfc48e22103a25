"""Colours of meshes as textures: each vertex's own, to the bit, in trimesh too; closed surfaces stay closed."""

import io

import numpy as np
import pytest
import trimesh

from sat3d.mesh.extraction import Mesh, MeshOptions, extract_mesh
from sat3d.mesh.files import glb_bytes, ply_bytes
from sat3d.mesh.grid import vertex_normals
from sat3d.mesh.texture import make_texture


def coloured(vertices, faces) -> Mesh:
    """Colours that change smoothly from place to place."""
    vertices, faces = np.asarray(vertices, np.float32), np.asarray(faces, np.int32)
    colours = 0.5 + 0.5 * np.sin(vertices * [5, 7, 9] + [0, 1, 2]).astype(np.float32)
    return Mesh(vertices, faces, vertex_normals(vertices, faces), colours)


def ball() -> Mesh:
    sphere = trimesh.creation.icosphere(4, 0.3)
    return coloured(sphere.vertices, sphere.faces)


def ramp() -> Mesh:
    """The way up a tower, two turns: connected, and it all looks up, so that its storeys lie over each other."""
    turns, radius = np.meshgrid(np.linspace(0, 4 * np.pi, 240), np.linspace(0.1, 0.3, 20), indexing="ij")
    sheet = np.stack([radius * np.cos(turns), 0.03 * turns, radius * np.sin(turns)], -1).reshape(-1, 3)
    at = np.arange(len(sheet)).reshape(turns.shape)
    a, b, c, d = at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]
    below = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    vertices = np.concatenate([sheet, sheet + np.array([0, 0.01, 0])]).astype(np.float32)
    faces = np.concatenate([below, below[:, ::-1] + len(sheet)]).astype(np.int32)
    shades = np.tile(turns.reshape(-1, 1) / 13, (2, 1)) * [1, 0.5, 0.2]
    return Mesh(vertices, faces, vertex_normals(vertices, faces), shades.astype(np.float32))


@pytest.fixture
def head(triplane, styles) -> Mesh:
    """Of an untrained network: as rugged as can be."""
    return extract_mesh(triplane, triplane.planes(styles[:1]), MeshOptions(32))


def bytes_of(mesh: Mesh, corners) -> np.ndarray:
    return np.rint(mesh.colours[corners] * 255).astype(np.uint8)


def nearest(made, uv) -> np.ndarray:
    height, width = made.picture.shape[:2]
    return made.picture[np.floor(uv[:, 1] * height).astype(int), np.floor(uv[:, 0] * width).astype(int)]


def bilinear(made, uv) -> np.ndarray:
    """As a graphics card reads: between the middles of four texels."""
    place = uv * made.picture.shape[1::-1] - 0.5
    column, row = np.floor(place).astype(int).T
    x, y = (place - np.floor(place)).T[..., None]
    p = made.picture.astype(float)
    upper = p[row, column] * (1 - x) + p[row, column + 1] * x
    return upper * (1 - y) + (p[row + 1, column] * (1 - x) + p[row + 1, column + 1] * x) * y


@pytest.mark.parametrize("make", [ball, ramp])
def test_every_vertex_has_its_colour_and_every_face_its_corners(make):
    mesh = make()
    made = make_texture(mesh)
    assert np.array_equal(made.vertex[made.faces], mesh.faces) and len(made.vertex) < 1.5 * len(mesh.vertices)
    assert np.array_equal(nearest(made, made.uv), bytes_of(mesh, made.vertex))
    assert np.abs(bilinear(made, made.uv) - bytes_of(mesh, made.vertex)).max() < 0.1
    assert len(np.unique((made.uv * made.picture.shape[1::-1]).astype(int), axis=0)) == len(made.uv)


@pytest.mark.parametrize(("make", "typical", "most"), [(ball, 1.0, 12.0), (ramp, 1.0, 5.0)])
def test_between_vertices_colours_are_those_between(make, typical, most):
    """In levels of 255. Where sheets lie over each other in a chart, the far one's colours would show through."""
    mesh = make()
    made = make_texture(mesh)
    off = bilinear(made, made.uv[made.faces].mean(1)) - mesh.colours[mesh.faces].mean(1) * 255
    assert np.abs(off).mean() < typical and np.abs(off).max() < most


def test_a_rugged_head_has_its_colours_too(head):
    made = make_texture(head)
    off = np.abs(nearest(made, made.uv).astype(int) - bytes_of(head, made.vertex))
    assert (off > 1).mean() < 0.005 and made.picture.size < 200 * len(head.vertices)


@pytest.mark.parametrize("make", [ball, ramp])
def test_trimesh_shows_the_glb(make):
    """Colours within the rounding of 8 bits, by its own reading of textures; and it is closed once merged by place."""
    mesh = make()
    shown = trimesh.load(io.BytesIO(glb_bytes(mesh)), file_type="glb", force="mesh")
    colours = shown.visual.to_color().vertex_colors[:, :3].astype(int)
    corners = make_texture(mesh).vertex
    assert np.array_equal(shown.faces, make_texture(mesh).faces) and shown.visual.kind == "texture"
    np.testing.assert_allclose(shown.vertices, mesh.vertices[corners], atol=1e-6)
    assert np.abs(colours - mesh.colours[corners] * 255).max() <= 0.51
    shown.merge_vertices(merge_tex=True, merge_norm=True)
    assert shown.is_watertight == trimesh.Trimesh(mesh.vertices, mesh.faces).is_watertight
    assert make is not ball or shown.is_watertight


def test_trimesh_shows_the_ply():
    mesh = ball()
    shown = trimesh.load(io.BytesIO(ply_bytes(mesh)), file_type="ply", process=False)
    assert shown.is_watertight and np.array_equal(shown.faces, mesh.faces)
    assert np.array_equal(shown.visual.vertex_colors[:, :3], bytes_of(mesh, slice(None)))


def test_flat_and_tiny_meshes_have_textures():
    """All in one plane, all in one place, and one face far larger than the others."""
    square = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
    for vertices in (square, np.zeros((4, 3)), [*square[:3], [0, 1e6, 0]]):
        mesh = coloured(vertices, [[0, 1, 2], [0, 2, 3]])
        made = make_texture(mesh)
        assert made.picture.shape[0] * made.picture.shape[1] < 5e6
        assert np.abs(nearest(made, made.uv).astype(int) - bytes_of(mesh, made.vertex)).max() == 0
