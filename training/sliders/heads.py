"""Heads of a generator and what is read from their pictures, collected once and kept beside the training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.generators import RenderOptions, StyleGenerator
from sat3d.generators.shown import LEAST_SHARE
from sat3d.networks.loading import SMALLEST_PICTURE_PX, resize
from sat3d.seeds import generator_of
from training.common.random_numbers import Draws

from ..data.array_cache import ArrayCache
from .sources import Sources

SCHEMA = "sat3d-slider-heads/1"
_STREAM, _SIGN_STREAM = 13, 14
_LARGEST_PX = 256  # what reads looks at no larger pictures
_LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class HeadPlan:
    """Which heads are drawn. ``mixed``: share whose layers come from two codes, so that what goes together in the
    population comes apart; ``yaw_deg``, ``pitch_deg``: how far cameras turn to either side."""

    seed: int
    truncation: float = 1.0
    mixed: float = 0.5
    yaw_deg: float = 12.0
    pitch_deg: float = 6.0


@dataclass(frozen=True)
class ReadHeads:
    """N heads: ``styles [N, S]``, ``cameras [N, 25]``, and :class:`.sources.Readings` of their pictures."""

    styles: Tensor
    cameras: Tensor
    values: Tensor
    certainty: Tensor
    identity: Tensor

    def __len__(self) -> int:
        return len(self.styles)

    def select(self, index: Tensor) -> ReadHeads:
        return ReadHeads(*(getattr(self, part.name)[index] for part in fields(self)))

    def to(self, device: torch.device | str) -> ReadHeads:
        return ReadHeads(*(getattr(self, part.name).to(device) for part in fields(self)))


@dataclass(frozen=True)
class Pictures:
    """How pictures are made for those who read. ``resolution``: of volume rendering, None: the generator's own."""

    network: StyleGenerator
    resolution: int | None = None

    def __call__(self, styles: Tensor, cameras: Tensor) -> Tensor:
        """``[B, S]``, ``[B, 25]`` -> ``[B, 3, H, H]``; differentiable in the styles."""
        grad = torch.is_grad_enabled()
        options = RenderOptions(self.resolution, fast=not grad, least_share=LEAST_SHARE if grad else None)
        image = self.network.synthesize(styles, cameras, options).image[:, :3].float()
        side = min(max(image.shape[-1], SMALLEST_PICTURE_PX), _LARGEST_PX)
        return resize(image, side, side)


def draw_styles(network: StyleGenerator, plan: HeadPlan, number: int) -> tuple[Tensor, Tensor]:
    """``[1, S]`` and ``[1, 25]`` of head ``number``."""
    draws = Draws(plan.seed, number, _STREAM)
    z = draws.noise((2, network.config.backbone.z_dim)).to(network.device)
    ws = network.map(z, network.labels([number, number]), plan.truncation)
    rows = ws.shape[1]
    cut = draws.whole(1, rows - 1) if rows > 1 and draws.chance(plan.mixed) else rows
    styles = network.styles(torch.cat([ws[:1, :cut], ws[1:, cut:]], 1))
    yaw, pitch = (np.radians(draws.number(-limit, limit)) for limit in (plan.yaw_deg, plan.pitch_deg))
    return styles, network.rig.label(float(yaw), float(pitch)).to(styles)


@torch.no_grad()
def read_heads(pictures: Pictures, sources: Sources, heads: Iterator[tuple[Tensor, Tensor]], count: int) -> ReadHeads:
    """Pictures are made one by one: this takes no more memory than one."""
    rows = []
    for styles, cameras in tqdm(heads, "heads", count, disable=None):
        read = sources.read(pictures(styles, cameras))
        rows.append([part.cpu() for part in (styles, cameras, read.values, read.certainty, read.identity)])
    return ReadHeads(*(torch.cat(parts) for parts in zip(*rows, strict=True)))


def group_gradients(pictures: Pictures, sources: Sources, heads: ReadHeads, spread: Tensor, seed: int) -> Tensor:
    """``[M, G, S]``: gradient to the styles of each group's values, in units of their ``spread [P]``, added up with
    random signs: its square is, in the mean, that of all values' gradients (Hutchinson's trick), at the price of one.
    """
    groups, found = sources.groups, []
    columns = [[i for i, value in enumerate(sources.values) if value.group == group] for group in groups]
    spread = spread.clamp_min(_LEAST_SPREAD)
    for number in tqdm(range(len(heads)), "where groups act", disable=None):
        one, device = heads.select(torch.tensor([number])), pictures.network.device
        signs = torch.randint(0, 2, spread.shape, generator=generator_of("cpu", seed, number, _SIGN_STREAM)) * 2 - 1
        with torch.enable_grad():
            styles = one.styles.to(device).requires_grad_()
            read = sources.read(pictures(styles, one.cameras.to(device)))
            weighted = (read.values * read.certainty / spread.to(device) * signs.to(device))[0]
            totals = [weighted[own].sum() for own in columns]
            parts = [
                torch.autograd.grad(total, styles, retain_graph=i + 1 < len(totals))[0]
                for i, total in enumerate(totals)
            ]
        found.append(torch.cat(parts).cpu())
    return torch.stack(found)


Fill = Callable[[], tuple[ReadHeads, Tensor]]


def kept_heads(
    folder: Path, facts: Mapping[str, object], sizes: Mapping[str, int], fill: Fill
) -> tuple[ReadHeads, Tensor]:
    """What ``fill`` makes, or made in an earlier run of the same facts; ``sizes``: heads, acting, groups, styles,
    values, identity.

    Raises:
        FileError: ``folder`` cannot be written, or holds other files.
    """
    n, kind = sizes["heads"], np.float32
    shapes = {
        "styles": (kind, (n, sizes["styles"])),
        "cameras": (kind, (n, 25)),
        "values": (kind, (n, sizes["values"])),
        "certainty": (kind, (n, sizes["values"])),
        "identity": (kind, (n, sizes["identity"])),
        "gradients": (kind, (sizes["acting"], sizes["groups"], sizes["styles"])),
    }
    cache = ArrayCache(folder, "heads", {"schema": SCHEMA, **facts}, {k: v for k, v in shapes.items() if 0 not in v[1]})
    with cache.locked():
        if not cache.is_filled():
            heads, gradients = fill()
            with cache.filling() as arrays:
                made = {**{part.name: getattr(heads, part.name) for part in fields(heads)}, "gradients": gradients}
                for name, array in arrays.items():
                    array[...] = made[name].numpy()
        loaded = {name: torch.from_numpy(np.array(array)) for name, array in cache.load().items()}
    full = {name: loaded.get(name, torch.zeros(shape)) for name, (_, shape) in shapes.items()}
    gradients = full.pop("gradients")
    return ReadHeads(**full), gradients
