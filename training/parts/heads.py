"""Heads with labelled views: exact labels of renders of known heads, and a parser's labels of generated ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sat3d.generators import RenderOptions, TriplaneGenerator
from training.networks.coded_heads import Coder, draw_z
from training.synth.cameras import Pose, Views
from training.synth.streams import random_stream
from training.synth.views import check_device
from training.synthheads.cameras import VIEWS as HEAD_VIEWS
from training.synthheads.views import render_head

FindLabels = Callable[[Tensor], Tensor]  # pictures [V, 3, H, H] in -1..1 -> labels [V, H, H]
SAMPLED_OFFSET = 1_000_000  # numbers of generated heads, which no data set has
_PHOTOGRAPHED_DEG = (35.0, 15.0)  # yaw and pitch that parsers of photographs know
_STREAM = 7


@dataclass(frozen=True)
class LabelledHead:
    """One head: ``styles [1, S]``, ``cameras [V, 25]``, ``labels [V, H, H]`` uint8."""

    number: int
    styles: Tensor
    cameras: Tensor
    labels: Tensor


def rendered_heads(coder: Coder, seed: int, numbers: range, views: int) -> Iterator[LabelledHead]:
    """Heads of the population with the labels of their renders; their codes by their latents, or found."""
    check_device("cpu")
    for number in numbers:
        drawn = coder.draw(seed, [number])
        poses = coder.population.draw_poses(seed, number, views, wide=True)
        pictures = render_head(drawn.parameters[0], poses, coder.size)
        labels = torch.from_numpy(np.stack([view.labels for view in pictures]))
        yield LabelledHead(number, drawn.styles, cameras_of(coder.network, poses), labels)


def generated_heads(
    network: TriplaneGenerator, find: FindLabels, seed: int, numbers: range, views: int, psi: float, wide: bool
) -> Iterator[LabelledHead]:
    """Heads that the generator invents, with the labels that a parser finds in their pictures; ``wide``: from as far
    around as rendered heads are seen."""
    for number in numbers:
        z = torch.from_numpy(draw_z(network, seed, number))[None].to(network.device)
        with torch.no_grad():
            styles = network.styles(network.map(z, truncation_psi=psi))
        where = HEAD_VIEWS if wide else photographed_from(network)
        poses = where.draw_wide(random_stream(seed, number, _STREAM), views)
        cameras = cameras_of(network, poses)
        with torch.no_grad():
            images = network.render(network.planes(styles), styles, cameras, RenderOptions(fast=True)).image
        labels = find(images.clamp(-1, 1)).cpu().to(torch.uint8)
        yield LabelledHead(number, styles, cameras, labels)


def photographed_from(network: TriplaneGenerator) -> Views:
    yaw, pitch = (math.radians(limit) for limit in _PHOTOGRAPHED_DEG)
    return Views(network.rig, (-yaw, yaw), (-pitch, pitch))


def cameras_of(network: TriplaneGenerator, poses: tuple[Pose, ...]) -> Tensor:
    return torch.cat([network.rig.label(pose.yaw_rad, pose.pitch_rad) for pose in poses]).to(network.device)
