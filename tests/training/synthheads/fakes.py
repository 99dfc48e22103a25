"""A renderer of flat pictures and jobs that fail, for tests of everything around rendering."""

import os
from types import SimpleNamespace

import numpy as np

from sat3d.camera import CameraRig
from sat3d.errors import FileError


def fake_render_head(p, poses, size, device="cpu", style="natural"):
    """Views that depend on the head and the pose; no geometry."""
    return [_view(p, pose, size) for pose in poses]


def fake_render_views(domain, p, *rest):
    """The same as the framework asks for it."""
    return fake_render_head(p, *rest)


def _view(p, pose, size):
    ramp = np.linspace(0, 1, size, dtype=np.float32)
    colour = np.array([p.skin_tone, p.age, (pose.yaw_rad + 1) / 2])
    labels = np.tile((np.arange(size) % 12).astype(np.uint8), (size, 1))
    return SimpleNamespace(
        image=(ramp[:, None, None] * colour * 255).astype(np.uint8) * np.ones((1, size, 1), np.uint8),
        labels=labels,
        labels_behind=labels[::-1].copy(),
        normal=np.where(labels[..., None] > 0, np.float32([0.6, 0.0, 0.8]), np.float32(0)),
        depth=np.where(labels > 0, 2.2 + ramp[None] * np.ones((size, 1), np.float32), 0).astype(np.float32),
        label_25=CameraRig(pivot=(0.0, 0.0, 0.1)).label(pose.yaw_rad, pose.pitch_rad),
    )


def failing_job(progress):
    raise FileError("The disk is full", "/x", "space", "make room")


def dying_job(progress):
    os._exit(3)
