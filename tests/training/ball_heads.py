"""A stand-in for rendered heads: coloured balls, whose pictures, depths and insides are known exactly."""

from pathlib import Path

import numpy as np
import torch

from sat3d.generators.rays import camera_rays
from training.synth import shards
from training.synth.render import View
from training.synth.render_command import PLAN_FILE
from training.synth.shards import DatasetPlan

RADIUS = 0.2
CENTRE = torch.tensor([0.0, 0.0, 0.0])


def ball_view(p, pose, size: int) -> View:
    """A ball of the hair's colour before a backdrop of the background's, with a band of "glasses"."""
    from training.synthheads.cameras import RIG

    label = RIG.label(pose.yaw_rad, pose.pitch_rad)
    origins, directions = (x[0].double() for x in camera_rays(label, size))
    along = (directions * (CENTRE - origins)).sum(-1)
    gap = along**2 - (CENTRE - origins).square().sum(-1) + RADIUS**2
    hit = (gap > 0).reshape(size, size)
    depth = torch.where(gap > 0, along - gap.clamp_min(0).sqrt(), 0.0)
    height = (origins + depth[:, None] * directions)[:, 1].reshape(size, size)
    labels = torch.where(hit, torch.where(height.abs() < 0.03, 8, 1), 0).byte().numpy()
    colours = np.array([p.background, p.hair_colour, (0.1, 0.1, 0.1)])
    image = colours[np.select([labels == 0, labels == 8], [0, 2], 1)]
    depth = depth.reshape(size, size).float().numpy()
    return View((image * 255).astype(np.uint8), labels, labels, depth, np.zeros((size, size, 3)), label)


def write_balls(folder: Path, monkeypatch, heads: int = 8, size: int = 32, views: int = 3) -> Path:
    """A data set of ``heads`` balls in the real format."""

    def render(domain, p, poses, size, device="cpu", style="natural"):
        return [ball_view(p, pose, size) for pose in poses]

    monkeypatch.setattr(shards, "render_views", render)
    folder.mkdir(parents=True, exist_ok=True)
    plan = DatasetPlan(seed=3, size=size, count=heads * views, views=views, population="first")
    import json

    (folder / PLAN_FILE).write_text(json.dumps(plan.to_dict()), encoding="utf-8")
    for shard in range(plan.shard_count):
        shards.write_shard(plan, shard, folder, "cpu", lambda done: None)
    return folder
