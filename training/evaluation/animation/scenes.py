"""Drivers with known actions and pose, the heads that they drive, and how those heads truly look when they do that."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sat3d.animation.channels import ACTION_NAMES
from sat3d.animation.motion import Motion
from sat3d.generators import Rendering
from sat3d.latent import Latent
from training.networks.coded_heads import Coder, as_picture
from training.synth.cameras import Pose
from training.synth.streams import random_stream
from training.synthheads.parameters import HeadParameters
from training.synthheads.views import render_head

FPS = 12.5
DRIVER_PX = 256
_STREAM = 11
_BLINK = (0.6, 1.0, 0.4)  # frames of one
_YAW_RAD, _PITCH_RAD = 0.45, 0.15
_FACES = (("smile", 0.9), ("brow_outer_up", 0.9), ("frown", 0.8), ("brow_down", 0.8))  # both sides, as ramps


@dataclass(frozen=True)
class Scene:
    """``driver [T, 3, D, D]``: pictures; ``motion``: the truth of them; ``target``: who is driven; ``still [1, 3, H,
    H]``: how that head looks by itself; ``truth``: the very same head, rendered as it does what the driver does."""

    driver: Tensor
    motion: Motion
    target: Latent
    still: Tensor
    truth: list[Rendering]


def write_motion(seed: int, number: int, frames: int) -> Motion:
    """A motion that looks like speech, with a fast blink, one expression that comes and goes, and a turn."""
    stream = random_stream(seed, number, _STREAM)
    seconds = np.arange(frames) / FPS
    values = torch.zeros(frames, len(ACTION_NAMES))
    at = ACTION_NAMES.index
    speech = np.sin(2 * math.pi * (2.5 + stream.random()) * seconds + stream.random() * 6)
    values[:, at("jaw_open")] = torch.from_numpy(0.55 * np.clip(speech, 0, 1)).float()
    values[:, at("pucker")] = torch.from_numpy(0.5 * np.clip(-speech, 0, 1) * stream.random()).float()
    name, strength = _FACES[stream.integers(len(_FACES))]
    ramp = torch.from_numpy(np.sin(np.linspace(0, math.pi, frames)) * strength).float()
    begin = int(stream.integers(1, max(2, frames - len(_BLINK))))
    for side in ("left", "right"):
        values[:, at(f"{name}_{side}")] = ramp
        blink = values[begin : begin + len(_BLINK), at(f"lid_closed_{side}")]
        blink[:] = torch.tensor(_BLINK)[: len(blink)]
    turn = stream.uniform(-1, 1, 2)
    yaw = _YAW_RAD * np.sin(np.linspace(turn[0], turn[0] + 2.5 * np.sign(turn[1]), frames))
    pitch = _PITCH_RAD * np.sin(np.linspace(0, 3 * turn[1], frames))
    pose = torch.from_numpy(np.stack([yaw, pitch, np.zeros(frames)], 1)).float()
    return Motion(ACTION_NAMES, values, torch.zeros(frames, 2), pose, FPS, name=f"clip {number}")


def scenes(coder: Coder, seed: int, count: int, frames: int, same: bool) -> Iterator[Scene]:
    """Each driver drives another head, or with ``same`` its own; heads with dark glasses are passed over."""
    people = _people(coder, seed)
    for number in range(count):
        motion, (driver, _), (other, index) = write_motion(seed, number, frames), next(people), next(people)
        if same:
            driver = other
        styles = coder.draw(seed, [index]).styles.cpu()
        network = coder.network
        target = Latent(styles, network.rig.label(), "", network.layout.fingerprint, name=f"head {index}")
        truth = acted(other, motion, coder.size)
        still = as_picture(render_head(other, [Pose(0.0, 0.0)], coder.size)[0].image)[None]
        yield Scene(torch.cat([view.image for view in acted(driver, motion, DRIVER_PX)]), motion, target, still, truth)


def _people(coder: Coder, seed: int) -> Iterator[tuple[HeadParameters, int]]:
    index = 0
    while True:
        head = coder.population.draw(seed, index)
        if head.glasses != "sunglasses":
            yield head, index
        index += 1


def acted(head: HeadParameters, motion: Motion, side_px: int) -> list[Rendering]:
    """The head as it makes the motion: pictures and depth, 0 where nothing is."""
    views = []
    for values, pose in zip(motion.values.tolist(), motion.pose_rad.tolist(), strict=True):
        doing = replace(head, actions=tuple(values), gaze_yaw=0.0, gaze_pitch=0.0)
        (view,) = render_head(doing, [Pose(pose[0], pose[1])], side_px)
        depth = torch.from_numpy(view.depth)[None, None]
        views.append(Rendering(as_picture(view.image)[None], None, depth, (depth > 0).float()))
    return views
