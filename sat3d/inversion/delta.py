"""A generator tuned to one photo, as a small difference of weights that travels in the latent's file.

Tuned are the parts that turn styles into looks: the planes' toRGB layers and the last block before them, decoder,
background and super-resolution; mapping and affine layers have no say once the styles are given. In half precision that
is 0.4 MB for the built-in generator and about 4 MB, a hundredth of the network, for a published one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from ..generators import StyleGenerator
from ..generators.differences import add_differences, compact_difference, makes_styles
from ..generators.loading import generator_from_tensors

_WHOLE_PARTS = ("decoder.", "background.", "superresolution.", "bcg_synthesis.", "torgb.", "ConvA.", "ConvB.")
_NOT_USED = (".affine.", "noise_strength")
N = TypeVar("N", bound=nn.Module)


def tunable_names(network: StyleGenerator) -> tuple[str, ...]:
    """The parameters that tuning changes, in the network's order."""
    last_block = f".b{network.config.backbone.resolution}."
    return tuple(
        name
        for name, _ in network.named_parameters()
        if not any(part in name for part in _NOT_USED)
        and (name.startswith(_WHOLE_PARTS) or ".torgb." in name or (last_block in name and "mapping" not in name))
    )


def delta_between(network: StyleGenerator, tuned: StyleGenerator) -> dict[str, Tensor]:
    """What to add to ``network`` for it to become ``tuned``, float16 on the CPU, where the two differ."""
    before, after = dict(network.named_parameters()), dict(tuned.named_parameters())
    changes = {name: (after[name] - before[name]).detach().half().cpu() for name in tunable_names(network)}
    return {name: change for name, change in changes.items() if change.any()}


def difference_of(network: StyleGenerator, tuned: StyleGenerator) -> dict[str, Tensor] | None:
    """What to add to ``network`` for it to show what ``tuned`` shows of given styles, on the CPU, where the two differ;
    in half precision where that is exact enough. None where that is not smaller than ``tuned`` in half precision.

    Mapping and affine layers are left out: they have no say once the styles are given.
    """
    before, after = network.state_dict(), tuned.state_dict()
    names = [name for name in before if not makes_styles(name)]
    changes = {name: compact_difference(before[name], after[name]) for name in names}
    changes = {name: change for name, change in changes.items() if change.any()}
    size = sum(change.nbytes for change in changes.values())
    return changes if size < sum(tensor.numel() * 2 for tensor in after.values()) else None


def with_delta(network: StyleGenerator, tuned: Mapping[str, Tensor]) -> StyleGenerator:
    """A network with the differences added. All other weights are shared with ``network``, which stays as it is.

    Example:
        >>> from sat3d.generators import load_generator
        >>> from sat3d.networks.built_in import GENERATOR
        >>> network = load_generator(GENERATOR).network
        >>> bias = network.decoder.net[2].bias
        >>> changed = with_delta(network, {"decoder.net.2.bias": torch.ones_like(bias)})
        >>> (changed.decoder.net[2].bias - bias).mean().item()
        1.0

    Raises:
        LayoutError: differences that do not fit this network. FileError: they hold NaN or infinite numbers.
    """
    with torch.inference_mode(False), torch.no_grad():
        return generator_from_tensors(network.config, add_differences(network.state_dict(), tuned))


def with_hooks_of(network: nn.Module, derived: N) -> N:
    """``derived``, of the same modules and soon dropped, with the forward pre-hooks of ``network``, such as a check for
    cancel."""
    modules = dict(derived.named_modules())
    for name, module in network.named_modules():
        if module._forward_pre_hooks and name in modules:
            modules[name]._forward_pre_hooks.update(module._forward_pre_hooks)
    return derived
