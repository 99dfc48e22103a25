"""The constructor arguments in a network pickle, checked: what we do not support is refused by name, not ignored."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard

from ...errors import FileError
from ...foreign.tree import Tree
from ...foreign.values import describe, unlike_official
from ..config import BackboneConfig, StyleGAN2Config

_GENERATOR_ARGUMENTS = ("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels")

# Arguments with which a network of another architecture would be built: only these values are supported.
_FIXED = {
    "architecture": "skip",
    "resample_filter": [1, 3, 3, 1],
    "activation": "lrelu",
    "use_noise": True,
    "kernel_size": 3,
}
# Arguments that change speed or training, not what is computed in float32.
_WITHOUT_EFFECT = {"num_fp16_res", "fp16_channels_last", "channels_last", "fused_modconv_default", "use_fp16"}

MAPPING_LR_MUL = 0.01


def unsupported(
    what: str,
    got: object = None,
    wanted: object = None,
    next_step: str = "use a network of the published EG3D or StyleGAN2 architecture",
) -> FileError:
    return FileError(f"The network is of a kind that cannot be converted: {what}", got, wanted, next_step)


@dataclass(frozen=True)
class Settings:
    """A dict of the file under a name for error messages; each getter checks the type of what it returns."""

    values: Mapping[str, object]
    where: str

    def get(self, key: str, default: object = None) -> object:
        return self.values.get(key, default)

    def integer(self, key: str, default: int | None = None) -> int:
        value = self.get(key, default)
        if type(value) is not int:
            raise self._wrong(key, value, "an integer")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self.get(key, default)
        if not is_number(value) or abs(value) > 1e9 or math.isnan(value):
            raise self._wrong(key, value, "a number")
        return float(value)

    def flag(self, key: str, default: bool | None = None) -> bool:
        value = self.get(key, default)
        if type(value) is not bool:
            raise self._wrong(key, value, "True or False")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        value = self.get(key, default)
        if type(value) is not str:
            raise self._wrong(key, value, "text")
        return value

    def settings(self, key: str) -> "Settings":
        value = self.get(key, {})
        if type(value) is not dict:
            raise self._wrong(key, value, "a dictionary")
        return Settings(value, f"{self.where}.{key}")

    def without(self, *keys: str) -> dict[str, object]:
        return {key: value for key, value in self.values.items() if key not in keys}

    def _wrong(self, key: str, value: object, wanted: str) -> FileError:
        return unlike_official(f"{self.where} has no usable '{key}'", f"{describe(value)}; wanted {wanted}")


def is_number(value: object) -> TypeGuard[float]:
    """Not True or False, which Python counts among them."""
    return type(value) in (int, float)


def init_settings(tree: Tree, module: str, positional: tuple[str, ...] = _GENERATOR_ARGUMENTS) -> Settings:
    """The arguments that the module was constructed with, positional ones under their names."""
    args, kwargs = tree.attribute(module, "_init_args", ()), tree.attribute(module, "_init_kwargs")
    where = module or "network"
    if not isinstance(args, tuple) or not isinstance(kwargs, dict) or len(args) > len(positional) or len(kwargs) > 100:
        raise unlike_official(
            f"the constructor arguments of the {where} are missing", f"{describe(args)}, {describe(kwargs)}"
        )
    return Settings({**dict(zip(positional, args, strict=False)), **kwargs}, where)


def check_supported(options: Mapping[str, object], where: str) -> None:
    """Refuse any option that changes what is computed.

    Raises:
        FileError: naming it and its value.
    """
    for key, value in options.items():
        if key in _WITHOUT_EFFECT or (key in _FIXED and _same(value, _FIXED[key])):
            continue
        raise unsupported(f"option {describe(key)} of the {where}", describe(value), _FIXED.get(key, "no such option"))


def _same(value: object, wanted: object) -> bool:
    if isinstance(wanted, list):
        return isinstance(value, (list, tuple)) and len(value) == len(wanted) and all(map(_same, value, wanted))
    return type(value) in (bool, int, float, str) and value == wanted


def read_stylegan2(tree: Tree) -> StyleGAN2Config:
    """The config of a StyleGAN2 generator, arguments nested (StyleGAN2-ADA) or flat (later code).

    Raises:
        FileError: arguments missing or unsupported. ConfigError: sizes out of range.
    """
    return StyleGAN2Config(read_backbone(tree, ""))


def read_backbone(tree: Tree, module: str) -> BackboneConfig:
    """The config of the mapping and synthesis networks below ``module``."""
    given = init_settings(tree, module)
    nested = given.settings("synthesis_kwargs")
    synthesis = Settings({**given.without("synthesis_kwargs", "mapping_kwargs"), **nested.values}, nested.where)
    check_supported(synthesis.without(*_GENERATOR_ARGUMENTS, "channel_base", "channel_max", "conv_clamp"), given.where)
    prefix = f"{module}." if module else ""
    return BackboneConfig(
        z_dim=given.integer("z_dim"),
        c_dim=given.integer("c_dim"),
        w_dim=given.integer("w_dim"),
        num_mapping_layers=_mapping_layers(given.settings("mapping_kwargs"), given.integer("w_dim")),
        resolution=given.integer("img_resolution"),
        img_channels=given.integer("img_channels"),
        channel_base=synthesis.integer("channel_base", 32768),
        channel_max=synthesis.integer("channel_max", 512),
        conv_clamp=read_clamp(tree, f"{prefix}synthesis.b4.conv1", synthesis.get("conv_clamp")),
    )


def _mapping_layers(mapping: Settings, w_dim: int) -> int:
    wanted = {
        "embed_features": (None, w_dim),
        "layer_features": (None, w_dim),
        "activation": ("lrelu",),
        "lr_multiplier": (MAPPING_LR_MUL,),
    }
    for key, value in mapping.without("num_layers", "w_avg_beta").items():
        if key not in wanted or type(value) not in (str, int, float, type(None)) or value not in wanted[key]:
            raise unsupported(f"option {describe(key)} of the mapping network", describe(value), wanted.get(key))
    return mapping.integer("num_layers", 8)


def read_clamp(tree: Tree, layer: str, given: object) -> float | None:
    """The clamp of a layer: its own attribute, because the default changed between versions of the official code."""
    value = tree.attribute(layer, "conv_clamp", given)
    if value is None:
        return None
    clamp = Settings({"conv_clamp": value}, layer).number("conv_clamp")
    if clamp <= 0:
        raise unlike_official(f"conv_clamp of {layer} is not positive", clamp)
    return clamp
