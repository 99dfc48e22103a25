"""A latent that follows a motion, frame by frame: nothing grows with the length of the motion but its few numbers.

Each frame depends on itself alone, so that a clip can be made in parts, and a part that is missing be made later.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from ..camera import CameraRig
from ..errors import ConfigError, ShapeError
from ..generators import Rendering, RenderOptions, StyleGenerator, ViewGenerator
from ..inversion.cameras import angles_of, rolled_labels
from ..latent import Latent
from ..latent_layers import EDIT
from ..parts.confining import Region
from ..parts.field import PartField
from ..parts.generator import network_showing
from .confining import confine_expression
from .expression_space import ExpressionSpace
from .motion import Motion
from .refining import Refiner, Refining
from .retargeting import Retargeting, take_over

View = Literal["driver", "orbit", "driver and orbit", "still"]
VIEWS: tuple[View, ...] = ("driver", "orbit", "driver and orbit", "still")
_CHUNK = 32  # frames whose styles are computed together
_STEPS = 128  # of a strength 0..1, in quick renderings: two faces of one step look the same


@dataclass(frozen=True)
class Orbit:
    """A path of its own for the camera: an ellipse in yaw and pitch, once in ``seconds``; 0: both are held."""

    yaw_rad: float = math.radians(25)
    pitch_rad: float = math.radians(6)
    seconds: float = 4.0

    def angles(self, frames: int, fps: float) -> Tensor:
        """``[T, 2]``."""
        turn = torch.arange(frames) * (2 * math.pi / (self.seconds * fps)) if self.seconds else torch.zeros(frames)
        if not self.seconds:
            return torch.tensor([[self.yaw_rad, self.pitch_rad]]).expand(frames, 2)
        return torch.stack([self.yaw_rad * turn.sin(), self.pitch_rad * turn.cos()], 1)


@dataclass(frozen=True)
class Animation:
    """How a face is shown. ``view``: from the *driver*'s side, from an *orbit*, from both together, or *still*, from
    where the face is seen itself. ``quick``: faces that hardly differ are one face, whose planes are computed once.
    ``refining``: gradient steps, see :mod:`.refining`."""

    retargeting: Retargeting = field(default_factory=Retargeting)
    view: View = "driver"
    orbit: Orbit = field(default_factory=Orbit)
    render: RenderOptions = field(default_factory=lambda: RenderOptions(fast=True))
    quick: bool = True
    refining: Refining = field(default_factory=Refining)

    def __post_init__(self):
        if self.view not in VIEWS:
            raise ConfigError("There is no such view", self.view, ", ".join(VIEWS), "choose one of these")


@dataclass(frozen=True)
class Clip:
    """What is to be shown: one face, its motion in its own channels, a camera ``[T, 25]`` for each frame.
    ``confined``: only its last confined edit moves, see :mod:`.confining`. ``refiner``: what refines the motion's
    strengths when frames are made (None: they are as they are)."""

    latent: Latent
    motion: Motion
    cameras: Tensor
    space: ExpressionSpace
    options: Animation = field(default_factory=Animation)
    confined: bool = False
    refiner: Refiner | None = None

    def __len__(self) -> int:
        return len(self.motion)

    def styles(self, first: int, last: int) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Frames ``first`` … ``last`` − 1: styles ``[N, S]`` of the face, and of each of its confined edits."""
        values = self.motion.values[first:last] if self.refiner is None else self.refiner.values(first, last)
        if self.options.quick:
            values = (values * _STEPS).round() / _STEPS
        edits = [layer.styles for layer in self.latent.layers if layer.kind == EDIT]
        all_styles = [self.latent.styles, *edits]
        still = len(all_styles) - 1 if self.confined else 0
        found = [each.expand(len(values), -1) for each in all_styles[:still]]
        found += [self.space.apply(each, values) for each in all_styles[still:]]
        return found[0], tuple(found[1:])

    @property
    def made(self) -> Motion:
        """What the face does in the frames that were made: the motion, refined if it is to be."""
        return self.motion if self.refiner is None else self.refiner.motion


@dataclass(frozen=True)
class Confined:
    """Where expression may show: a region of parts that a semantic field tells."""

    part_field: PartField
    region: Region


