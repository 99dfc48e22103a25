"""Our checkpoint files: round trip, strictness, damage."""

import json
import math

import pytest
import torch
from safetensors.torch import load_file, save_file

from sat3d.errors import FileError, Sat3dError
from sat3d.generators import load_generator
from sat3d.generators.checkpoint import read_header, save_checkpoint


@pytest.fixture
def saved(tmp_path, triplane):
    path = tmp_path / "net.safetensors"
    save_checkpoint(path, triplane.config, triplane.state_dict(), {"licence": "free", "source_sha256": "0" * 64})
    return path


def test_round_trip_computes_the_same_image(saved, triplane, styles):
    loaded = load_generator(saved)
    assert loaded.metadata["licence"] == "free" and loaded.fingerprint == triplane.fingerprint()
    assert torch.equal(loaded.network.synthesize(styles).image, triplane.synthesize(styles).image)
    assert not loaded.network.training and not any(p.requires_grad for p in loaded.network.parameters())


def test_what_it_draws_is_told_by_its_file_and_says_from_where_it_is_seen(tmp_path, triplane):
    path, tensors = tmp_path / "cars.safetensors", triplane.state_dict()
    save_checkpoint(path, triplane.config, tensors, {"domain": "synthcars"})
    cars = load_generator(path)
    assert cars.network.domain == "synthcars" and cars.fingerprint == triplane.fingerprint()
    assert cars.network.knows_all_sides and cars.network.rig.front == (math.radians(38), math.radians(-15))
    assert cars.network.coarser(0.5).rig == cars.network.rig
    save_checkpoint(tmp_path / "again.safetensors", cars.network.config, tensors, {})
    assert load_generator(tmp_path / "again.safetensors").network.domain == "synthcars"


@pytest.mark.parametrize("domain", ["", "synthheads", "no_such_things", "../synthcars"])
def test_others_are_seen_from_straight_ahead(tmp_path, triplane, domain):
    path = tmp_path / "other.safetensors"
    save_checkpoint(path, triplane.config, triplane.state_dict(), {"domain": domain})
    network = load_generator(path).network
    assert network.rig == triplane.rig and network.rig.front == (0.0, 0.0) and not network.knows_all_sides


def test_versions_that_know_no_domains_read_what_names_none(saved):
    assert "domain" not in json.loads(read_header(saved)["config"])


def test_half_precision_file_loads_as_float32(tmp_path, triplane):
    path = tmp_path / "half.safetensors"
    save_checkpoint(path, triplane.config, {k: v.half() for k, v in triplane.state_dict().items()}, {})
    assert {p.dtype for p in load_generator(path).network.parameters()} == {torch.float32}


def test_nothing_is_overwritten_unasked(saved, triplane):
    before = saved.read_bytes()
    with pytest.raises(FileError, match="exists"):
        save_checkpoint(saved, triplane.config, {}, {})
    assert saved.read_bytes() == before


def rewrite(path, tensors=None, **header):
    save_file(tensors or load_file(path), path, metadata={**read_header(path), **header})


@pytest.mark.parametrize(
    "damage",
    [
        lambda p: p.write_bytes(p.read_bytes()[:-100]),
        lambda p: p.write_bytes(p.read_bytes()[:20]),
        lambda p: p.write_bytes(b""),
        lambda p: rewrite(p, schema="sat3d-generator/99"),
        lambda p: rewrite(p, config="{"),
        lambda p: rewrite(p, config="[" * 100000),
        lambda p: rewrite(p, config=json.dumps({"family": "eg3d", "surprise": 1})),
        lambda p: rewrite(p, {k: v for k, v in load_file(p).items() if "decoder" not in k}),
        lambda p: rewrite(p, {k: v[:1] if v.ndim else v for k, v in load_file(p).items()}),
        lambda p: rewrite(p, {k: torch.full_like(v, float("nan")) for k, v in load_file(p).items()}),
        lambda p: p.unlink(),
    ],
)
def test_damaged_checkpoints_are_explained(saved, damage):
    damage(saved)
    with pytest.raises(Sat3dError, match="Next step"):
        load_generator(saved)


def test_a_file_of_another_kind_is_named(tmp_path):
    save_file({"x": torch.zeros(2)}, tmp_path / "lora.safetensors")
    with pytest.raises(FileError, match="Not a SAT3D generator"):
        load_generator(tmp_path / "lora.safetensors")
