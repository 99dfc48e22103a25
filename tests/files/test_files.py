"""Writing beside and renaming: nothing is lost by a failure, and others may read what was written."""

import math
import os

import pytest
import torch
from safetensors.torch import save_file

from sat3d.errors import FileError, NameTakenError
from sat3d.files.safetensors_io import list_misfits, name_some, read_tensors, write_tensors
from sat3d.files.writing import atomic_path

TENSORS, HEADER = {"a": torch.arange(3.0)}, {"schema": "test/1"}
MODES = os.name != "nt"  # Windows has a read-only flag, and no more


def mode_of(path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def umask():
    """Group may write, others may not even read."""
    before = os.umask(0o007)
    yield
    os.umask(before)


def test_new_weights_have_the_permissions_of_any_new_file(tmp_path, umask):
    plain, weights = tmp_path / "plain.txt", tmp_path / "weights.safetensors"
    plain.write_text("")
    write_tensors(weights, TENSORS, HEADER)
    assert mode_of(weights) == mode_of(plain)
    assert not MODES or mode_of(weights) == 0o660
    assert torch.equal(read_tensors(weights)["a"], TENSORS["a"])


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_replaced_weights_keep_their_permissions(tmp_path, mode):
    weights = tmp_path / "weights.safetensors"
    write_tensors(weights, {"a": torch.zeros(1)}, HEADER)
    weights.chmod(mode)
    write_tensors(weights, TENSORS, HEADER)
    assert torch.equal(read_tensors(weights)["a"], TENSORS["a"])
    assert not MODES or mode_of(weights) == mode


def test_a_writer_that_renames_a_private_file_over_the_temporary_one(tmp_path, umask):
    with atomic_path(tmp_path / "new.bin") as temporary:
        private = tmp_path / "private"
        private.write_bytes(b"new")
        private.chmod(0o600)
        private.replace(temporary)
    assert (tmp_path / "new.bin").read_bytes() == b"new"
    assert not MODES or mode_of(tmp_path / "new.bin") == 0o660


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    weights = tmp_path / "weights.safetensors"
    save_file(TENSORS, weights)
    before = weights.read_bytes(), mode_of(weights)
    with pytest.raises(RuntimeError), atomic_path(weights) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert (weights.read_bytes(), mode_of(weights)) == before and list(tmp_path.iterdir()) == [weights]


def test_the_temporary_file_is_new_beside_the_target_and_has_its_suffix(tmp_path):
    target = tmp_path / "picture.png"
    with atomic_path(target) as one, atomic_path(target) as other:
        assert one != other and {one.parent, other.parent} == {tmp_path} and one.suffix == other.suffix == ".png"
        one.write_text("one")
        other.write_text("other")
    assert target.read_text() == "one"  # the outer block ends last


def test_an_existing_file_is_refused_before_any_work(tmp_path):
    target = tmp_path / "there.txt"
    target.write_text("old")
    with pytest.raises(NameTakenError, match="exists already") as caught, atomic_path(target, overwrite=False):
        raise AssertionError
    assert "--" not in str(caught.value)  # nodes have no options
    with pytest.raises(FileError, match="folder"), atomic_path(tmp_path / "missing" / "x.txt"):
        raise AssertionError
    assert target.read_text() == "old"


def test_misfits_of_tensors_are_named_each():
    one, whole = torch.zeros(1), torch.zeros(1).int()
    wanted = {"a": one, "b": torch.zeros(3), "c": one, "d": one, "n": whole}
    got = {"b": torch.zeros(4), "c": one + math.nan, "d": whole, "e": one, "n": whole}
    assert list_misfits(wanted, got) == [
        "a is missing",
        "e is unexpected",
        "b is (4,), wanted (3,)",
        "c holds NaN or infinite numbers",
        "d holds torch.int32, not floating-point numbers",
    ]
    outlines = {name: tensor.to("meta") for name, tensor in wanted.items()}
    assert list_misfits(outlines, got) == list_misfits(wanted, got) and list_misfits(outlines, wanted) == []


def test_of_many_problems_the_first_are_named():
    assert name_some(["one", "two", "three"], 2) == "one; two; and 1 more" and name_some(["one"], 2) == "one"
