"""The config of an EG3D generator, or a child of it, from its module tree: the state it was in, not only how it was
built."""

import dataclasses
from typing import Any, Literal

import numpy as np

from ...foreign.tensors import read_small
from ...foreign.tree import Tree
from ...foreign.values import TensorView, describe, unlike_official
from ..config import PLANE_AXES_EG3D, SUPERRESOLUTION, PlaneAxes, RenderingConfig, SuperresolutionConfig, TriplaneConfig
from .full_head import KNOWN, check_shift, is_full_head, read_full_head, with_origin_as_pivot
from .settings import Settings, check_supported, init_settings, read_backbone, read_clamp, unsupported

_SUPERRESOLUTION_PREFIX = "SuperresolutionHybrid"
# Deepfp32 is the oldest variant: like 4X, but it never antialiases.
_VARIANTS = {**SUPERRESOLUTION, "Deepfp32": SUPERRESOLUTION["4X"]}
_CLAMP_OF_FLOAT16 = 256.0
# Arguments of the constructor that the published super-resolution modules take and do not use.
_UNUSED = (
    "channels",
    "img_resolution",
    "sr_num_fp16_res",
    "sr_antialias",
    "num_fp16_res",
    "conv_clamp",
    "channel_base",
    "channel_max",
)

# rendering_kwargs that only training or the command-line scripts look at.
_TRAINING_ONLY = {
    "image_resolution",
    "superresolution_module",
    "sr_antialias",
    "decoder_lr_mul",
    "clamp_mode",
    "gpc_reg_prob",
    "gpc_reg_fade_kimg",
    "density_reg",
    "density_reg_p_dist",
    "reg_type",
    "density_noise",
}


def read_triplane(tree: Tree, data: memoryview) -> tuple[TriplaneConfig, dict[str, str]]:
    """``(config, notes)``; the network's live attributes win over its constructor arguments.

    Raises:
        FileError: missing, ill-typed or unsupported settings. ConfigError: values out of range.
    """
    given = init_settings(tree, "")
    options = Settings({**given.values, **_live(tree, "rendering_kwargs")}, "network").settings("rendering_kwargs")
    live_resolution = Settings(_live(tree, "neural_rendering_resolution"), "network")
    hidden = Settings({"hidden_dim": tree.attribute("decoder", "hidden_dim", 64)}, "decoder")
    all_around = is_full_head(tree, options)
    plain: dict[str, Any] = {
        "backbone": read_backbone(tree, "backbone"),
        "rendering": _rendering(with_origin_as_pivot(options) if all_around else options),
        "superresolution": _superresolution(tree, given, options),
        "neural_rendering_resolution": live_resolution.integer("neural_rendering_resolution", 64),
        "decoder_hidden": hidden.integer("hidden_dim"),
        "decoder_lr_mul": options.number("decoder_lr_mul", 1.0),
        "plane_axes": _plane_axes(tree, data),
    }
    config = read_full_head(tree, options, plain) if all_around else TriplaneConfig(**plain)
    if all_around:
        check_shift(tree, config)
    _check_sizes(given, config)
    return config, _notes(options, KNOWN if all_around else set())


def _live(tree: Tree, name: str) -> dict[str, object]:
    value = tree.attribute("", name)
    return {} if value is None else {name: value}


def _rendering(options: Settings) -> RenderingConfig:
    if options.text("clamp_mode", "softplus") != "softplus":
        raise unsupported("clamp_mode of the renderer", describe(options.get("clamp_mode")), "softplus")
    if options.number("density_noise", 0) > 0:
        raise unsupported("density_noise of the renderer", options.number("density_noise"), "0")
    default = RenderingConfig()
    return RenderingConfig(
        depth_resolution=options.integer("depth_resolution"),
        depth_resolution_importance=options.integer("depth_resolution_importance"),
        ray_start=_limit(options, "ray_start"),
        ray_end=_limit(options, "ray_end"),
        box_warp=options.number("box_warp"),
        white_back=options.flag("white_back", False),
        disparity_space_sampling=options.flag("disparity_space_sampling", False),
        avg_camera_radius=options.number("avg_camera_radius", default.avg_camera_radius),
        avg_camera_pivot=_pivot(options, default.avg_camera_pivot),
        c_gen_conditioning_zero=options.flag("c_gen_conditioning_zero"),
        c_scale=options.number("c_scale", 0.0),  # the official code multiplies by 0 when the key is missing
        superresolution_noise_mode=options.text("superresolution_noise_mode"),
    )


