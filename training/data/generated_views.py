"""Pictures of the built-in generator as training data: what judges of generated heads should have seen, too."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from sat3d.generators import TriplaneGenerator
from training.generator.scores import generate_view
from training.synthheads.populations import FIRST
from training.synthheads.render import RIG

from .views import Piece, Views, gather

_SEED_OFFSET = 50_000  # people that no rendered data set of a usual seed has
_VIEWS_PER_HEAD = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--generated", type=int, default=0, metavar="N", help="also learn from N generated pictures (0)")
    add("--generator", type=Path, help="the generator's file (the built-in one)")


def generated_views(network: TriplaneGenerator, seed: int, count: int) -> Views:
    """``count`` views, two of each head, with the parameters that the generator was asked for; about a second each."""
    return gather(_pieces(network, seed + _SEED_OFFSET, count), count, network.config.img_resolution, "generating")


@torch.no_grad()
def _pieces(network: TriplaneGenerator, seed: int, count: int) -> Iterator[Piece]:
    labels = np.zeros((network.config.img_resolution,) * 2, np.uint8)
    for head in tqdm(range(-(-count // _VIEWS_PER_HEAD)), "heads", disable=None):
        z, poses = FIRST.draw_latent(seed, head), FIRST.draw_poses(seed, head, _VIEWS_PER_HEAD)
        cameras = torch.cat([RIG.label(pose.yaw_rad, pose.pitch_rad) for pose in poses])
        images, _, _ = generate_view(network, torch.from_numpy(z), cameras)
        pictures = ((images + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
        for pose, picture in zip(poses, pictures, strict=True):
            yield Piece(picture, labels, head, FIRST.parameters(z), pose.yaw_rad, pose.pitch_rad, z)


def with_generated(views: Views, network: TriplaneGenerator, options: argparse.Namespace) -> Views:
    """``views`` and as many of ``network`` as the ``options`` of :func:`add_arguments` ask for."""
    if not options.generated:
        return views
    return joined(views, generated_views(network, options.seed, options.generated))


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
