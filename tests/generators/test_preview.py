"""Previews: sizes, what is computed again, and that the last picture is the fast view."""

import pytest
import torch

from sat3d.generators import PreviewLadder, RenderOptions, preview, z_from_seed
from tests.conftest import seeded, tiny_config


@pytest.fixture
def ladder(monkeypatch):
    monkeypatch.setattr(preview, "SIDES", (8, 16, 64))
    network = seeded(tiny_config())
    ladder = PreviewLadder(network)
    ladder.counts = {"planes": 0, "find_matter": 0}
    for name in ladder.counts:
        monkeypatch.setattr(network, name, _counted(ladder.counts, name, getattr(network, name)))
    return ladder


def _counted(counts, name, call):
    def run(*arguments):
        counts[name] += 1
        return call(*arguments)

    return run


def styles_of(network, seed=3):
    return network.styles(network.map(z_from_seed(seed, 16)))


def test_pictures_get_finer_and_end_with_the_view(ladder):
    network, styles = ladder.network, styles_of(ladder.network)
    *early, last = ladder.pictures(styles, network.rig.label())
    assert [picture.shape[-1] for picture in early] == [8, 16] and last.shape == (1, 3, 64, 64)
    with torch.no_grad():
        wanted = network.synthesize(styles, network.rig.label(), RenderOptions(fast=True))
    assert torch.equal(last, wanted.image)
    torch.testing.assert_close(early[1], wanted.image_raw, atol=5e-3, rtol=0)


def test_planes_are_drawn_again_only_for_other_styles_of_the_backbone(ladder):
    network, styles = ladder.network, styles_of(ladder.network)
    list(ladder.pictures(styles, network.rig.label()))
    assert ladder.counts == {"planes": 1, "find_matter": 2}
    list(ladder.pictures(styles, network.rig.label(0.3)))
    moved = styles.clone()
    moved[:, network.layout.slices["superresolution.block1.conv1"]] += 1
    list(ladder.pictures(moved, network.rig.label()))
    assert ladder.counts == {"planes": 1, "find_matter": 2}
    moved[:, network.layout.slices["backbone.synthesis.b8.conv0"]] += 1
    new = list(ladder.pictures(moved, network.rig.label()))[-1]
    assert ladder.counts == {"planes": 2, "find_matter": 4}
    assert torch.equal(new, list(PreviewLadder(network).pictures(moved, network.rig.label()))[-1])


def test_nothing_is_computed_before_it_is_asked_for(ladder):
    pictures = ladder.pictures(styles_of(ladder.network), ladder.network.rig.label())
    assert ladder.counts["planes"] == 0
    next(pictures)
    assert ladder.counts == {"planes": 1, "find_matter": 1}


def test_a_head_that_is_turned_is_looked_through_once(ladder):
    styles = styles_of(ladder.network)
    for yaw in (0.0, 0.1, 0.2):
        next(ladder.pictures(styles, ladder.network.rig.label(yaw)))
    assert ladder.counts == {"planes": 1, "find_matter": 1}


def test_whoever_has_seen_the_first_pictures_starts_later(ladder):
    styles, camera = styles_of(ladder.network), ladder.network.rig.label()
    every = list(ladder.pictures(styles, camera))
    assert ladder.sides == [8, 16] and len(every) == 3
    later = list(ladder.pictures(styles, camera, 1))
    assert len(later) == 2 and torch.equal(later[-1], every[-1]) and later[0].shape == every[1].shape
    assert [picture.shape[-1] for picture in ladder.pictures(styles, camera, 9)] == [64]
