"""What a step computes, and that it learns."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from sat3d.generators import BackboneConfig, RenderOptions, StyleGAN2Config
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.learning.objective import gather
from sat3d.learning.sampling import Draw, draw_transfers, most_different
from sat3d.losses import LossWeights, probability_loss
from sat3d.qmm import Measurement
from tests.conftest import seeded
from tests.training.masks.setup import losses_of, make_trainer
from training.masks.reference import paper_losses


def test_a_face_given_to_itself_changes_nothing(trainer):
    same = torch.tensor([1, 4, 5])
    transfers = gather(trainer.task.pairs, Draw(same, same, torch.arange(3)), torch.device("cpu"))
    losses = trainer.task.masks(transfers)
    assert losses["ref"] < 1e-3 and losses["src"] < 1e-3 and losses["bg"] < 2e-3
    assert losses["prob"].item() == pytest.approx(float(probability_loss(trainer.task.start.logits)))


def test_losses_are_those_of_each_transfer_alone(trainer):
    draw = Draw(torch.tensor([0, 1, 2]), torch.tensor([3, 4, 5]), torch.tensor([0, 1, 2]))
    together, *alone = (
        trainer.task.masks(gather(trainer.task.pairs, part, torch.device("cpu")))
        for part in (draw, *(draw.part(rank, 3) for rank in range(3)))
    )
    for name, value in together.items():
        torch.testing.assert_close(value, torch.stack([losses[name] for losses in alone]).mean(), atol=2e-5, rtol=1e-4)
    parts = 3.5 * (together["ref"] + together["src"]) + 40 * together["bg"] + 0.1 * together["prob"]
    torch.testing.assert_close(together["loss"], parts)


@pytest.mark.parametrize("first, second", [(0, 3), (4, 6), (1, 8)])
def test_a_step_is_the_papers(trainer, first, second):
    """The same losses and nearly the same gradient as from pictures that are all made anew."""
    studio, logits = trainer.task.masks.studio, trainer.task.start.logits.clone().requires_grad_()
    source, reference = (trainer.task.pairs.select(torch.tensor([i])) for i in (first, second))
    faces = (source.styles, reference.styles, source.camera, reference.camera)
    expected = paper_losses(studio, logits, *faces, "hairstyle", LossWeights())
    expected["loss"].backward()
    trainer.task.masks.zero_grad()
    draw = Draw(torch.tensor([first]), torch.tensor([second]), torch.tensor([2]))
    found = trainer.task.masks(gather(trainer.task.pairs, draw, torch.device("cpu")))
    found["loss"].backward()
    torch.testing.assert_close(found["ref"] + found["src"], expected["attr"], atol=1e-4, rtol=1e-3)
    for name in ("bg", "prob", "loss"):
        torch.testing.assert_close(found[name], expected[name], atol=1e-3, rtol=1e-3)
    off = trainer.task.masks.carrier.logits.grad - logits.grad
    assert off.norm() < 0.1 * logits.grad.norm()


def test_only_the_target_and_its_rivals_in_the_softmax_learn_and_only_m(trainer):
    draw = Draw(torch.tensor([0]), torch.tensor([3]), torch.tensor([1]))
    trainer.task.masks.zero_grad()
    trainer.task.masks(gather(trainer.task.pairs, draw, torch.device("cpu")))["loss"].backward()
    gradient = trainer.task.masks.carrier.logits.grad
    assert gradient.abs().sum(1).min() > 0
    torch.testing.assert_close(gradient.sum(0), torch.zeros(gradient.shape[1]), atol=1e-5, rtol=0)  # a softmax's
    assert [name for name, _ in trainer.task.masks.named_parameters()] == ["carrier.logits"]


@pytest.mark.slow
def test_training_lowers_the_loss(files, tmp_path):
    options = ("--batch", "2", "--rate", "0.3", "--beta2", "0.9", "--start", "plain", "--no-centralisation")
    learner = make_trainer(files, tmp_path / "masks.safetensors", *options)
    pairs, domain = learner.task.pairs, learner.task.masks.studio.domain
    draw = most_different(draw_transfers(0, 0, 6, 10, 3), pairs.scores, domain)
    transfers = gather(pairs, draw, torch.device("cpu"))
    with torch.no_grad():
        before = learner.task.masks(transfers)["loss"].item()
    losses_of(learner, 25)
    with torch.no_grad():
        assert learner.task.masks(transfers)["loss"].item() < 0.7 * before


@pytest.mark.parametrize("white_back", [False, True])
def test_sparse_rendering_is_the_renderers(triplane, styles, white_back):
    network = triplane.with_rendering(white_back=white_back)
    camera = network.rig.label(torch.tensor([0.2, -0.3]), torch.tensor([0.1, 0.0]))
    target = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    def run(render):
        planes = network.planes(styles).detach().requires_grad_()
        image = render(planes)
        (image - target).square().sum().backward()
        return image.detach(), planes.grad

    def picture(planes, least_share=None):
        return network.render(planes, styles, camera, RenderOptions(16, least_share=least_share)).image

    image, gradient = run(picture)
    for least_share, error in ((0.0, 1e-4), (1e-3, 0.1)):
        other, found = run(partial(picture, least_share=least_share))
        torch.testing.assert_close(other, image, atol=2e-5, rtol=0)
        assert (found - gradient).norm() < error * gradient.norm()


@pytest.mark.parametrize(("channels", "classes"), [(3, 0), (1, 4), (4, 0)])
def test_flat_generators_and_domains_without_a_parser_learn_too(files, tmp_path, channels, classes):
    stylegan2 = seeded(StyleGAN2Config(BackboneConfig(16, classes, 24, 2, 32, channels, 256, 16, conv_clamp=256)))
    path = tmp_path / "flat.safetensors"
    save_checkpoint(path, stylegan2.config, stylegan2.state_dict(), {})
    learner = make_trainer(files, tmp_path / "m.safetensors", "--batch", "4", domain="unparsed.json", generator=path)
    assert learner.task.pairs.camera.shape == (10, 0) and learner.task.pairs.labels.shape == (10, 0, 0)
    before = learner.task.masks.carrier.logits.detach().clone()
    losses = [learner.step() for _ in range(2)]
    assert all(loss["bg"] == 0 for loss in losses) and not torch.equal(before, learner.task.masks.carrier.logits)
    assert learner.task.masks.carrier.logits.shape == (4, stylegan2.layout.num_editable)


def test_loss_weights_reach_the_loss(files, tmp_path):
    options = ("--weight-attr", "0", "--weight-bg", "0", "--weight-prob", "2")
    losses = make_trainer(files, tmp_path / "m.safetensors", *options).step()
    assert losses["loss"].item() == pytest.approx(2 * losses["prob"].item())
    options = ("--weight-attr", "2", "--weight-src", "0", "--weight-bg", "0", "--weight-prob", "0")
    losses = make_trainer(files, tmp_path / "n.safetensors", *options).step()
    assert losses["loss"].item() == pytest.approx(2 * losses["ref"].item()) and losses["src"] > 0
    assert LossWeights() == LossWeights(3.5, 40.0, 0.1, 1.0)


def test_what_the_target_covers_need_not_stay(trainer, monkeypatch):
    studio = trainer.task.masks.studio
    transfers = gather(trainer.task.pairs, Draw(*(torch.tensor([i]) for i in (0, 5, 1))), torch.device("cpu"))
    with torch.no_grad():
        edited = trainer.task.masks.edit(transfers)
        kept = studio.qmm.measure(edited).differences(Measurement(transfers.source.scores, studio.domain))
        monkeypatch.setattr(studio.qmm, "domain", replace(studio.domain, covers={"eyeglasses": ("beard",)}))
        ref, src = trainer.task.masks.attribute_losses(edited, transfers)
    torch.testing.assert_close(src, kept["hairstyle"])
    assert kept["beard"] > 0 and ref > 0
