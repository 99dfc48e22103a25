"""Ways to put a driver's pictures onto a head, each from pictures to views; and how long a frame takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sat3d.animation.driver import Drive, read_motion
from sat3d.animation.expression_space import LinearExpressionSpace
from sat3d.animation.motion import Motion
from sat3d.animation.refining import Refining
from sat3d.animation.retargeting import Rest, Retargeting
from sat3d.animation.smoothing import smooth_motion
from sat3d.animation.streaming import Animation, frames_of, make_clip
from sat3d.errors import ShapeError
from sat3d.generators import Rendering, RenderOptions, TriplaneGenerator
from sat3d.inversion import PortraitEncoder
from sat3d.inversion.cameras import rolled_labels
from sat3d.inversion.frames import BUILT_IN
from training.networks.coded_heads import styles_of

from .optimised_w import STEPS, PerFrame, goal_of
from .scenes import Scene

_HALF = 0.5
_SMOOTHING = 0.5  # of what the encoder says


@dataclass(frozen=True)
class Tools:
    """``channels [n]`` bool: editable channels of expression; ``w_steps``: of the optimisation of w for each frame (0:
    left out); ``precision``: of the refined directions (0: left out)."""

    network: TriplaneGenerator
    encoder: PortraitEncoder
    space: LinearExpressionSpace
    channels: Tensor
    render: RenderOptions
    w_steps: int = STEPS
    precision: int = 0


@dataclass(frozen=True)
class Made:
    views: list[Rendering]
    cameras: Tensor  # [T, 25]
    seconds_per_frame: float


@dataclass(frozen=True)
class Inverted:
    """The driver's frames as the encoder finds them: ``styles [T, S]``, ``pose_rad [T, 3]``."""

    styles: Tensor
    pose_rad: Tensor


@torch.no_grad()
def inverted(tools: Tools, scene: Scene) -> Inverted:
    found = [tools.encoder(frame) for frame in scene.driver.split(1)]
    styles = torch.cat([styles_of(tools.network, each.w) for each in found])
    angles = torch.stack([torch.cat([each.yaw_rad, each.pitch_rad, torch.zeros(1)]) for each in found])
    return Inverted(styles, angles)


def with_known_motion(tools: Tools, scene: Scene) -> Made:
    """The directions, told the truth of the driver: what is left is what the generator cannot show."""
    return _driven(tools, scene, scene.motion)


def with_encoder(tools: Tools, scene: Scene) -> Made:
    """The directions; the driver's actions and pose as encoder and directions read them from its pictures."""
    found, space = inverted(tools, scene), tools.space
    motion = Motion(space.names, space.read(found.styles), torch.zeros(len(found.styles), 2), found.pose_rad,
                    scene.motion.fps)  # fmt: skip
    return _driven(tools, scene, smooth_motion(motion, _SMOOTHING))


def with_photo_networks(tools: Tools, scene: Scene) -> Made:
    """The directions; the driver as the networks for photographs read it."""
    return _driven(tools, scene, read_motion([scene.driver], scene.motion.fps, Drive(frame=BUILT_IN)), "calmest")


def with_precision(tools: Tools, scene: Scene) -> Made:
    """The same, refined by gradient steps until the face networks see the driver's expression."""
    if not tools.precision:
        raise ShapeError("Nothing is refined", "no steps", "some steps", "raise --precision")
    motion = read_motion([scene.driver], scene.motion.fps, Drive(frame=BUILT_IN))
    return _driven(tools, scene, motion, "calmest", Refining(tools.precision))


def copied_channels(tools: Tools, scene: Scene) -> Made:
    """Each frame of the driver inverted, its channels of expression copied."""
    found, layout = inverted(tools, scene), tools.network.layout
    own = scene.target.styles.expand(len(found.styles), -1)
    mixed = torch.where(tools.channels, layout.editable(found.styles), layout.editable(own))
    return _shown(tools, layout.with_editable(own, mixed), found.pose_rad)


def w_interpolation(tools: Tools, scene: Scene) -> Made:
    """Each frame half way in w to the driver as it was inverted; styles are linear in w."""
    found = inverted(tools, scene)
    return _shown(tools, torch.lerp(scene.target.styles, found.styles, _HALF), found.pose_rad)


def optimised_w(tools: Tools, scene: Scene) -> Made:
    """Each frame's w optimised towards the still with the driver's expression, see :mod:`.optimised_w`."""
    if not tools.w_steps:
        raise ShapeError("w is not optimised", "no steps", "some steps", "raise --w-steps")
    pose_rad, started = inverted(tools, scene).pose_rad, time.perf_counter()
    goal = goal_of(scene.still, scene.target.camera, scene.driver)
    styles = PerFrame(tools.network, tools.w_steps).styles(scene.target.styles, goal)
    spent = (time.perf_counter() - started) / len(styles)
    made = _shown(tools, styles, pose_rad)
    return replace(made, seconds_per_frame=made.seconds_per_frame + spent)


def pose_only(tools: Tools, scene: Scene) -> Made:
    found = inverted(tools, scene)
    return _shown(tools, scene.target.styles.expand(len(found.styles), -1), found.pose_rad)


METHODS: dict[str, Callable[[Tools, Scene], Made]] = {
    "directions": with_encoder,
    "directions_known": with_known_motion,
    "directions_photo": with_photo_networks,
    "directions_refined": with_precision,
    "copied_channels": copied_channels,
    "w_interpolation": w_interpolation,
    "optimised_w": optimised_w,
    "pose_only": pose_only,
}


def make(method: str, tools: Tools, scene: Scene) -> Made | None:
    """None: the driver cannot be read this way."""
    try:
        return METHODS[method](tools, scene)
    except ShapeError:
        return None


def _driven(tools: Tools, scene: Scene, motion: Motion, rest: Rest = "none", refining: Refining | None = None) -> Made:
    retargeting = Retargeting("absolute", rest)
    options = Animation(retargeting, render=tools.render, refining=refining or Refining())
    started = time.perf_counter()
    clip = make_clip(tools.network, scene.target, motion, tools.space, options)
    views = [_plain(view) for view in frames_of(tools.network, clip)]
    return Made(views, clip.cameras, (time.perf_counter() - started) / len(views))


@torch.no_grad()
def _shown(tools: Tools, styles: Iterable[Tensor] | Tensor, pose_rad: Tensor) -> Made:
    cameras = rolled_labels(tools.network.rig, pose_rad[:, :2], pose_rad[:, 2])
    started, views = time.perf_counter(), []
    for own, camera in zip(torch.as_tensor(styles).split(1), cameras.split(1), strict=True):
        views.append(_plain(tools.network.render(tools.network.planes(own), own, camera, tools.render)))
    return Made(views, cameras, (time.perf_counter() - started) / len(views))


def _plain(view: Rendering) -> Rendering:
    return replace(view, image=view.image.clamp(-1, 1))
