"""Meshes as files: GLB (glTF 2.0) and PLY. Both are little-endian and made whole or not at all."""

import io
import json
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import ConfigError
from ..files.writing import write_bytes
from .extraction import Mesh
from .texture import make_texture

_FLOAT, _UNSIGNED_INT = 5126, 5125
_LINEAR, _CLAMP = 9729, 33071
_VERTEX_DATA, _FACE_DATA = 34962, 34963
_MAGIC, _JSON, _BINARY = 0x46546C67, 0x4E4F534A, 0x004E4942


def save_mesh(
    mesh: Mesh, path: str | os.PathLike, overwrite: bool = True, notes: Mapping[str, str] | None = None
) -> None:
    """Write ``.glb`` or ``.ply``, as the suffix says; a GLB also carries ``notes`` (its ``asset.extras``).

    Raises:
        ConfigError: another suffix.
        FileError: it cannot be written, the disk is full, or it exists and ``overwrite`` is False.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _WRITERS:
        raise ConfigError("Unknown kind of mesh file", suffix or "no suffix", sorted(_WRITERS), "name it .glb or .ply")
    write_bytes(path, _WRITERS[suffix](mesh, notes or {}), overwrite)


def glb_bytes(mesh: Mesh, notes: Mapping[str, str] | None = None) -> bytes:
    """glTF 2.0, binary: +Y up, the face looks to +Z, one metre per world unit; the colours as a texture.

    Only a texture is shown alike everywhere. Vertex colours (``COLOR_0``) are shown by three.js and Blender where there
    is a material; trimesh (5.2) keeps them aside as soon as there is one, and reads 16-bit ones by their lower byte. A
    mesh without a material is metal, thus dark, in three.js, by glTF's own default. The price: vertices on seams of the
    texture, about one in ten, occur once on each side, so that only after merging by place every edge has two faces.

    The light is in the colours already, hence the material is unlit (``KHR_materials_unlit``); programs that do not
    know this light it as rough plaster. The texture is read without smaller copies, in which charts would mix.
    """
    whole = make_texture(mesh)
    parts = [
        mesh.vertices[whole.vertex].astype("<f4"),
        mesh.normals[whole.vertex].astype("<f4"),
        whole.uv.astype("<f4"),
        whole.faces.astype("<u4").ravel(),
        _png(whole.picture),
    ]
    tree = _gltf(parts)
    if notes:
        tree["asset"]["extras"] = dict(notes)
    head = json.dumps(tree, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 4)
    body = b"".join(part.tobytes() for part in parts)
    total = 12 + 8 + len(head) + 8 + len(body)
    return b"".join(
        [
            struct.pack("<III", _MAGIC, 2, total),
            struct.pack("<II", len(head), _JSON),
            head,
            struct.pack("<II", len(body), _BINARY),
            body,
        ]
    )


def _png(pixels: np.ndarray) -> np.ndarray:
    """The bytes of the file, filled up to whole fours, which readers of PNG pass over."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return np.frombuffer(buffer.getvalue() + b"\0" * (-buffer.tell() % 4), np.uint8)


def _gltf(parts: Sequence[np.ndarray]) -> dict:
    """The tree for places, normals, texture coordinates, faces and the picture, in this order."""
    vertices, faces, sizes = parts[0], parts[3], [part.nbytes for part in parts]
    targets = [{"target": target} for target in (_VERTEX_DATA, _VERTEX_DATA, _VERTEX_DATA, _FACE_DATA)] + [{}]
    views = [
        {"buffer": 0, "byteOffset": sum(sizes[:i]), "byteLength": size, **target}
        for i, (size, target) in enumerate(zip(sizes, targets, strict=True))
    ]
    count = len(vertices)
    accessors = [
        {
            "bufferView": 0,
            "componentType": _FLOAT,
            "count": count,
            "type": "VEC3",
            "min": vertices.min(0).tolist(),
            "max": vertices.max(0).tolist(),
        },
        {"bufferView": 1, "componentType": _FLOAT, "count": count, "type": "VEC3"},
        {"bufferView": 2, "componentType": _FLOAT, "count": count, "type": "VEC2"},
        {"bufferView": 3, "componentType": _UNSIGNED_INT, "count": faces.size, "type": "SCALAR"},
    ]
    attributes = {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}
    material = {
        "name": "skin",
        "extensions": {"KHR_materials_unlit": {}},
        "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicFactor": 0.0, "roughnessFactor": 1.0},
    }
    return {
        "asset": {"version": "2.0", "generator": "SAT3D"},
        "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "head"}],
        "meshes": [{"primitives": [{"attributes": attributes, "indices": 3, "material": 0}]}],
        "materials": [material],
        "textures": [{"sampler": 0, "source": 0}],
        "samplers": [{"magFilter": _LINEAR, "minFilter": _LINEAR, "wrapS": _CLAMP, "wrapT": _CLAMP}],
        "images": [{"name": "colours", "bufferView": 4, "mimeType": "image/png"}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": sum(sizes)}],
    }


def ply_bytes(mesh: Mesh, notes: Mapping[str, str] | None = None) -> bytes:
    """Binary PLY with normals and 8-bit sRGB colours, axes as in the GLB; it has no room for ``notes``."""
    names = [f"property float {name}" for name in ("x", "y", "z", "nx", "ny", "nz")]
    names += [f"property uchar {name}" for name in ("red", "green", "blue")]
    head = "\n".join(
        [
            "ply",
            "format binary_little_endian 1.0",
            "comment SAT3D",
            f"element vertex {len(mesh.vertices)}",
            *names,
            f"element face {len(mesh.faces)}",
            "property list uchar int vertex_indices",
            "end_header",
            "",
        ]
    )
    rows = np.empty(len(mesh.vertices), [("place", "<f4", 3), ("normal", "<f4", 3), ("colour", "u1", 3)])
    rows["place"], rows["normal"], rows["colour"] = mesh.vertices, mesh.normals, np.rint(mesh.colours * 255)
    faces = np.empty(len(mesh.faces), [("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, mesh.faces
    return head.encode("ascii") + rows.tobytes() + faces.tobytes()


_WRITERS = {".glb": glb_bytes, ".ply": ply_bytes}
