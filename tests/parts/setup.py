"""A tiny field for the tiny generator, and faces of it."""

import torch

from sat3d.latent import Latent
from sat3d.parts.field import FieldConfig, PartField

LABELS = ("background", "skin", "hair", "glasses")


def tiny_field(network, seed: int = 3, labels: tuple[str, ...] = LABELS) -> PartField:
    torch.manual_seed(seed)
    field = PartField(FieldConfig(network.config.decoder_hidden, 6, labels))
    for parameter in field.parameters():
        torch.nn.init.normal_(parameter, 0, 2.0)
    return field.eval().requires_grad_(False)


def sure_field(network, label: str, labels: tuple[str, ...] = LABELS) -> PartField:
    """Everything is of this label."""
    field = tiny_field(network, labels=labels)
    field.second.weight.zero_()
    field.second.bias.fill_(-50.0)
    field.second.bias[labels.index(label)] = 50.0
    return field


def face_of(network, seed: int, name: str = "") -> Latent:
    z = torch.randn(1, network.config.backbone.z_dim, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        styles = network.styles(network.map(z))
    return Latent(styles, network.rig.label(), "print", network.layout.fingerprint, name=name or f"seed {seed}")
