"""What a caller has hung on a network, such as a check for cancel, has to hold for networks derived from it, too."""

from __future__ import annotations

from torch import nn


def with_hooks_of(network: nn.Module, derived: nn.Module) -> nn.Module:
    """``derived``, of the same modules and soon dropped, with the forward pre-hooks of ``network``."""
    modules = dict(derived.named_modules())
    for name, module in network.named_modules():
        if module._forward_pre_hooks and name in modules:
            modules[name]._forward_pre_hooks.update(module._forward_pre_hooks)
    return derived
