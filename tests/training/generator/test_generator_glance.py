"""The glance of an encoder that learns beside a generator: components of pictures from all sides."""

from dataclasses import replace

import torch

from sat3d.inversion.encoder import load_encoder
from sat3d.inversion.glance import Glance
from tests.training.generator.runs import options_of
from training.generator import command
from training.generator.components import find_components
from training.generator.glance import fit_glance

HELD_OUT = 2


def fitted(pack, count: int = 3) -> Glance:
    glance = Glance(32, 8, 0.0, count)
    fit_glance(glance, pack, 32, HELD_OUT)
    return glance


def all_views(pack) -> torch.Tensor:
    index = torch.arange(len(pack) * pack.views)
    return pack.pictures(index // pack.views, index % pack.views)


def test_its_numbers_are_components_of_all_views(pack):
    glance = fitted(pack)
    small = glance.small(all_views(pack))
    wanted = find_components(small[HELD_OUT * pack.views :], 3)(small)
    told = glance(all_views(pack))
    torch.testing.assert_close(told.abs(), wanted.abs(), atol=1e-3, rtol=1e-3)  # a component may be its own negative
    learned = told[HELD_OUT * pack.views :]
    assert learned.mean(0).abs().max() < 1e-3 and abs(float(learned.square().mean()) - 1) < 1e-3


def test_heads_that_are_held_out_have_no_part_in_it(pack):
    image = pack.image.clone()
    image[:HELD_OUT] = 255 - image[:HELD_OUT]
    changed = fitted(replace(pack, image=image, files={}))
    torch.testing.assert_close(changed.map, fitted(pack).map)


def test_a_training_writes_an_encoder_with_it(data, tmp_path):
    assert command.run(options_of(data, tmp_path, "--steps", "4")) == 0
    encoder = load_encoder(tmp_path / "encoder.safetensors")
    assert encoder.config.glance == 4 and encoder.glance.map.abs().max() > 0
