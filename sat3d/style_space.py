"""The style space S: every layer's modulation vector, concatenated in execution order.

SAT3D edits the *editable* channels only: those of the backbone's convolutions. Styles of toRGB layers and
of the super-resolution module do not steer content there (METHOD: style space) and stay those of the source. A small
network may put its colours into toRGB layers of the backbone; its configuration can make those editable, too.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Literal

import torch
from torch import Tensor

from .errors import LayoutError, ShapeError

StyleGroup = Literal["backbone_conv", "backbone_torgb", "superresolution_conv", "superresolution_torgb", "background"]
EDITABLE_GROUPS: tuple[StyleGroup, ...] = ("backbone_conv",)


@dataclass(frozen=True)
class StyleLayer:
    """One layer's style vector: ``channels`` numbers (the layer's input channels), fed by row ``ws_index`` of w+."""

    name: str
    channels: int
    ws_index: int
    group: StyleGroup


@dataclass(frozen=True)
class StyleLayout:
    """The map between flat style channels and (layer, channel).

    ``styles`` tensors are ``[B, S]`` with S = :attr:`num_channels`; editable ones ``[..., n]`` with
    n = :attr:`num_editable`. ``editable_groups``: what may be edited (the paper's by default).
    """

    layers: tuple[StyleLayer, ...]
    editable_groups: tuple[StyleGroup, ...] = EDITABLE_GROUPS

    @cached_property
    def slices(self) -> Mapping[str, slice]:
        """Layer name -> its place in the flat vector."""
        ends = list(accumulate(layer.channels for layer in self.layers))
        return {layer.name: slice(end - layer.channels, end) for layer, end in zip(self.layers, ends, strict=True)}

    @property
    def num_channels(self) -> int:
        """S: all style channels."""
        return sum(layer.channels for layer in self.layers)

    @property
    def editable_layers(self) -> tuple[StyleLayer, ...]:
        return tuple(layer for layer in self.layers if layer.group in self.editable_groups)

    @property
    def num_editable(self) -> int:
        """n: channels that may be edited."""
        return sum(layer.channels for layer in self.editable_layers)

    @cached_property
    def editable_index(self) -> Tensor:
        """``[n]`` int64: the flat position of every editable channel, in order."""
        # Cached and possibly first asked for under inference_mode, where it would become unusable in autograd.
        with torch.inference_mode(False):
            parts = [torch.arange(s.start, s.stop) for s in (self.slices[layer.name] for layer in self.editable_layers)]
            return torch.cat(parts) if parts else torch.empty(0, dtype=torch.long)

    def split(self, styles: Tensor) -> dict[str, Tensor]:
        """``[B, S]`` -> layer name -> ``[B, channels]`` (views).

        Raises:
            ShapeError: not ``[B, S]``.
        """
        self.check_styles(styles)
        parts = styles.split([layer.channels for layer in self.layers], dim=1)
        return {layer.name: part for layer, part in zip(self.layers, parts, strict=True)}

    def editable(self, styles: Tensor) -> Tensor:
        """``[B, S] -> [B, n]``."""
        self.check_styles(styles)
        return styles[:, self.editable_index.to(styles.device)]

    def with_editable(self, styles: Tensor, editable: Tensor) -> Tensor:
        """A copy of ``styles [B, S]`` whose editable channels are ``editable [B, n]``; differentiable in both."""
        self.check_styles(styles)
        if editable.shape != (styles.shape[0], self.num_editable):
            raise ShapeError(
                "Editable styles of the wrong shape",
                tuple(editable.shape),
                f"({styles.shape[0]}, {self.num_editable})",
                "take them from layout.editable(styles)",
            )
        return styles.index_copy(1, self.editable_index.to(styles.device), editable.to(styles.dtype))

    def check_styles(self, styles: Tensor) -> None:
        if styles.ndim != 2 or styles.shape[1] != self.num_channels:
            raise LayoutError(
                "Styles do not belong to this generator",
                tuple(styles.shape),
                f"[B, {self.num_channels}]",
                "use the latent with the generator that made it",
            )

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that change with any layer's name, width, w+ row, group or order, and with what is editable."""
        text = "\n".join(f"{layer.name} {layer.channels} {layer.ws_index} {layer.group}" for layer in self.layers)
        if self.editable_groups != EDITABLE_GROUPS:
            text += "\neditable " + " ".join(self.editable_groups)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> list[list]:
        """The editable layers as ``[[name, channels], …]``: what a masks file stores to explain a mismatch."""
        return [[layer.name, layer.channels] for layer in self.editable_layers]


def describe_difference(stored: list[list], layout: StyleLayout) -> str:
    """Which editable layers differ between a file's ``to_json()`` and a layout; empty if none do."""
    theirs = dict(stored)
    ours = {layer.name: layer.channels for layer in layout.editable_layers}
    lines = [
        f"{name}: file {theirs.get(name, 'absent')}, generator {ours.get(name, 'absent')}"
        for name in dict.fromkeys([*theirs, *ours])
        if theirs.get(name) != ours.get(name)
    ]
    if not lines and list(theirs) != list(ours):
        lines = ["same layers in another order"]
    return "; ".join(lines[:8]) + (f"; and {len(lines) - 8} more" if len(lines) > 8 else "")
