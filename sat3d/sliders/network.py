"""T and D of sliders: styles to values, and a wanted change of values to a change of styles.

After Wang et al. 2021 (CDDFM3D, arXiv:2104.11228): each group of parameters has a subspace of the style space, chosen
by where the group acts, in which it is read and changed. Here a subspace is spanned by a basis of few columns over
those channels that the group reaches; all else a group can neither see nor touch.
"""

import math

import torch
from torch import Tensor, nn

from .config import SliderConfig, SliderGroup


class GroupMaps(nn.Module):
    """One group: its subspace, T on the coordinates there, and D within it. Values are in standard units."""

    channels: Tensor
    mean: Tensor
    spread: Tensor

    def __init__(self, group: SliderGroup, sliders: int):
        super().__init__()
        self.scale = 1 / math.sqrt(group.reach)  # so that the basis's numbers, which learn, are about 1
        self.register_buffer("channels", torch.arange(group.reach))
        self.register_buffer("mean", torch.zeros(group.reach))
        self.register_buffer("spread", torch.ones(group.reach))
        self.basis = nn.Parameter(torch.zeros(group.reach, group.rank))
        self.straight_read = nn.Linear(group.rank, sliders)
        self.straight_write = nn.Linear(sliders, group.rank, bias=False)
        self.bent_read = _bent(group.rank, group.hidden, sliders)
        self.bent_write = _bent(group.rank + sliders, group.hidden, group.rank)

    def coordinates(self, styles: Tensor) -> Tensor:
        """``[B, S]`` -> ``[B, rank]``."""
        standard = (styles[:, self.channels] - self.mean) / self.spread
        return standard @ (self.basis * self.scale)

    def read(self, coordinates: Tensor) -> Tensor:
        """T: ``[B, rank]`` -> ``[B, sliders]``."""
        values = self.straight_read(coordinates)
        return values if self.bent_read is None else values + self.bent_read(coordinates)

    def write(self, coordinates: Tensor, changes: Tensor) -> Tensor:
        """D: coordinates ``[B, rank]`` and wanted changes ``[B, sliders]`` -> changes of the group's channels
        ``[B, reach]``; 0 where no change is wanted."""
        moved = self.straight_write(changes)
        if self.bent_write is not None:
            here, still = (torch.cat([coordinates, part], 1) for part in (changes, torch.zeros_like(changes)))
            moved = moved + self.bent_write(here) - self.bent_write(still)
        return moved @ (self.basis * self.scale).T * self.spread


def _bent(inputs: int, hidden: int, outputs: int) -> nn.Sequential | None:
    if not hidden:
        return None
    last = nn.Linear(hidden, outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), last)


class SliderNetwork(nn.Module):
    """T and D of all groups, on values in their own units.

    Example:
        >>> from sat3d.sliders import Slider, SliderConfig, SliderGroup
        >>> config = SliderConfig(8, (SliderGroup("age", 1, 4),), (Slider("age", "age", 0, 1, 0.5, 0.2),))
        >>> SliderNetwork(config).values(torch.zeros(3, 8)).shape
        torch.Size([3, 1])
    """

    def __init__(self, config: SliderConfig):
        super().__init__()
        self.config = config
        columns = {group.name: config.columns(group.name) for group in config.groups}
        self.groups = nn.ModuleList(GroupMaps(group, len(columns[group.name])) for group in config.groups)
        self.value_mean: Tensor
        self.value_spread: Tensor
        for name in ("mean", "spread"):
            numbers = torch.tensor([float(getattr(slider, name)) for slider in config.sliders])
            self.register_buffer(f"value_{name}", numbers, persistent=False)
        self._columns = [columns[group.name] for group in config.groups]

    def values(self, styles: Tensor) -> Tensor:
        """T: ``[B, S]`` -> ``[B, P]``, the value of every slider."""
        found = torch.cat([maps.read(maps.coordinates(styles)) for maps in self.maps], 1)
        order = [column for columns in self._columns for column in columns]
        found = found[:, torch.tensor(order, device=found.device).argsort()]
        return found * self.value_spread + self.value_mean

    def change(self, styles: Tensor, changes: Tensor) -> Tensor:
        """D: ``[B, S]`` and wanted changes of values ``[B, P]`` -> changes of styles ``[B, S]``.

        A group of which no slider is to change adds nothing, not even rounding.
        """
        standard, total = changes / self.value_spread, torch.zeros_like(styles)
        for maps, columns in zip(self.maps, self._columns, strict=True):
            own = standard[:, columns]
            if own.requires_grad or bool(own.any()):
                total = total.index_add(1, maps.channels, maps.write(maps.coordinates(styles), own))
        return total

    def forward(self, styles: Tensor) -> Tensor:
        """See :meth:`values`."""
        return self.values(styles)

    @property
    def maps(self) -> list[GroupMaps]:
        """Of the groups, in the configuration's order."""
        return [maps for maps in self.groups if isinstance(maps, GroupMaps)]
