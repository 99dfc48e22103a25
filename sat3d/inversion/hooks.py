"""Forward pre-hooks of a caller, such as a check for cancel, on networks that are derived from the hooked one."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

N = TypeVar("N", bound=nn.Module)


def with_hooks_of(network: nn.Module, derived: N) -> N:
    """``derived``, of the same modules and soon dropped, with the forward pre-hooks of ``network``."""
    modules = dict(derived.named_modules())
    for name, module in network.named_modules():
        if module._forward_pre_hooks and name in modules:
            modules[name]._forward_pre_hooks.update(module._forward_pre_hooks)
    return derived
