"""From a preset to networks that can be trained: first weights, what moves in which stage and how fast."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn

from sat3d.generators import TriplaneGenerator, build_generator

from .factors import draw_bank
from .mapping_fit import StyleSparsity, fit_mapping, set_affines
from .presets import Preset

_BANK_SEED = 991  # heads that teach the mapping; any seed but those of the data sets
# Learning rates relative to the stage's, by what the parameter's name holds; the first that fits counts.
_RATES = ((".affine.", 3.0), ("decoder.", 3.0), ("background.", 3.0), (".weight", 4.0), (".const", 4.0), ("", 0.75))
_FROZEN = ("mapping.", "noise_strength")
_ONLY_WITH_PICTURES = "superresolution."


@dataclass(frozen=True)
class Networks:
    """The network that is trained, its running mean, and the loss that keeps styles apart."""

    network: TriplaneGenerator
    mean: TriplaneGenerator
    sparsity: StyleSparsity

    def modules(self) -> dict[str, nn.Module]:
        return {"network": self.network, "mean": self.mean, "sparsity": self.sparsity}


def empty_networks(preset: Preset, device: torch.device) -> Networks:
    """Networks whose weights are still to be loaded."""
    network = build_generator(preset.network).to(device)
    sparsity = StyleSparsity(network.layout, None, preset.network.backbone.w_dim).to(device)
    return Networks(network, copy.deepcopy(network).requires_grad_(False), sparsity)


def first_networks(preset: Preset, seed: int, device: torch.device) -> Networks:
    """Seeded first weights, with the mapping already fitted (about a minute)."""
    torch.manual_seed(seed)
    network = build_generator(preset.network)
    generator = torch.Generator().manual_seed(seed)
    bank = draw_bank(preset.mapping_people, _BANK_SEED)
    directions = fit_mapping(network.mapping, bank, preset.mapping_steps, generator)
    set_affines(network, directions, generator)
    _start_from_raw_picture(network)
    network.to(device)
    sparsity = StyleSparsity(network.layout, directions, preset.network.backbone.w_dim).to(device)
    return Networks(network, copy.deepcopy(network).requires_grad_(False), sparsity)


@torch.no_grad()
def _start_from_raw_picture(network: TriplaneGenerator) -> None:
    """Super-resolution adds nothing yet to the volume's own picture."""
    for _, block in network.superresolution.blocks():
        block.torgb.weight.zero_()


def choose_trained(network: TriplaneGenerator, with_pictures: bool) -> None:
    """Let the parameters of a stage have gradients."""
    for name, parameter in network.named_parameters():
        frozen = any(part in name for part in _FROZEN)
        parameter.requires_grad_(not frozen and (with_pictures or not name.startswith(_ONLY_WITH_PICTURES)))


def make_optimizer(network: TriplaneGenerator, rate: float) -> torch.optim.Adam:
    """Adam over what has gradients; each group's ``scale`` times the stage's rate is its rate."""
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups.setdefault(next(scale for part, scale in _RATES if part in name), []).append(parameter)
    return torch.optim.Adam(
        [{"params": parameters, "scale": scale} for scale, parameters in sorted(groups.items())],
        lr=rate,
        betas=(0.9, 0.99),
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]
