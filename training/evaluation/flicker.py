"""How unsteady a turning head is: what changes from frame to frame and back, against the same turn of the true head."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from training.networks.coded_heads import Coder, generate_views
from training.synth.cameras import Pose
from training.synthheads.views import render_head

from .people import Crowd

_STEP_DEG, _FRAMES = 2.5, 7  # as in an orbit of 24 frames that swings 30 degrees to each side


def unsteadiness(frames: Tensor) -> float:
    """``[F, 3, H, W]`` in -1..1 -> mean |f(t−1) − 2 f(t) + f(t+1)|, 0..2: 0 for what moves evenly or not at all.

    Example:
        >>> unsteadiness(torch.tensor([0.0, 1.0, 0.0]).reshape(3, 1, 1, 1))
        2.0
    """
    return frames.diff(2, dim=0).abs().mean().item()


def in_levels(images: Tensor) -> Tensor:
    """Pictures in -1..1 as they are shown, in 256 levels: true heads have no finer ones, and rounding flickers too."""
    return ((images + 1) * 127.5).round() / 127.5 - 1


def flicker(coder: Coder, crowd: Crowd, people: int) -> float:
    """Unsteadiness of generated orbits over that of true ones, of the first ``people``: up to 1 is steady.

    A soft network scores below 1, since edges that pass over pixels are unsteady, too.
    """
    sums = torch.zeros(2)
    for head in range(people):
        poses = [Pose(math.radians(_STEP_DEG * (i - _FRAMES // 2)), 0.0) for i in range(_FRAMES)]
        views = render_head(crowd.person(head), poses, crowd.size)
        generated = in_levels(generate_views(coder.network, coder.draw(crowd.seed, [head]).styles, poses).image.cpu())
        true = torch.stack([torch.from_numpy(view.image) for view in views]).permute(0, 3, 1, 2).float() / 127.5 - 1
        sums += torch.tensor([unsteadiness(generated), unsteadiness(true)])
    return float(sums[0] / sums[1])
