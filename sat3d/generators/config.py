"""What a generator is made of: frozen dataclasses that travel as JSON in our checkpoints.

Every size is free; the defaults are those of the published EG3D FFHQ-512 and StyleGAN2 FFHQ networks.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

from ..camera import LABEL_SIZE
from ..domains import shipped_domain
from ..errors import ConfigError
from .config_checks import (
    MAX_CHANNELS,
    MAX_RESOLUTION,
    MAX_SAMPLES,
    check_axes,
    check_channels,
    check_choice,
    check_clamp,
    check_flag,
    check_number,
    check_orbit,
    check_range,
    check_resolution,
)

Activation = Literal["sigmoid", "lrelu", "none"]  # of the decoder's colours
PlaneAxes = tuple[tuple[tuple[float, ...], ...], ...]

# Rows of each matrix are the axes of one plane. The published EG3D code has no (y, z) plane: its third
# plane repeats (x, z) with the axes swapped. Files of later projects carry the corrected third plane.
PLANE_AXES_EG3D: PlaneAxes = (
    ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    ((1, 0, 0), (0, 0, 1), (0, 1, 0)),
    ((0, 0, 1), (1, 0, 0), (0, 1, 0)),
)
PLANE_AXES_CORRECTED: PlaneAxes = (
    ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    ((1, 0, 0), (0, 0, 1), (0, 1, 0)),
    ((0, 0, 1), (0, 1, 0), (1, 0, 0)),
)


class _Pyramid:
    """Blocks at 4, 8, 16 … with their widths; what is only declared here are fields."""

    resolution: int
    channel_base: int
    channel_max: int
    channels: tuple[int, ...] = ()

    @property
    def block_resolutions(self) -> list[int]:
        return [2**i for i in range(2, int(math.log2(self.resolution)) + 1)]

    @property
    def num_ws(self) -> int:
        return 2 * len(self.block_resolutions)

    def channels_at(self, resolution: int) -> int:
        if self.channels:
            return self.channels[resolution.bit_length() - 3]
        return min(self.channel_base // resolution, self.channel_max)

    def _check_channels(self) -> None:
        check_channels(self.channels, len(self.block_resolutions))
        for name, most in (("img_channels", MAX_CHANNELS), ("channel_base", 1 << 20), ("channel_max", MAX_CHANNELS)):
            check_range(name, getattr(self, name), 1, most)
        if self.channel_base < self.resolution:
            raise ConfigError(
                "channel_base leaves no channels at the last block",
                self.channel_base,
                f"at least the resolution, {self.resolution}",
                "check the network's channel_base",
            )


@dataclass(frozen=True)
class SynthesisConfig(_Pyramid):
    """A StyleGAN2 synthesis network by itself, whose skip image is a picture of features."""

    w_dim: int = 512
    resolution: int = 128
    img_channels: int = 32
    channel_base: int = 16384
    channel_max: int = 512
    conv_clamp: float | None = None

    def __post_init__(self):
        check_resolution("resolution", self.resolution)
        check_range("w_dim", self.w_dim, 1, MAX_CHANNELS)
        self._check_channels()
        check_clamp(self.conv_clamp)


@dataclass(frozen=True)
class FlowConfig:
    """A flow as mapping: how many ``numbers`` of z it bends, its velocity's hidden layers, and the ``steps`` in which
    it is followed."""

    numbers: int = 128
    width: int = 448
    depth: int = 3
    steps: int = 10

    def __post_init__(self):
        for name, most in (("numbers", MAX_CHANNELS), ("width", MAX_CHANNELS), ("depth", 32), ("steps", 100)):
            check_range(name, getattr(self, name), 1, most)


@dataclass(frozen=True)
class BackboneConfig(_Pyramid):
    """A StyleGAN2 mapping and synthesis network.

    ``channels at resolution r = min(channel_base // r, channel_max)``; ``conv_clamp`` None means no clamp.
    ``mapping_choices``: sizes of soft choices (softmaxes) of z that the mapping gets beside z; published ones: none.
    ``mapping_flow``: a flow in place of the mapping's layers; published ones have none.
    ``channels``: at 4, 8, 16 …, for networks that follow no such formula.
    """

    z_dim: int = 512
    c_dim: int = 0
    w_dim: int = 512
    num_mapping_layers: int = 8
    resolution: int = 1024
    img_channels: int = 3
    channel_base: int = 32768
    channel_max: int = 512
    conv_clamp: float | None = None
    mapping_choices: tuple[int, ...] = ()
    mapping_flow: FlowConfig | None = None
    channels: tuple[int, ...] = ()

    def __post_init__(self):
        check_resolution("resolution", self.resolution)
        self._check_channels()
        for size in self.mapping_choices:
            check_range("mapping_choices", size, 2, MAX_CHANNELS)
        for name in ("z_dim", "w_dim"):
            check_range(name, getattr(self, name), 1, MAX_CHANNELS)
        check_range("c_dim", self.c_dim, 0, MAX_CHANNELS)
        check_range("num_mapping_layers", self.num_mapping_layers, 1, 64)
        if self.mapping_flow:
            check_range("mapping_flow.numbers", self.mapping_flow.numbers, 1, min(self.z_dim, self.w_dim))
        check_clamp(self.conv_clamp)


# What the channels of a flat generator's picture are, by their number.
PICTURE_CHANNELS = {1: "grey", 3: "RGB", 4: "RGB and opacity"}


@dataclass(frozen=True)
class StyleGAN2Config:
    """A 2D StyleGAN2 generator. Its ``backbone.img_channels`` are those of the picture: see ``PICTURE_CHANNELS``."""

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    family: Literal["stylegan2"] = "stylegan2"

    def __post_init__(self):
        if self.backbone.img_channels not in PICTURE_CHANNELS:
            raise ConfigError(
                "This flat generator does not draw pictures that can be shown",
                f"{self.backbone.img_channels} channels per pixel",
                ", ".join(f"{count} ({what})" for count, what in PICTURE_CHANNELS.items()),
                "choose a generator of grey, RGB or RGBA pictures",
            )

    @property
    def img_resolution(self) -> int:
        return self.backbone.resolution


@dataclass(frozen=True)
class RenderingConfig:
    """Rays, samples, box and camera of a tri-plane generator (the official ``rendering_kwargs``).

    Lengths are world units (the box is ``box_warp`` wide); ``ray_start``/``ray_end`` may both be ``"auto"``
    (limits where the ray meets the box). ``c_scale`` multiplies the mapping's camera label. ``plane_warp`` > 0: planes
    are finest at the box's centre and coarser outwards, ``asinh(x / plane_warp)``; 0: linear, as published.
    ``superresolution_noise_mode``: see :class:`.synthesis.Noise`.
    """

    depth_resolution: int = 48
    depth_resolution_importance: int = 48
    ray_start: float | Literal["auto"] = 2.25
    ray_end: float | Literal["auto"] = 3.3
    box_warp: float = 1.0
    white_back: bool = False
    disparity_space_sampling: bool = False
    avg_camera_radius: float = 2.7
    avg_camera_pivot: tuple[float, float, float] = (0.0, 0.0, 0.2)
    c_gen_conditioning_zero: bool = False
    c_scale: float = 1.0
    superresolution_noise_mode: str = "none"
    plane_warp: float = 0.0

    def __post_init__(self):
        check_number("plane_warp", self.plane_warp, 0.0, 1e6)
        check_range("depth_resolution", self.depth_resolution, 4, MAX_SAMPLES)
        check_range("depth_resolution_importance", self.depth_resolution_importance, 0, MAX_SAMPLES)
        if not (math.isfinite(self.box_warp) and self.box_warp > 0):
            raise ConfigError("box_warp is not a positive length", self.box_warp, "a number > 0", "check the config")
        for name in ("white_back", "disparity_space_sampling", "c_gen_conditioning_zero"):
            check_flag(name, getattr(self, name))
        check_number("c_scale", self.c_scale, -1e9, 1e9)
        check_orbit(self.avg_camera_radius, self.avg_camera_pivot)
        self._check_limits()
        check_choice("superresolution_noise_mode", self.superresolution_noise_mode, ("none", "const", "random"))

    @property
    def limits(self) -> tuple[float, float] | None:
        """Where rays start and end; None: where they meet the box."""
        start, end = self.ray_start, self.ray_end
        return None if start == "auto" or end == "auto" else (start, end)

    def _check_limits(self):
        start, end = self.limits or (0.0, 1.0)
        both = (self.ray_start == "auto") == (self.ray_end == "auto")
        if not (both and math.isfinite(end) and 0 <= start < end):
            raise ConfigError(
                "Ray limits are not usable",
                (self.ray_start, self.ray_end),
                "0 <= ray_start < ray_end, or 'auto' for both",
                "check rendering_kwargs",
            )


@dataclass(frozen=True)
class SuperresolutionConfig:
    """Style blocks that turn the feature image into the picture.

    One entry of ``channels``/``upsample`` per block. A feature image of another size is brought to ``in_resolution``
    first, ``antialias``: smoothly where it shrinks.
    """

    in_resolution: int = 128
    channels: tuple[int, ...] = (256, 128)
    upsample: tuple[bool, ...] = (True, True)
    antialias: bool = True
    conv_clamp: float | None = 256.0

    def __post_init__(self):
        check_resolution("in_resolution", self.in_resolution)
        if not self.channels or len(self.channels) != len(self.upsample):
            raise ConfigError(
                "Super-resolution blocks disagree",
                (self.channels, self.upsample),
                "one channel count and one upsample flag per block",
                "check the config",
            )
        for channels, upsample in zip(self.channels, self.upsample, strict=True):
            check_range("superresolution channels", channels, 1, MAX_CHANNELS)
            check_flag("superresolution upsample", upsample)
        check_range("The side of the picture", self.out_resolution, 4, MAX_RESOLUTION)
        check_flag("superresolution antialias", self.antialias)
        check_clamp(self.conv_clamp)

    @property
    def out_resolution(self) -> int:
        return self.in_resolution << sum(self.upsample)


# The published variants, by the last part of their class name.
SUPERRESOLUTION = {
    "8XDC": SuperresolutionConfig(128, (256, 128), (True, True)),
    "8X": SuperresolutionConfig(128, (128, 64), (True, True)),
    "4X": SuperresolutionConfig(128, (128, 64), (False, True)),
    "2X": SuperresolutionConfig(64, (128, 64), (False, True)),
}


@dataclass(frozen=True)
class TriplaneConfig:
    """An EG3D generator. ``backbone.img_channels`` = number of planes × plane features.

    Beyond the published networks: ``density_gain`` multiplies the decoder's density; ``background_hidden`` > 0 adds a
    picture behind the volume, made by a layer of that many units with a style of its own, which ``background_grid`` > 0
    gives a learned picture of so many cells per side each; ``edit_torgb`` counts the styles of the backbone's toRGB
    layers among those that SAT3D edits. ``domain``: what it draws, by the name of a domain; "": not known, such as
    faces of published networks.
    """

    backbone: BackboneConfig = field(
        default_factory=lambda: BackboneConfig(c_dim=25, num_mapping_layers=2, resolution=256, img_channels=96)
    )
    rendering: RenderingConfig = field(default_factory=RenderingConfig)
    superresolution: SuperresolutionConfig = field(default_factory=SuperresolutionConfig)
    neural_rendering_resolution: int = 128
    decoder_hidden: int = 64
    decoder_lr_mul: float = 1.0
    plane_axes: PlaneAxes = PLANE_AXES_EG3D
    density_gain: float = 1.0
    background_hidden: int = 0
    background_grid: int = 0
    edit_torgb: bool = False
    family: Literal["eg3d"] = "eg3d"
    domain: str = ""

    def __post_init__(self):
        check_axes(self.plane_axes)
        if self.backbone.c_dim not in (0, LABEL_SIZE):
            raise ConfigError(
                "The mapping of this EG3D network wants another label than a camera",
                f"c_dim {self.backbone.c_dim}",
                f"{LABEL_SIZE} (a camera), or 0",
                "choose an EG3D network that is conditioned by cameras, or by nothing",
            )
        self._check_planes()
        if self.plane_features < 3:
            raise ConfigError("Too few features for an RGB image", self.plane_features, "3 or more", "check the config")
        check_range("neural_rendering_resolution", self.neural_rendering_resolution, 4, 1024)
        check_range("decoder_hidden", self.decoder_hidden, 1, MAX_CHANNELS)
        check_number("density_gain", self.density_gain, 1e-3, 1e6)
        check_number("decoder_lr_mul", self.decoder_lr_mul, 1e-6, 1e6)
        check_range("background_hidden", self.background_hidden, 0, MAX_CHANNELS)
        check_range("background_grid", self.background_grid, 0, 256)
        check_flag("edit_torgb", self.edit_torgb)
        if not isinstance(self.domain, str):
            raise ConfigError("The domain of a generator is a name", self.domain, "text", "check the config")

    def _check_planes(self) -> None:
        if self.backbone.img_channels % len(self.plane_axes):
            raise ConfigError(
                "Plane channels do not divide evenly",
                self.backbone.img_channels,
                f"a multiple of {len(self.plane_axes)} planes",
                "check img_channels of the backbone",
            )

    @property
    def plane_features(self) -> int:
        return self.backbone.img_channels // len(self.plane_axes)

    @property
    def decoder_activation(self) -> Activation:
        """Of the decoder's colours."""
        return "sigmoid"

    @property
    def raw_torgb(self) -> bool:
        """Whether a layer of its own makes the raw picture; else it is the first three features."""
        return False

    @property
    def knows_all_sides(self) -> bool:
        """Whether it was trained on views from all around the head, its back included."""
        known = shipped_domain(self.domain)
        return known is not None and known.all_round

    @property
    def img_resolution(self) -> int:
        return self.superresolution.out_resolution


GeneratorConfig = StyleGAN2Config | TriplaneConfig
