"""Sliders with known maps on a tiny generator's styles."""

import torch

from sat3d.generators import StyleGenerator
from sat3d.sliders import Slider, SliderConfig, SliderGroup, SliderNetwork, Sliders

LAYOUT = {
    "shape": ("jaw", "nose"),
    "expression": ("smile_left", "jaw_open"),
    "light": ("light_yaw_deg",),
}


def tiny_sliders(network: StyleGenerator, hidden: int = 8, seed: int = 0, reach: int = 12, **notes: str) -> Sliders:
    """Each group on channels of its own among those that may be edited; T undoes what the straight part of D does."""
    draws = torch.Generator().manual_seed(seed)
    sliders = tuple(Slider(name, group, -1.0, 1.5, 0.1, 0.5) for group, names in LAYOUT.items() for name in names)
    groups = tuple(SliderGroup(name, 3, reach, hidden) for name in LAYOUT)
    made = SliderNetwork(SliderConfig(network.layout.num_channels, groups, sliders))
    editable = network.layout.editable_index
    with torch.no_grad():
        for number, maps in enumerate(made.maps):
            maps.channels.copy_(editable[(torch.arange(reach) + number * reach) % len(editable)].sort().values)
            maps.mean.normal_(generator=draws)
            maps.spread.uniform_(0.5, 2.0, generator=draws)
            basis, _ = torch.linalg.qr(torch.randn(reach, 3, generator=draws))
            maps.basis.copy_(basis / maps.scale)
            write = torch.randn(maps.straight_write.weight.shape, generator=draws)
            maps.straight_write.weight.copy_(write)
            maps.straight_read.weight.copy_(torch.linalg.pinv(write))
            maps.straight_read.bias.normal_(generator=draws)
            if maps.bent_write is not None:
                maps.bent_write.get_submodule("2").get_parameter("weight").normal_(0, 0.02, generator=draws)
    made = made.eval().requires_grad_(False)
    return Sliders(made, network.fingerprint(), network.layout.fingerprint, network.layout.to_json(), notes)
