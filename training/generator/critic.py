"""A small patch critic: does a piece of a picture look drawn or true? In pairs of the same place."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

_WIDTHS = (32, 64, 96, 96)
_SLOPE = 0.2


class Critic(nn.Module):
    """``[B, 3, P, P]`` in -1..1 -> scores ``[B, 1, P/8, P/8]`` of places, higher for true pictures. No batch norm."""

    def __init__(self):
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in zip((3, *_WIDTHS), _WIDTHS, strict=False):
            layers += [nn.Conv2d(inputs, outputs, 3, 2 if inputs != _WIDTHS[-1] else 1, 1), nn.LeakyReLU(_SLOPE)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(_WIDTHS[-1], 1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


def critic_loss(critic: Critic, drawn: Tensor, true: Tensor, penalty: float) -> Tensor:
    """What the critic learns: softplus of the pairs' differences (relativistic, Jolicoeur-Martineau 2019), and R1 + R2,
    the squared gradients at true and drawn pictures (Mescheder et al. 2018; Huang et al. 2024, arXiv:2501.05441)."""
    true, drawn = (images.detach().requires_grad_() for images in (true, drawn))
    of_true, of_drawn = critic(true), critic(drawn)
    slopes = torch.autograd.grad([of_true.sum(), of_drawn.sum()], [true, drawn], create_graph=True)
    steepness = sum(slope.square().sum((1, 2, 3)).mean() for slope in slopes)
    return F.softplus(of_drawn - of_true).mean() + penalty / 2 * steepness / true[0, 0].numel() ** 0.5


def drawing_loss(critic: Critic, drawn: Tensor, true: Tensor) -> Tensor:
    """What the generator learns: the same pairs the other way round; the critic itself gets no gradient."""
    fixed = {name: parameter.detach() for name, parameter in critic.named_parameters()}
    with torch.no_grad():
        of_true = functional_call(critic, fixed, (true,))
    return F.softplus(of_true - functional_call(critic, fixed, (drawn,))).mean()
