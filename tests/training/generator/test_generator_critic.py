"""What pictures are compared by beside their pixels: the critic's pairs, and features of the encoder."""

import math

import pytest
import torch
from torch import nn

from sat3d.inversion.encoder import EncoderConfig, PortraitEncoder
from tests.training.generator.runs import make_task, seeded
from training.generator.critic import Critic, critic_loss, drawing_loss
from training.generator.perceptual import Perceptual


class Linear(nn.Module):
    """A critic whose score is a weighted sum of all numbers of a picture."""

    def __init__(self, weight: float):
        super().__init__()
        self.weight = nn.Parameter(torch.full((3, 4, 4), weight))

    def forward(self, images):
        return (images * self.weight).sum((1, 2, 3))[:, None, None, None]


def pictures(value: float, count: int = 2) -> torch.Tensor:
    return torch.full((count, 3, 4, 4), value)


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def test_pairs_by_hand():
    """48 numbers of weight 0.1: scores 4.8 · value; the squared gradient is 48 · 0.01 at either picture, over the side
    of 4 pixels."""
    critic, drawn, true = Linear(0.1), pictures(-0.25), pictures(0.5)
    behind = 4.8 * (-0.25 - 0.5)
    assert float(drawing_loss(critic, drawn, true)) == pytest.approx(softplus(-behind), rel=1e-5)
    plain, steep = (float(critic_loss(critic, drawn, true, penalty).detach()) for penalty in (0.0, 3.0))
    assert plain == pytest.approx(softplus(behind), rel=1e-5)
    assert steep - plain == pytest.approx(3.0 / 2 * 2 * 48 * 0.01 / 4, rel=1e-4)


def test_pairs_are_compared_and_not_crowds():
    critic, drawn = Linear(0.1), torch.cat([pictures(0.0, 1), pictures(0.5, 1)])
    same = float(drawing_loss(critic, drawn, drawn.clone()))
    assert same == pytest.approx(math.log(2))
    assert float(drawing_loss(critic, drawn, drawn.flip(0))) > same + 0.1


def test_a_score_looks_at_a_place_of_eight_pixels_step():
    critic = Critic()
    assert critic(torch.zeros(2, 3, 32, 32)).shape == (2, 1, 4, 4)
    assert not [part for part in critic.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]


def test_gradients_of_either_loss_go_to_its_own_side():
    torch.manual_seed(0)
    critic, drawn = Critic(), torch.rand(2, 3, 16, 16, requires_grad=True)
    drawing_loss(critic, drawn, torch.rand(2, 3, 16, 16)).backward()
    assert drawn.grad.any() and all(parameter.grad is None for parameter in critic.parameters())
    drawn.grad = None
    critic_loss(critic, drawn, torch.rand(2, 3, 16, 16), 1.0).backward()
    assert drawn.grad is None and all(parameter.grad is not None for parameter in critic.parameters())


def test_a_critic_learns_to_tell_blur_from_truth():
    torch.manual_seed(0)
    critic = Critic()
    optimizer = torch.optim.Adam(critic.parameters(), 2e-3, betas=(0.9, 0.99))
    true = torch.rand(4, 3, 24, 24, generator=seeded()) * 2 - 1
    drawn = nn.functional.avg_pool2d(true, 3, 1, 1)
    losses = []
    for _ in range(20):
        loss = critic_loss(critic, drawn, true, 0.05)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    assert (critic(true) > critic(drawn)).float().mean() > 0.95
    assert drawing_loss(critic, drawn, true) > drawing_loss(critic, true, drawn)


def test_features_prefer_the_sharp_and_right_picture():
    torch.manual_seed(0)
    encoder = PortraitEncoder(EncoderConfig(16, 64, (8, 8, 8, 8), (0, 0, 0, 0), 4, 16))
    loss = Perceptual(encoder.trunk)
    true = torch.rand(2, 3, 48, 48, generator=seeded()) * 2 - 1
    blurred = torch.nn.functional.avg_pool2d(true, 5, 1, 2).requires_grad_()
    assert [part.shape[-1] for part in loss.features(true)] == [24, 12, 6]
    assert loss(true, true) == 0 < loss(blurred, true)
    loss(blurred, true).backward()
    assert blurred.grad.abs().sum() > 0 and not [p for p in loss.parameters() if p.grad is not None]
    assert not loss.train().trunk.training, "statistics of batches are not for comparing"


def test_features_are_of_the_encoder_as_it_is_when_sharpening_begins(pack, tiny, tmp_path):
    task = make_task(tmp_path / "run", pack, tiny)
    trunk, own = task.networks.mean_encoder.trunk, task.perceptual.trunk
    first = {name: value.clone() for name, value in own.state_dict().items()}
    with torch.no_grad():
        for parameter in trunk.parameters():
            parameter.add_(1.0)
    for stage in task.stages:
        task.enter(stage)
        wanted = trunk.state_dict() if task.preset.lessons[stage.name].sharp else first
        assert all(torch.equal(value, wanted[name]) for name, value in own.state_dict().items()), stage.name
    with torch.no_grad():
        trunk[0][0].weight.add_(1.0)
    assert not torch.equal(own[0][0].weight, trunk[0][0].weight), "and stays as it was then"
