"""Encoders of other people, for the start of an inversion: what such a thing must offer, and those that can be read.

To plug in another one, write a class with the two methods of :class:`.encoder.FaceEncoder` and pass an instance as
``Inverter(network, encoder=…)``:

    class MyEncoder:
        def check(self, network):                     # raise ConfigError for a generator that it does not know
            ...
        def find(self, images):                       # [B, 3, H, W] in -1..1, cropped as its pictures
            return Found(ws=my_network(images))       # [B, rows, w_dim], the mean latent already added

An encoder may also know the camera (``yaw_rad``, ``pitch_rad``); where it does not, it is searched for, or taken from
the points of the face. ``planes`` or ``plane_offsets`` that it draws are for ``network.render``: they are no style, so
neither edits nor latents take them. Read from files here: e4e and pSp for StyleGAN2, the first part of TriPlaneNet for
EG3D (its second part, which draws plane offsets, and GOAE are not supported).
"""

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..errors import ConfigError, FileError
from ..files.safetensors_io import without_wrappers
from ..foreign.tensors import check_tensors, read_tensors
from ..foreign.values import TensorView, describe
from ..generators import StyleGenerator, TriplaneGenerator
from ..generators.official.opening import open_network
from ..generators.official.states import is_state
from ..networks.loading import check_pictures, resize
from .encoder import Found
from .style_encoder import INPUT_PX, StyleEncoder, StyleEncoderSizes

_COUNTER = "num_batches_tracked"
_WANTED = "a checkpoint of e4e, pSp or TriPlaneNet, with the weights of its encoder"


class ForeignEncoder(torch.nn.Module):
    """An encoder out of somebody else's file. ``kind``: in words; ``for_heads``: of 3D generators; ``mean [rows or 1,
    w_dim]`` is added to what it says, zero where it says w+ itself."""

    mean: Tensor

    def __init__(self, network: StyleEncoder, mean: Tensor, kind: str, for_heads: bool):
        super().__init__()
        self.network, self.kind, self.for_heads = network, kind, for_heads
        self.register_buffer("mean", mean)

    def check(self, network: StyleGenerator) -> None:
        backbone, sizes = network.config.backbone, self.network.sizes
        wanted = (backbone.num_ws, backbone.w_dim, isinstance(network, TriplaneGenerator))
        if (sizes.rows, sizes.w_dim, self.for_heads) != wanted:
            kinds = {True: "a 3D generator", False: "a flat one"}
            raise ConfigError(
                "The encoder belongs to another generator",
                f"{self.kind}: {sizes.rows} rows of {sizes.w_dim} numbers, for {kinds[self.for_heads]}",
                f"{wanted[0]} rows of {wanted[1]} numbers, for {kinds[wanted[2]]}",
                "choose the encoder that was trained for this generator",
            )

    @torch.no_grad()
    def find(self, images: Tensor) -> Found:
        check_pictures(images)
        return Found(self.network(resize(images.to(self.mean), INPUT_PX, INPUT_PX)) + self.mean)


def load_foreign_encoder(path: str | os.PathLike) -> ForeignEncoder:
    """The encoder of a checkpoint of e4e, pSp or TriPlaneNet; nothing inside the file is run.

    Raises:
        FileError: missing, damaged, or without such an encoder. HostileFileError: it asks for code to be run.
    """
    path = Path(path)
    with open_network(path) as file:
        part, tensors, rest = _encoder_in(file.contents, path.name)
        departs = _departs(file.contents, part)
        shapes = {name: view.size for name, view in tensors.items()}
        with torch.inference_mode(False):
            with torch.device("meta"):
                network = StyleEncoder(StyleEncoderSizes.of(shapes), departs)
            _fill(network, tensors, file.data)
            mean = _mean(file.contents, part, rest, network.sizes, file.data)
    kind = "the encoder of TriPlaneNet" if part else "e4e" if network.departs else "pSp"
    return ForeignEncoder(network, mean, kind, for_heads=bool(part)).eval().requires_grad_(False)


def _fill(network: StyleEncoder, tensors: Mapping[str, TensorView], data: memoryview) -> None:
    state = network.state_dict()
    wanted = {name: tuple(tensor.shape) for name, tensor in state.items() if not name.endswith(_COUNTER)}
    check_tensors(tensors, wanted, len(data))
    read = read_tensors(data, tensors, list(wanted), lambda done: None)
    counters = {name: torch.zeros((), dtype=torch.long) for name in state if name.endswith(_COUNTER)}
    network.load_state_dict({**read, **counters}, assign=True)


def _encoder_in(contents: object, name: str) -> tuple[str, dict[str, TensorView], dict[str, TensorView]]:
    """``(psp_ or nothing, its tensors, those beside it)``."""
    state = contents.get("state_dict", contents) if isinstance(contents, dict) else None
    if state is None or not is_state(state):
        raise FileError("The file holds no encoder", f"{name}: {describe(contents)}", _WANTED, "choose another file")
    state = without_wrappers(state)
    for part in ("psp_", ""):
        prefix = f"{part}encoder."
        own = {n.removeprefix(prefix): v for n, v in state.items() if n.startswith(prefix)}
        if own:
            rest = {n: v for n, v in state.items() if not n.startswith(prefix)}
            return part, {n: v for n, v in own.items() if not n.endswith(_COUNTER)}, rest
    shown = ", ".join(list(state)[:3])
    raise FileError("The file holds no encoder", f"{name} with {shown}, …", _WANTED, "choose another file")


def _options(contents: object) -> Mapping:
    options = contents.get("opts") if type(contents) is dict else None
    return options if type(options) is dict else {}


def _departs(contents: object, part: str) -> bool:
    """Whether rows depart from the first: by the name of the architecture, e4e's where there is none."""
    kind = _options(contents).get("encoder_type", "GradualStyleEncoder" if part else "Encoder4Editing")
    known = {"Encoder4Editing": True, "GradualStyleEncoder": False}
    if kind not in known:
        raise FileError("The encoder is of a kind that is not supported", describe(kind), f"one of {list(known)}",
                        "use another checkpoint")  # fmt: skip
    return known[kind]


def _mean(
    contents: object, part: str, rest: Mapping[str, TensorView], sizes: StyleEncoderSizes, data: memoryview
) -> Tensor:
    """The mean latent that the encoder's answer is added to; TriPlaneNet's is that of its generator."""
    beside = contents if isinstance(contents, dict) else {}
    view = rest.get("decoder.backbone.mapping.w_avg") if part else beside.get("latent_avg")
    if not part and _options(contents).get("start_from_latent_avg", type(view) is TensorView) is False:
        return torch.zeros(1, sizes.w_dim)
    if type(view) is not TensorView or view.size not in ((sizes.w_dim,), (1, sizes.w_dim), (sizes.rows, sizes.w_dim)):
        raise FileError(
            "The file lacks the mean latent that its encoder starts from",
            describe(view) if type(view) is not TensorView else f"shape {list(view.size)}",
            f"latent_avg of {sizes.rows} rows of {sizes.w_dim} numbers",
            "use the complete checkpoint",
        )
    check_tensors({"mean": view}, {"mean": view.size}, len(data))
    return read_tensors(data, {"mean": view}, ["mean"], lambda done: None)["mean"].reshape(-1, sizes.w_dim)
