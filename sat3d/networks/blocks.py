"""The convolution blocks of the small networks that judge pictures."""

from collections.abc import Sequence

from torch import Tensor, nn

_WIDEST_INSIDE = 96


class ConvNorm(nn.Sequential):
    """Convolution and batch norm, and a ReLU unless ``active`` is False; ``stride`` 2 halves the picture."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, active: bool = True):
        layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if active else []))


class Residual(nn.Module):
    """``x + f(x)``, where f is two 3×3 convolutions through ``hidden`` channels (all of them by default)."""

    def __init__(self, channels: int, hidden: int | None = None):
        super().__init__()
        hidden = hidden or channels
        self.first = ConvNorm(channels, hidden)
        self.second = ConvNorm(hidden, channels, active=False)

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.second(self.first(x))).relu_()


def residuals(channels: int, depth: int) -> list[nn.Module]:
    """``depth`` residual blocks; wide ones are narrower inside, which costs little and keeps the file small."""
    return [Residual(channels, min(channels, _WIDEST_INSIDE)) for _ in range(depth)]


def halving_trunk(widths: Sequence[int], depths: Sequence[int]) -> nn.Sequential:
    """``[B, 3, S, S]`` -> ``[B, widths[-1], S / 2^n, S / 2^n]``: n times half the size, residual blocks at each."""
    layers: list[nn.Module] = []
    for inputs, outputs, depth in zip((3, *widths), widths, depths, strict=False):
        layers += [ConvNorm(inputs, outputs, stride=2), *residuals(outputs, depth)]
    return nn.Sequential(*layers)
