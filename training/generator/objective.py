"""What a step computes: from pictures, depths, cameras and random numbers to named losses. Nothing else is known."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sat3d.camera import look_angles, split_label
from sat3d.generators import Noise
from sat3d.inversion.encoder import Encoded
from sat3d.networks.loading import resize
from sat3d.seeds import generator_of, mixed_seed
from training.common.engine import Step
from training.common.random_numbers import EpochOrder

from ..data.packed import HeadPack
from .critic import critic_loss, drawing_loss
from .networks import Networks
from .patches import Patch, RenderedPatch, draw_patches, render_patch
from .perceptual import Perceptual
from .pixels import draw_pixels
from .points import known_points, point_losses
from .presets import Preset

_PICTURE_LOSS, _RAW_LOSS, _EDGE_LOSS, _OPACITY_LOSS = 2.0, 1.0, 1.0, 0.5
_PERCEPTUAL_LOSS, _DRAWING_LOSS, _CRITIC_LOSS, _CRITIC_PENALTY = 0.1, 0.02, 0.5, 1.0
_DISTANCE_LOSS = 2.0  # a world unit; a surface is usually wrong by a hundredth
_CODE_LOSS, _CAMERA_LOSS = 0.3, 0.5
_CAMERA_UNIT_RAD = 0.05  # errors above it count less than squared
_PART_WEIGHT = 0.5  # eyes, with a weight of 5, count as three or four other pixels of a picture
_RIM = 3  # rays at a patch's edge whose super-resolution lacks neighbours: two and a half
_FRONT_CHANCE = 0.5  # of a head to be encoded from its first view, not any
_STYLE_MIXING = 0.5  # chance of a head to get the toRGB and super-resolution styles of another
_CHANNEL_DROPOUT = 0.03  # chance of a convolution's style channel to be another head's


class Objective(nn.Module):
    """Losses of a batch of heads; one module, so that DistributedDataParallel can wrap it."""

    def __init__(self, preset: Preset, pack: HeadPack, codes: Tensor, networks: Networks, perceptual: Perceptual):
        super().__init__()
        self.preset, self.pack, self.codes = preset, pack, codes.to(networks.generator.device)
        self.generator, self.encoder, self.critic = networks.generator, networks.encoder, networks.critic
        self.perceptual = perceptual
        self.half_precision = use_half_precision(preset.precision, networks.generator.device)
        self._order: EpochOrder | None = None

    def forward(self, step: Step) -> dict[str, Tensor]:
        """Weighted losses by name."""
        lesson, config = self.preset.lessons[step.stage.name], self.generator.config
        heads = self.heads_of(step)
        random = generator_of(self.generator.device, step.seed, step.number, step.rank)
        torch.manual_seed(mixed_seed(step.seed, step.number, step.rank, 1))  # of dropout
        some, places = self.pack.some(heads), torch.arange(len(heads), device=heads.device)
        with torch.no_grad():
            rays = draw_pixels(some, places, lesson.points, random)
            points = known_points(some, places, rays, lesson.points, config, random)
        w, encoder_losses = self.codes_of(heads, random)
        styles = self.mixed(self.styles_of(w), random)
        planes = self.planes(styles)
        losses = point_losses(self.generator, planes, styles, rays, points) | encoder_losses
        if lesson.patch:
            with torch.no_grad():
                patch = draw_patches(some, places, lesson.patch, config, random)
            got = render_patch(self.generator, planes, styles, patch, random)
            losses |= patch_losses(got, patch)
            if lesson.sharp:
                losses |= self._sharp_losses(*without_rim(got.image, patch))
        return losses

    def heads_of(self, step: Step) -> Tensor:
        """The heads of a step; the first ones are never trained on."""
        count = len(self.pack) - self.preset.held_out_heads
        if self._order is None or self._order.seed != step.seed:
            self._order = EpochOrder(count, step.seed)
        mine = self._order.take(step.seen, step.stage.batch * step.world)[step.rank :: step.world]
        return (mine + self.preset.held_out_heads).to(self.generator.device)

    def codes_of(self, heads: Tensor, random: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """``heads [B]`` -> their codes ``w [B, w_dim]`` with some noise, and what the encoder learns beside, from any
        view of some heads. It has no part in what the codes are: w that may move becomes that of an average head."""
        seen = self._some_heads(random)
        view = self._any_view(len(seen), random)
        found = self.encode(seen, view)
        losses = {
            "camera": _CAMERA_LOSS * camera_loss(found, self.pack.camera[seen, view].to(found.w)),
            "codes": _CODE_LOSS * F.smooth_l1_loss(found.w, self.codes[seen].to(found.w), beta=0.5),
        }
        w = self.codes[heads].to(found.w)
        noise = torch.randn(w.shape, generator=random, device=w.device)
        return w + self.preset.code_noise * noise, losses

    def _some_heads(self, random: torch.Generator) -> Tensor:
        first, last = self.preset.held_out_heads, len(self.pack)
        return torch.randint(first, last, (self.preset.code_pictures,), generator=random, device=random.device)

    def encode(self, heads: Tensor, view: Tensor | int = 0) -> Encoded:
        size = self.encoder.config.input_px
        images = resize(self.pack.pictures(heads, view).to(self.generator.device), size, size)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.half_precision):
            raw = self.encoder.raw(images, self.pack.told(heads, view, images.device))
        return self.encoder.units(raw.float())

    def _any_view(self, count: int, random: torch.Generator) -> Tensor:
        front = torch.rand(count, generator=random, device=random.device) < _FRONT_CHANCE
        view = torch.randint(self.pack.views, (count,), generator=random, device=random.device)
        return torch.where(front, 0, view)

    def styles_of(self, w: Tensor) -> Tensor:
        return self.generator.styles(w[:, None].expand(-1, self.generator.config.backbone.num_ws, -1))

    def mixed(self, styles: Tensor, random: torch.Generator) -> Tensor:
        """Some styles of the next head in the batch: those of toRGB layers and super-resolution for half of the heads,
        so that what a face is lies in the convolutions, which are what is edited; and single channels, so that none is
        relied on."""
        if len(styles) == 1:
            return styles
        others = styles.roll(1, 0)
        swap = torch.rand(styles.shape, generator=random, device=random.device) < _CHANNEL_DROPOUT
        late = torch.rand(len(styles), 1, generator=random, device=random.device) < _STYLE_MIXING
        for layer in self.generator.layout.layers:
            place = self.generator.layout.slices[layer.name]
            if layer.group == "background":
                swap[:, place] = False
            elif layer.group != "backbone_conv":
                swap[:, place] = late
        return torch.where(swap, others, styles)

    def planes(self, styles: Tensor) -> Tensor:
        """The planes, with convolutions in the preset's precision."""
        with torch.autocast(styles.device.type, torch.bfloat16, enabled=self.half_precision):
            return self.generator.planes(styles, Noise("none")).float()

    def _sharp_losses(self, got: Tensor, wanted: Tensor) -> dict[str, Tensor]:
        return {
            "perceptual": _PERCEPTUAL_LOSS * self.perceptual(got, wanted),
            "drawing": _DRAWING_LOSS * drawing_loss(self.critic, got, wanted),
            "critic": _CRITIC_LOSS * critic_loss(self.critic, got, wanted, _CRITIC_PENALTY),
        }


def camera_loss(found: Encoded, camera: Tensor) -> Tensor:
    """Of the angles that the encoder says of pictures taken by ``camera [B, 25]``."""
    angles = look_angles(split_label(camera)[0][:, :3, 3])
    away = torch.stack([found.yaw_rad, found.pitch_rad], 1) - torch.stack(angles, 1)
    away = away - 2 * math.pi * torch.round(away.detach() / (2 * math.pi))  # a turn further is the same place
    return F.smooth_l1_loss(away / _CAMERA_UNIT_RAD, torch.zeros_like(away))


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
