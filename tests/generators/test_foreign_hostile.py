"""Attacks on the safe reader that ask for actions: each must be refused in words and without doing anything."""

import random
import struct

import pytest
import torch

from sat3d.errors import FileError, HostileFileError
from sat3d.generators.foreign import read_network
from sat3d.generators.foreign.source import check_source
from sat3d.generators.foreign.values import Context
from tests.generators.official_pickle import (
    SOURCE_CLASS,
    Call,
    New,
    Raw,
    module_state,
    opcodes,
    persistent,
    pickled,
    reference,
    storage,
    storage_stream,
    text,
    view,
)
from tests.generators.refusal import GOLDEN, Refusal, micro_with
from training.fuzz_foreign import fuzz


@pytest.fixture(scope="module")
def refusal():
    return Refusal()


@pytest.fixture
def refused(refusal, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refusal.folder = tmp_path
    return refusal


# The published attack files.


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("hostile_*.pkl")), ids=lambda path: path.stem)
def test_hostile_files(refused, path):
    error = refused(path)
    assert isinstance(error, HostileFileError) and "nothing in it was executed" in str(error)


@pytest.mark.parametrize(
    "name, says",
    [
        ("hostile_os_system", "'os system' at byte 112"),
        ("hostile_dotted_name", "'dnnlib.util os.system'"),
        ("hostile_nested_storage", "system' at byte"),
        ("hostile_module_src", "os.system"),
    ],
)
def test_hostile_files_are_told_apart(refused, name, says):
    assert says in str(refused(GOLDEN / f"{name}.pkl"))


def test_all_hostile_files_are_here():
    assert len(list(GOLDEN.glob("hostile_*.pkl"))) == 4


# Globals: only exact pairs, only used as networks use them.