def _limit(options: Settings, key: str) -> float | Literal["auto"]:
    return "auto" if options.get(key) == "auto" else options.number(key)


def _pivot(options: Settings, default: tuple[float, float, float]) -> tuple[float, float, float]:
    value = options.get("avg_camera_pivot", default)
    if not isinstance(value, (list, tuple)) or len(value) != 3:
        raise unlike_official("rendering_kwargs has no usable 'avg_camera_pivot'", describe(value))
    numbers = Settings(dict(zip("xyz", value, strict=True)), "avg_camera_pivot")
    return numbers.number("x"), numbers.number("y"), numbers.number("z")


def _superresolution(tree: Tree, given: Settings, options: Settings) -> SuperresolutionConfig:
    record = tree.modules.get("superresolution")
    name = "" if record is None else record.kind
    variant = _VARIANTS.get(name.removeprefix(_SUPERRESOLUTION_PREFIX))
    if variant is None or not name.startswith(_SUPERRESOLUTION_PREFIX):
        known = ", ".join(_SUPERRESOLUTION_PREFIX + variant for variant in _VARIANTS)
        raise unsupported("its super-resolution module", describe(name or None), known)
    arguments = init_settings(tree, "superresolution", ())
    check_supported(arguments.without(*_UNUSED), "superresolution module")
    fallback = _CLAMP_OF_FLOAT16 if arguments.get("sr_num_fp16_res", given.get("sr_num_fp16_res")) else None
    side = Settings(
        {"input_resolution": tree.attribute("superresolution", "input_resolution", variant.in_resolution)},
        "superresolution",
    )
    return dataclasses.replace(
        variant,
        in_resolution=side.integer("input_resolution"),
        channels=_widths(tree, variant),
        antialias=_antialias(tree, name, options),
        conv_clamp=read_clamp(tree, "superresolution.block0.conv0", fallback),
    )


def _widths(tree: Tree, variant: SuperresolutionConfig) -> tuple[int, ...]:
    """Of the blocks, as their tensors have them; where one is missing the published width, which is then found out."""
    views = [tree.tensors.get(f"superresolution.block{i}.conv1.weight") for i in range(len(variant.channels))]
    return tuple(
        width if view is None or len(view.size) != 4 else view.size[0]
        for view, width in zip(views, variant.channels, strict=True)
    )


def _antialias(tree: Tree, name: str, options: Settings) -> bool:
    if name.endswith("Deepfp32"):
        return False
    attribute = tree.attribute("superresolution", "sr_antialias", options.get("sr_antialias"))
    return Settings({"sr_antialias": attribute}, "superresolution").flag("sr_antialias")


def _plane_axes(tree: Tree, data: memoryview) -> PlaneAxes:
    view = tree.attribute("renderer", "plane_axes")
    if view is None:
        return PLANE_AXES_EG3D
    if type(view) is not TensorView:
        raise unlike_official("renderer.plane_axes is not a tensor", describe(view))
    axes = read_small(data, view, (3, 3, 3), "renderer.plane_axes")
    if np.abs(np.linalg.det(axes.astype(np.float64))).min() < 1e-6:
        raise unlike_official("renderer.plane_axes cannot be inverted")
    return tuple(tuple(tuple(float(v) for v in row) for row in plane) for plane in axes)


def _check_sizes(given: Settings, config: TriplaneConfig) -> None:
    """What the parts say must fit together."""
    backbone = config.backbone
    pairs = {
        "z_dim": backbone.z_dim,
        "c_dim": backbone.c_dim,
        "w_dim": backbone.w_dim,
        "img_channels": 3,
        "img_resolution": config.img_resolution,
    }
    for key, value in pairs.items():
        if given.integer(key, value) != value:
            raise unsupported(f"its parts disagree about {key}", given.integer(key), value)


def _notes(options: Settings, more: set[str]) -> dict[str, str]:
    known = _TRAINING_ONLY | more | {f.name for f in dataclasses.fields(RenderingConfig)}
    ignored = [key[:40] for key in options.values if type(key) is str and key not in known][:20]
    return {"ignored_rendering_kwargs": ", ".join(ignored)} if ignored else {}
