"""Edits pasted by layers: what must not change does not, what changed is of the generator, outlines are seen once."""

import pytest
import torch

from sat3d.errors import ShapeError
from sat3d.inversion.align import Crop
from sat3d.inversion.layers import GROUPS, changed_region, group_shares, part_colours, paste_layers
from sat3d.inversion.paste import paste_back
from sat3d.inversion.sharpness import edge_energy, matching_strength, steepen
from sat3d.inversion.smoothing import blur, distance_within, grown_from, largest_around, smoothstep
from sat3d.parsing.labels import BACKGROUND, BEARD, HAIR, LABEL_NAMES, SKIN

COLOURS = {BACKGROUND: (-0.5, 0.2, 0.8), SKIN: (0.6, 0.1, -0.2), BEARD: (-0.7, -0.8, -0.9), HAIR: (0.0, 0.9, 0.0)}


def parse(pictures: torch.Tensor) -> torch.Tensor:
    """The nearest of ``COLOURS``."""
    wanted = torch.tensor(list(COLOURS.values())).reshape(1, -1, 3, 1, 1)
    nearest = (pictures[:, None] - wanted).square().sum(2).argmin(1)
    labels = torch.tensor(list(COLOURS))[nearest]
    return torch.nn.functional.one_hot(labels, len(LABEL_NAMES)).permute(0, 3, 1, 2).float()


def head(side: int, radius: float = 0.35, beard: float | None = None) -> torch.Tensor:
    """A disc of skin before a wall; ``beard``: from this height on it is one, in shares of the side."""
    at = (torch.arange(side) + 0.5) / side
    inside = ((at - 0.5) ** 2 + (at[:, None] - 0.5) ** 2).sqrt() < radius
    labels = torch.where(inside, SKIN, BACKGROUND)
    if beard is not None:
        labels[inside & (at[:, None] > beard)] = BEARD
    return torch.stack([torch.tensor(COLOURS[int(n)]) for n in labels.flatten()]).T.reshape(1, 3, side, side)


CROP = Crop(20, 10, 256)


def photo_of(crop_picture: torch.Tensor) -> torch.Tensor:
    photo = torch.full((1, 3, 300, 320), 0.0)
    photo[:, :, 10:266, 20:276] = crop_picture
    return photo


def test_an_unedited_face_leaves_the_photo_exactly_as_it_was():
    photo = photo_of(head(256, beard=0.6)) + 0.05 * torch.randn(1, 3, 300, 320)
    face = head(64, 0.33)
    pasted, weight = paste_layers(photo, face, face, CROP, parse)
    assert torch.equal(pasted, photo) and weight.eq(0).all()


def test_where_nothing_changed_the_photo_is_untouched_to_the_bit():
    photo = (photo_of(head(256)) + 0.05 * torch.randn(1, 3, 300, 320)).clamp(-1, 1)
    pasted, weight = paste_layers(photo, head(64), head(64, beard=0.65), CROP, parse, feather=0.03)
    same = (weight == 0).expand_as(photo)
    assert torch.equal(pasted[same], photo[same]) and 0.6 < same.float().mean() < 0.95
    assert weight[:, :, :130].eq(0).all(), "brow and above"
    assert (pasted[0, :, 210, 148] - torch.tensor(COLOURS[BEARD])).abs().max() < 0.1, "the beard is there"
    assert torch.allclose(pasted[0, :, 20:250, 24], photo[0, :, 20:250, 24], atol=1e-6), "the wall"


def test_what_the_inversion_missed_of_a_beard_goes_with_it():
    """The photo's beard begins higher up than the generator's: as a difference, a strip of it stays."""
    clean = photo_of(head(256))
    photo = photo_of(head(256, beard=0.58))
    before, after = head(64, beard=0.62), head(64)
    layered, _ = paste_layers(photo, before, after, CROP, parse, feather=0.03)
    added = paste_back(photo, after, CROP, before)
    strip = (slice(None), slice(None), slice(10 + 150, 10 + 156), slice(130, 160))
    assert (added - clean)[strip].abs().mean() > 0.5, "the ghost"
    assert (layered - clean)[strip].abs().mean() < 0.1
    assert (layered - clean).abs().mean() < 0.3 * (added - clean).abs().mean()


def test_the_generators_colours_are_shifted_to_the_photos():
    """All of the generator's skin is too dark by 0.1: the chin without the beard has the skin of this photo."""
    photo = photo_of(head(256, beard=0.62))
    pasted, _ = paste_layers(photo, head(64, beard=0.62) - 0.1, head(64) - 0.1, CROP, parse)
    assert (pasted[0, :, 200, 148] - torch.tensor(COLOURS[SKIN])).abs().max() < 0.05


def test_details_stay_where_only_a_colour_changes():
    strands = 0.1 * torch.randn(1, 1, 256, 256).expand(-1, 3, -1, -1)
    skin = head(256) + strands
    before, after = head(64), head(64).clone()
    disc = (before[:, :1] > 0).expand_as(before)
    after[disc] += 0.2
    pasted, _ = paste_layers(photo_of(skin), before, after, CROP, parse)
    middle = (slice(None), slice(None), slice(110, 160), slice(120, 170))
    torch.testing.assert_close(pasted[middle], (photo_of(skin) + 0.2).clamp(-1, 1)[middle], atol=0.03, rtol=0)


def test_a_mask_protects():
    photo, mask = photo_of(head(256)), torch.ones(1, 1, 64, 64)
    mask[:, :, :, :32] = 0
    pasted, weight = paste_layers(photo, head(64), head(64, beard=0.6), CROP, parse, mask)
    assert torch.equal(pasted[:, :, :, : 20 + 124], photo[:, :, :, : 20 + 124])
    assert weight[0, 0, 210, 180] > 0.9


