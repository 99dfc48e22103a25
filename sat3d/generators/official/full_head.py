"""The config of PanoHead and SphereHead from their module trees. Both call themselves TriPlaneGenerator, as EG3D does.

Facts about the files: parts that are switched off are None, as an attribute or in the table of modules; the planes'
axes, the decoder's activation and the super-resolution's input size are attributes of the parts, and win over the
settings.
"""

from typing import Any

from ...errors import FileError
from ...foreign.tree import Tree
from ...foreign.values import describe, unlike_official
from ..config import Activation, SynthesisConfig, TriplaneConfig
from ..full_head_config import FullHeadConfig
from .settings import Settings, check_supported, init_settings, read_clamp, unsupported

_ORIGIN = (0.0, 0.0, 0.0)  # what the cameras look at: the setting is for a viewer of EG3D's, and not used
_CROP_MARGIN = 0.1  # a default of the renderer's code, in no setting
_PLANES = 3
_UNUSED = ("num_fp16_res", "fused_modconv_default")
# rendering_kwargs that only these two have.
KNOWN = {
    "triplane_size",
    "triplane_depth",
    "use_torgb_raw",
    "use_background",
    "decoder_activation",
    "trans_reg",
}


def is_full_head(tree: Tree, options: Settings) -> bool:
    return "t_mapping" in tree.modules or options.get("triplane_depth") is not None


def read_full_head(tree: Tree, options: Settings, plain: dict[str, Any]) -> FullHeadConfig:
    """``options``: the live rendering_kwargs; ``plain``: what an EG3D generator has, too.

    Raises:
        FileError: missing, ill-typed or unsupported settings, or parts that disagree. ConfigError: values out of range.
    """
    backbone = plain["backbone"]
    in_balls = "ConvA" in tree.modules
    for module in ("ConvB",) if in_balls else ():
        _require(tree, module, "its other ball, ConvA, is there")
    _check_size(options, backbone.resolution)
    depth = options.integer("triplane_depth")
    if in_balls and depth != _PLANES:
        raise unsupported("its balls have another number of planes", f"triplane_depth {depth}", _PLANES)
    return FullHeadConfig(
        **plain,
        features=_features(tree),
        grid_depth=1 if in_balls else depth,
        ball_hidden=_rows(tree, "ConvA.0.weight") if in_balls else 0,
        decoder_activation=_activation(tree, options),
        crop_margin=_CROP_MARGIN,
        raw_torgb=_is_on(tree, options, "torgb", "use_torgb_raw"),
        backdrop=_backdrop(tree) if _is_on(tree, options, "bcg_synthesis", "use_background") else None,
        smooth_backdrop=options.flag("sr_antialias"),
        parsing_labels=_parsing_labels(tree),
        family="spherehead" if in_balls else "panohead",
    )


def with_origin_as_pivot(options: Settings) -> Settings:
    """The cameras of both look at the origin, whatever the settings say."""
    return Settings({**options.values, "avg_camera_pivot": _ORIGIN}, options.where)


def _check_size(options: Settings, resolution: int) -> None:
    if options.integer("triplane_size", resolution) != resolution:
        raise unsupported("its parts disagree about triplane_size", options.integer("triplane_size"), resolution)


def _features(tree: Tree) -> int:
    view = tree.tensors.get("decoder.net.0.weight")
    if view is None or len(view.size) != 2:
        raise unlike_official("decoder.net.0.weight is missing, or no matrix")
    return view.size[1]


def _rows(tree: Tree, name: str) -> int:
    view = tree.tensors.get(name)
    if view is None or not view.size:
        raise unlike_official(f"{name} is missing, or a single number")
    return view.size[0]


def _activation(tree: Tree, options: Settings) -> Activation:
    """Any other text than the two means none, as in the published code."""
    value = Settings(
        {"activation": tree.attribute("decoder", "activation", options.get("decoder_activation"))}, "decoder"
    ).text("activation")
    return value if value in ("sigmoid", "lrelu") else "none"


def _is_on(tree: Tree, options: Settings, module: str, key: str) -> bool:
    """The part decides; but one that is asked for must be there."""
    if options.flag(key, False):
        _require(tree, module, f"{key} is True")
    return module in tree.modules


def _require(tree: Tree, module: str, because: str) -> None:
    if module not in tree.modules:
        raise FileError(
            f"The network is incomplete: its part {module} is missing, although {because}",
            "no such module",
            "all parts that its settings name",
            "use the network as its training code saved it",
        )


def _backdrop(tree: Tree) -> SynthesisConfig:
    given = init_settings(tree, "bcg_synthesis", ("w_dim", "img_resolution", "img_channels"))
    known = ("w_dim", "img_resolution", "img_channels", "channel_base", "channel_max", "conv_clamp")
    check_supported(given.without(*known, *_UNUSED), "background network")
    return SynthesisConfig(
        w_dim=given.integer("w_dim"),
        resolution=given.integer("img_resolution"),
        img_channels=given.integer("img_channels"),
        channel_base=given.integer("channel_base", 32768),
        channel_max=given.integer("channel_max", 512),
        conv_clamp=read_clamp(tree, "bcg_synthesis.b4.conv1", given.get("conv_clamp")),
    )


def _parsing_labels(tree: Tree) -> int:
    wanted = Settings({"parsing_flag": tree.attribute("", "parsing_flag", False)}, "network").flag("parsing_flag")
    if wanted:
        _require(tree, "toparsing", "parsing_flag is True")
    return _rows(tree, "toparsing.weight") if "toparsing" in tree.modules else 0


def check_shift(tree: Tree, config: TriplaneConfig) -> None:
    """The mapping to a camera's shift has the sizes that the code gives it.

    Raises:
        FileError: it has others.
    """
    if "t_mapping" not in tree.modules:
        return
    given = init_settings(tree, "t_mapping", ("z_dim", "c_dim", "w_dim", "num_ws"))
    wanted = {
        "w_dim": 3,
        "num_ws": 1,
        "num_layers": config.backbone.num_mapping_layers,
        "lr_multiplier": 1.0,
        "last_activation": "linear",
    }
    for key, value in wanted.items():
        got = given.get(key, 8 if key == "num_layers" else None)
        if got != value:
            raise unsupported(f"option {key} of its t_mapping", describe(got), value)
