"""A generator that draws every head of its latent as it truly is, and a renderer of flat pictures."""

import math
from types import SimpleNamespace

import numpy as np
import torch

from sat3d.camera import CameraRig
from sat3d.style_space import StyleLayer, StyleLayout
from training.evaluation.transfer.renderer_and_judges import Shots
from training.synthheads.populations import FIRST

RIG = CameraRig(radius=2.7, pivot=(0.0, 0.0, 0.1))


def paint_head(p, poses, size, device="cpu", style="natural"):
    """Six bands: each attribute's parameters give the colour of one; below, a band of the background's."""
    bands = [
        (len(p.hair_style) / 16, p.hair_volume, p.hair_length),
        p.hair_colour,
        (sum(p.iris_colour) / 3, p.brow_thickness, p.eye_shadow),
        (p.actions[1], p.actions[0], max(p.actions)),
        (0.0, 0.0, 0.0) if p.beard == "none" else (len(p.beard) / 12, p.beard_length, 0.5),
        (len(p.glasses) / 12, p.glasses_size, p.frame_thickness),
        p.background,
    ]
    rows = np.arange(size) * len(bands) // size
    image = np.broadcast_to((np.array(bands)[rows][:, None] * 255).round(), (size, size, 3)).astype(np.uint8)
    return [SimpleNamespace(image=image, label_25=RIG.label(pose.yaw_rad, pose.pitch_rad)) for pose in poses]


class PerfectGenerator:
    """z is w, and w are the styles."""

    def __init__(self):
        self.layout = StyleLayout((StyleLayer("backbone.synthesis.b4.conv0", FIRST.z_dim, 0, "backbone_conv"),))
        self.config = SimpleNamespace(img_resolution=64, backbone=SimpleNamespace(z_dim=FIRST.z_dim, num_ws=1))
        self.rig, self.device = RIG, torch.device("cpu")

    def map(self, z):
        return z[:, None].float()

    def styles(self, ws):
        return ws[:, 0]

    def fingerprint(self):
        return "perfect"

    def with_rendering(self, **_):
        return self

    to = eval = requires_grad_ = lambda self, *_: self


def shoot_perfectly(stage, styles, yaws_deg, parse):
    """In place of ``Stage._turn_some``."""
    heads = [FIRST.parameters(z.double().numpy()) for z in styles]
    shots = []
    for yaw_deg in yaws_deg:
        pose = SimpleNamespace(yaw_rad=math.radians(yaw_deg), pitch_rad=0.0)
        pictures = np.stack([paint_head(p, [pose], stage.picture_px)[0].image for p in heads])
        images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
        labels = torch.zeros(images[:, 0].shape, dtype=torch.uint8) if parse else None
        shots.append(Shots(images, stage.see(images), labels))
    return shots
