"""Estimates of working memory: the host frees this much before we run, and chunks of rays fit into what is free."""

from ..sat3d.generators import GeneratorConfig, TriplaneConfig

_FLOAT = 4
_LIVE_COPIES = 4  # of the largest feature map: input, convolved, activated, skip image
_MAX_RAYS, _MIN_RAYS = 16384, 256
GRADIENT_FACTOR = 3  # memory of a step of descent, in renderings


def render_bytes(config: GeneratorConfig) -> int:
    """Bytes for one latent and one view, without the weights."""
    backbone = config.backbone
    side = backbone.resolution
    total = side**2 * (_LIVE_COPIES * backbone.channels_at(side) + 3 * backbone.img_channels) * _FLOAT
    if isinstance(config, TriplaneConfig):
        wide = max(config.superresolution.channels)
        total += _LIVE_COPIES * config.img_resolution**2 * wide * _FLOAT + _MAX_RAYS * ray_bytes(config)
    return total


def ray_bytes(config: TriplaneConfig) -> int:
    """Bytes of one ray while it is sampled, decoded and composited."""
    rendering = config.rendering
    one_pass = max(rendering.depth_resolution, rendering.depth_resolution_importance)
    samples = rendering.depth_resolution + rendering.depth_resolution_importance
    decoding = 2 * one_pass * (config.backbone.img_channels + config.decoder_hidden + config.plane_features)
    return (decoding + samples * (config.plane_features + 8)) * _FLOAT


def rays_that_fit(free_bytes: int, config: GeneratorConfig) -> int | None:
    """How many rays at a time use at most half of the free memory, a multiple of 256; None for flat generators."""
    if not isinstance(config, TriplaneConfig):
        return None
    fitting = free_bytes // 2 // ray_bytes(config) // _MIN_RAYS * _MIN_RAYS
    return max(_MIN_RAYS, min(_MAX_RAYS, fitting))
