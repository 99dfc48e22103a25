"""A trunk that looks twice, at the whole picture and closely at the face, and relates all places to each other.

It shares nothing with the zoomed trunk but its input: group norm in place of batch norm, a crop in place of a smooth
zoom, attention (Vaswani et al. 2017) behind early convolutions (Xiao et al. 2021). What a picture has to be to fool
both is then hardly anything but right.
"""

from collections.abc import Sequence

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from .loading import resize

_GROUP = 8  # channels that are normalised together
_LEAST_HEAD = 32  # channels of a head of attention
_FACE_TOP, _FACE_LEFT, _FACE_SIDE = 0.32, 0.25, 0.50  # of the close look, in picture heights and widths


class ConvGroup(nn.Sequential):
    """A 3×3 convolution, group norm, and SiLU unless ``active`` is False; ``stride`` 2 halves the picture."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, active: bool = True):
        groups = max(1, outputs // _GROUP)
        groups = groups if outputs % groups == 0 else 1
        layers = [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.GroupNorm(groups, outputs)]
        super().__init__(*layers, *([nn.SiLU(inplace=True)] if active else []))


class GroupResidual(nn.Module):
    """``silu(x + f(x))``, where f is two 3×3 convolutions."""

    def __init__(self, channels: int):
        super().__init__()
        self.body = nn.Sequential(ConvGroup(channels, channels), ConvGroup(channels, channels, active=False))

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(x + self.body(x))


class AttentionBlock(nn.Module):
    """``[B, T, C]`` -> the same: what each place asks all others, then a layer of its own, both after layer norm."""

    def __init__(self, channels: int):
        super().__init__()
        possible = range(1, channels // _LEAST_HEAD + 1)
        self.heads = max((count for count in possible if channels % count == 0), default=1)
        self.norm = nn.LayerNorm(channels)
        self.ask = nn.Linear(channels, 3 * channels)
        self.answer = nn.Linear(channels, channels)
        self.own = nn.Sequential(
            nn.LayerNorm(channels), nn.Linear(channels, 2 * channels), nn.SiLU(), nn.Linear(2 * channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        asked = self.ask(self.norm(x))
        query, key, value = rearrange(asked, "b t (three h c) -> three b h t c", three=3, h=self.heads)
        # Spelt out: on processors the fused one is slow to differentiate, and there are few places.
        answers = (query @ key.transpose(-1, -2) * key.shape[-1] ** -0.5).softmax(-1) @ value
        x = x + self.answer(rearrange(answers, "b h t c -> b t (h c)"))
        return x + self.own(x)


class TwoLooks(nn.Module):
    """``[B, 6, S, S]`` as :func:`two_looks` gives it -> ``[B, widths[-1], 2·cells, cells]``: the whole picture above,
    the face below. Each look is halved once for each width; ``cells`` = S / 2^widths."""

    def __init__(self, cells: int, widths: Sequence[int], depths: Sequence[int], attention_blocks: int):
        super().__init__()
        self.cells = cells
        self.whole, self.face = (_stem(widths, depths) for _ in range(2))
        self.places = nn.Parameter(0.02 * torch.randn(2 * cells**2, widths[-1]))
        self.relate = nn.Sequential(*(AttentionBlock(widths[-1]) for _ in range(attention_blocks)))
        self.norm = nn.LayerNorm(widths[-1])

    def forward(self, seen: Tensor) -> Tensor:
        looks = self.whole(seen[:, :3]), self.face(seen[:, 3:])
        places = torch.cat([rearrange(look, "b c rows columns -> b (rows columns) c") for look in looks], 1)
        related = self.norm(self.relate(places + self.places))
        return rearrange(related, "b (rows columns) c -> b c rows columns", columns=self.cells)


def two_looks(images: Tensor, size_px: int) -> Tensor:
    """``[B, 3, P, P]`` -> ``[B, 6, S, S]``: the whole picture, then the face alone, both at S = ``size_px``."""
    return torch.cat([resize(look, size_px, size_px) for look in (images, face_of(images))], 1)


def face_of(images: Tensor) -> Tensor:
    """The square of ``[B, 3, P, P]`` in which the faces of registered heads are, half as wide as the picture."""
    height, width = images.shape[2:]
    top, left = round(_FACE_TOP * height), round(_FACE_LEFT * width)
    return images[:, :, top : top + round(_FACE_SIDE * height), left : left + round(_FACE_SIDE * width)]


def _stem(widths: Sequence[int], depths: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs, depth in zip((3, *widths), widths, depths, strict=False):
        layers += [ConvGroup(inputs, outputs, 2), *(GroupResidual(outputs) for _ in range(depth))]
    return nn.Sequential(*layers)
