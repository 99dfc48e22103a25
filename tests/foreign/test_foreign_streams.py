"""Pickle programs and nested storage streams that lie about lengths, indexes, types: refused in words."""

import struct

import pytest
import torch

from sat3d.errors import FileError, HostileFileError
from sat3d.generators.official import read_network
from tests.foreign.official_pickle import Call, persistent, pickled, storage_stream, view
from tests.foreign.refusal import micro_with

# Lengths and indexes that lie.


@pytest.mark.parametrize(
    "program",
    [
        b"N\x72\xff\xff\xff\x7f",
        b"N\x72\xff\xff\xff\xff",
        b"j\xff\xff\xff\x7f",
        b"h\x00",
        b"N\x71\x01",
        b"\x8e" + struct.pack("<Q", 1 << 62),
        b"\x8d" + struct.pack("<Q", 1 << 62),
        b"\x96" + struct.pack("<Q", 1 << 63),
        b"\x95" + struct.pack("<Q", 1 << 63),
        b"\x8b\xff\xff\xff\x7f",
        b"\x8b\xff\xff\xff\xff",
        b"B\xff\xff\xff\xff",
        b"X\xff\xff\xff\xff",
        b"\x8c\xff",
        b"K",
        b"J\x00",
        b"G\x00",
        b"\x8a\x05",
        b"c",
        b"cos\n",
        b"0",
        b"1",
        b"t",
        b"\x85",
        b"\x87",
        b"a",
        b"e",
        b"s",
        b"u",
        b"\x90",
        b"R",
        b"\x81",
        b"b",
        b"\x93",
        b"\x94",
        b"(0",
        b"}(Nu",
        b"Na",
        b"](NuN",
        b"NNs",
        b"(((",
        b"NN",
        b"",
    ],
    ids=bytes.hex,
)
def test_lengths_indexes_and_stacks(refused, program):
    assert isinstance(refused(b"\x80\x04" + program + b"."), FileError)
    refused(b"\x80\x04" + program)


def test_long_integers(refused):
    program = b"\x8b" + struct.pack("<I", 3_000_000) + b"\x7f" * 3_000_000
    assert isinstance(refused(b"\x80\x04" + program + b"."), HostileFileError)


@pytest.mark.parametrize(
    "code",
    [
        b"i",
        b"o",
        b"P0\n",
        b"Q",
        b"\x82\x01",
        b"\x83\x01\x00",
        b"\x92",
        b"\x97",
        b"\x98",
        b"2",
        b"I1\n",
        b"L1L\n",
        b"S'a'\n",
        b"Va\n",
        b"F1\n",
        b"d",
        b"l",
        b"g0\n",
        b"p0\n",
        b"\x91",
    ],
    ids=bytes.hex,
)
def test_opcodes_that_no_network_needs(refused, code):
    assert "byte 4" in str(refused(b"\x80\x04(N" + code + b"."))


# Nested streams.

FINE = storage_stream(bytes(16), 4)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x80",
        pickled(Call("os", "system", "echo"), 2),
        pickled(Call("posix", "system", "echo"), 2),
        storage_stream(bytes(16), 4, magic=5),
        storage_stream(bytes(16), 5),
        storage_stream(bytes(15), 4),
        storage_stream(bytes(17), 4),
        storage_stream(bytes(16), -4),
        storage_stream(bytes(16), 1 << 62),
        storage_stream(bytes(16), 4, "FloatStorage\nos\nsystem"),
        storage_stream(bytes(16), 4, "NoStorage"),
        FINE.replace(b"\x88", b"\x89"),
        FINE.replace(b"storage", b"module\x00"),
        FINE[:60],
        FINE.replace(b"Q", b"0N"),
        b"PK\x03\x04" + bytes(500),
        FINE.replace(b"Q", b""),
        b"\x80\x02]." * 100,
    ],
    ids=range(19),
)
def test_nested_payloads(refused, payload):
    loaded = Call("torch.storage", "_load_from_bytes", payload)
    assert isinstance(refused(micro_with("synthesis.b4.const", view(loaded, 0, (4, 4, 4), (16, 4, 1)))), FileError)


def test_the_payload_that_these_vary_is_fine(tmp_path):
    loaded = Call("torch.storage", "_load_from_bytes", storage_stream(bytes(256), 64))
    path = tmp_path / "fine.pkl"
    path.write_bytes(micro_with("synthesis.b4.const", view(loaded, 0, (4, 4, 4), (16, 4, 1))))
    assert read_network(path).tensors["synthesis.b4.const"].abs().sum() == 0


def test_payloads_may_not_use_the_outer_list(refused):
    inner = pickled(persistent("Generator", {}), 2)
    error = refused(pickled({"G_ema": Call("torch.storage", "_load_from_bytes", inner)}))
    assert "torch_utils.persistence _reconstruct_persistent_obj" in str(error)


def test_types_that_are_not_floating_point(refused):
    loaded = Call("torch.storage", "_load_from_bytes", storage_stream(bytes(64 * 8), 64, "LongStorage"))
    attack = micro_with("synthesis.b4.const", view(loaded, 0, (4, 4, 4), (16, 4, 1)))
    assert "synthesis.b4.const holds LongStorage" in str(refused(attack))


def test_torch_zip_files(refused, tmp_path):
    path = tmp_path / "zip.pkl"
    torch.save({"weights": torch.zeros(1_000_000)}, path)
    assert "zip file" in str(refused(path))
