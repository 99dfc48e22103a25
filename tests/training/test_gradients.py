"""Following the gradient of an image-text model: a model that knows one colour, and a judge that knows it, too."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from sat3d.generators import build_generator
from training.clip_training.phrases import JUDGED
from training.evaluation import gradients
from training.evaluation.gradients import Wish, Wisher, draw_wishes, image_gains, style_agreement
from training.generator.presets import find_preset

GLASSES = next(group for group in JUDGED if (group.attribute, group.name) == ("eyeglasses", "kind"))


class RedMeansTheFirst:
    """The redder a picture, the more it is the first choice of a group."""

    logit_scale = torch.tensor(5.0)

    def encode_image(self, images):
        red = images[:, 0].mean((1, 2)) - images[:, 1:].mean((1, 2, 3))
        return F.normalize(torch.stack([red, torch.full_like(red, 0.1)], 1), dim=1)

    def encode_text(self, texts):
        return torch.tensor([[1.0, 0.0]] + [[-1.0, 0.0]] * (len(texts) - 1))


class RedReader:
    config = SimpleNamespace(categories=(("glasses", ("none", "round")),))

    def __init__(self):
        self.seen = []

    def read(self, images):
        """"none" where a picture is redder than the one before."""
        self.seen.append(float(images[0, 0].mean() - images[0, 1:].mean()))
        return [SimpleNamespace(names={"glasses": "none" if self.seen[-1] > max(self.seen[:-1], default=9) else "round"})]


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


def test_steps_on_styles_change_what_another_judge_sees(monkeypatch):
    torch.manual_seed(1)
    network = build_generator(find_preset("tiny").network).eval().requires_grad_(False)
    monkeypatch.setattr(gradients, "_NEURAL_PX", 16)
    found = style_agreement(RedMeansTheFirst(), network, RedReader(), [Wish(GLASSES, 0)], seed=3)
    assert found == {"before": 0.0, "after": 1.0}


def test_wishes_are_about_what_the_reader_knows():
    wishes = draw_wishes(RedReader(), 12, seed=1)
    assert {wish.group.fact for wish in wishes} == {"glasses"} and len({wish.index for wish in wishes}) > 1
    assert [wish.index for wish in wishes] == [wish.index for wish in draw_wishes(RedReader(), 12, seed=1)]
