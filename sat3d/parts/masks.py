"""Part masks of views: soft masks of chosen parts, and pictures of labels."""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ConfigError, ShapeError
from ..networks.loading import resize

_HUE_STEP = 0.381966  # the golden section, by which neighbours in the list differ most
_BLACK = -1.0


@dataclass(frozen=True)
class PartViews:
    """Label probabilities ``shares [N, K, r, r]`` of N views of ``size`` (height, width) pixels; ``labels``: K
    names."""

    shares: Tensor
    labels: tuple[str, ...]
    size: tuple[int, int]

    def mask(self, parts: Sequence[str], hard: bool = False) -> Tensor:
        """``[N, 1, H, W]`` 0..1: how much of each pixel is one of the parts; ``hard``: 1 where that is the likeliest.

        Raises:
            ConfigError: an unknown part, or none. ShapeError: there are no labels.
        """
        index = self._numbers(parts)
        if hard:
            chosen = torch.tensor(index, device=self.shares.device)
            return torch.isin(self._large().argmax(1, keepdim=True), chosen).float()
        return self._large()[:, index].sum(1, keepdim=True).clamp(0, 1)

    def picture(self) -> Tensor:
        """``[N, 3, H, W]`` in -1..1: the likeliest label of each pixel as a colour, the first label black."""
        self._check()
        found = label_colours(len(self.labels)).to(self.shares.device)[self._large().argmax(1)]
        return found.permute(0, 3, 1, 2).contiguous()

    def _large(self) -> Tensor:
        return resize(self.shares.float(), *self.size)

    def _numbers(self, parts: Sequence[str]) -> list[int]:
        self._check()
        unknown = [name for name in parts if name not in self.labels]
        if unknown or not parts:
            raise ConfigError("There is no such part", ", ".join(unknown) or "none", ", ".join(self.labels),
                              "name some of these, separated by commas")  # fmt: skip
        return [self.labels.index(name) for name in dict.fromkeys(parts)]

    def _check(self) -> None:
        if not self.labels:
            raise ShapeError("These views have no parts", "a generator without a semantic field", "one with a field",
                             "train one with training/train_parts.py, put it into models/sat3d_parts")  # fmt: skip


def label_colours(count: int) -> Tensor:
    """``[count, 3]`` in -1..1: black, then colours that are told apart."""
    found = [
        colorsys.hsv_to_rgb(i * _HUE_STEP % 1, 0.45 + 0.35 * (i % 2), 1 - 0.25 * (i % 3 == 2)) for i in range(count)
    ]
    colours = torch.tensor(found) * 2 - 1
    colours[0] = _BLACK
    return colours


def names_in(text: str) -> list[str]:
    """Names of parts that a user has typed, separated by commas, semicolons or line ends."""
    words = text.replace(";", ",").replace("\n", ",").split(",")
    return [word.strip() for word in words if word.strip()]
