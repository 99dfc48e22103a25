"""Meshes as files: GLB (glTF 2.0) and PLY. Both are little-endian and made whole or not at all."""

import json
import os
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .errors import ConfigError
from .files import write_bytes
from .mesh import Mesh

_FLOAT, _UNSIGNED_SHORT, _UNSIGNED_INT = 5126, 5123, 5125
_VERTEX_DATA, _FACE_DATA = 34962, 34963
_MAGIC, _JSON, _BINARY = 0x46546C67, 0x4E4F534A, 0x004E4942


def save_mesh(mesh: Mesh, path: str | os.PathLike, overwrite: bool = True) -> None:
    """Write ``.glb`` or ``.ply``, as the suffix says.

    Raises:
        ConfigError: another suffix.
        FileError: it cannot be written, the disk is full, or it exists and ``overwrite`` is False.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _WRITERS:
        raise ConfigError("Unknown kind of mesh file", suffix or "no suffix", sorted(_WRITERS), "name it .glb or .ply")
    write_bytes(path, _WRITERS[suffix](mesh), overwrite)


def linear_from_srgb(colours: np.ndarray) -> np.ndarray:
    """sRGB 0..1 -> linear 0..1 (IEC 61966-2-1)."""
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)


def glb_bytes(mesh: Mesh) -> bytes:
    """glTF 2.0, binary: +Y up, the face looks to +Z, one metre a world unit.

    Vertex colours are linear there, in 16 bits, so that dark ones do not band. The light is in the colours already,
    hence the material is unlit (``KHR_materials_unlit``); programs that do not know this light it as rough plaster.
    """
    colours = np.pad(linear_from_srgb(mesh.colours), ((0, 0), (0, 1)), constant_values=1)
    parts = [mesh.vertices.astype("<f4"), mesh.normals.astype("<f4"),
             np.rint(colours * 65535).astype("<u2"), mesh.faces.astype("<u4").ravel()]
    head = json.dumps(_gltf(mesh, parts), separators=(",", ":")).encode()
    head += b" " * (-len(head) % 4)
    body = b"".join(part.tobytes() for part in parts)
    total = 12 + 8 + len(head) + 8 + len(body)
    return b"".join([struct.pack("<III", _MAGIC, 2, total), struct.pack("<II", len(head), _JSON), head,
                     struct.pack("<II", len(body), _BINARY), body])


def _gltf(mesh: Mesh, parts: Sequence[np.ndarray]) -> dict:
    sizes = [part.nbytes for part in parts]
    views = [{"buffer": 0, "byteOffset": sum(sizes[:i]), "byteLength": size,
              "target": _FACE_DATA if i == 3 else _VERTEX_DATA} for i, size in enumerate(sizes)]
    count = len(mesh.vertices)
    accessors = [
        {"bufferView": 0, "componentType": _FLOAT, "count": count, "type": "VEC3",
         "min": mesh.vertices.min(0).tolist(), "max": mesh.vertices.max(0).tolist()},
        {"bufferView": 1, "componentType": _FLOAT, "count": count, "type": "VEC3"},
        {"bufferView": 2, "componentType": _UNSIGNED_SHORT, "normalized": True, "count": count, "type": "VEC4"},
        {"bufferView": 3, "componentType": _UNSIGNED_INT, "count": mesh.faces.size, "type": "SCALAR"},
    ]
    attributes = {"POSITION": 0, "NORMAL": 1, "COLOR_0": 2}
    material = {"name": "skin", "extensions": {"KHR_materials_unlit": {}},
                "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 1.0}}
    return {
        "asset": {"version": "2.0", "generator": "SAT3D"}, "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0, "name": "head"}],
        "meshes": [{"primitives": [{"attributes": attributes, "indices": 3, "material": 0}]}],
        "materials": [material], "accessors": accessors, "bufferViews": views, "buffers": [{"byteLength": sum(sizes)}],
    }


def ply_bytes(mesh: Mesh) -> bytes:
    """Binary PLY with normals and 8-bit sRGB colours, axes as in the GLB."""
    names = [f"property float {name}" for name in ("x", "y", "z", "nx", "ny", "nz")]
    names += [f"property uchar {name}" for name in ("red", "green", "blue")]
    head = "\n".join(["ply", "format binary_little_endian 1.0", "comment SAT3D", f"element vertex {len(mesh.vertices)}",
                      *names, f"element face {len(mesh.faces)}", "property list uchar int vertex_indices",
                      "end_header", ""])
    rows = np.empty(len(mesh.vertices), [("place", "<f4", 3), ("normal", "<f4", 3), ("colour", "u1", 3)])
    rows["place"], rows["normal"], rows["colour"] = mesh.vertices, mesh.normals, np.rint(mesh.colours * 255)
    faces = np.empty(len(mesh.faces), [("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, mesh.faces
    return head.encode("ascii") + rows.tobytes() + faces.tobytes()


_WRITERS = {".glb": glb_bytes, ".ply": ply_bytes}