def test_behind_the_head_nothing_changes_but_what_is_uncovered():
    """The generator's wall gets darker along with the edit: not the photo's."""
    after = head(64, beard=0.6)
    after[:, :, :20, :12] -= 0.3
    photo = photo_of(head(256))
    pasted, _ = paste_layers(photo, head(64), after, CROP, parse)
    assert torch.equal(pasted[:, :, :80, :60], photo[:, :, :80, :60])


def test_beyond_the_photo_and_bad_crops():
    photo = photo_of(head(256))
    pasted, weight = paste_layers(photo, head(64), head(64, beard=0.5), Crop(-40, 100, 256), parse)
    assert pasted.shape == photo.shape and weight.max() > 0.9 and torch.isfinite(pasted).all()
    with pytest.raises(ShapeError, match="outside"):
        paste_layers(photo, head(64), head(64), Crop(900, 0, 50), parse)
    with pytest.raises(ShapeError, match="Not a crop: before"):
        paste_layers(photo, torch.zeros(1, 3, 8, 9), head(64), CROP, parse)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_photo_gets_the_same_edit_turned(turns):
    """The photo lies turned clockwise; the crop's own pictures and their mask are upright."""
    photo, mask = photo_of(head(256)), torch.ones(1, 1, 64, 64)
    mask[:, :, :, :32] = 0
    before, after = head(64), head(64, beard=0.6)
    straight = paste_layers(photo, before, after, CROP, parse, mask)
    lying, crop = torch.rot90(photo, -turns, (2, 3)), CROP.turned(-turns, 320, 300)
    assert crop.quarter_turns == turns
    for result, wanted in zip(paste_layers(lying, before, after, crop, parse, mask), straight, strict=True):
        assert torch.equal(result, torch.rot90(wanted, -turns, (2, 3)))


def test_every_label_is_in_one_group():
    assert sorted(label for group in GROUPS for label in group) == list(range(len(LABEL_NAMES)))
    torch.testing.assert_close(group_shares(parse(head(64))).sum(1), torch.ones(1, 64, 64))


def test_a_little_of_everything_is_no_change():
    shares = group_shares(parse(torch.cat([head(256)] * 3)))
    assert not changed_region(torch.full((1, 3, 256, 256), 0.1), shares).any()
    assert changed_region(torch.full((1, 3, 256, 256), 0.4), shares)[0, 0, 128, 128]


def test_colours_of_parts_do_not_run_into_each_other():
    shares = group_shares(parse(head(256)))
    missed = torch.where(shares[:, :1] > 0, 0.4, -0.2).expand(-1, 3, -1, -1)
    shift = part_colours(missed, shares, shares)
    assert shift[0, 0, 128, 128] == pytest.approx(-0.2, abs=0.01) and shift[0, 0, 5, 5] == pytest.approx(0.4, abs=0.03)
    rim = int(256 * (0.5 + 0.35))
    assert shift[0, 0, 128, rim - 3] == pytest.approx(-0.2, abs=0.03)


def test_edges_are_steepened_to_the_photos_and_no_further():
    sharp = torch.full((1, 3, 64, 64), -0.5)
    sharp[:, :, :, 32:] = 0.5
    soft, everywhere = blur(sharp, 3.0), torch.ones(1, 1, 64, 64)
    strength = matching_strength(soft, sharp, everywhere, 6)
    made = steepen(soft, strength, 6)
    assert edge_energy(made, everywhere) > 2 * edge_energy(soft, everywhere)
    assert edge_energy(made, everywhere) <= 1.1 * edge_energy(sharp, everywhere)
    assert made.min() >= -0.501 and made.max() <= 0.501 and (made.diff(dim=3) >= -1e-6).all()
    assert matching_strength(sharp, soft, everywhere, 6) == 0 and torch.equal(steepen(soft, 0, 6), soft)


def test_blurs_keep_means_and_spread_as_asked():
    point = torch.zeros(1, 1, 129, 129)
    point[:, :, 64, 64] = 1
    at = torch.arange(129) - 64.0
    for sigma in (1.0, 3.0, 12.0):
        spread = blur(point, sigma)
        assert spread.sum() == pytest.approx(1, abs=0.01)
        assert (spread.sum(2)[0, 0] * at**2).sum().sqrt() == pytest.approx(sigma, rel=0.12)
    torch.testing.assert_close(blur(torch.full((2, 3, 9, 7), 0.3), 5.0), torch.full((2, 3, 9, 7), 0.3))
    assert torch.equal(blur(point, 0), point)


def test_windows_ramps_and_pieces():
    region = torch.zeros(1, 1, 20, 20, dtype=torch.bool)
    region[:, :, 5:10, 5:10] = region[:, :, 15:17, 15:17] = True
    seeds = torch.zeros_like(region)
    seeds[:, :, 6, 6] = True
    assert grown_from(seeds, region).sum() == 25 and distance_within(region)[0, 0, 7, 7] == 3
    assert distance_within(torch.ones(1, 1, 4, 4, dtype=torch.bool)).tolist()[0][0][0] == [1, 1, 1, 1]
    assert largest_around(region.float(), 1).sum() == 49 + 16 and largest_around(region, 0) is region
    assert smoothstep(torch.tensor([-1.0, 0.0, 1.0, 2.0, 3.0]), 0.0, 2.0).tolist() == [0, 0, 0.5, 1, 1]
