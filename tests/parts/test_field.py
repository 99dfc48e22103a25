"""The semantic field: what it costs and says, its file, and what is refused."""

import json

import pytest
import torch
from safetensors.torch import save_file

from sat3d.errors import ConfigError, FileError, LayoutError
from sat3d.networks.built_in import GENERATOR
from sat3d.parts.field import KIND, SCHEMA, FieldConfig, PartField, load_parts, save_parts
from sat3d.parts.masks import PartViews, label_colours, names_in
from tests.parts.setup import LABELS, tiny_field

LARGEST_BYTES = 300_000


def test_a_field_is_saved_and_loaded(tmp_path, triplane):
    field = tiny_field(triplane)
    save_parts(tmp_path / "f.safetensors", field, "abc", "layout", {"licence": "free"})
    parts = load_parts(tmp_path / "f.safetensors")
    assert (parts.generator_fingerprint, parts.layout, parts.metadata["licence"]) == ("abc", "layout", "free")
    assert parts.field.labels == LABELS
    x = torch.randn(5, triplane.config.decoder_hidden)
    assert torch.allclose(parts.field.probabilities(x), field.probabilities(x), atol=0.05)  # half precision
    assert torch.allclose(parts.field.probabilities(x).sum(-1), torch.ones(5))
    parts.check(triplane)
    assert parts.warning_for("abc") is None and "abc" in parts.warning_for("other")


def test_the_built_in_field_is_small_and_fits_the_built_in_generator():
    from sat3d.files.network_files import ASSETS
    from sat3d.generators import load_generator

    assert (ASSETS / KIND.asset).stat().st_size <= LARGEST_BYTES
    loaded, parts = load_generator(GENERATOR), load_parts()
    parts.check(loaded.network)
    assert parts.warning_for(loaded.fingerprint) is None and parts.layout == loaded.network.layout.fingerprint


def write(path, tensors, **header):
    save_file(tensors, path, metadata=header)
    return path


def field_file(path, change=None, **header):
    field = PartField(FieldConfig(8, 4, LABELS))
    tensors = dict(field.state_dict()) | (change or {})
    config = {"inputs": 8, "hidden": 4, "labels": LABELS}
    return write(path, tensors, **({"schema": SCHEMA, "config": json.dumps(config)} | header))


@pytest.mark.parametrize(
    "change",
    [
        {"first.weight": torch.full((4, 8), torch.nan)},
        {"first.weight": torch.zeros(5, 8)},
        {"more": torch.zeros(1)},
        {"second.bias": torch.zeros(4, dtype=torch.int32)},
    ],
)
def test_foreign_tensors_are_refused(tmp_path, change):
    with pytest.raises(FileError):
        load_parts(field_file(tmp_path / "f.safetensors", change))


@pytest.mark.parametrize(
    "config",
    [
        {"inputs": 0},
        {"inputs": 10**9},
        {"hidden": 2.5},
        {"labels": ["skin"]},
        {"labels": ["a", "a"]},
        {"labels": [1, 2]},
        {"labels": [f"l{i}" for i in range(65)]},
        {"surprise": 1},
    ],
)
def test_foreign_configurations_are_refused(tmp_path, config):
    with pytest.raises(ConfigError):
        load_parts(
            field_file(
                tmp_path / "f.safetensors", config=json.dumps({"inputs": 8, "hidden": 4, "labels": LABELS} | config)
            )
        )


def test_files_of_other_kinds_and_sizes_are_refused(tmp_path):
    with pytest.raises(FileError, match="Not a semantic field"):
        load_parts(field_file(tmp_path / "f.safetensors", schema="sat3d-masks/1"))
    with pytest.raises(FileError, match="too large"):
        load_parts(field_file(tmp_path / "f.safetensors", {"more": torch.zeros(2 << 20)}))
    with pytest.raises(FileError):
        load_parts(tmp_path / "missing.safetensors")


def test_a_field_of_another_decoder_is_refused(tmp_path, triplane):
    parts = load_parts(field_file(tmp_path / "f.safetensors"))
    with pytest.raises(LayoutError, match="another generator"):
        parts.check(triplane)


def test_weights_that_travel_are_checked():
    field = PartField(FieldConfig(8, 4, LABELS))
    same = PartField.of_tensors(field.state_dict(), LABELS)
    x = torch.randn(3, 8)
    assert torch.equal(same(x), field(x)) and not any(p.requires_grad for p in same.parameters())
    for tensors in ({}, {"first.weight": torch.zeros(4)}, dict(field.state_dict()) | {"second.bias": torch.zeros(9)}):
        with pytest.raises(FileError):
            PartField.of_tensors(tensors, LABELS)


def test_masks_add_up_and_follow_the_names():
    shares = torch.tensor([[0.1, 0.2, 0.3, 0.4]]).view(1, 4, 1, 1).expand(1, 4, 2, 2)
    views = PartViews(shares, LABELS, (4, 6))
    assert views.mask(["hair"]).shape == (1, 1, 4, 6)
    assert torch.allclose(views.mask(["hair", "glasses", "hair"]), torch.tensor(0.7))
    assert views.mask(["hair"], hard=True).max() == 0 and views.mask(["glasses"], hard=True).min() == 1
    assert torch.equal(views.picture()[0, :, 0, 0], label_colours(4)[3])
    assert (label_colours(4)[0] == -1).all() and len(label_colours(12).unique(dim=0)) == 12
    assert names_in(" hair, glasses;skin\n\n brows ,") == ["hair", "glasses", "skin", "brows"]
    for wrong in ([], ["beak"]):
        with pytest.raises(ConfigError, match="no such part"):
            views.mask(wrong)
