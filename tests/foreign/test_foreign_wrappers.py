"""Generators in other wrappers: alone, without the average, beside plain data; and what is named instead of loaded."""

import argparse
import collections
import datetime
import decimal
import fractions
import io
import pathlib
import pickle
import types
import uuid
import zipfile

import numpy as np
import pytest
import torch

from sat3d.errors import FileError, HostileFileError
from sat3d.generators import load_generator
from sat3d.generators.official import read_network
from tests.foreign.official_pickle import Call, Network, New, Raw, module_state, persistent, pickled, reference
from tests.foreign.refusal import MICRO


@pytest.fixture
def read(tmp_path):
    def read_content(content: bytes, key: str | None = None):
        (tmp_path / "file.pkl").write_bytes(content)
        return read_network(tmp_path / "file.pkl", key)

    return read_content


def generator(seed: int = 0, kind: str = "Generator") -> Call:
    """One that can be told from those of other seeds."""
    built = Network(MICRO)
    built.kinds[""] = kind
    built.tensors["synthesis.b4.const"] = torch.full((4, 4, 4), float(seed))
    return built.value()


def seed_of(network) -> float:
    return float(network.tensors["synthesis.b4.const"].mean())


DISCRIMINATOR = persistent("Discriminator", module_state())


# What is loaded.


@pytest.mark.parametrize(
    ("contents", "seed", "told"),
    [
        (generator(1), 1, "all of the file"),
        ({"G": generator(1)}, 1, "G, since there is no G_ema"),
        ({"G": generator(1), "D": DISCRIMINATOR, "G_ema": None}, 1, "G, since there is no G_ema"),
        ({"G": generator(1), "G_ema": generator(2)}, 2, "G_ema"),
        ({"D": DISCRIMINATOR, "G_ema": generator(2), "G": None}, 2, "G_ema"),
        ({"G": generator(1), "G_ema": {"weight": torch.zeros(2)}}, 1, "G, since there is no G_ema"),
    ],
    ids=range(6),
)
def test_the_generator_is_found_and_which_it_is_is_told(read, contents, seed, told):
    found = read(pickled(contents))
    assert found.config == MICRO and seed_of(found) == seed and found.notes["network"].startswith(told)


def test_a_named_network_is_taken_or_nothing(read):
    both = pickled({"G": generator(1), "G_ema": generator(2)})
    assert seed_of(read(both, "G")) == 1
    with pytest.raises(FileError, match=r"no network 'D'.*the keys G, G_ema.*one of the networks in it: G, G_ema"):
        read(both, "D")
    with pytest.raises(FileError, match=r"no network 'G_ema'.*without a key"):
        read(pickled(generator(1)), "G_ema")


def test_the_loaded_generator_says_which_network_it_is(tmp_path):
    (tmp_path / "alone.pkl").write_bytes(pickled(generator(1)))
    loaded = load_generator(tmp_path / "alone.pkl")
    assert loaded.metadata["network"].startswith("all of the file") and "key" not in loaded.metadata


# Plain data beside it.

PLAIN_DATA = {
    "path": pathlib.Path("/data/faces"),
    "path of Windows": pathlib.PureWindowsPath("c:/faces"),
    "path without a system": pathlib.PurePosixPath("faces"),
    "array": np.arange(6.0).reshape(2, 3),
    "array by columns": np.asfortranarray(np.ones((3, 2), np.float32)),
    "array of objects": np.array([1, "a", None], dtype=object),
    "array of texts": np.array(["ab", "c"]),
    "array of records": np.zeros(2, dtype=[("a", "f4"), ("b", "i8")]),
    "array of days": np.array(["2020-01-01"], dtype="M8[D]"),
    "numpy numbers": [np.float64(0.5), np.int64(5), np.bool_(True), np.complex64(1j), np.str_("a")],
    "numpy types": [np.dtype("float32"), np.dtype([("a", "f4")]), np.float32],
    "moment": datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc),
    "date and time": [datetime.date(2020, 1, 2), datetime.time(3, 4), datetime.timedelta(1, 2, 3)],
    "containers": [collections.OrderedDict(a=1), collections.Counter("abca"), collections.deque([1, 2], 5)],
    "default dictionary": collections.defaultdict(list, {"a": [1]}),
    "built-in types": [1 + 2j, slice(1, None), range(3), {1, 2}, bytearray(b"abc"), b"abc", list],
    "namespaces": [argparse.Namespace(lr=0.1), types.SimpleNamespace(a=1)],
    "numbers of the library": [decimal.Decimal("1.5"), fractions.Fraction(1, 3), uuid.UUID(int=1)],
    "torch": [torch.device("cuda:0"), torch.Size([1, 2]), torch.float16, torch.__version__],
}


def bare(value: object, protocol: int) -> Raw:
    """The opcodes that Python writes for a value, to be put into another pickle."""
    raw = pickle.dumps(value, protocol)[2:-1]
    return Raw(raw[9:] if protocol > 3 and raw[:1] == b"\x95" else raw)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", PLAIN_DATA)
