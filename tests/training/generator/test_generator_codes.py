"""First codes: principal components of the pictures, exact where there is room, blind to heads that are held out."""

from dataclasses import replace

import pytest
import torch

from sat3d.errors import FileError
from sat3d.files.safetensors_io import write_tensors
from training.data.packed import HeadPack
from training.generator.codes import SCHEMA, features_of, find_codes, load_codes, save_codes

HELD_OUT = 2


def features(pack: HeadPack) -> torch.Tensor:
    """Of all heads, less the mean of those that codes are found from."""
    of_all = features_of(pack.pictures(torch.arange(len(pack))), pack.learning.magnified).double()
    return of_all - of_all[HELD_OUT:].mean(0)


def test_with_room_for_all_components_codes_hold_the_pictures_exactly(pack):
    """C = F V S^(-1/2), up to one factor: so that C Cₖᵀ Cₖ Cₖᵀ = F Fₖᵀ, of all heads and those (k) it is found from."""
    found = find_codes(pack, 16, HELD_OUT)
    codes, wanted = found.codes.double(), features(pack)
    inner = codes @ codes[HELD_OUT:].T
    got, true = inner @ inner[HELD_OUT:], wanted @ wanted[HELD_OUT:].T
    torch.testing.assert_close(got / got.norm(), true / true.norm(), atol=1e-4, rtol=0)
    assert found.explained == pytest.approx(1, abs=1e-4)
    assert (codes[:, 5:] == 0).all() and codes.abs().max() < 20, "six heads have five directions, and no noise beside"


def test_units_of_codes(pack):
    codes = find_codes(pack, 16, HELD_OUT).codes
    assert codes.shape == (8, 16) and codes[HELD_OUT:].mean(0).abs().max() < 1e-4
    assert codes[HELD_OUT:].square().mean().item() == pytest.approx(1, abs=1e-4)


def test_fewer_components_hold_the_largest_part(pack):
    spectrum = torch.linalg.svdvals(features(pack)[HELD_OUT:]).square()
    found = find_codes(pack, 2, HELD_OUT)
    largest = float(spectrum[:2].sum() / spectrum.sum())
    assert 0.99 * largest < found.explained < 1.0001 * largest, "by random projections: nearly the largest"
    variances = found.codes[HELD_OUT:].double().T.cov().diagonal()
    wanted = spectrum[:2].sqrt()  # a component's variance in pictures to the power of one half
    torch.testing.assert_close(variances / variances.sum(), wanted / wanted.sum(), atol=0.02, rtol=0)


def test_heads_that_are_held_out_have_no_part_in_it(pack):
    image = pack.image.clone()
    image[:HELD_OUT] = 255 - image[:HELD_OUT]
    changed = find_codes(replace(pack, image=image, files={}), 16, HELD_OUT)
    before = find_codes(pack, 16, HELD_OUT)
    assert torch.equal(changed.codes[HELD_OUT:], before.codes[HELD_OUT:])
    assert not torch.allclose(changed.codes[:HELD_OUT], before.codes[:HELD_OUT])


def test_a_domain_says_how_much_the_backdrop_counts(pack):
    image, behind = pack.image.clone(), pack.depth == 0
    image[behind] = torch.randint(0, 256, image[behind].shape, generator=torch.Generator().manual_seed(1)).byte()
    changed = replace(pack, image=image, files={})
    for share, alike in ((1.0, False), (0.4, False), (0.0, True)):
        told = replace(pack.learning, backdrop_share=share)
        codes = [find_codes(replace(some, learning=told), 16, HELD_OUT).codes for some in (pack, changed)]
        assert torch.allclose(*codes, atol=1e-5) == alike, share


def test_codes_are_repeatable_and_only_the_first_view_counts(pack):
    image = pack.image.clone()
    image[:, 1:] = 0
    before = find_codes(pack, 16, HELD_OUT).codes
    assert torch.equal(find_codes(replace(pack, image=image, files={}), 16, HELD_OUT).codes, before)


def test_features_are_pictures_and_their_gradients_across():
    ramp = torch.linspace(-1, 1, 72).expand(1, 3, 72, 72)
    across, down = features_of(ramp, 1.0), features_of(ramp.transpose(2, 3), 1.0)
    pixels, gradients = 3 * 72 * 72, 72 * 71
    assert across.shape == (1, pixels + gradients)
    assert (across[:, pixels:] > 0).all() and down[:, pixels:].abs().max() < 1e-5
    middle = across[0, pixels:].reshape(72, 71)[36]
    assert middle[36] < 0.7 * middle[2], "the face is magnified, so that brightness changes less from line to line"


def test_codes_come_back_from_their_file(pack, tmp_path):
    found = find_codes(pack, 16, HELD_OUT)
    save_codes(tmp_path / "codes.safetensors", found)
    again = load_codes(tmp_path / "codes.safetensors")
    assert torch.equal(again.codes, found.codes) and again.explained == found.explained


@pytest.mark.parametrize("header", [{"schema": "sat3d-other/1", "explained": "1"}, {"schema": SCHEMA}])
def test_files_of_another_kind_are_refused(tmp_path, header):
    path = tmp_path / "codes.safetensors"
    write_tensors(path, {"codes": torch.zeros(3, 4)}, header)
    with pytest.raises(FileError):
        load_codes(path)


@pytest.mark.parametrize("tensors", [{"other": torch.zeros(3, 4)}, {"codes": torch.full((3, 4), torch.nan)}])
def test_damaged_codes_are_refused(tmp_path, tensors):
    path = tmp_path / "codes.safetensors"
    write_tensors(path, tensors, {"schema": SCHEMA, "explained": "0.5"})
    with pytest.raises(FileError, match="codes"):
        load_codes(path)
