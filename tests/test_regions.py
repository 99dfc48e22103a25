"""Alterable regions by hand: label sets, margins, rows, and B from two of them."""

import pytest
import torch

from sat3d.domains import RegionPart, load_domain
from sat3d.errors import ConfigError
from sat3d.parsing.labels import LABEL_NAMES
from sat3d.regions import alterable_region, background_mask, pixels_labelled, widen

NAMES = ("background", "skin", "mouth")
FACE = torch.tensor(
    [
        [0, 0, 0, 0, 0],
        [0, 1, 1, 1, 0],
        [0, 1, 1, 1, 0],
        [0, 1, 2, 1, 0],
        [0, 1, 1, 1, 0],
    ]
)[None]


def region(*parts: RegionPart, labels=FACE) -> list:
    return alterable_region(labels, parts, NAMES)[0, 0].int().tolist()


def test_b_is_what_neither_picture_may_change():
    source = torch.tensor([[1, 1, 0, 0]]).bool()
    edited = torch.tensor([[0, 1, 1, 0]]).bool()
    assert background_mask(source, edited).tolist() == [[False, False, False, True]]


def test_a_part_is_a_set_of_labels():
    assert region(RegionPart(("mouth",))) == [[0] * 5, [0] * 5, [0] * 5, [0, 0, 1, 0, 0], [0] * 5]
    both = region(RegionPart(("mouth", "skin")))
    assert both == (FACE[0] > 0).int().tolist()
    assert region(RegionPart(("mouth",)), RegionPart(("skin",))) == both


def test_a_margin_is_a_share_of_the_width_on_all_sides():
    assert region(RegionPart(("mouth",), margin=0.2)) == [[0] * 5, [0] * 5, *[[0, 1, 1, 1, 0]] * 3]
    assert region(RegionPart(("mouth",), margin=0.09)) == region(RegionPart(("mouth",)))  # less than half a pixel


def test_rows_are_shares_of_the_labels_own_height():
    # Skin covers rows 1 to 4, whose middles are at 1/8, 3/8, 5/8, 7/8 of its height.
    assert region(RegionPart(("skin",), rows=(0.5, 1))) == [[0] * 5] * 3 + [[0, 1, 0, 1, 0], [0, 1, 1, 1, 0]]
    assert region(RegionPart(("skin",), rows=(0, 0.2))) == [[0] * 5, [0, 1, 1, 1, 0], [0] * 5, [0] * 5, [0] * 5]


def test_each_picture_has_rows_of_its_own_and_an_absent_label_no_region():
    lower = torch.roll(FACE, 1, 1).clone()
    lower[:, 0] = 0
    pair = torch.cat([FACE, lower, torch.zeros_like(FACE)])
    part = (RegionPart(("skin",), margin=0.2, rows=(0, 0.3)),)
    together = alterable_region(pair, part, NAMES)
    for i in range(3):
        assert torch.equal(together[i : i + 1], alterable_region(pair[i : i + 1], part, NAMES))
    assert together[0].any() and not together[2].any() and together.shape == (3, 1, 5, 5)


def test_widening_is_a_square_and_stops_at_the_border():
    corner = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    corner[..., 0, 0] = True
    assert widen(corner, 1)[0, 0].int().tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0] * 4, [0] * 4]
    assert torch.equal(widen(corner, 0), corner)


def test_labels_in_bytes_are_found_too():
    assert torch.equal(pixels_labelled(FACE.byte(), ["mouth"], NAMES), pixels_labelled(FACE, ["mouth"], NAMES))


def test_unknown_labels_are_named():
    with pytest.raises(ConfigError, match=r"\['hat'\].*background"):
        alterable_region(FACE, [RegionPart(("skin", "hat"))], NAMES)


def test_the_built_in_regions_speak_of_the_head_parsers_labels():
    domain = load_domain("synthheads")
    labels = torch.arange(len(LABEL_NAMES)).repeat_interleave(6).reshape(1, 8, 9)
    for name, parts in domain.regions.items():
        found = alterable_region(labels, parts, LABEL_NAMES)
        assert 0 < found.float().mean() < 1, name


def test_the_faces_regions_speak_of_celebamask_labels():
    labels = "background skin l_brow r_brow l_eye r_eye eye_g l_ear r_ear ear_r nose mouth u_lip l_lip neck neck_l"
    names = (*labels.split(), "cloth", "hair", "hat")
    domain = load_domain("face")
    picture = torch.arange(19).repeat_interleave(16).reshape(1, 16, 19)
    assert all(alterable_region(picture, parts, names).any() for parts in domain.regions.values())
    assert domain.preselection["hairstyle"].region in names and set(domain.sampling.drop) == {"hat"}