def test_plain_data_beside_a_network_does_not_matter(refusal, tmp_path, name, protocol):
    path = tmp_path / "file.pkl"
    path.write_bytes(pickled({"training_set_kwargs": bare(PLAIN_DATA[name], protocol), "G_ema": generator(3)}))
    with refusal.watch:
        found = read_network(path)
    assert seed_of(found) == 3 and refusal.watch.seen == []


def test_plain_data_is_no_network_and_no_tensor(read):
    with pytest.raises(FileError, match="not a network"):
        read(pickled({"G_ema": bare(pathlib.PurePosixPath("a"), 4)}))
    built = Network(MICRO)
    built.tensors["synthesis.b4.const"] = bare(np.zeros((4, 4, 4)), 4)
    with pytest.raises(FileError, match=r"synthesis\.b4\.const is not a tensor.*numpy array"):
        read(built.pickle())


SYSTEM = Raw(reference("os", "system"))
MISUSED = [
    Call("pathlib", "PosixPath", 5),
    Call("pathlib", "PosixPath", *["a"] * 65),
    Call("collections", "defaultdict", "text"),
    Call("collections", "Counter", [1]),
    Call("collections", "deque", {}),
    Call("datetime", "datetime", "now"),
    Call("datetime", "timezone", 5),
    Call("builtins", "complex", "1"),
    Call("builtins", "slice", [], 1, 2),
    Call("builtins", "frozenset", "abc"),
    Call("builtins", "list", "abc"),
    Call("_codecs", "encode", "os", "rot13"),
    Call("numpy.core.multiarray", "_reconstruct", Raw(reference("builtins", "object")), (0,), b"b"),
    Call("numpy._core.numeric", "_frombuffer", b"", "f4", (1,), "C"),
    Call("numpy", "dtype", "os.system"),
    Call("torch", "device", {}),
    Call("argparse", "Namespace"),
    New("pathlib", "PosixPath", {}),
    New("argparse", "Namespace", {"__class__": 1}),
]


@pytest.mark.parametrize("index", range(len(MISUSED)))
def test_plain_data_made_in_other_ways_is_refused(refused, index):
    error = refused(pickled({"G_ema": generator(), "other": MISUSED[index]}))
    assert isinstance(error, HostileFileError) and "nothing in it was executed" in str(error)


@pytest.mark.parametrize(
    "attack",
    [
        Call("os", "system", "echo"),
        Call("builtins", "getattr", Raw(reference("builtins", "object")), "__subclasses__"),
        Call("functools", "partial", Raw(reference("builtins", "list"))),
        Call("collections", "defaultdict", SYSTEM),
        Call("collections", "namedtuple", "a", "b"),
        Call("pathlib", "Path.write_text", "a"),
        Call("pathlib", "os"),
        Call("numpy", "load", "a"),
        Call("numpy.core.multiarray", "fromfile", "a"),
        Call("numpy.core.multiarray", "_reconstruct", SYSTEM, (0,), b"b"),
        Call("datetime", "sys"),
        Call("types", "FunctionType"),
        Call("torch", "load", "a"),
        Call("_codecs", "open", "a"),
        New("subprocess", "Popen", {}),
    ],
    ids=range(15),
)
def test_whatever_else_stands_beside_a_network_is_refused_by_name(refused, attack):
    error = refused(pickled({"G_ema": generator(), "other": attack}))
    assert isinstance(error, HostileFileError) and "nothing in it was executed" in str(error)


@pytest.mark.slow
def test_one_long_tuple_in_many_calls_costs_little(refused):
    long = b"](" + b"K\x01" * 50_000 + b"e0(" + b"K\x01" * 50_000 + b"t\x94"
    calls = (reference("pathlib", "PosixPath") + b"h\x00R0") * 90_000
    refused.in_little_memory(b"\x80\x04" + long + calls + b".")
    notes = b"}(" + b"".join(b"M" + i.to_bytes(2, "little") + b"N" for i in range(60_000)) + b"u\x94"
    refused.in_little_memory(b"\x80\x04" + notes + b"}h\x00b0" * 90_000 + b".")


# What is named instead.

WEIGHTS = {"synthesis.b4.const": torch.zeros(2), "mapping.w_avg": torch.zeros(3)}
STATE_DICT = (
    r"weights without the network they belong to.*state dict of 2 tensors \(synthesis\.b4\.const, mapping\.w_avg\)"
)


