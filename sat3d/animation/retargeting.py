"""From the driver's motion to another face's: the driver's rest taken out, absolute or relative, each group by its
strength."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

import torch
from torch import Tensor

from ..checks import check_number
from ..errors import ConfigError
from .channels import (
    ACTION_NAMES,
    GAZE_NAMES,
    KNOWN_BLENDSHAPES,
    actions_from_blendshapes,
    gaze_channels,
    group_of,
)
from .motion import Motion

Mode = Literal["absolute", "relative"]
Rest = Literal["calmest", "first frame", "none"]
MODES: tuple[Mode, ...] = ("absolute", "relative")
RESTS: tuple[Rest, ...] = ("calmest", "first frame", "none")
MOST_STRENGTH = 3.0
_CALM_SHARE = 0.1  # of the frames, those in which least is seen
_FULL_RANGE = 0.2  # the least that is left of a strength's range above the driver's rest
MOST_ACTION = 1.5  # beyond, expressions come apart


@dataclass(frozen=True)
class Strengths:
    """How much of each group is taken over: 0 keeps the face's own, 1 the driver's, more exaggerates.

    Raises:
        ConfigError: a strength out of range.
    """

    mouth: float = 1.0
    eyes: float = 1.0
    brows: float = 1.0
    gaze: float = 1.0
    pose: float = 1.0

    def __post_init__(self):
        for each in fields(self):
            check_number(f"The strength of {each.name}", getattr(self, each.name), 0, MOST_STRENGTH,
                         "choose another strength")  # fmt: skip


@dataclass(frozen=True)
class Retargeting:
    """``mode``: *absolute* shows the driver's expression and pose, *relative* adds to the face's own what the driver
    does beyond its rest. ``rest``: what the driver's neutral face is: the *calmest* tenth of the frames, the *first
    frame*, or *none*, an ideal one.

    Raises:
        ConfigError: no such mode or rest.
    """

    mode: Mode = "absolute"
    rest: Rest = "calmest"
    strengths: Strengths = Strengths()

    def __post_init__(self):
        for value, known in ((self.mode, MODES), (self.rest, RESTS)):
            if value not in known:
                raise ConfigError("There is no such way to take over a motion", value, ", ".join(known),
                                  "choose one of these")  # fmt: skip


@dataclass(frozen=True)
class Neutral:
    """A face at rest: ``values [K]``, ``gaze_rad [2]``, ``pose_rad [3]``."""

    values: Tensor
    gaze_rad: Tensor
    pose_rad: Tensor


def neutral_of(motion: Motion, rest: Rest = "calmest") -> Neutral:
    """The driver's face at rest, by what was really seen."""
    if rest == "none":
        return Neutral(*(torch.zeros(part.shape[1]) for part in (motion.values, motion.gaze_rad, motion.pose_rad)))
    seen = motion.seen.nonzero()[:, 0]
    seen = seen if len(seen) else torch.arange(len(motion))
    if rest == "first frame":
        chosen = seen[:1]
    else:
        expressive = [i for i, name in enumerate(motion.names) if group_of(name) != "gaze" and name != "_neutral"]
        activity = motion.values[seen][:, expressive].clamp_min(0).sum(1)
        chosen = seen[activity.argsort(stable=True)[: max(1, round(_CALM_SHARE * len(seen)))]]
    return Neutral(*(part[chosen].median(0).values for part in (motion.values, motion.gaze_rad, motion.pose_rad)))


