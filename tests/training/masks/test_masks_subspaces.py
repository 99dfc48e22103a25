"""Subspaces that learn: they begin where their population says, go on exactly, and end in the masks' file."""

import sys

import pytest
import torch

from sat3d.errors import ConfigError
from sat3d.learning import choosing
from sat3d.learning.carriers import BothForms
from sat3d.learning.directions import Choice
from sat3d.masks import load_masks
from tests.training.masks.setup import make_trainer

FORM = ("--start", "population", "--form", "subspaces", "--directions", "3", "--start-faces", "2")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few faces choose; and one way, that no mask is better than, so that every attribute has a subspace."""
    monkeypatch.setattr(sys.modules["sat3d.learning.subspace_start"], "JUDGES", 6)
    monkeypatch.setattr(choosing, "TRANSFERS", 2)
    monkeypatch.setattr(choosing, "CHOICES", (Choice(0.3, 1.0, 1.0),))
    score_of = choosing.score_of

    def of_masks_the_worst(studio, masks, *given):
        return score_of(studio, masks, *given) if masks.subspaces else -1e9

    monkeypatch.setattr(choosing, "score_of", of_masks_the_worst)


def test_both_forms_learn_and_go_on_exactly(files, tmp_path):
    whole = make_trainer(files, tmp_path / "whole.safetensors", *FORM)
    carrier = whole.task.masks.carrier
    assert isinstance(carrier, BothForms) and carrier.subspaces.names == ["beard", "eyeglasses", "hairstyle"]
    first = carrier.subspaces.write.detach().clone()
    for _ in range(4):
        whole.step()
    broken = make_trainer(files, tmp_path / "broken.safetensors", *FORM)
    for _ in range(2):
        broken.step()
    broken.checkpoint()
    again = make_trainer(files, tmp_path / "broken.safetensors", *FORM, "--resume")
    for _ in range(2):
        again.step()
    again.checkpoint()
    assert torch.equal(again.task.masks.carrier.subspaces.write, carrier.subspaces.write)
    assert not torch.equal(carrier.subspaces.write, first)
    saved = load_masks(tmp_path / "broken.safetensors", whole.task.masks.studio.network.layout)
    difference = torch.randn(2, saved.logits.shape[1], generator=torch.Generator().manual_seed(0))
    for row, name in enumerate(saved.attributes):
        moved = carrier(difference, torch.tensor([row, row])).detach()
        torch.testing.assert_close(saved.change([name], difference), moved, rtol=5e-3, atol=5e-3 * moved.abs().max())


def test_without_a_population_there_is_nothing_to_begin_with(files, tmp_path):
    with pytest.raises(ConfigError, match="begin with a population"):
        make_trainer(files, tmp_path / "masks.safetensors", "--form", "subspaces", "--start", "plain")


def test_subspaces_move_as_many_numbers_as_asked(files, tmp_path):
    trainer = make_trainer(files, tmp_path / "masks.safetensors", *FORM, "--rank", "2")
    subspaces = trainer.task.masks.carrier.subspaces
    assert subspaces.read.shape[-1] == subspaces.write.shape[-1] == 2
