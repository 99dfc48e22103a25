"""Tiny generators: one whose z is the latent of the population FIRST, one whose z means nothing, and an encoder."""

import torch

from sat3d.generators import (
    BackboneConfig,
    RenderingConfig,
    SuperresolutionConfig,
    TriplaneConfig,
    TriplaneGenerator,
    build_generator,
)
from sat3d.inversion import EncoderConfig, PortraitEncoder
from training.synthheads.populations import FIRST

_CHOICES = (2, 14, 10, 6, 10, 6, 7, 2, 4, 6, 2, 5, 2, 8, 3, 8)


def labelled_config() -> TriplaneConfig:
    """As of a generator that was made from known labels."""
    return TriplaneConfig(
        BackboneConfig(FIRST.z_dim, 0, 256, 2, 32, 96, 512, 24, mapping_choices=_CHOICES),
        RenderingConfig(32, 24, 2.35, 3.1, 0.72, avg_camera_pivot=(0.0, 0.0, 0.1), plane_warp=0.18),
        SuperresolutionConfig(32, (32,), (False,)),
        neural_rendering_resolution=32,
        decoder_hidden=24,
        density_gain=100.0,
        background_hidden=24,
        edit_torgb=True,
    )


def unlabelled_config() -> TriplaneConfig:
    """As of a generator that learned from pictures alone: its z is noise. Pictures of 64 pixels."""
    return TriplaneConfig(
        BackboneConfig(16, 0, 16, 2, 16, 24, 512, 24),
        RenderingConfig(12, 8, 2.35, 3.1, 0.72, avg_camera_pivot=(0.0, 0.0, 0.1), plane_warp=0.18),
        SuperresolutionConfig(32, (16,), (True,)),
        neural_rendering_resolution=32,
        density_gain=100.0,
        background_hidden=16,
        background_grid=8,
    )


def random_network(config: TriplaneConfig) -> TriplaneGenerator:
    """Colours and densities that vary from place to place and from face to face."""
    torch.manual_seed(3)
    network = build_generator(config).eval().requires_grad_(False)
    for name, parameter in network.named_parameters():
        if name.endswith("bias") and "affine" not in name:
            parameter.normal_(0, 0.2)
    return network


def random_encoder(w_dim: int) -> PortraitEncoder:
    torch.manual_seed(4)
    config = EncoderConfig(w_dim, 64, (4, 8, 8, 8), (0, 0, 0, 0), 4, 16, 0.0)
    return PortraitEncoder(config).eval().requires_grad_(False)