@pytest.mark.parametrize(
    "module, name",
    [
        ("os", "system"),
        ("posix", "system"),
        ("nt", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("builtins", "__import__"),
        ("subprocess", "Popen"),
        ("dnnlib.util", "EasyDict.__init__.__globals__"),
        ("dnnlib.util", "EasyDict.__class__"),
        ("collections", "OrderedDict.__init__"),
        ("numpy", "dtype.type"),
        ("torch.storage", "_load_from_bytes.__globals__"),
        ("torch._utils", "torch"),
        ("torch_utils.persistence", "exec"),
        ("torch", "FloatStorage"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("operator", "attrgetter"),
        ("", ""),
        ("torch.hub", "load"),
        ("sat3d.generators.foreign", "read_network"),
        ("training.triplane", "TriPlaneGenerator"),
    ],
)
def test_globals_outside_the_list(refused, module, name):
    error = refused(pickled({"G_ema": Call(module, name, "echo")}))
    assert isinstance(error, HostileFileError) and f"'{module} {name}'" in str(error)
    old_style = f"c{module}\n{name}\n".encode()
    assert f"'{module} {name}'" in str(refused(b"\x80\x02" + old_style + b")R."))


def test_newlines_inside_names(refused):
    error = refused(b"\x80\x04" + text("os\nsystem") + text("x\nos") + b"\x93.")
    assert isinstance(error, HostileFileError)
    refused(b"\x80\x02cos" + b"x" * 300 + b"\nsystem\n.")
    refused(b"\x80\x02c" + b"x" * 5_000_000)


FOUR = storage(torch.zeros(4).numpy())
BAD_CALLS = [
    Call(*SOURCE_CLASS),
    Call(*SOURCE_CLASS, 5),
    Call(*SOURCE_CLASS, {}),
    Call(*SOURCE_CLASS, {"type": "class"}, 2),
    Call(*SOURCE_CLASS, {"type": "class", "class_name": 5, "module_src": "", "state": {}}),
    Call(*SOURCE_CLASS, {"type": "class", "class_name": "G", "module_src": b"", "state": {}}),
    Call("torch._utils", "_rebuild_tensor_v2"),
    Call("torch._utils", "_rebuild_tensor_v2", 1, 2, 3, 4),
    Call("torch._utils", "_rebuild_tensor_v2", b"", 0, (1,), (1,), False, {}),
    view(FOUR, -1, (4,), (1,)),
    view(FOUR, 0, (4,), (-1,)),
    view(FOUR, 0, (2, 2), (1,)),
    view(FOUR, 0, ("4",), (1,)),
    view(FOUR, 0, (1,) * 9, (1,) * 9),
    view(FOUR, True, (4,), (1,)),
    view(FOUR, 0, (1 << 60,), (1,)),
    view(FOUR, 0, [4], [1]),
    Call("torch._utils", "_rebuild_parameter", 5, False, {}),
    Call("torch._utils", "_rebuild_parameter"),
    Call("torch.storage", "_load_from_bytes", "text"),
    Call("torch.storage", "_load_from_bytes"),
    Call("collections", "OrderedDict", [("a", 1)]),
    Call("builtins", "set", "abc"),
    Call("dnnlib.util", "EasyDict"),
    Call("numpy", "dtype", "O8", False, True),
    Call("numpy", "dtype", "V8", False, True),
    Call("numpy", "dtype"),
    Call("numpy.core.multiarray", "scalar", 5, b"12345678"),
    Call("numpy._core.multiarray", "scalar"),
    Call("numpy.core.multiarray", "scalar", Call("numpy", "dtype", "f8", False, True), b"123"),
    Call("numpy.core.multiarray", "scalar", Call("numpy", "dtype", "f8", False, True), "12345678"),
    New("collections", "OrderedDict", {}),
    New("torch._utils", "_rebuild_tensor_v2", {}),
    Raw(opcodes("os.system") + b")R"),
    Raw(opcodes(print.__name__) + b")\x81"),
    Raw(reference("training.triplane", "OSGDecoder") + opcodes((1,)) + b"\x81"),
]


@pytest.mark.parametrize("index", range(len(BAD_CALLS)))
def test_known_globals_misused(refused, index):
    assert isinstance(refused(pickled({"G_ema": BAD_CALLS[index]})), FileError)


# BUILD: once, on a plain module, nothing special in the state.


@pytest.mark.parametrize("name", ["__class__", "__dict__", "__setstate__", "__reduce__", "__getattr__", "__globals__"])
def test_special_names_in_a_state(refused, name):
    error = refused(pickled({"G_ema": New("training.triplane", "OSGDecoder", {name: {"a": 1}})}))
    assert isinstance(error, HostileFileError) and "special attributes" in str(error)


@pytest.mark.parametrize(
    "program",
    [
        opcodes(New("training.triplane", "OSGDecoder", {})) + b"}b",  # twice
        b"}}b",
        b"]}b",
        opcodes(({},)) + b"}b",  # on a dict, a list, a tuple
        opcodes(persistent("Generator", {})) + b"}b",  # the loader builds these, not the file
        reference("training.triplane", "OSGDecoder") + b"}b",  # on a global: setting attributes of a class
        reference("training.triplane", "OSGDecoder") + b")\x81)b",  # a state that is not a dict
        reference("training.triplane", "OSGDecoder") + b")\x81" + opcodes(({}, {"__class__": 1})) + b"b",
        opcodes(Call("numpy", "dtype", "f8")) + b"}b",
    ],
)
def test_states_set_in_other_ways(refused, program):
    assert isinstance(refused(b"\x80\x04" + program + b"."), FileError)


def test_dunder_state_of_persistent_objects_stays_inert(refused):
    error = refused(pickled({"G_ema": persistent("Generator", {"__class__": "os", **module_state()})}))
    assert isinstance(error, FileError)


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


# Source text: never run, and refused when it shows what it is for.


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.system('x')",
        "__import__('os')",
        "import subprocess",
        "from socket import socket",
        "open('a', 'w')",
        "exec(text)",
        "eval ('1')",
        "import importlib",
        "x = ().__class__.__subclasses__()",
        "os . popen('x')",
        "pickle.loads(b)",
        "import shutil\nshutil.rmtree('/')",
        "requests.get(url)",
        "ctypes.CDLL(None)",
    ],
)
def test_source_that_reaches_out(refused, source):
    error = refused(pickled({"G_ema": persistent("Generator", module_state(), source)}))
    assert isinstance(error, HostileFileError) and "source text" in str(error)


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nimport torch\nfrom torch_utils import misc\nclass G(torch.nn.Module):\n    pass\n",
        "model.eval()\nre.compile('x')\ntorch.compile(f)\nimage.open(1)\nreopen(x)",
        "not python (((",
        "",
    ],
)
def test_source_that_only_computes(source):
    check_source(Context(memoryview(b"")), source)


# Random damage.


def test_mutated_files_are_loaded_or_refused(tmp_path):
    seeds = [path.read_bytes() for path in sorted(GOLDEN.glob("micro_*.pkl"))]
    summary = fuzz(seeds, 300, seed=random.Random(7).randrange(1 << 30), folder=tmp_path)
    assert summary.failures == [] and sum(summary.outcomes.values()) == 300
    assert len(summary.outcomes) > 10  # the mutations do reach deep
    assert summary.peak_bytes < 20_000_000


def test_the_watch_does_watch(refused, tmp_path):
    watch = refused.watch
    with watch:
        exec("1")
        (tmp_path / "written").write_text("x")
    assert {event.split()[0] for event in watch.seen} >= {"exec", "open"}
