"""From a preset to networks that can be trained: first weights, what moves in which stage and how fast."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from sat3d.errors import ConfigError
from sat3d.generators import TriplaneGenerator, build_generator, load_generator
from sat3d.inversion.encoder import PortraitEncoder, load_encoder
from sat3d.inversion.face_look import FaceLook

from .critic import Critic
from .presets import Lesson, Preset

# Learning rates relative to the stage's, by what the parameter's name holds; the first that fits counts.
_RATES = (
    ("encoder.", 0.4), ("critic.", 0.4), (".affine.", 3.0), ("decoder.", 3.0), ("background.", 3.0),
    (".weight", 4.0), (".const", 4.0), ("", 0.75),
)  # fmt: skip
_FROZEN = ("mapping.", "noise_strength")
_ONLY_WITH_PICTURES = ("superresolution.",)
_BETAS = (0.9, 0.99)


@dataclass(frozen=True)
class Networks:
    """``generator`` and ``encoder`` learn together, ``mean_generator`` and ``mean_encoder`` are their running means;
    the ``critic`` tells drawn patches from true ones."""

    generator: TriplaneGenerator
    encoder: PortraitEncoder
    critic: Critic
    mean_generator: TriplaneGenerator
    mean_encoder: PortraitEncoder

    def modules(self) -> dict[str, nn.Module]:
        """By name, for a checkpoint."""
        return vars(self)


def first_networks(
    preset: Preset, codes: Tensor, seed: int, device: torch.device, look: FaceLook | None = None
) -> Networks:
    """Seeded first weights. ``codes [n, w_dim]``: what the encoder will say first, which sets its units; those of heads
    that are held out have no part in it. ``look``: what the encoder is told of faces, where the preset wants that."""
    torch.manual_seed(seed)
    generator, encoder, critic = build_generator(preset.network), PortraitEncoder(preset.encoder), Critic()
    start_from_raw_picture(generator)
    codes, size = codes[preset.held_out_heads :], codes.shape[1]
    encoder.mean[:size].copy_(codes.mean(0))
    encoder.std[:size].copy_(codes.std(0).clamp_min(0.05))
    encoder.std[size:] = preset.camera_spread_rad
    if encoder.look is not None and look is not None:
        encoder.look.load_state_dict(look.state_dict())
    parts = [module.to(device) for module in (generator, encoder, critic)]
    means = [copy.deepcopy(module).requires_grad_(False).eval() for module in parts[:2]]
    return Networks(*parts, *means)


def start_from(networks: Networks, generator: Path, encoder: Path) -> None:
    """Take over what another training exported; critic and running means begin anew.

    Raises:
        FileError: missing, damaged or of another kind; ConfigError: of another size.
    """
    given = load_generator(generator).network
    if replace(given.config, domain="") != replace(networks.generator.config, domain=""):
        raise ConfigError("The generator to start from has other layers", generator, "one of the same preset", "train "
                          "without --start")  # fmt: skip
    for own in (networks.generator, networks.mean_generator):
        own.load_state_dict(given.state_dict())
    seen = load_encoder(encoder).state_dict()
    for own in (networks.encoder, networks.mean_encoder):
        own.load_state_dict(seen)


@torch.no_grad()
def start_from_raw_picture(generator: TriplaneGenerator) -> None:
    """Super-resolution adds nothing yet to the volume's own picture."""
    for _, block in generator.superresolution.blocks():
        block.torgb.weight.zero_()


def choose_trained(networks: Networks, lesson: Lesson) -> None:
    """Let the parameters of a stage have gradients."""
    for name, parameter in networks.generator.named_parameters():
        still = any(part in name for part in _FROZEN)
        unseen = not lesson.patch and name.startswith(_ONLY_WITH_PICTURES)
        parameter.requires_grad_(not still and not unseen)
    networks.encoder.requires_grad_(True).train()
    networks.critic.requires_grad_(lesson.sharp)


def make_optimizer(networks: Networks) -> torch.optim.Adam:
    """Adam over what has gradients; each group's ``scale`` times the stage's rate is its rate."""
    named = [
        *networks.generator.named_parameters("generator"),
        *networks.encoder.named_parameters("encoder"),
        *networks.critic.named_parameters("critic"),
    ]
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in named:
        if parameter.requires_grad:
            groups.setdefault(next(scale for part, scale in _RATES if part in name), []).append(parameter)
    return torch.optim.Adam([{"params": some, "scale": scale} for scale, some in sorted(groups.items())], betas=_BETAS)
