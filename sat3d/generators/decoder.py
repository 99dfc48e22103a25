"""The small network between the features of planes and what is seen of them: density and colour."""

from collections.abc import Callable, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import Activation
from .layers import LRELU_GAIN, LRELU_SLOPE, FullyConnected, softplus
from .volume import sum_of_some

SIGMOID_WIDEN, SIGMOID_SHIFT = 1.002, 0.001
_LEAST_COUNTED = 1e-6


class Decoder(nn.Module):
    """The small MLP between plane features and (density, colour features).

    ``activation`` of the colours: a widened sigmoid (0..1, made -1..1 after compositing), leaky ReLU times √2, or none.
    """

    def __init__(
        self, features: int, hidden: int, lr_mul: float, density_gain: float = 1.0, activation: Activation = "sigmoid"
    ):
        super().__init__()
        self.density_gain, self.activation = density_gain, activation
        self.net = nn.Sequential(
            FullyConnected(features, hidden, lr_mul), nn.Softplus(), FullyConnected(hidden, 1 + features, lr_mul)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean plane features ``[…, C]`` -> raw density ``[…]`` and colour logits ``[…, C]``."""
        y = self.net[2](self.hidden(x))
        density = y[..., 0] if self.density_gain == 1 else y[..., 0] * self.density_gain
        return density, y[..., 1:]

    @property
    def layers(self) -> tuple[FullyConnected, FullyConnected]:
        """Before and after the softplus."""
        return cast(FullyConnected, self.net[0]), cast(FullyConnected, self.net[2])

    def hidden(self, x: Tensor) -> Tensor:
        """Mean plane features ``[…, C]`` -> hidden units ``[…, H]``, of which density and colours are linear."""
        return softplus(self.net[0](x))

    def density(self, hidden: Tensor) -> Tensor:
        """Hidden units ``[…, H]`` -> raw density ``[…]``."""
        weight, bias = (part[0] for part in self.layers[1].scaled())
        density = torch.mv(hidden.flatten(0, -2), weight).add_(bias).mul_(self.density_gain)
        return density.view(hidden.shape[:-1])

    def logits(self, hidden: Tensor) -> Tensor:
        """Hidden units ``[…, H]`` -> colour logits ``[…, C]``."""
        return F.linear(hidden, *(part[1:] for part in self.layers[1].scaled()))

    def colours(self, logits: Tensor) -> Tensor:
        """What is composited."""
        if self.activation == "sigmoid":
            return widened_sigmoid(logits)
        return logits if self.activation == "none" else F.leaky_relu(logits, LRELU_SLOPE) * LRELU_GAIN

    def narrow_colours(self, logits: Tensor) -> Tensor:
        """Colours before a sigmoid's widening, which is linear: :meth:`widened` applies it to their sum."""
        return torch.sigmoid(logits) if self.activation == "sigmoid" else self.colours(logits)

    def widened(self, total: Tensor, opacity: Tensor) -> Tensor:
        """Sums of narrow colours ``[R, C]`` whose weights add up to ``opacity [R]``."""
        return total * SIGMOID_WIDEN - opacity[:, None] * SIGMOID_SHIFT if self.activation == "sigmoid" else total

    def composite(self, coefficients: Sequence[Tensor], passes: Sequence[Tensor], opacity: Tensor) -> Tensor:
        """Σ_j c_j · colour_j ``[R, C]`` over all samples, pass by pass: ``coefficients [R, N]``, logits ``[R, N, C]``;
        ``opacity [R]``: what the coefficients add up to."""
        colours = [self.narrow_colours(logits) for logits in passes]
        sums = [torch.einsum("rn,rnc->rc", c, colour) for c, colour in zip(coefficients, colours, strict=True)]
        return self.widened(sums[0] if len(sums) == 1 else sums[0] + sums[1], opacity)

    def composite_some(
        self, coefficients: Tensor, counts: Tensor, hidden_of: Callable[[Tensor], Tensor], opacity: Tensor
    ) -> Tensor:
        """The same of those samples that ``counts [R, N]`` names, in the place of all ``[R, N]``; ``hidden_of``: flat
        numbers of samples ``[M]`` -> hidden units ``[M, H]``."""
        colours = self.narrow_colours(self.logits(hidden_of(counts.flatten().nonzero()[:, 0])))
        return self.widened(scaled_sum(colours, coefficients, counts, opacity), opacity)

    def signed(self, features: Tensor) -> Tensor:
        """Composited features as the layers behind want them: of a sigmoid -1..1."""
        return features * 2 - 1 if self.activation == "sigmoid" else features


def scaled_sum(values: Tensor, coefficients: Tensor, counts: Tensor, opacity: Tensor) -> Tensor:
    """As :func:`.volume.sum_of_some`, as if the coefficients that count added up to the ``opacity [R]``."""
    counted = torch.where(counts, coefficients, 0).sum(1)
    return sum_of_some(values, coefficients, counts) * (opacity / counted.clamp_min(_LEAST_COUNTED))[:, None]


def widened_sigmoid(logits: Tensor) -> Tensor:
    """Colours slightly outside 0..1, so that the sigmoid can reach both ends (mip-NeRF)."""
    return torch.sigmoid(logits) * SIGMOID_WIDEN - SIGMOID_SHIFT
