"""Pictures of a generator as training data: what judges of generated heads should have seen, too.

What they show is known of the head that the generator was asked for: by its latent; or, of a generator that nobody
labelled, since an encoder found it in the head's render. So a caption of the render is one of the picture, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from tqdm import tqdm

from sat3d.networks.built_in import GENERATOR

from ..common.settings import BuiltIn, Range
from ..data.views import Piece, Views, gather, stacked
from .coded_heads import Coder, CoderSettings, find_coder, generate_views, load_domain_generator

_SEED_OFFSET = 50_000  # people that no rendered data set of a usual seed has
_VIEWS_PER_HEAD = 2


@dataclass(frozen=True, kw_only=True)
class GeneratedSettings(CoderSettings):
    """For :func:`with_generated`."""

    generated: Annotated[int, Range(0)] = 0
    """also learn from this many pictures that the generator makes of the population's heads"""
    generator: BuiltIn = GENERATOR  # the generator's file


def generated_views(coder: Coder, seed: int, count: int, size: int | None = None) -> Views:
    """``count`` views, two of each head, about a second each, in pictures of ``size`` pixels (as the generator makes
    them); with the parameters of the heads that it was asked for, by their latents or by what an encoder found in
    their renders."""
    return gather(_pieces(coder, seed + _SEED_OFFSET, count), count, size or coder.size, "generating")


def _pieces(coder: Coder, seed: int, count: int) -> Iterator[Piece]:
    labels = np.zeros((coder.size, coder.size), np.uint8)
    for head in tqdm(range(-(-count // _VIEWS_PER_HEAD)), "heads", disable=None):
        drawn, poses = coder.draw(seed, [head]), coder.population.draw_poses(seed, head, _VIEWS_PER_HEAD)
        images = generate_views(coder.network, drawn.styles, poses).image.cpu()
        pictures = ((images + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
        z = None if drawn.latents is None else drawn.latents[0].numpy()
        for pose, picture in zip(poses, pictures, strict=True):
            yield Piece(picture, labels, head, drawn.parameters[0], pose.yaw_rad, pose.pitch_rad, z)


def with_generated(views: Views, settings: GeneratedSettings, seed: int) -> Views:
    """``views`` and as many generated ones, of the same size, as the ``settings`` ask for.

    Raises:
        FileError: generator or encoder are missing or damaged; ConfigError: they do not belong to each other.
    """
    if not settings.generated:
        return views
    coder = find_coder(load_domain_generator(settings.generator), settings.encoder, settings.population)
    return joined(views, generated_views(coder, seed, settings.generated, views.images.shape[1]))


def joined(first: Views, second: Views) -> Views:
    """Both, with people of their own; of those who come to others whose faces were looked at, they are looked at."""
    second = replace(second, heads=second.heads + int(first.heads.max()) + 1)
    return stacked([first, second if first.faces is None else second.with_faces({}, None)])
