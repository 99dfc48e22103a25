"""StyleGAN2 in the form of rosinality's code (also that of e4e, pSp and PTI): other names and shapes, same network.

Facts about the form: tensors carry axes of length one that the official ones lack; the weights of up-convolutions are
turned over in both; the resolution is said by the number of layers, the widths by their tensors; nothing is ever
clamped. Converted files hold most weights in another order of axes, which their strides tell.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...errors import FileError
from ...foreign.tensors import check_tensors, read_small, read_tensors
from ...foreign.values import Shape, TensorView, describe
from ..config import BackboneConfig, StyleGAN2Config
from ..mapping import MappingNetwork
from .described import Described, Finish
from .layout import expected_tensors
from .licences import CONVERTED
from .settings import unsupported
from .states import Weights

_W_AVG = "mapping.w_avg"
_KERNEL = re.compile(r"(.+\.)?(blur|upsample)\.kernel")
_FILTER = np.outer([1, 3, 3, 1], [1, 3, 3, 1]).astype(np.float32) / 16
_MOST_LAYERS = 64  # of the mapping network
_AVERAGED = 4096  # latents, as the project's own script for pictures takes


@dataclass(frozen=True)
class _Theirs:
    """A tensor of theirs: its name, the axes of length one that ours lacks."""

    name: str
    extra: tuple[int, ...] = ()

    def shape(self, ours: Shape) -> Shape:
        theirs = list(ours)
        for axis in self.extra:
            theirs.insert(axis, 1)
        return tuple(theirs)

    def ours(self, view: TensorView) -> TensorView:
        kept = [axis for axis in range(len(view.size)) if axis not in self.extra]
        size, stride = (tuple(numbers[axis] for axis in kept) for numbers in (view.size, view.stride))
        return TensorView(view.storage, view.offset, size, stride)


def describe_rosinality(weights: Weights, data: memoryview, what: str) -> Described:
    """``what``: the file in words.

    Raises:
        FileError: tensors are missing, unexpected, of other shapes or resampling filters. ConfigError: sizes out of
            range.
    """
    config = StyleGAN2Config(_backbone(weights.tensors))
    shapes = {name: shape for name, shape in expected_tensors(config).items() if name != _W_AVG}
    names = {name: _theirs(name) for name in shapes}
    found = {name: view for name, view in weights.tensors.items() if not _KERNEL.fullmatch(name)}
    check_tensors(found, {names[name].name: names[name].shape(shape) for name, shape in shapes.items()}, len(data))
    _check_kernels(weights.tensors, data)
    views = {name: names[name].ours(found[names[name].name]) for name in shapes}
    average = _average(weights, data, config.backbone)
    notes = {"class_name": "Generator (rosinality)", "recognised": _kind(weights, what)}
    if average is None:
        notes["average"] = f"the file has no mean latent: that of {_AVERAGED} random ones is taken"
    return Described(config, shapes, views, notes, CONVERTED, _with_average(config.backbone, average))


def _kind(weights: Weights, what: str) -> str:
    options = weights.beside.get("opts")
    encoder = options.get("encoder_type") if type(options) is dict else None
    if encoder is not None or weights.key == "state_dict":
        return f"StyleGAN2, the decoder of an encoder's training ({describe(encoder) if encoder else 'of e4e’s kind'})"
    return "StyleGAN2 in rosinality's form"


def _backbone(tensors: Mapping[str, TensorView]) -> BackboneConfig:
    first, rgb = _size(tensors, "style.1.weight", 2), _size(tensors, "to_rgb1.bias", 4)
    layers = next(i for i in range(_MOST_LAYERS + 1) if i == _MOST_LAYERS or f"style.{i + 1}.weight" not in tensors)
    blocks = _blocks(tensors)
    channels = [_size(tensors, "conv1.conv.weight", 5)[1]]
    channels += [_size(tensors, f"convs.{2 * i}.conv.weight", 5)[1] for i in range(blocks)]
    base, most, listed = _as_formula(channels)
    return BackboneConfig(
        z_dim=first[1],
        w_dim=first[0],
        num_mapping_layers=layers,
        resolution=4 << blocks,
        img_channels=rgb[1],
        channel_base=base,
        channel_max=most,
        channels=listed,
    )


def _blocks(tensors: Mapping[str, TensorView]) -> int:
    """By the highest layer: one that is missing below it is then named."""
    numbers = [int(found[1]) for name in tensors if (found := re.match(r"convs\.([0-9]{1,2})\.", name))]
    return (max(numbers, default=-1) + 1) // 2


def _size(tensors: Mapping[str, TensorView], name: str, axes: int) -> Shape:
    view = tensors.get(name)
    if view is None or len(view.size) != axes:
        got = "it is missing" if view is None else f"shape {list(view.size)}"
        raise FileError(
            f"The weights do not tell the network's sizes: {name} is not as in rosinality's StyleGAN2",
            got,
            f"a tensor of {axes} axes",
            "use the complete file",
        )
    return view.size


def _as_formula(channels: list[int]) -> tuple[int, int, tuple[int, ...]]:
    """``(channel_base, channel_max, ())`` if the widths at 4, 8, 16 … follow the published formula, else a list."""
    most, last = max(channels), 4 << (len(channels) - 1)
    base = channels[-1] * last
    if [min(base // (4 << i), most) for i in range(len(channels))] == channels:
        return base, most, ()
    return last * most, most, tuple(channels)


def _theirs(name: str) -> _Theirs:
    """The tensor of theirs that is the official ``name``."""
    part, _, rest = name.partition(".")
    if part == "mapping":
        layer, leaf = rest.split(".")
        return _Theirs(f"style.{int(layer.removeprefix('fc')) + 1}.{leaf}")
    block, _, rest = rest.partition(".")
    if rest == "const":
        return _Theirs("input.input", (0,))
    level = int(block.removeprefix("b")).bit_length() - 4  # 8: 0, 16: 1
    layer, _, leaf = rest.partition(".")
    if layer == "torgb":
        return _leaf("to_rgb1" if level < 0 else f"to_rgbs.{level}", leaf, level, True)
    number = 2 * level + (layer == "conv1")
    return _leaf("conv1" if level < 0 else f"convs.{number}", leaf, 0 if level < 0 else number + 1, False)


def _leaf(module: str, leaf: str, noise: int, is_rgb: bool) -> _Theirs:
    if leaf.startswith("affine."):
        return _Theirs(f"{module}.conv.modulation.{leaf.removeprefix('affine.')}")
    if leaf == "bias":
        return _Theirs(f"{module}.bias", (0, 2, 3)) if is_rgb else _Theirs(f"{module}.activate.bias")
    plain = {
        "weight": _Theirs(f"{module}.conv.weight", (0,)),
        "noise_strength": _Theirs(f"{module}.noise.weight", (0,)),
        "noise_const": _Theirs(f"noises.noise_{noise}", (0, 1)),
    }
    return plain[leaf]


def _check_kernels(tensors: Mapping[str, TensorView], data: memoryview) -> None:
    for name, view in tensors.items():
        if _KERNEL.fullmatch(name) and np.abs(read_small(data, view, (4, 4), name) - _FILTER).max() > 1e-5:
            raise unsupported(f"it resamples with another filter, {name}", wanted="outer([1, 3, 3, 1]) / 16")


def _average(weights: Weights, data: memoryview, config: BackboneConfig) -> Tensor | None:
    """``[w_dim]``: the file's mean latent, of its rows where it has one for each layer."""
    view = weights.beside.get("latent_avg")
    if type(view) is not TensorView:
        return None
    rows = view.size[:-1]
    if view.size[-1:] != (config.w_dim,) or len(view.size) > 2 or rows not in ((), (1,), (config.num_ws,)):
        raise FileError(
            "The mean latent does not belong to this network",
            f"latent_avg of shape {list(view.size)}",
            f"[{config.w_dim}], or [{config.num_ws}, {config.w_dim}]",
            "use the complete file as its training saved it",
        )
    check_tensors({"latent_avg": view}, {"latent_avg": view.size}, len(data))
    read = read_tensors(data, {"latent_avg": view}, ["latent_avg"], lambda done: None)["latent_avg"]
    return read if not rows else read.mean(0) if (read != read[0]).any() else read[0].clone()


def _with_average(config: BackboneConfig, average: Tensor | None) -> Finish:
    return lambda tensors: {**tensors, _W_AVG: _measured(config, tensors) if average is None else average}


@torch.no_grad()
def _measured(config: BackboneConfig, tensors: Mapping[str, Tensor]) -> Tensor:
    with torch.random.fork_rng(devices=[]):
        network = MappingNetwork(config)
    own = {name.removeprefix("mapping."): tensor for name, tensor in tensors.items() if name.startswith("mapping.")}
    network.load_state_dict({**own, "w_avg": torch.zeros(config.w_dim)})
    z = torch.randn(_AVERAGED, config.z_dim, generator=torch.Generator().manual_seed(0))
    return network(z)[:, 0].mean(0)
