"""Files that try to exhaust the machine: each must be refused quickly and in little memory."""

import time

import pytest
import torch

from sat3d.errors import FileError, HostileFileError
from sat3d.foreign.source import check_source
from sat3d.foreign.values import Context
from sat3d.generators.config import BackboneConfig, StyleGAN2Config
from tests.foreign.official_pickle import (
    SOURCE_CLASS,
    Call,
    Network,
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
from tests.foreign.refusal import MAX_SECONDS, MICRO, micro_with

ONE = storage(torch.zeros(1).numpy())

# Keys.


@pytest.mark.parametrize("key", [(), (1,), b"bytes", 1.5, {}, [], 1 << 61, Call("collections", "OrderedDict")])
def test_keys_that_are_not_scalars(refused, key):
    assert "not a plain scalar" in str(
        refused(
            pickled(
                {"G_ema": {key: 1} if type(key) in (int, float, bytes, tuple) else Raw(b"}" + opcodes(key) + b"Ns")}
            )
        )
    )


def nested_shared_tuples(depth: int) -> bytes:
    """Two pairs of pairs of …: 2^depth leaves in 6 bytes a level."""
    return b"N" + b"".join(b"\x94h%c\x86" % level for level in range(depth))


def test_hash_bomb(refused):
    bomb = nested_shared_tuples(200)
    assert "not a plain scalar" in str(refused(b"\x80\x04}" + bomb + b"Ns."))
    assert "not a plain scalar" in str(refused(b"\x80\x04\x8f(" + bomb + b"\x90."))
    for value in (b"}" + text("G_ema") + bomb + b"s", bomb):  # as a value: never spelt out or compared
        refused(b"\x80\x04" + value + b".")


def test_bombs_where_other_things_are_expected(refused):
    bomb = Raw(nested_shared_tuples(200))
    for attack in (
        Call(*SOURCE_CLASS, bomb),
        view(bomb, 0, (1,), (1,)),
        view(ONE, bomb, (1,), (1,)),
        Call("builtins", "set", bomb),
        Call("numpy", "dtype", bomb, False, True),
        persistent("Generator", {"_modules": bomb}),
        New("training.triplane", "OSGDecoder", {"_modules": bomb}),
    ):
        refused(pickled({"G_ema": attack}))


# Size: depth, number, amplification.


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    [
        b"]" * 1_000_000,
        b"]" * 60_000 + b"a" * 59_999,
        b"}" * 30_000_000,
        b"N0" * 15_000_000,
        b"(" * 5_000_000,
        b"\x8f0" * 2_000_000,
        b"\x8f\x940" * 1_000_000,
        b"C\x000" * 1_000_000,
        b"N\x85" * 1_000_000,
        b"](" + (b"]" * 50_000 + b"e(") * 100,
        b"\x8c\x04abcd0" * 1_000_000,
        b"G12345678" * 500_000,
        b"]\x94" + b"h\x00a" * 800_000,
        b"N" + b"\x85" * 900_000,
    ],
    ids=range(14),
)
def test_floods_of_objects(refused, program):
    refused.in_little_memory(b"\x80\x04" + program + b".")


def test_floods_of_text(refused):
    assert isinstance(refused(b"\x80\x04" + text("a" * 2_000_000) + b"."), HostileFileError)
    assert isinstance(refused(b"\x80\x04" + (text("a" * 1_000_000) + b"0") * 20 + b"."), HostileFileError)


def test_stride_zero(refused):
    error = refused(micro_with("synthesis.b4.const", view(ONE, 0, (4, 4, 4), (0, 0, 0))))
    assert "synthesis.b4.const repeats its elements" in str(error)


def test_sizes_far_beyond_the_storage(refused):
    error = refused(micro_with("synthesis.b4.const", view(ONE, 0, (4, 4, 4), (1 << 47, 4, 1))))
    assert "synthesis.b4.const goes past its storage of 1 elements" in str(error)


def test_one_storage_many_tensors(refused):
    """A network of 200 MB described over one small storage, by overlapping strides."""
    config = StyleGAN2Config(
        BackboneConfig(z_dim=4, w_dim=4, num_mapping_layers=1, resolution=1024, channel_base=1024, channel_max=1)
    )
    built = Network(config)
    for name, value in built.tensors.items():
        built.tensors[name] = view(Raw(b"h\x00"), 0, tuple(value.shape), (1,) * value.dim())
    first = b"\x80\x04" + opcodes(storage(torch.zeros(4096).numpy())) + b"\x940"
    error = refused(first + built.pickle()[2:])
    assert "more data than it holds" in str(error)


