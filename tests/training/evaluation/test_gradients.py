"""Following the gradient of an image-text model: a model that knows one colour, and a judge that knows it, too."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from sat3d.generators import build_generator
from training.evaluation import gradients
from training.evaluation.gradients import Wish, Wisher, draw_wishes, image_gains, style_agreement
from training.generator.presets import find_preset
from training.networks.clip_phrases import JUDGED

GLASSES = next(group for group in JUDGED if (group.attribute, group.name) == ("eyeglasses", "kind"))


class RedMeansTheFirst:
    """The redder a picture, the more it is the first choice of a group."""

    logit_scale, device = torch.tensor(5.0), torch.device("cpu")

    def encode_image(self, images):
        red = images[:, 0].mean((1, 2)) - images[:, 1:].mean((1, 2, 3))
        return F.normalize(torch.stack([red, torch.full_like(red, 0.1)], 1), dim=1)

    def encode_text(self, texts):
        return torch.tensor([[1.0, 0.0]] + [[-1.0, 0.0]] * (len(texts) - 1))


class RedReader:
    config = SimpleNamespace(categories=(("glasses", ("none", "round")),))


class Grey:
    def inputs(self, index):
        return torch.zeros(len(index), 3, 64, 64)

    def __len__(self):
        return 1


def test_the_loss_is_the_share_of_the_wish():
    picture = torch.zeros(1, 3, 64, 64)
    picture[:, 0] = 1.0
    share = Wisher(RedMeansTheFirst(), Wish(GLASSES, 0))(picture).neg().exp()
    cosine = 1 / (1 + 0.1**2) ** 0.5
    up, down = torch.tensor([5 * cosine, -5 * cosine]).exp()
    assert float(share) == pytest.approx(float(up / (up + (len(GLASSES.choices) - 1) * down)), rel=1e-4)


def test_steps_on_a_picture_raise_the_wish():
    assert image_gains(RedMeansTheFirst(), Grey(), [Wish(GLASSES, 0)]) > 0.5


@pytest.mark.slow
def test_steps_on_styles_raise_the_wish_and_leave_the_other_channels(triplane, monkeypatch):
    monkeypatch.setattr(gradients, "_NEURAL_PX", 16)
    monkeypatch.setattr(gradients, "_STAY", 0.0)
    z = torch.randn(1, triplane.config.backbone.z_dim, generator=torch.Generator().manual_seed(3))
    styles, loss_of = triplane.styles(triplane.map(z)), Wisher(RedMeansTheFirst(), Wish(GLASSES, 0))
    edited = gradients._follow(loss_of, triplane, styles, gradients._style_spread(triplane))
    assert loss_of(triplane.synthesize(edited).image) < loss_of(triplane.synthesize(styles).image)
    editable = torch.zeros(triplane.layout.num_channels, dtype=torch.bool)
    for layer in triplane.layout.editable_layers:
        editable[triplane.layout.slices[layer.name]] = True
    assert torch.equal(edited[:, ~editable], styles[:, ~editable])


def test_the_judge_looks_before_and_after(monkeypatch):
    network = build_generator(find_preset("tiny").network).eval().requires_grad_(False)
    monkeypatch.setattr(gradients, "_follow", lambda loss_of, network, styles, spread: styles)
    answers = iter(["round", "none", "none", "none"])
    reader = SimpleNamespace(read=lambda images: [SimpleNamespace(names={"glasses": next(answers)})])
    found = style_agreement(RedMeansTheFirst(), network, reader, [Wish(GLASSES, 0)] * 2, seed=3)
    assert found == {"before": 0.5, "after": 1.0}


def test_wishes_are_about_what_the_reader_knows():
    wishes = draw_wishes(RedReader(), 12, seed=1)
    assert {wish.group.fact for wish in wishes} == {"glasses"} and len({wish.index for wish in wishes}) > 1
    assert [wish.index for wish in wishes] == [wish.index for wish in draw_wishes(RedReader(), 12, seed=1)]
