"""Check of the modules' classes and live attributes against the config: they must compute what we compute.

Shapes alone do not tell a network with other gains, clamps or activations from a published one; an attribute that
an older version of the official code did not have is taken as the published one.
"""

import math
from collections.abc import Iterator, Mapping

from ...errors import FileError
from ...foreign.tree import Tree
from ...foreign.values import Shape, describe
from ..config import GeneratorConfig, StyleGAN2Config, TriplaneConfig
from ..full_head_config import FullHeadConfig
from .settings import MAPPING_LR_MUL, is_number

_SHOWN = 6
_TOLERANCE = 1e-4
_Wanted = tuple[str, str, object]  # module, attribute ("class" is its kind), wanted value


def check_modules(tree: Tree, config: GeneratorConfig, expected: Mapping[str, Shape]) -> None:
    """Raises:
    FileError: naming every module of an unknown class and every attribute with which it would compute otherwise.
    """
    problems = [
        f"{module}.{name} is {describe(found)} instead of {wanted}"
        for module, name, wanted in _wanted(config, expected)
        if not _agrees(found := _found(tree, module, name, wanted), wanted)
    ]
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise FileError(
            "The network computes in a way that is not supported",
            "; ".join(problems[:_SHOWN]) + more,
            "modules of the published EG3D or StyleGAN2 code, unchanged",
            "modified architectures cannot be converted",
        )


def _found(tree: Tree, module: str, name: str, wanted: object) -> object:
    """Classes of the projects by their names alone: they lie in other modules, or came with their source."""
    if name != "class":
        return tree.attribute(module, name, wanted)
    kind = tree.modules[module].kind if module in tree.modules else None
    return kind if kind is None or " " in str(wanted) else kind.rpartition(" ")[2]


def _agrees(found: object, wanted: object) -> bool:
    if type(wanted) is float:
        return is_number(found) and math.isclose(found, wanted, rel_tol=_TOLERANCE)
    return type(found) in (str, bool, int, float, type(None)) and found == wanted


def _wanted(config: GeneratorConfig, expected: Mapping[str, Shape]) -> Iterator[_Wanted]:
    yield from _networks(config)
    for name, shape in expected.items():
        module, _, leaf = name.rpartition(".")
        kind = module.rpartition(".")[2]
        if leaf == "weight" and kind in ("conv0", "conv1"):
            yield from _convolution(module, kind, config)
        elif leaf == "weight" and kind in ("torgb", "toparsing"):
            yield from _to_rgb(module, shape, config)
        elif leaf == "weight" and module.startswith(("ConvA.", "ConvB.")):
            yield from _point_layer(module, shape)
        elif leaf == "weight":
            yield from _linear(module, kind, shape, config)


def _networks(config: GeneratorConfig) -> Iterator[_Wanted]:
    prefix = "" if isinstance(config, StyleGAN2Config) else "backbone."
    yield prefix[:-1], "class", "Generator"
    yield prefix + "synthesis", "class", "SynthesisNetwork"
    yield prefix + "mapping", "class", "MappingNetwork"
    if isinstance(config, TriplaneConfig):
        yield "", "class", "TriPlaneGenerator"
        yield "decoder", "class", "OSGDecoder"
        yield "decoder.net.1", "class", "torch.nn.modules.activation Softplus"
        yield "decoder.net.1", "beta", 1.0
        yield "renderer", "class", "ImportanceRenderer"
    if isinstance(config, FullHeadConfig):
        yield from _full_head(config)
    elif isinstance(config, TriplaneConfig):
        yield "decoder", "activation", "sigmoid"


def _full_head(config: FullHeadConfig) -> Iterator[_Wanted]:
    yield "t_mapping", "class", "MappingNetwork"
    if config.backdrop is not None:
        yield "bcg_synthesis", "class", "SynthesisNetwork"
    for ball in ("ConvA", "ConvB") if config.in_balls else ():
        yield ball, "class", "torch.nn.modules.container Sequential"


def _point_layer(module: str, shape: Shape) -> Iterator[_Wanted]:
    yield module, "class", "Conv2dLayer"
    yield module, "activation", "linear"
    yield module, "up", 1
    yield module, "down", 1
    yield module, "act_gain", 1.0
    yield module, "conv_clamp", None
    yield module, "weight_gain", 1 / math.sqrt(shape[1])


def _clamp(module: str, config: GeneratorConfig) -> float | None:
    if isinstance(config, TriplaneConfig) and module.startswith("superresolution."):
        return config.superresolution.conv_clamp
    if module in ("torgb", "toparsing"):
        return None
    if isinstance(config, FullHeadConfig) and config.backdrop is not None and module.startswith("bcg_synthesis."):
        return config.backdrop.conv_clamp
    return config.backbone.conv_clamp


def _upsamples(block: str, config: GeneratorConfig) -> bool:
    prefix, _, name = block.rpartition(".")
    if isinstance(config, TriplaneConfig) and prefix == "superresolution":
        return config.superresolution.upsample[int(name.removeprefix("block"))]
    return name != "b4"


def _convolution(module: str, kind: str, config: GeneratorConfig) -> Iterator[_Wanted]:
    block = module.rpartition(".")[0]
    up = _upsamples(block, config)
    yield block, "class", "SynthesisBlock" if up or block.endswith(".b4") or block == "b4" else "SynthesisBlockNoUp"
    yield block, "architecture", "skip"
    yield module, "class", "SynthesisLayer"
    yield module, "up", 2 if up and kind == "conv0" else 1
    yield module, "activation", "lrelu"
    yield module, "act_gain", math.sqrt(2)
    yield module, "use_noise", True
    yield module, "conv_clamp", _clamp(module, config)


def _to_rgb(module: str, shape: Shape, config: GeneratorConfig) -> Iterator[_Wanted]:
    yield module, "class", "ToRGBLayer"
    yield module, "weight_gain", 1 / math.sqrt(shape[1])
    yield module, "conv_clamp", _clamp(module, config)


def _linear(module: str, kind: str, shape: Shape, config: GeneratorConfig) -> Iterator[_Wanted]:
    shift = module.startswith("t_mapping.")
    mapping, lr_mul = kind.startswith("fc"), 1.0
    if mapping and not shift:
        lr_mul = MAPPING_LR_MUL
    elif isinstance(config, TriplaneConfig) and module.startswith("decoder."):
        lr_mul = config.decoder_lr_mul
    last = shift and kind == f"fc{config.backbone.num_mapping_layers - 1}"
    yield module, "class", "FullyConnectedLayer"
    yield module, "activation", "lrelu" if mapping and not last else "linear"
    yield module, "weight_gain", lr_mul / math.sqrt(shape[1])
    yield module, "bias_gain", float(lr_mul)