def take_over(
    motion: Motion, names: Sequence[str], own: Tensor, own_pose_rad: Tensor, options: Retargeting | None = None
) -> Motion:
    """The motion of a face whose channels are ``names``, and which itself shows ``own [K]`` from ``own_pose_rad [3]``.

    Gaze is among the channels of a face that can look around (:data:`.channels.GAZE_NAMES`); the motion's own gaze and
    pose follow it.

    Raises:
        ConfigError: the motion tells nothing of these channels.
    """
    options = options or Retargeting()
    rest = neutral_of(motion, options.rest)
    if options.mode == "absolute":
        motion = _beyond_rest(motion, rest)
        base = Neutral(torch.zeros_like(rest.values), torch.zeros(2), torch.zeros(3))
    else:
        base = rest
    driver, still = channels_of(motion, names), channels_of(_one_frame(motion, base), names)[0]
    own, own_pose_rad = own.to(driver), own_pose_rad.to(driver)
    strengths = driver.new_tensor([getattr(options.strengths, group_of(name)) for name in names])
    pose, zero = options.strengths.pose, motion.gaze_rad.new_zeros(2)
    if options.mode == "absolute":
        values = own + strengths * (driver - own)
        gaze_rad = options.strengths.gaze * motion.gaze_rad
        pose_rad = own_pose_rad + pose * (motion.pose_rad - own_pose_rad)
    else:
        values = own + strengths * (driver - still)
        gaze_rad = options.strengths.gaze * (motion.gaze_rad - base.gaze_rad.to(zero))
        pose_rad = own_pose_rad + pose * (motion.pose_rad - base.pose_rad)
    low = driver.new_tensor([-1.0 if name in GAZE_NAMES else 0.0 for name in names])
    high = driver.new_tensor([1.0 if name in GAZE_NAMES else MOST_ACTION for name in names])
    values = torch.minimum(torch.maximum(values, torch.minimum(low, own)), torch.maximum(high, own))
    return replace(motion, names=tuple(names), values=values, gaze_rad=gaze_rad, pose_rad=pose_rad)


def at_rest(motion: Motion, names: Sequence[str], own: Tensor, options: Retargeting) -> Motion:
    """One frame: what a face that shows ``own [K]`` does while the driver rests; seen from where the driver is."""
    still = _one_frame(motion, neutral_of(motion, options.rest))
    return take_over(still, names, own, still.pose_rad[0], options)


@dataclass(frozen=True)
class Asked:
    """What a face is asked to be seen to do: ``own [k]`` times what is seen of it at rest, plus ``beyond [T, k]``."""

    own: Tensor
    beyond: Tensor


def asked_of(motion: Motion, options: Retargeting, names: Sequence[str]) -> Asked:
    """Of the driver's own channels, ``names``: by strengths, what they are beyond rest is added to the face's rest;
    where the driver's rest is an ideal one, which nothing is known to look like, the face is to look as the driver does
    itself."""
    rest = neutral_of(motion, options.rest)
    ideal = options.mode == "absolute" and options.rest == "none"
    change = _beyond_rest(motion, rest).values if options.mode == "absolute" else motion.values - rest.values
    strengths = change.new_tensor([getattr(options.strengths, group_of(name)) for name in names])
    own = (1 - strengths).clamp_min(0) if ideal else torch.ones_like(strengths)
    return Asked(own, strengths * change[:, [motion.names.index(name) for name in names]])


def channels_of(motion: Motion, names: Sequence[str]) -> Tensor:
    """``[T, K]``: what the motion says of these channels: its own, actions made of blendshapes, the gaze; 0 where it
    says nothing.

    Raises:
        ConfigError: it says nothing of any but the gaze.
    """
    known = dict(zip(motion.names, motion.values.unbind(1), strict=True))
    if set(motion.names) <= KNOWN_BLENDSHAPES:
        made = actions_from_blendshapes(motion.names, motion.values)
        known = {**dict(zip(ACTION_NAMES, made.unbind(1), strict=True)), **known}
    if not known.keys() & set(names) - set(GAZE_NAMES):
        raise ConfigError("The motion moves nothing that this face can move", ", ".join(motion.names[:4]) + ", …",
                          ", ".join(list(names)[:4]) + ", …", "use a motion of blendshapes or of actions")  # fmt: skip
    known.update(zip(GAZE_NAMES, gaze_channels(motion.gaze_rad).unbind(1), strict=True))
    nothing = motion.values.new_zeros(len(motion))
    return torch.stack([known.get(name, nothing) for name in names], 1)


def _beyond_rest(motion: Motion, rest: Neutral) -> Motion:
    """The driver's rest becomes 0 and what is full stays full, so that a brow that is always a little up is no sign."""
    span = (1 - rest.values).clamp_min(_FULL_RANGE)
    values = ((motion.values - rest.values) / span).clamp_min(0)
    return replace(motion, values=values, gaze_rad=motion.gaze_rad - rest.gaze_rad)


def _one_frame(motion: Motion, face: Neutral) -> Motion:
    return Motion(motion.names, face.values[None].to(motion.values), face.gaze_rad[None].to(motion.gaze_rad),
                  face.pose_rad[None].to(motion.pose_rad), motion.fps)  # fmt: skip
