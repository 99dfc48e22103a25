"""The names and shapes of every tensor of a generator, derived from its config alone."""

from collections.abc import Iterator

from ...foreign.values import Shape
from ..config import BackboneConfig, GeneratorConfig, StyleGAN2Config, SynthesisConfig, TriplaneConfig
from ..full_head import shift_config
from ..full_head_config import FullHeadConfig


def expected_tensors(config: GeneratorConfig) -> dict[str, Shape]:
    """``{name: shape}`` in the official naming, without the constant resampling filters.

    Example: ``expected_tensors(StyleGAN2Config())["synthesis.b4.const"] == (512, 4, 4)``.
    """
    if isinstance(config, StyleGAN2Config):
        return dict(_backbone("", config.backbone))
    tensors = [*_backbone("backbone.", config.backbone), *_superresolution(config), *_decoder(config)]
    return dict([*tensors, *_full_head(config)] if isinstance(config, FullHeadConfig) else tensors)


def _backbone(prefix: str, config: BackboneConfig) -> Iterator[tuple[str, Shape]]:
    yield from _synthesis(f"{prefix}synthesis.", config)
    yield from _mapping(prefix + "mapping.", config)


def _synthesis(prefix: str, config: BackboneConfig | SynthesisConfig) -> Iterator[tuple[str, Shape]]:
    in_channels = 0
    for resolution in config.block_resolutions:
        channels = config.channels_at(resolution)
        name = f"{prefix}b{resolution}."
        if not in_channels:
            yield name + "const", (channels, resolution, resolution)
        yield from _block(name, (in_channels, channels, config.img_channels), resolution, config.w_dim)
        in_channels = channels


def _block(name: str, channels: tuple[int, int, int], resolution: int, w_dim: int) -> Iterator[tuple[str, Shape]]:
    """``channels``: in (0: the block begins with a constant), out, image."""
    before, after, image = channels
    if before:
        yield from _layer(name + "conv0.", (after, before, 3, 3), w_dim, resolution)
    yield from _layer(name + "conv1.", (after, after, 3, 3), w_dim, resolution)
    yield from _layer(name + "torgb.", (image, after, 1, 1), w_dim)


def _layer(name: str, weight: Shape, w_dim: int, noise_resolution: int = 0) -> Iterator[tuple[str, Shape]]:
    yield name + "weight", weight
    yield name + "bias", weight[:1]
    yield from _linear(name + "affine.", w_dim, weight[1])
    if noise_resolution:
        yield name + "noise_strength", ()
        yield name + "noise_const", (noise_resolution, noise_resolution)


def _linear(name: str, before: int, after: int) -> Iterator[tuple[str, Shape]]:
    yield name + "weight", (after, before)
    yield name + "bias", (after,)


def _mapping(name: str, config: BackboneConfig) -> Iterator[tuple[str, Shape]]:
    width = config.z_dim
    if config.c_dim:
        yield from _linear(name + "embed.", config.c_dim, config.w_dim)
        width += config.w_dim
    for index in range(config.num_mapping_layers):
        yield from _linear(f"{name}fc{index}.", width, config.w_dim)
        width = config.w_dim
    yield name + "w_avg", (config.w_dim,)


def _superresolution(config: TriplaneConfig) -> Iterator[tuple[str, Shape]]:
    blocks = zip(config.superresolution.channels, config.superresolution.upsample, strict=True)
    before, resolution = config.plane_features, config.superresolution.in_resolution
    for index, (after, up) in enumerate(blocks):
        resolution *= 2 if up else 1
        yield from _block(f"superresolution.block{index}.", (before, after, 3), resolution, config.backbone.w_dim)
        before = after


def _decoder(config: TriplaneConfig) -> Iterator[tuple[str, Shape]]:
    yield from _linear("decoder.net.0.", config.plane_features, config.decoder_hidden)
    yield from _linear("decoder.net.2.", config.decoder_hidden, 1 + config.plane_features)


def _full_head(config: FullHeadConfig) -> Iterator[tuple[str, Shape]]:
    w_dim, features = config.backbone.w_dim, config.features
    yield from _mapping("t_mapping.", shift_config(config.backbone))
    if config.raw_torgb:
        yield from _layer("torgb.", (3, features, 1, 1), w_dim)
    if config.parsing_labels:
        yield from _layer("toparsing.", (config.parsing_labels, features, 1, 1), w_dim)
    if config.backdrop is not None:
        yield from _synthesis("bcg_synthesis.", config.backdrop)
    for ball in ("ConvA", "ConvB") if config.in_balls else ():
        yield f"{ball}.0.weight", (config.ball_hidden, config.backbone.img_channels, 1, 1)
        yield f"{ball}.1.weight", (features * len(config.plane_axes), config.ball_hidden, 1, 1)
