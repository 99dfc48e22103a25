"""Frames of a video, or any batch of pictures, to one latent each, with cameras that do not tremble.

Every frame begins where the frame before it ended, turned as the encoder says if that is more alike, or at all that it
says (a cut). Then the cameras are smoothed and the faces settle under cameras that are held. With ``expression`` all
frames get one identity: style channels that do not carry expression are shared, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import torch
from torch import Tensor

from ..checks import check_number, check_whole
from ..errors import ShapeError
from ..latent import Latent
from ..masks import AttributeMasks
from ..progress import Watch, no_watch
from .cameras import smooth
from .initialisation import Inverter, ask_encoder, choose_likeliest, first_guess
from .optimise import Inversion, descend, invert
from .options import ADVICE, MOST_STEPS, InversionOptions
from .parameters import HeldVariables, Start
from .target import Target, make_target
from .w_statistics import WStatistics, check_usable, measure_w_statistics

_GENTLE = 0.1
T = TypeVar("T")


@dataclass(frozen=True)
class VideoOptions:
    """``first``: of the first frame; its method is that of all. ``next_steps``: of every other frame; ``settle_steps``:
    of every frame once the cameras are smoothed. ``smoothing``: standard deviation of the Gaussian, in frames (0: none,
    as suits a batch of different people).

    Raises:
        ConfigError: a value out of range.
    """

    first: InversionOptions = field(default_factory=InversionOptions)
    next_steps: int = 30
    settle_steps: int = 10
    smoothing: float = 1.5

    def __post_init__(self):
        check_whole("next_steps", self.next_steps, 1, MOST_STEPS, ADVICE)
        check_whole("settle_steps", self.settle_steps, 1, MOST_STEPS, ADVICE)
        check_number("smoothing", self.smoothing, 0, MOST_STEPS, ADVICE)

    @property
    def following(self) -> InversionOptions:
        return replace(self.first, steps=self.next_steps)

    @property
    def settling(self) -> InversionOptions:
        rates = self.first.rates  # gently: the face is near already, and Adam's wide first steps would spoil it
        gentle = replace(rates, face=_GENTLE * rates.face, departure=_GENTLE * rates.departure, camera=0.0)
        return replace(self.first, steps=self.settle_steps, rates=gentle)


@dataclass(frozen=True)
class InvertedFrames:
    """``latent``: T faces with T cameras; ``pictures [T, 3, H, H]``: as found. ``held``: frames in which nothing
    could be found, which show the face of a neighbour; ``cuts``: frames that began anew."""

    latent: Latent
    pictures: Tensor
    held: tuple[int, ...] = ()
    cuts: tuple[int, ...] = ()


def expression_channels(masks: AttributeMasks, attribute: str = "expression") -> Tensor:
    """``[n]`` bool: the editable channels that belong to ``attribute`` more than to any other or to *others*.

    Raises:
        ShapeError: an attribute these masks do not know, or one without a channel.
    """
    masks.mask([attribute])  # refuses unknown ones
    channels = masks.logits.argmax(0) == masks.attributes.index(attribute)
    if not channels.any():
        raise ShapeError("No channel belongs to this attribute", attribute, "at least one", "use masks learned for it")
    return channels


def invert_frames(
    tools: Inverter,
    frames: Tensor,
    options: VideoOptions | None = None,
    weight: Tensor | None = None,
    expression: Tensor | None = None,
    rolls_rad: Sequence[float] | None = None,
    watch: Watch = no_watch,
) -> InvertedFrames:
    """``frames [T, 3, H, W]`` in -1..1, cropped as the generator's pictures -> T faces and cameras.

    ``weight [1 or T, 1, h, w]``: see :func:`invert`. ``expression [n]`` bool: editable channels that may differ between
    the frames of one person (see :func:`expression_channels`); None: every frame has a face of its own. ``rolls_rad``:
    by how much the head of each frame is tilted, as landmarks tell; None: all are upright. ``watch`` gets steps of all
    frames together and may raise to cancel. The same frames, options and seed give the same latents.

    Example:
        >>> from sat3d.generators import load_generator
        >>> from sat3d.inversion import load_encoder
        >>> from sat3d.networks.built_in import GENERATOR
        >>> tools = Inverter(load_generator(GENERATOR).network, encoder=load_encoder())
        >>> frames = torch.linspace(-1, 1, 128).expand(2, 3, 128, 128)
        >>> found = invert_frames(tools, frames, VideoOptions(InversionOptions("encoder")))
        >>> found.latent.camera.shape, found.held
        (torch.Size([2, 25]), ())

    Raises:
        ShapeError: not frames; masks, channels or tilts that do not fit; or not one frame shows anything. ConfigError:
        see :func:`invert`.
    """
    options = options or VideoOptions()
    with torch.inference_mode(False), torch.enable_grad():
        check_usable(tools.network)
        statistics = tools.statistics or measure_w_statistics(tools.network, options.first.seed)
        targets, held = _targets(tools, frames, weight)
        free = None if expression is None else _free(tools, expression)
        rolls = _rolls(rolls_rad, len(frames))
        return _Frames(tools, statistics, options, targets, rolls, watch).run(held, free)


def _rolls(rolls_rad: Sequence[float] | None, count: int) -> Sequence[float]:
    rolls = [0.0] * count if rolls_rad is None else rolls_rad
    if len(rolls) != count:
        raise ShapeError("Tilts and frames do not pair", f"{len(rolls)} tilts", f"{count}", "give one for each frame")
    return rolls


def _targets(tools: Inverter, frames: Tensor, weight: Tensor | None) -> tuple[list[Target], tuple[int, ...]]:
    """A target per frame, of the frame before where there is nothing to be seen; and which frames those are."""
    if frames.ndim != 4 or not len(frames) or (weight is not None and len(weight) not in (1, len(frames))):
        raise ShapeError("Not frames, or masks that do not pair", tuple(frames.shape),
                         "[T, 3, H, W], one mask or T masks",
                         "pass the frames as one batch")  # fmt: skip
    weights = [None] * len(frames) if weight is None else weight.expand(len(frames), -1, -1, -1).split(1)
    seen: dict[int, Target] = {}
    errors = []
    for i, (frame, own) in enumerate(zip(frames.split(1), weights, strict=True)):
        try:
            seen[i] = make_target(frame.to(tools.network.device), tools.network.config.img_resolution, own)
        except ShapeError as error:  # a black or broken frame must not cost the whole video
            errors.append(error)
    if not seen:
        raise errors[0]
    return fill_gaps(seen, len(frames)), tuple(i for i in range(len(frames)) if i not in seen)


def fill_gaps(found: Mapping[int, T], count: int) -> list[T]:
    """``found`` by number of the frame -> one for each of ``count``: that of the frame before, or else the first.

    Example:
        >>> fill_gaps({1: "a", 3: "b"}, 5)
        ['a', 'a', 'a', 'b', 'b']
    """
    return [found[max((j for j in found if j <= i), default=min(found))] for i in range(count)]


def _free(tools: Inverter, expression: Tensor) -> Tensor:
    layout = tools.network.layout
    if tuple(expression.shape) != (layout.num_editable,) or expression.dtype != torch.bool or not expression.any():
        raise ShapeError("These channels do not fit", f"{tuple(expression.shape)} of {expression.dtype}",
                         f"[{layout.num_editable}] bool, some of them true", "use masks of this generator")  # fmt: skip
    everywhere = torch.zeros(1, layout.num_channels)
    return layout.with_editable(everywhere, expression[None].float().cpu())[0].bool().to(tools.network.device)


class _Frames:
    """One video at work."""

    def __init__(self, tools: Inverter, statistics: WStatistics, options: VideoOptions, targets: list[Target],
                 rolls_rad: Sequence[float], watch: Watch):  # fmt: skip
        self.tools, self.statistics = replace(tools, statistics=statistics), statistics
        self.options, self.targets, self.rolls_rad = options, targets, rolls_rad
        self.outer, self.done = watch, 0
        count = len(targets)
        self.total = options.first.steps + (count - 1) * options.next_steps + count * options.settle_steps
        self.cuts: list[int] = []

    def run(self, held: tuple[int, ...], free: Tensor | None) -> InvertedFrames:
        found = self._follow()
        starts = [each.start for each in found]
        angles = torch.tensor([[s.yaw_rad, s.pitch_rad, s.roll_rad] for s in starts], dtype=torch.float64)
        angles = smooth(angles, self.options.smoothing, self.cuts).tolist()
        starts = [replace(s, yaw_rad=y, pitch_rad=p, roll_rad=r) for s, (y, p, r) in zip(starts, angles, strict=True)]
        found = self._settle(starts) if free is None else self._share(found, starts, free)
        self.outer(self.total, self.total, found[-1].picture)
        latent = replace(found[0].latent, styles=torch.cat([each.latent.styles for each in found]),
                         camera=torch.cat([each.latent.camera for each in found]), name="inverted frames")  # fmt: skip
        return InvertedFrames(latent, torch.cat([each.picture for each in found]), held, tuple(self.cuts))

    def _follow(self) -> list[Inversion]:
        found: list[Inversion] = []
        for frame, target in enumerate(self.targets):
            if not found:
                first = self._first(target, self.rolls_rad[frame])
                found.append(self._invert(target, self.options.first, first))
                continue
            start = self._begin(frame, target, found[-1].start)
            found.append(self._invert(target, self.options.following, start))
        return found

    def _first(self, target: Target, roll_rad: float) -> Start | None:
        """Where a frame without one before it begins; None: as a single picture does."""
        if not roll_rad:
            return None
        if self.tools.encoder is None:
            return replace(first_guess(self.tools, target, self.statistics), roll_rad=roll_rad)
        return ask_encoder(self.tools, target, roll_rad)

    def _begin(self, frame: int, target: Target, before: Start) -> Start | None:
        """Where the frame before ended; that face, turned as the encoder says; or all that it says, a cut: the nearest.

        None: as a single picture does.
        """
        before = replace(before, roll_rad=self.rolls_rad[frame])
        if self.options.first.method == "encoder":
            return self._first(target, before.roll_rad)
        if self.tools.encoder is None:
            return before
        guess = ask_encoder(self.tools, target, before.roll_rad)
        turned = replace(before, yaw_rad=guess.yaw_rad, pitch_rad=guess.pitch_rad)  # a fast turn is no cut
        best = choose_likeliest(self.tools, target, self.statistics, self.options.first.method, [before, turned, guess])
        if best is guess:
            self.cuts.append(frame)
        return best

    def _settle(self, starts: Sequence[Start]) -> list[Inversion]:
        return [self._invert(target, self.options.settling, start)
                for target, start in zip(self.targets, starts, strict=True)]  # fmt: skip

    def _share(self, found: Sequence[Inversion], starts: Sequence[Start], free: Tensor) -> list[Inversion]:
        """One identity, the mean of all frames; the free channels of each frame are its own."""
        device = self.tools.network.device
        styles = [each.latent.styles.to(device) for each in found]
        base = torch.cat(styles).mean(0, keepdim=True)
        return [self._move(target, HeldVariables.at(base, free, own, start, self.statistics), start.roll_rad)
                for target, own, start in zip(self.targets, styles, starts, strict=True)]  # fmt: skip

    def _move(self, target: Target, variables: HeldVariables, roll_rad: float) -> Inversion:
        options = self.options.settling
        found = descend(self.tools, options, target, self.statistics, variables, roll_rad, self._watch())
        self.done += options.steps
        return found

    def _invert(self, target: Target, options: InversionOptions, start: Start | None) -> Inversion:
        found = invert(self.tools, target.image, options, target.weight, start, self._watch())
        self.done += options.steps
        return found

    def _watch(self) -> Watch:
        before = self.done

        def watch(done: int, total: int, picture: Tensor | None = None) -> None:
            self.outer(min(before + done, self.total), self.total, picture)

        return watch