def test_one_storage_in_ten_thousand_tensors(refused):
    tensors = Raw(b"](" + opcodes(view(Raw(b"h\x00"), 0, (1024,), (1,))) * 10_000 + b"e")
    first = b"\x80\x04" + opcodes(storage(torch.zeros(1024).numpy())) + b"\x940"
    assert "not a network" in str(refused(first + opcodes({"G_ema": tensors}) + b"."))
    tensor = opcodes(view(Raw(b"h\x00"), 0, (1,), (1,)))
    parameters = b"}(" + b"".join(text(f"p{index}") + tensor for index in range(10_000)) + b"u"
    state = {"_parameters": Raw(parameters), "_buffers": {}, "_modules": {}}
    assert "larger network" in str(refused(first + opcodes({"G_ema": persistent("Generator", state)}) + b"."))


def shared_tree(depth: int) -> bytes:
    """Modules with twice the same child: 2^depth modules in a few bytes a level; memo 0 … depth hold them."""
    program = b"\x80\x04" + opcodes(persistent("Generator", module_state())) + b"\x940"
    for level in range(depth):
        child = Raw(b"h%c" % level)
        program += opcodes(persistent("Generator", module_state({"a": child, "b": child}))) + b"\x940"
    return program + opcodes({"G_ema": Raw(b"h%c" % depth)}) + b"."


def test_exponential_module_tree(refused):
    assert isinstance(refused(shared_tree(11)), FileError)
    assert isinstance(refused(shared_tree(100)), HostileFileError)


def test_module_that_contains_itself(refused):
    loop = b"\x80\x04}\x94" + text("_modules") + b"}" + text("a") + opcodes(persistent("G", Raw(b"h\x00"))) + b"ss"
    loop += text("_parameters") + b"}s" + text("_buffers") + b"}s0"
    assert isinstance(refused(loop + opcodes({"G_ema": persistent("G", Raw(b"h\x00"))}) + b"."), HostileFileError)


def test_list_that_contains_itself(refused):
    refused(b"\x80\x04]\x94h\x00a" + text("x") + b"0.")
    refused(b"\x80\x04}" + text("G_ema") + b"]\x94h\x00as.")


@pytest.mark.slow
def test_work_multiplied_by_memo(refused):
    """One large value, then many operations on it: each may cost only its own bytes."""
    large_dict = b"}(" + b"".join(text(f"{i:06}") + b"N" for i in range(90_000)) + b"u\x94"
    many_builds = (reference("training.triplane", "OSGDecoder") + b")\x81h\x00b0") * 90_000
    many_sets = (reference("builtins", "set") + b"h\x00\x85R0") * 90_000
    source = b"\x80\x04" + text("#" * 900_000) + b"\x94"
    meta = opcodes({"type": "class", "module_src": Raw(b"h\x00"), "class_name": "G", "state": {}})
    many_sources = (reference(*SOURCE_CLASS) + meta + b"\x85R0") * 40_000
    large_list = b"](" + b"N" * 180_000 + b"e\x94"
    for attack in (b"\x80\x04" + large_dict + many_builds, b"\x80\x04" + large_list + many_sets, source + many_sources):
        refused.in_little_memory(attack + b".")


# Sizes in the configuration.


@pytest.mark.parametrize(
    "key, value",
    [
        ("img_resolution", 1 << 30),
        ("img_resolution", 4096),
        ("channel_max", 1 << 30),
        ("w_dim", 1 << 40),
        ("z_dim", -1),
        ("z_dim", 1 << 2000),
        ("img_channels", 0),
        ("c_dim", 16384),
        ("channel_base", 0),
        ("mapping_kwargs", {"num_layers": 1 << 30}),
        ("img_resolution", 12),
        ("img_resolution", True),
        ("z_dim", "8"),
        ("z_dim", [8]),
        ("z_dim", 8.0),
    ],
)
def test_absurd_configurations(refused, key, value):
    built = Network(MICRO)
    built.states[""]["_init_kwargs"][key] = value
    refused(built.pickle())


def test_a_payload_run_again_and_again_is_counted(refused):
    payload = b"\x80\x02" + b"N0" * 20_000 + b"N."
    calls = (reference("torch.storage", "_load_from_bytes") + b"h\x00\x85R0") * 50_000
    refused(b"\x80\x04" + opcodes(payload) + b"\x940" + calls + b".")


def test_source_scan_is_linear():
    hard = [("os" + " " * 400_000), "shutil." + "a" * 900_000, "import " * 120_000, "os." * 300_000, "eval " * 180_000]
    for source in hard:
        start = time.process_time()
        check_source(Context(memoryview(b"")), source)
        assert time.process_time() - start < MAX_SECONDS
