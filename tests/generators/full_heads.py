"""Tiny PanoHeads and SphereHeads whose weights are the same everywhere, so that outputs of the official code need only
be stored for them."""

import zlib

import numpy as np
import torch

from sat3d.generators import (
    BackboneConfig,
    FullHeadConfig,
    FullHeadGenerator,
    RenderingConfig,
    SuperresolutionConfig,
    SynthesisConfig,
    generator_from_tensors,
)
from sat3d.generators.official import expected_tensors

# What each case has of its own; the published networks are like the first and the last.
CASES = {
    "panohead": {"grid_depth": 3, "decoder_activation": "none"},
    "panohead_flat": {"grid_depth": 1, "decoder_activation": "sigmoid", "raw_torgb": False, "backdrop": None},
    "panohead_lrelu": {"grid_depth": 2, "decoder_activation": "lrelu", "raw_torgb": False, "white_back": True},
    "spherehead": {"family": "spherehead", "grid_depth": 1, "ball_hidden": 24, "parsing_labels": 5},
}


def tiny_full_head_config(case: str, **changes) -> FullHeadConfig:
    """Grids of 16 texels, 12 + 12 samples, pictures of 32 pixels; a backdrop with more rows than the backbone has."""
    own = {"backdrop": SynthesisConfig(8, 32, 32, 64, 8), **CASES[case], **changes}
    white_back = own.pop("white_back", False)
    planes = 512 if own.get("family") == "spherehead" else 96 * own["grid_depth"]
    return FullHeadConfig(
        BackboneConfig(6, 25, 8, 2, 16, planes, 64, 8),
        RenderingConfig(12, 12, white_back=white_back, avg_camera_pivot=(0.0, 0.0, 0.0)),
        SuperresolutionConfig(16, (8, 6), (False, True)),
        neural_rendering_resolution=12,
        **own,
    )


def weights_of(config: FullHeadConfig) -> dict[str, torch.Tensor]:
    """Every tensor by its name alone."""
    return {
        name: torch.from_numpy(np.asarray(_numbers(name, shape))) for name, shape in expected_tensors(config).items()
    }


def _numbers(name: str, shape: tuple[int, ...]) -> np.ndarray:
    numbers = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)
    if name.endswith("affine.bias"):
        return 1 + numbers / 4
    if name == "decoder.net.2.bias":
        numbers[0] += 12  # some rays are clear, some opaque
    if name.endswith(("noise_strength", "bias")):
        return numbers / 4
    if "mapping.fc" in name:
        return numbers * 0.1 if name.startswith("t_mapping.") else numbers * 100
    if name == "decoder.net.2.weight":
        numbers[0] *= 12
    return numbers


def tiny_full_head(case: str, **changes) -> FullHeadGenerator:
    config = tiny_full_head_config(case, **changes)
    return generator_from_tensors(config, weights_of(config))


def latents(config: FullHeadConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """z ``[2, z_dim]`` and ws ``[2, L, w_dim]`` with another w in every row."""
    draw = np.random.RandomState(7)
    shape = (2, config.backbone.num_ws, config.backbone.w_dim)
    return tuple(torch.from_numpy(draw.standard_normal(s).astype(np.float32)) for s in ((2, 6), shape))