def make_clip(
    network: StyleGenerator,
    latent: Latent,
    motion: Motion,
    space: ExpressionSpace,
    options: Animation | None = None,
    confined: Confined | None = None,
) -> Clip:
    """``latent``, one face, as it follows ``motion``; ``confined``: all but the region is that of the face at rest.

    Raises:
        LayoutError: a face or a space of another generator. ShapeError: several faces. ConfigError: a motion that moves
            nothing; a flat generator that is to be turned.
    """
    options = options or Animation()
    latent.check_layout(network.layout)
    space.check_layout(network.layout)
    if len(latent.styles) != 1:
        raise ShapeError("One face is driven at a time", len(latent.styles), "one face", "take one of the faces")
    if options.view != "still" and not isinstance(network, ViewGenerator):
        raise ConfigError("A flat generator has one view only", options.view, "still", "choose the view still")
    own_pose = torch.tensor(angles_of(latent.camera[0, :16].reshape(4, 4)))
    own = space.read(latent.styles)[0]
    moved = take_over(motion, space.names, own, own_pose, options.retargeting)
    refiner = None
    if options.refining.steps:
        refiner = Refiner(network, latent, space, motion, moved, options.retargeting, options.refining)
    if confined is not None:
        part_field = confined.part_field.to(network.device)
        latent = confine_expression(network, part_field, latent, space, moved.values, confined.region)
    cameras = cameras_of(network.rig, moved, latent, options)
    return Clip(latent, moved, cameras, space, options, confined is not None, refiner)


def cameras_of(rig: CameraRig, motion: Motion, latent: Latent, options: Animation) -> Tensor:
    """``[T, 25]``."""
    frames = len(motion)
    if options.view == "still":
        return latent.camera[:1].expand(frames, -1)
    angles = torch.zeros(frames, 3)
    if options.view != "orbit":
        angles = angles + motion.pose_rad
    if options.view != "driver":
        angles = angles + torch.nn.functional.pad(options.orbit.angles(frames, motion.fps), (0, 1))
    return rolled_labels(rig, angles[:, :2], angles[:, 2])


@torch.no_grad()
def frames_of(network: StyleGenerator, clip: Clip, first: int = 0, last: int | None = None) -> Iterator[Rendering]:
    """Frames ``first`` … ``last`` − 1 (None: to the end), one view at a time. Frames that were left out before are the
    same when they are made later."""
    last = len(clip) if last is None else min(last, len(clip))
    stage = _Stage(network, clip)
    for begin in range(first, last, _CHUNK):
        end = min(begin + _CHUNK, last)
        styles, edits = clip.styles(begin, end)
        for i in range(end - begin):
            yield stage.show(styles[i : i + 1], [edit[i : i + 1] for edit in edits], clip.cameras[[begin + i]])


class _Stage:
    """The face that is shown now: what of it does not depend on the camera is kept until the face changes."""

    def __init__(self, network: StyleGenerator, clip: Clip):
        self.network, self.clip = network, clip
        self.options = clip.options.render
        self.shown = network_showing(network, clip.latent)
        self.face: Tensor | None = None  # styles of the base and of each edit
        self.planes = torch.empty(0)

    def show(self, styles: Tensor, edits: list[Tensor], camera: Tensor) -> Rendering:
        device = self.network.device
        camera = camera.to(device)
        face = torch.cat([styles, *edits])
        if self.face is None or not torch.equal(self.face, face):
            self.face = face
            self._change(styles, edits)
        if not isinstance(self.shown, ViewGenerator):
            return self.shown.synthesize(styles.to(device), camera, self.options)
        return self.shown.render(self.planes, styles.to(device), camera, self.options)

    def _change(self, styles: Tensor, edits: list[Tensor]) -> None:
        if edits:
            own = iter(edits)
            layers = tuple(replace(layer, styles=next(own)) if layer.kind == EDIT else layer
                           for layer in self.clip.latent.layers)  # fmt: skip
            self.shown = network_showing(self.network, replace(self.clip.latent, styles=styles, layers=layers))
        if not isinstance(self.shown, ViewGenerator):
            return
        self.planes = self.shown.planes(styles.to(self.network.device), self.options.noise)
        if self.options.leaves_out:
            self.options = replace(self.options, occupancy=self.shown.find_matter(self.planes, quick=True))
