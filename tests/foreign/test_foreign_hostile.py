"""Attacks on the safe reader that ask for actions: each must be refused in words and without doing anything."""

import random

import pytest
import torch

from sat3d.errors import FileError, HostileFileError
from sat3d.foreign.source import check_source
from sat3d.foreign.values import Context
from tests.foreign.official_pickle import (
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
    text,
    view,
)
from tests.foreign.refusal import GOLDEN
from training.tools.fuzz_foreign import fuzz

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
        ("sat3d.generators.official", "read_network"),
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


@pytest.mark.slow
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
