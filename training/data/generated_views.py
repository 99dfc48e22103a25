"""Pictures of a generator as training data: what judges of generated heads should have seen, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from tqdm import tqdm

from sat3d.networks.built_in import GENERATOR

from ..common.settings import BuiltIn, Range
from ..networks.coded_heads import Coder, CoderSettings, find_coder, generate_views, load_domain_generator
from .views import Piece, Views, gather

_SEED_OFFSET = 50_000  # people that no rendered data set of a usual seed has
_VIEWS_PER_HEAD = 2


@dataclass(frozen=True, kw_only=True)
class GeneratedViews(CoderSettings):
    """How many pictures of which generator are learned from, too."""

    generated: Annotated[int, Range(0)] = 0
    """also learn from this many generated pictures"""
    generator: BuiltIn = GENERATOR
    """the generator's file"""

    def coder(self) -> Coder:
        """Of the generator."""
        return find_coder(load_domain_generator(self.generator), self.encoder, self.population)


def generated_views(coder: Coder, seed: int, count: int) -> Views:
    """``count`` views, two of each head, about a second each; with the parameters of the heads that the generator was
    asked for, by their latents or by what an encoder found in their renders."""
    return gather(_pieces(coder, seed + _SEED_OFFSET, count), count, coder.size, "generating")


def _pieces(coder: Coder, seed: int, count: int) -> Iterator[Piece]:
    labels = np.zeros((coder.size, coder.size), np.uint8)
    for head in tqdm(range(-(-count // _VIEWS_PER_HEAD)), "heads", disable=None):
        drawn, poses = coder.draw(seed, [head]), coder.population.draw_poses(seed, head, _VIEWS_PER_HEAD)
        images = generate_views(coder.network, drawn.styles, poses).image.cpu()
        pictures = ((images + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
        z = None if drawn.latents is None else drawn.latents[0].numpy()
        for pose, picture in zip(poses, pictures, strict=True):
            yield Piece(picture, labels, head, drawn.parameters[0], pose.yaw_rad, pose.pitch_rad, z)


def with_generated(views: Views, coder: Coder, seed: int, count: int) -> Views:
    """``views`` and ``count`` of the coder's generator."""
    return joined(views, generated_views(coder, seed, count)) if count else views


def joined(first: Views, second: Views) -> Views:
    """Both, with people of their own."""
    own, others = first.latents, second.latents
    known = own is not None and others is not None and own.shape[1] == others.shape[1]
    return Views(
        torch.cat([first.images, second.images]),
        None if first.labels is None or second.labels is None else torch.cat([first.labels, second.labels]),
        torch.cat([first.heads, second.heads + int(first.heads.max()) + 1]),
        [*first.parameters, *second.parameters],
        np.concatenate([first.yaw_rad, second.yaw_rad]),
        np.concatenate([first.pitch_rad, second.pitch_rad]),
        torch.cat([own, others]) if known else None,
    )