def with_notes(weights: dict) -> Raw:
    """As Python writes a module's state_dict()."""
    ordered = collections.OrderedDict(weights)
    ordered._metadata = collections.OrderedDict({"": {"version": 1}})
    return bare(ordered, 4)


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        ({"G_ema": WEIGHTS}, STATE_DICT.replace(".*", ".*'G_ema' is a ")),
        ({"G_ema": with_notes(WEIGHTS)}, STATE_DICT),
        (WEIGHTS, STATE_DICT),
        ({"step": 5, "g_ema": WEIGHTS, "latent_avg": torch.zeros(1)}, "'g_ema' is a state dict"),
        ({"D": DISCRIMINATOR}, "judges pictures and draws none.*'Discriminator'"),
        ({"D": DISCRIMINATOR, "stats": {"mean": torch.zeros(1)}}, "judges pictures"),
        (DISCRIMINATOR, "judges pictures"),
        ({"G_ema": generator(kind="TunedGenerator")}, "class is unknown.*'TunedGenerator'.*renamed the class"),
        (generator(kind="TunedGenerator"), "class is unknown.*'TunedGenerator'"),
        ({"E": generator()}, r"no network 'G_ema' or 'G'.*the keys E\..*one of the networks in it: E"),
        ((generator(), DISCRIMINATOR, generator()), "not a dictionary.*a tuple with 3 networks.*saved under the name"),
        ({"G_ema": 5}, "'G_ema' is not a network"),
        ({}, "no network 'G_ema' or 'G'"),
    ],
    ids=range(13),
)
def test_what_the_pickle_holds_instead_is_named(refused, contents, says):
    error = refused(pickled(contents))
    with pytest.raises(FileError, match=says):
        raise error
    assert not isinstance(error, HostileFileError)
    check_advice(error)


def test_an_object_of_an_unknown_class_is_named_with_what_would_help(refused):
    error = refused(pickled({"G_ema": New("models.tuned", "TunedGenerator", module_state())}))
    assert isinstance(error, HostileFileError)
    assert "object of a class" in error.what and "'models.tuned TunedGenerator' at byte" in error.got
    check_advice(error)


def check_advice(error: FileError, damaged: bool = False) -> None:
    """No option of a command, since there is none in a node; and fetching again only helps against damage."""
    assert error.next_step and "--" not in str(error)
    assert ("download the file again" in str(error)) == damaged


class Doll(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)


def saved(contents: object, zipped: bool, protocol: int = 2) -> bytes:
    stream = io.BytesIO()
    torch.save(contents, stream, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("contents", "says"),
    [
        (WEIGHTS, STATE_DICT),
        ({"G_ema": WEIGHTS}, STATE_DICT),
        ({"g": WEIGHTS, "g_ema": WEIGHTS, "latent_avg": torch.zeros(1)}, STATE_DICT.replace(".*", ".*'g_ema' is a ")),
        ({"epoch": 1, "state_dict": Doll().state_dict(), "args": argparse.Namespace(a=1)}, "2 tensors.*layer.weight"),
        (torch.zeros(3), "of torch.save is not a network pickle.*a tensor\\."),
        ({"step": 1}, "of torch.save is not a network pickle.*a dict"),
    ],
    ids=range(6),
)
def test_what_torch_has_saved_is_named(refused, contents, says, zipped, protocol):
    error = refused(saved(contents, zipped, protocol))
    with pytest.raises(FileError, match=says):
        raise error
    assert ("zip file" if zipped else "old file") + " of torch.save" in str(error)
    check_advice(error)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_whole_network_that_torch_has_saved_is_named(refused, zipped, wrapped):
    error = refused(saved({"G_ema": Doll()} if wrapped else Doll(), zipped))
    assert "network is in a file of torch.save" in error.what and "Doll" in error.got
    check_advice(error)


class Evil:
    def __reduce__(self):
        return pathlib.Path.write_text, (pathlib.Path("executed"), "yes")


@pytest.mark.parametrize("zipped", [True, False])
def test_programs_that_torch_has_saved_are_refused_as_such(refused, zipped):
    error = refused(saved({**WEIGHTS, "x": Evil()}, zipped))
    assert isinstance(error, HostileFileError) and "getattr" in error.got


@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_torch_that_are_cut_off_anywhere(refused, zipped):
    whole = saved(WEIGHTS, zipped)
    places = [len(whole) * share // 12 for share in range(1, 12)]
    errors = [refused(whole[:place]) for place in places if place > 16]
    assert any("download the file again" in str(error) for error in errors)
    assert not any(isinstance(error, HostileFileError) for error in errors)


def test_other_archives_are_named(refused, tmp_path):
    with zipfile.ZipFile(tmp_path / "plain.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ffhq.pkl", b"x" * 1000)
    error = refused((tmp_path / "plain.zip").read_bytes())
    assert "zip file is not a network pickle" in str(error) and "ffhq.pkl" in str(error) and "unpack" in str(error)
    with zipfile.ZipFile(tmp_path / "script.zip", "w") as archive:
        for name in ("data.pkl", "code/__torch__.py", "constants.pkl"):
            archive.writestr(f"net/{name}", b"")
    assert "TorchScript" in str(refused((tmp_path / "script.zip").read_bytes()))


def test_archives_with_endless_lists_are_refused_in_little_memory(refused, tmp_path):
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for index in range(40_000):
            archive.writestr(f"{index}/data.pkl", b"")
    refused.in_little_memory((tmp_path / "many.zip").read_bytes())


def test_damage_is_told_from_other_kinds(refused):
    whole = pickled({"G_ema": generator()})
    check_advice(refused(whole[:-2000]), damaged=True)
    check_advice(refused(pickled({"G_ema": persistent("Generator", {"_modules": 5})})))
