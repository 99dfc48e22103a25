"""Children: differences laid on their parent, found wherever it is; style spaces compared; hostile files."""

import json

import pytest
import torch

from sat3d.errors import ConfigError, FileError, LayoutError, NoBaseError
from sat3d.files.safetensors_io import write_tensors
from sat3d.generators import BackboneConfig, StyleGAN2Config, load_generator
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.generators.child import SCHEMA, is_child, read_child, save_child
from sat3d.generators.kinship import compare_style_spaces
from tests.conftest import seeded

CONFIG = StyleGAN2Config(BackboneConfig(16, 0, 24, 2, 32, 3, 256, 16, conv_clamp=256))


def write(path, network):
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_checkpoint(path, network.config, tensors, {"licence": "free"}, overwrite=True)


def fine_tuned():
    child = seeded(CONFIG)
    child.get_parameter("synthesis.b32.torgb.weight").add_(0.25)
    child.get_parameter("synthesis.b32.conv1.bias").sub_(0.5)
    return child


@pytest.fixture
def family(tmp_path):
    """A parent's file and its child's in two folders."""
    parent, child = seeded(CONFIG), fine_tuned()
    (tmp_path / "parents").mkdir()
    write(tmp_path / "parents" / "parent.safetensors", parent)
    save_child(
        tmp_path / "toon.safetensors", parent, child, "parent.safetensors", {"licence": "free", "domain": "toon"}
    )
    return tmp_path, parent, child


def test_a_child_is_small_and_comes_back_on_its_parent(family):
    folder, parent, child = family
    path = folder / "toon.safetensors"
    assert is_child(path) and not is_child(folder / "parents" / "parent.safetensors")
    assert set(read_child(path).differences) == {"synthesis.b32.torgb.weight", "synthesis.b32.conv1.bias"}
    assert path.stat().st_size < (folder / "parents" / "parent.safetensors").stat().st_size / 4
    loaded = load_generator(path, base=folder / "parents" / "parent.safetensors")
    styles = child.styles(child.map(torch.ones(1, 16)))
    assert torch.allclose(loaded.network.synthesize(styles).image, child.synthesize(styles).image, atol=1e-4)
    assert loaded.parent_fingerprint == parent.fingerprint() != loaded.fingerprint
    assert loaded.metadata["domain"] == "toon" and loaded.metadata["parent"] == "parent.safetensors"
    assert loaded.known_as(parent.fingerprint()) == parent.fingerprint()
    assert loaded.known_as("another") == loaded.fingerprint and loaded.known_as("") == loaded.fingerprint


def test_its_parent_is_found_beside_it_and_among_others_by_what_it_is(family):
    folder, parent, _ = family
    path = folder / "toon.safetensors"
    with pytest.raises(NoBaseError, match=r"parent.*not there.*parent\.safetensors"):
        load_generator(path)
    other = seeded(CONFIG, 5)
    write(folder / "parent.safetensors", other)  # of the right name, but another network
    with pytest.raises(NoBaseError):
        load_generator(path)
    assert load_generator(path, others=[folder / "parents" / "parent.safetensors"]).parent_fingerprint
    write(folder / "renamed.safetensors", parent)
    assert load_generator(path).parent_fingerprint == parent.fingerprint()
    with pytest.raises(NoBaseError):
        load_generator(path, base=folder / "parent.safetensors")


def test_children_that_name_each_other_end(family):
    folder, parent, child = family
    for own, other in (("a", "b"), ("b", "a")):
        save_child(folder / f"{own}.safetensors", parent, child, f"{other}.safetensors")
    with pytest.raises(NoBaseError):
        load_generator(folder / "a.safetensors")
    with pytest.raises(NoBaseError):
        load_generator(folder / "a.safetensors", base=folder / "b.safetensors")


def test_a_style_space_of_its_own_is_no_child(tmp_path):
    for name in ("mapping.fc0.weight", "synthesis.b8.conv0.affine.bias"):
        child = seeded(CONFIG)
        child.get_parameter(name).add_(0.1)
        with pytest.raises(ConfigError, match="style space of its own"):
            save_child(tmp_path / "x.safetensors", seeded(CONFIG), child)
    with pytest.raises(LayoutError, match="another architecture"):
        wider = StyleGAN2Config(BackboneConfig(16, 0, 24, 2, 32, 3, 256, 20, conv_clamp=256))
        save_child(tmp_path / "x.safetensors", seeded(CONFIG), seeded(wider))


BAD = {
    "styles": {"synthesis.b8.conv0.affine.bias": torch.zeros(16)},
    "mapping": {"mapping.w_avg": torch.zeros(24)},
    "NaN": {"synthesis.b32.conv1.bias": torch.full((8,), torch.nan)},
    "whole numbers": {"synthesis.b32.conv1.bias": torch.ones(8, dtype=torch.int64)},
    "another shape": {"synthesis.b32.conv1.bias": torch.zeros(3)},
    "another name": {"run.me": torch.zeros(3)},
}


@pytest.mark.parametrize("case", BAD)
def test_hostile_differences(family, case):
    folder, parent, _ = family
    path = folder / "bad.safetensors"
    write_tensors(path, BAD[case], {"schema": SCHEMA, "parent_fingerprint": parent.fingerprint(), "parent": "../x"})
    with pytest.raises((FileError, LayoutError)):
        load_generator(path, base=folder / "parents" / "parent.safetensors")


def test_a_child_without_a_parent_is_refused(family):
    folder = family[0]
    write_tensors(folder / "bad.safetensors", {"a": torch.zeros(1)}, {"schema": SCHEMA})
    with pytest.raises(FileError, match="not usable"):
        load_generator(folder / "bad.safetensors")


def test_style_spaces_are_compared():
    parent, near = seeded(CONFIG), seeded(CONFIG)
    assert str(compare_style_spaces(parent, fine_tuned())) == "same style space"
    near.get_parameter("synthesis.b8.conv0.affine.weight").mul_(1.01)
    found = compare_style_spaces(parent, near)
    assert found is not None and not found.same and 0 < found.distance < 0.1 and "nearly" in str(found)
    stranger = compare_style_spaces(parent, seeded(CONFIG, 9))
    assert stranger is not None and stranger.distance > 0.5 and str(stranger).startswith("another style space")
    wider = StyleGAN2Config(BackboneConfig(16, 0, 24, 2, 32, 3, 256, 20, conv_clamp=256))
    assert compare_style_spaces(parent, seeded(wider)) is None


def test_metadata_is_text(family):
    assert json.dumps(read_child(family[0] / "toon.safetensors").metadata)
