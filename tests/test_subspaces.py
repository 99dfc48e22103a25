"""Subspaces of attributes: by hand, as masks, through files, and what is refused."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from sat3d.errors import FileError, Sat3dError, ShapeError
from sat3d.files.safetensors_io import read_header, write_tensors
from sat3d.masks import SCHEMAS, AttributeMasks, load_masks
from sat3d.subspaces import Subspace
from sat3d.transfer import transfer

from .test_transfer import LAYOUT, hard_masks, latent

TURN = Subspace(torch.tensor([[1.0], [1.0], [0.0]]), torch.tensor([[0.5], [0.0], [2.0]]))
"""Reads the sum of the first two channels; writes half of it into the first, twice of it into the third."""


def with_beard(subspace: Subspace = TURN) -> AttributeMasks:
    plain = hard_masks()
    return AttributeMasks(
        plain.logits, plain.attributes, plain.layers, plain.layout_fingerprint, {"name": "m"}, {"beard": subspace}
    )


def test_a_subspace_by_hand():
    assert TURN(torch.tensor([[1.0, 3.0, 9.0], [0.0, 0.0, 5.0]])).tolist() == [[2, 0, 8], [0, 0, 0]]


def test_transfer_goes_through_the_subspace_and_keeps_the_rest():
    edited = transfer(latent([1.0, 1, 1, 7]), latent([2.0, 4, 9, 9], "ref"), with_beard(), ["beard"], LAYOUT, 0.5)
    assert edited.styles.tolist() == [[2, 1, 5, 7]]


def test_attributes_of_both_forms_add_up():
    difference = torch.tensor([[1.0, 3.0, 9.0]])
    both = with_beard().change(["beard", "glasses", "beard"], difference)
    torch.testing.assert_close(both, TURN(difference) + torch.tensor([[0.0, 1.5, 0.0]]))
    torch.testing.assert_close(with_beard().change(["glasses"], difference), torch.tensor([[0.0, 1.5, 0.0]]))


def test_a_mask_of_whole_channels_is_a_subspace():
    channels = torch.eye(3)[:, [0, 2]]
    difference = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(Subspace(channels, channels)(difference), difference * torch.tensor([1.0, 0.0, 1.0]))


def test_gradients_reach_both_matrices():
    matrices = [torch.ones(3, 2, requires_grad=True) for _ in range(2)]
    Subspace(*matrices)(torch.tensor([[1.0, 2.0, 3.0]])).square().sum().backward()
    assert all(matrix.grad.abs().min() > 0 for matrix in matrices)


def test_files_keep_subspaces_and_older_versions_read_those_without(tmp_path):
    with_beard().save(tmp_path / "new.safetensors")
    hard_masks().save(tmp_path / "plain.safetensors")
    assert read_header(tmp_path / "plain.safetensors", SCHEMAS[1], "masks", "")["schema"] == "sat3d-masks/1"
    assert read_header(tmp_path / "new.safetensors", SCHEMAS[0], "masks", "")["schema"] == "sat3d-masks/2"
    again = load_masks(tmp_path / "new.safetensors", LAYOUT)
    assert again.attributes == ("beard", "glasses") and again.metadata == {"name": "m"}
    assert (
        torch.equal(again.subspaces["beard"].read, TURN.read) and again.subspaces["beard"].read.dtype == torch.float32
    )
    assert torch.equal(again.subspaces["beard"].write, TURN.write)
    assert not load_masks(tmp_path / "plain.safetensors").subspaces


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.pop("subspaces.beard.write"),
        lambda t: t.update({"subspaces.nose.read": torch.zeros(3, 1), "subspaces.nose.write": torch.zeros(3, 1)}),
        lambda t: t.update({"subspaces.beard.read": torch.full((3, 1), torch.inf)}),
        lambda t: t.update({"subspaces.beard.read": torch.zeros(3)}),
        lambda t: t.update({"subspaces.beard.read": torch.zeros(3, 2)}),
        lambda t: t.update({"subspaces.beard.read": torch.zeros(3, 600), "subspaces.beard.write": torch.zeros(3, 600)}),
        lambda t: t.update({"subspaces.beard.read": torch.zeros(9, 1), "subspaces.beard.write": torch.zeros(9, 1)}),
    ],
)
def test_damaged_files_are_refused(tmp_path, change):
    path = tmp_path / "masks.safetensors"
    with_beard().save(path)
    tensors, header = load_file(path), read_header(path, SCHEMAS, "masks", "")
    change(tensors)
    write_tensors(path, tensors, header)
    with pytest.raises(Sat3dError, match="subspace"):
        load_masks(path)


def test_a_file_without_logits_is_refused(tmp_path):
    save_file({"subspaces.beard.read": TURN.read}, tmp_path / "m.safetensors", {"schema": SCHEMAS[0]})
    with pytest.raises(FileError, match="logits"):
        load_masks(tmp_path / "m.safetensors")


def test_unknown_targets_are_refused():
    for targets in ([], ["nose"], ["beard", "nose"]):
        with pytest.raises(ShapeError, match="Unknown attribute"):
            with_beard().change(targets, torch.zeros(1, 3))


def test_a_subspace_of_another_attribute_or_size_is_refused():
    plain = hard_masks()
    for name, subspace in (("nose", TURN), ("beard", Subspace(torch.zeros(4, 1), torch.zeros(4, 1)))):
        with pytest.raises(ShapeError, match="does not fit the masks"):
            AttributeMasks(plain.logits, plain.attributes, plain.layers, plain.layout_fingerprint, {}, {name: subspace})
