"""Files and inputs of the small networks that judge pictures: built-in weights, strict loading, resizing."""

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ConfigError, FileError, ShapeError
from ..files.reading import check_file
from ..files.safetensors_io import list_misfits, name_some, parse_json, read_header, read_tensors, write_tensors

ASSETS = Path(__file__).resolve().parents[1] / "assets"
SMALLEST_PICTURE_PX = 64
_LONGEST_STRIP = 4  # times as long as wide


N = TypeVar("N", bound=nn.Module)


@dataclass(frozen=True)
class NetworkKind(Generic[N]):
    """A kind of network: what its files are called and how one is built from its configuration."""

    name: str  # as in "an attribute reader"
    schema: str
    asset: str  # file name of the built-in weights
    script: str  # the command that trains one
    config: type
    build: type[N]

    def load(self, path: str | os.PathLike | None = None) -> N:
        """See :func:`load_network`."""
        return load_network(self, path)


def save_network(
    path: str | os.PathLike, kind: NetworkKind, network: nn.Module, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a network: weights in half precision, statistics in full, the configuration in the metadata."""
    config: Any = network.config
    header = {**(metadata or {}), "schema": kind.schema, "config": json.dumps(dataclasses.asdict(config))}
    tensors = {
        name: tensor.half() if tensor.ndim >= 2 else tensor
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    write_tensors(path, tensors, header)


def load_network(kind: NetworkKind[N], path: str | os.PathLike | None = None) -> N:
    """The network in a file, or the one that comes with the package; in eval mode, without gradients.

    Raises:
        FileError: missing, damaged, of another kind, or tensors that do not fit.
        ConfigError: the configuration in the file is not usable.
    """
    train_one, missing = f"train one: python {kind.script}", f"There are no weights for {kind.name}"
    path = check_file(ASSETS / kind.asset if path is None else path, "a .safetensors file", train_one, missing)
    header = read_header(path, kind.schema, kind.name, f"choose {kind.name}, or {train_one}")
    config = _config_from(kind, parse_json(header, "config", path))
    tensors = read_tensors(path)
    with torch.inference_mode(False):  # so that one can differentiate through it later
        network = kind.build(config)
        _check_tensors(network.state_dict(), tensors, path)
        network.load_state_dict(tensors, strict=False)  # num_batches_tracked, of no use here, is not in the file
        return network.to(memory_format=torch.channels_last).eval().requires_grad_(False)


def _config_from(kind: NetworkKind, values: Any):
    try:
        return kind.config(**values)
    except TypeError as error:
        raise ConfigError(
            f"The configuration of {kind.name} is not usable", error, "the settings it was trained with", "train anew"
        ) from error


def _check_tensors(wanted: Mapping[str, Tensor], got: Mapping[str, Tensor], path: Path) -> None:
    wanted = {name: tensor for name, tensor in wanted.items() if not name.endswith("num_batches_tracked")}
    if problems := list_misfits(wanted, got):
        raise FileError(
            "The tensors do not fit the network",
            f"{path.name}: {name_some(problems)}",
            f"the {len(wanted)} tensors of the configuration",
            "download or train it again",
        )


def check_pictures(images: Tensor) -> None:
    """Refuse what is not ``[B, 3, H, W]`` of finite floats, at least 64 pixels high and wide.

    Raises:
        ShapeError: it is not.
    """
    wanted = f"[B, 3, H, W] floats in -1..1, H and W at least {SMALLEST_PICTURE_PX}"
    if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[2:]) < SMALLEST_PICTURE_PX:
        raise ShapeError("Not pictures that can be judged", tuple(images.shape), wanted, "scale small pictures up")
    if not images.is_floating_point() or not torch.isfinite(images).all():
        raise ShapeError(
            "Not pictures that can be judged", f"{images.dtype}, or not finite", wanted, "check the values"
        )


def resize(images: Tensor, height: int, width: int) -> Tensor:
    """``[B, C, H, W]`` at another size: averaged areas where it shrinks, bilinear where it grows; differentiable."""
    if tuple(images.shape[2:]) == (height, width):
        return images
    if images.shape[2] >= height and images.shape[3] >= width:
        return F.interpolate(images, (height, width), mode="area")
    return F.interpolate(images, (height, width), mode="bilinear", align_corners=False)


def large_enough(images: Tensor) -> Tensor:
    """``[B, C, H, W]`` of a small generator as the judges take them: enlarged until the shorter side has 64 pixels.

    Strips stay as they are, since they would become huge: a judge refuses them.
    """
    shorter, longer = sorted(images.shape[2:])
    if shorter >= SMALLEST_PICTURE_PX or longer >= _LONGEST_STRIP * shorter:
        return images
    return resize(images, *(round(side * SMALLEST_PICTURE_PX / shorter) for side in images.shape[2:]))
