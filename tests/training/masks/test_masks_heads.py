"""Masks of generators that know a head from all sides, also with the generator's own parsing."""

import json

import pytest
import torch

from sat3d.domains import load_domain
from sat3d.errors import ConfigError
from sat3d.generators import RenderOptions
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.learning.presampling import draw_candidates
from sat3d.learning.segmenters import load_segmenter
from tests.generators.full_heads import latents, tiny_full_head, tiny_full_head_config, weights_of
from tests.training.masks.setup import losses_of, make_trainer


@pytest.fixture
def head(tmp_path):
    """A tiny SphereHead as a file."""
    config = tiny_full_head_config("spherehead")
    save_checkpoint(tmp_path / "head.safetensors", config, weights_of(config), {})
    return tmp_path / "head.safetensors"


@pytest.fixture
def own_domain(files):
    """As the tiny domain, parsed by the generator itself, and seen from all sides."""
    content = json.loads((files / "heads.json").read_text(encoding="utf-8"))
    regions = {name: [{"labels": ["label_1", "label_3"]}] for name in content["attributes"]}
    content |= {"parser": "own", "regions": regions}
    content["sampling"] = {"yaw_deg": [-180, 180], "truncation_psi": 1}
    del content["preselection"]
    (files / "own.json").write_text(json.dumps(content), encoding="utf-8")
    return files / "own.json"


def test_masks_are_learned_on_views_from_all_sides(files, tmp_path, head, own_domain):
    trainer = make_trainer(files, tmp_path / "masks.safetensors", domain=own_domain.name, generator=head)
    studio, pairs = trainer.task.masks.studio, trainer.task.pairs
    yaws = torch.atan2(pairs.camera[:, 3], pairs.camera[:, 11]).rad2deg()
    assert (yaws.abs() > 90).any() and (yaws.abs() < 90).any()
    assert pairs.labels.shape[1:] == (studio.picture_px,) * 2 and set(pairs.labels.unique().tolist()) <= set(range(5))
    assert all(torch.isfinite(torch.tensor(losses_of(trainer, 2))))


def test_labels_are_those_of_the_very_picture(files, tmp_path, head, own_domain):
    trainer = make_trainer(files, tmp_path / "masks.safetensors", domain=own_domain.name, generator=head)
    studio = trainer.task.masks.studio
    styles, camera = draw_candidates(studio.network, studio.domain.sampling, 0, 0, 2)
    labels = studio.labels(studio.pictures(styles, camera), styles, camera)
    parsed = studio.network.synthesize(styles, camera, RenderOptions(studio.view.neural_resolution)).parsing
    assert labels.dtype == torch.uint8 and labels.shape == (2, studio.picture_px, studio.picture_px)
    coarse = torch.nn.functional.interpolate(labels[:, None].float(), parsed.shape[2:])[:, 0]
    assert (coarse == parsed.argmax(1)).float().mean() > 0.8


def test_a_generator_that_does_not_parse_is_named(own_domain):
    domain, cpu = load_domain(own_domain), torch.device("cpu")
    with pytest.raises(ConfigError, match="parses its own pictures"):
        load_segmenter(domain, None, cpu)
    with pytest.raises(ConfigError, match="parses its own pictures"):
        load_segmenter(domain, None, cpu, tiny_full_head("panohead"))


@pytest.mark.parametrize("case", ["panohead", "panohead_flat", "panohead_lrelu", "spherehead"])
def test_the_picture_of_training_is_that_of_the_renderer(case):
    """Also where samples are cropped, colours have another activation, and something is behind the head."""
    network = tiny_full_head(case)
    styles, camera = network.styles(latents(network.config)[1]), network.rig.label([0.3, 2.8], [0.1, 0.0])
    found = []
    for least_share in (0.0, None):
        own = styles.clone().requires_grad_()
        image = network.render(network.planes(own), own, camera, RenderOptions(least_share=least_share)).image
        found.append((image, torch.autograd.grad(image.square().mean(), own)[0]))
    for got, wanted in zip(*found, strict=True):
        torch.testing.assert_close(got, wanted, atol=3e-4 * float(wanted.detach().abs().max()), rtol=0)
