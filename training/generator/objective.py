"""What a step computes: from people and random numbers to named losses."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sat3d.generators import Noise, TriplaneGenerator

from ..data.packed import HeadPack
from .mapping_fit import StyleSparsity
from .patches import Patch, RenderedPatch, draw_patches, render_patch
from .pixels import draw_pixels
from .points import known_points, point_losses
from .presets import Preset, StageSettings

Perceptual = Callable[[Tensor, Tensor], Tensor]
_PICTURE_LOSS, _RAW_LOSS, _EDGE_LOSS, _OPACITY_LOSS, _PERCEPTUAL_LOSS = 2.0, 1.0, 1.0, 0.5, 0.1
_DISTANCE_LOSS = 2.0  # a world unit; a surface is usually wrong by a hundredth
_PART_WEIGHT = 0.5  # eyes, with a weight of 6, count as four other pixels of a picture
_RIM = 2  # rays at a patch's edge whose super-resolution lacks neighbours


class Objective(nn.Module):
    """Losses of a batch of people; one module, so that DistributedDataParallel can wrap it.

    ``perceptual(got, wanted)`` compares pictures ``[B, 3, P, P]``; only the last stage uses it.
    """

    def __init__(
        self, network: TriplaneGenerator, sparsity: StyleSparsity, preset: Preset, perceptual: Perceptual | None = None
    ):
        super().__init__()
        self.network, self.sparsity, self.preset = network, sparsity, preset
        self.perceptual = perceptual
        self.half_precision = use_half_precision(preset.precision, network.device)

    def forward(self, stage: str, pack: HeadPack, heads: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """``heads [B]``: numbers of people in ``pack`` -> weighted losses by name."""
        settings = self.preset.stages[stage]
        with torch.no_grad():
            rays = draw_pixels(pack, heads, settings.points, generator)
            points = known_points(pack, heads, rays, settings.points, self.network.config, generator)
        styles = self.network.styles(self.network.map(pack.latent[heads]))
        planes = self.planes(styles)
        losses = point_losses(self.network, planes, styles, rays, points)
        losses["sparsity"] = self.preset.sparsity_weight * self.sparsity(self.network)
        if settings.patch:
            losses |= self._patch_losses(stage, settings, pack, heads, planes, styles, generator)
        return losses

    def planes(self, styles: Tensor) -> Tensor:
        """The planes, with convolutions in the preset's precision."""
        with torch.autocast(styles.device.type, torch.bfloat16, enabled=self.half_precision):
            return self.network.planes(styles, Noise("none")).float()

    def _patch_losses(
        self,
        stage: str,
        settings: StageSettings,
        pack: HeadPack,
        heads: Tensor,
        planes: Tensor,
        styles: Tensor,
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        with torch.no_grad():
            patch = draw_patches(pack, heads, settings.patch, self.network.config, generator)
        got = render_patch(self.network, planes, styles, patch, generator)
        losses = patch_losses(got, patch)
        if stage == "sharpen" and self.perceptual is not None:
            losses["perceptual"] = _PERCEPTUAL_LOSS * self.perceptual(*without_rim(got.image, patch))
        return losses


def patch_losses(got: RenderedPatch, patch: Patch) -> dict[str, Tensor]:
    """Rendered against true patches: colour before and after super-resolution, edges, opacity, distance."""
    image, wanted = without_rim(got.image, patch)
    weight = 1 + _PART_WEIGHT * crop_rim(patch.weight, patch)
    return {
        "picture": _PICTURE_LOSS * ((image - wanted).abs() * weight).mean() / weight.mean() / 2,
        "raw": _RAW_LOSS * F.l1_loss(got.raw, patch.raw) / 2,
        "edges": _EDGE_LOSS * edge_loss(image, wanted) / 2,
        "opacity": _OPACITY_LOSS * F.l1_loss(got.opacity, patch.opacity),
        "distance": _DISTANCE_LOSS * distance_error(got, patch),
    }


def distance_error(got: RenderedPatch, patch: Patch) -> Tensor:
    """Mean absolute error along the rays, world units, where both have a surface."""
    both = (got.opacity.detach() > 0.5) & (patch.distance > 0)
    error = torch.where(both, got.distance - patch.distance, 0.0).abs()
    return error.sum() / both.sum().clamp_min(1)


def without_rim(image: Tensor, patch: Patch) -> tuple[Tensor, Tensor]:
    """Both pictures without the pixels whose super-resolution lacked neighbours."""
    return crop_rim(image, patch), crop_rim(patch.image, patch)


def crop_rim(picture: Tensor, patch: Patch) -> Tensor:
    """``[…, P, P]`` without the outermost pixels."""
    rim = _RIM * picture.shape[-1] // patch.raw.shape[-1]
    return picture[..., rim:-rim, rim:-rim]


def edge_loss(got: Tensor, wanted: Tensor) -> Tensor:
    """L1 of the differences between neighbours: blur costs as much as a wrong colour."""
    off = got - wanted
    return off.diff(dim=-1).abs().mean() + off.diff(dim=-2).abs().mean()


def use_half_precision(precision: str, device: torch.device) -> bool:
    """Whether convolutions run in bfloat16; ``auto``: where the processor has instructions for it."""
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cpu":
        return getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return device.type == "cuda"
