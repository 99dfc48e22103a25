"""Configs as the JSON data that our checkpoints carry, and back."""

import dataclasses
from typing import Any

from ..errors import ConfigError
from .config import (
    BackboneConfig,
    FlowConfig,
    GeneratorConfig,
    RenderingConfig,
    StyleGAN2Config,
    SuperresolutionConfig,
    SynthesisConfig,
    TriplaneConfig,
)
from .full_head_config import FullHeadConfig

_CONFIG_OF_FAMILY = {
    "stylegan2": StyleGAN2Config,
    "eg3d": TriplaneConfig,
    "panohead": FullHeadConfig,
    "spherehead": FullHeadConfig,
}


def config_to_dict(config: GeneratorConfig) -> dict[str, Any]:
    """A config as plain JSON data; :func:`config_from_dict` is its inverse."""
    data = dataclasses.asdict(config)
    if not data.get("domain", True):
        del data["domain"]  # so that older versions, which do not know it, read the file
    return data


def config_from_dict(data: dict[str, Any]) -> GeneratorConfig:
    """Build a config from JSON data.

    Raises:
        ConfigError: unknown family or field, a missing or ill-typed value, a size out of range.
    """
    family = data.get("family") if isinstance(data, dict) else None
    if family not in _CONFIG_OF_FAMILY:
        raise ConfigError("Unknown generator family", family, sorted(_CONFIG_OF_FAMILY), "convert the checkpoint again")
    return _build(_CONFIG_OF_FAMILY[family], data, family)


_NESTED = {
    "backbone": BackboneConfig,
    "mapping_flow": FlowConfig,
    "rendering": RenderingConfig,
    "superresolution": SuperresolutionConfig,
    "backdrop": SynthesisConfig,
}
# Fields of files of older versions that mean nothing any more.
_RETIRED = {SuperresolutionConfig: {"resize_larger"}}


def _build(cls: type, data: dict[str, Any], where: str):
    known = {f.name for f in dataclasses.fields(cls)}
    if isinstance(data, dict):
        data = {key: value for key, value in data.items() if key not in _RETIRED.get(cls, ())}
    if not isinstance(data, dict) or set(data) - known:
        raise ConfigError(
            f"Unexpected content in {where}",
            data if not isinstance(data, dict) else sorted(set(data) - known),
            f"fields among {sorted(known)}",
            "the file may be from a newer version: update the pack",
        )
    values = {k: _build(_NESTED[k], v, k) if k in _NESTED and v is not None else _to_tuple(v) for k, v in data.items()}
    try:
        return cls(**values)
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError(
            f"Ill-typed value in {where}",
            error,
            "the types a converted checkpoint holds",
            "convert the checkpoint again",
        ) from error


def _to_tuple(value):
    return tuple(_to_tuple(v) for v in value) if isinstance(value, list | tuple) else value
