"""A few gradient steps where precision is wanted: a face made to show what its driver shows, as the face networks see.

Directions of expression say roughly by how much a face must move; the landmark network and the blendshapes that it
leads to, both differentiable, say what is really seen. The strengths of a clip's frames, never who it is, are moved
until the face shows, beyond its own rest, what the driver shows beyond his.

Frames are refined in pieces that begin at whole multiples of a length, each with some frames around it that are thrown
away: a piece depends on itself alone, and can be made later with the same result. Memory holds one frame's gradients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..checks import check_number, check_whole
from ..faces.finding import find_faces, read_faces, squares_around
from ..faces.networks import FaceNetworks, face_networks_on
from ..generators import RenderOptions, StyleGenerator, ViewGenerator
from ..inversion.cameras import rolled_labels
from ..inversion.delta import with_hooks_of
from ..inversion.optimise import pace
from ..inversion.options import ADVICE, LEAST_SHARE
from ..inversion.tune import tuned_network
from ..latent import Latent
from ..networks.loading import resize
from ..parts.confining import edited_so_far
from .channels import ACTION_NAMES, BLENDSHAPES, actions_from_blendshapes, group_of
from .expression_space import ExpressionSpace
from .learning import LOOKED_AT_PX
from .motion import Motion
from .retargeting import MOST_ACTION, Retargeting, asked_of, at_rest

MOST_STEPS = 200
_PIECE, _AROUND = 12, 2  # frames
_LEAST_LOGIT = 2.0  # of the landmark network, for a face near where it was a frame before
_FARTHEST_YAW_RAD = 0.7  # beyond, the face networks see little


@dataclass(frozen=True)
class Refining:
    """``steps``: of descent for each piece (0: none). ``rate``: of Adam, in strengths. ``keep``, ``steady``: costs of
    leaving what the directions say, and of leaving it otherwise than the frame before. ``resolution``: side of the
    rendering that is looked at (None: the generator's).

    Raises:
        ConfigError: a value out of range.
    """

    steps: int = 0
    rate: float = 0.05
    keep: float = 0.01
    steady: float = 0.05
    resolution: int | None = 64

    def __post_init__(self):
        check_whole("The number of steps", self.steps, 0, MOST_STEPS, ADVICE)
        check_whole("resolution", self.resolution or 64, 8, 1024, ADVICE)
        for name in ("rate", "keep", "steady"):
            check_number(name, getattr(self, name), 0, 1e3, ADVICE)


class Refiner:
    """``driver``: the motion as it was read; ``moved``: the same, taken over by the face ``latent``, whose strengths
    are refined piece by piece when they are asked for; ``found [T, K]``: what they are by now."""

    def __init__(
        self, network: StyleGenerator, latent: Latent, space: ExpressionSpace, driver: Motion, moved: Motion,
        retargeting: Retargeting, options: Refining, networks: FaceNetworks | None = None,
    ):  # fmt: skip
        with torch.inference_mode(False):
            self.network = with_hooks_of(network, tuned_network(network, latent)) if latent.tuned else network
            self.networks = networks or face_networks_on(str(network.device))
            self.styles = edited_so_far(latent).styles.clone().to(network.device)
            self.space, self.moved, self.options = space, moved, options
            self.found = moved.values.clone()
            self.made: set[int] = set()  # pieces
            self._ask(driver, retargeting)

    def _ask(self, driver: Motion, retargeting: Retargeting) -> None:
        """What the face should be seen to do: ``wanted [T, k]``, of the channels ``kept`` among those that are read."""
        strengths = retargeting.strengths
        read = ACTION_NAMES if set(driver.names) <= set(ACTION_NAMES) else BLENDSHAPES
        names = [name for name in read if name in driver.names and name != "_neutral" and _counts(name, strengths)]
        self.as_actions, self.kept = read is ACTION_NAMES, [read.index(name) for name in names]
        rest = at_rest(driver, self.space.names, self.space.read(self.styles)[0].cpu(), retargeting)
        with torch.no_grad():
            picture = self._picture(rest.values, rest.pose_rad)
            square = self._square(picture, None)
            shown = None if square is None else self._shown(picture, square).cpu()
        asked = asked_of(driver, retargeting, names)
        self.wanted = None if shown is None else (asked.own * shown + asked.beyond).clamp(0, 1)
        free = [_counts(name, strengths) for name in self.space.names]
        self.free = torch.tensor(free, dtype=self.found.dtype)

    def values(self, first: int, last: int) -> Tensor:
        """``[N, K]``: strengths of frames ``first`` … ``last`` − 1, refined."""
        for number in range(first // _PIECE, -(-last // _PIECE)):
            if number not in self.made:
                self._refine(number * _PIECE, min((number + 1) * _PIECE, len(self.moved)))
                self.made.add(number)
        return self.found[first:last]

    def _refine(self, first: int, last: int) -> None:
        if self.wanted is None or not self.kept or not self.options.steps:
            return
        begin, end = max(0, first - _AROUND), min(last + _AROUND, len(self.moved))
        with torch.inference_mode(False), torch.enable_grad():
            start = self.moved.values[begin:end].clone()
            values = self._descend(start, begin)
        self.found[first:last] = values[first - begin : last - begin]

    def _descend(self, start: Tensor, begin: int) -> Tensor:
        """``start [N, K]`` of frames from ``begin`` on -> the best of all steps, the start included."""
        low, high = start.clamp_max(0), start.clamp_min(MOST_ACTION)
        change = torch.zeros_like(start).requires_grad_()
        optimizer = torch.optim.Adam([change], betas=(0.9, 0.99))
        squares: dict[int, Tensor | None] = {}
        least, best = math.inf, start
        for step in range(self.options.steps + 1):  # the last one only looks
            loss, gradient = self._look(start, change, begin, squares)
            if loss < least:
                least, best = loss, (start + change).detach()
            change.grad = gradient * self.free
            optimizer.param_groups[0]["lr"] = self.options.rate * pace((step + 0.5) / self.options.steps)
            optimizer.step()
            with torch.no_grad():
                change.copy_(torch.minimum(torch.maximum(start + change, low), high) - start)
        return best

    def _look(
        self, start: Tensor, change: Tensor, begin: int, squares: dict[int, Tensor | None]
    ) -> tuple[float, Tensor]:
        """The loss and its gradient ``[N, K]``; one frame after the other, so that the graph of one alone is held."""
        joined = [begin + i + 1 not in self.moved.starts for i in range(len(start) - 1)]
        uneven = (change[1:] - change[:-1]).square().sum(1) @ torch.tensor(joined).to(change)
        cost = self.options.keep * change.square().sum() + self.options.steady * uneven
        (gradient,) = torch.autograd.grad(cost, change)
        loss, wanted = float(cost.detach()), self.wanted
        assert wanted is not None, "chunks are refined only where something is wanted"
        for i in range(len(start)):
            if i in squares and squares[i] is None:
                continue
            own = change[i : i + 1].detach().requires_grad_()
            pose_rad = self.moved.pose_rad[begin + i : begin + i + 1]
            picture = self._picture(start[i : i + 1] + own, pose_rad)
            if i not in squares:
                squares[i] = self._square(picture.detach(), squares.get(i - 1))
            if (square := squares[i]) is not None:
                error = (self._shown(picture, square) - wanted[begin + i].to(picture)).square().sum()
                gradient[i : i + 1] += torch.autograd.grad(error, own)[0]
                loss += float(error.detach())
        return loss, gradient

    def _picture(self, values: Tensor, pose_rad: Tensor) -> Tensor:
        """``[1, 3, H, H]`` of the face with ``values [1, K]``, enlarged as wherever small pictures are read."""
        styles = self.space.apply(self.styles, values.to(self.network.device))
        picture = self.network.synthesize(styles, self._camera(pose_rad), self._options()).image
        return resize(picture, *[max(LOOKED_AT_PX, picture.shape[-1])] * 2)

    def _shown(self, picture: Tensor, square: Tensor) -> Tensor:
        """``[k]``: what the face networks see in that square of the picture."""
        points, _ = read_faces(self.networks, picture, square)
        shapes = self.networks.expressions(points)
        told = actions_from_blendshapes(BLENDSHAPES, shapes) if self.as_actions else shapes
        return told[0, self.kept]

    def _square(self, picture: Tensor, near: Tensor | None) -> Tensor | None:
        """Where the face is, looked for near where it was a frame before; None: nowhere."""
        with torch.no_grad():
            if near is not None:
                points, logits = read_faces(self.networks, picture, near)
                if float(logits[0]) >= _LEAST_LOGIT:
                    return squares_around(points)
            faces = find_faces(picture, self.networks)
            return squares_around(faces[0].points[None].to(picture.device)) if faces else None

    def _camera(self, pose_rad: Tensor) -> Tensor | None:
        """That of the driver, so that what the networks mistake of a turned head they mistake of both; never level with
        the face, where they see nothing. A flat generator has none."""
        if not isinstance(self.network, ViewGenerator):
            return None
        angles = pose_rad[:, :2].clamp(-_FARTHEST_YAW_RAD, _FARTHEST_YAW_RAD)
        return rolled_labels(self.network.rig, angles, torch.zeros(len(angles))).to(self.network.device)

    def _options(self) -> RenderOptions:
        resolution = self.options.resolution
        if isinstance(self.network, ViewGenerator) and resolution is not None:
            resolution = min(resolution, self.network.own_resolution)
        return RenderOptions(resolution, least_share=LEAST_SHARE)

    @property
    def motion(self) -> Motion:
        """What the face does, refined as far as it was asked for."""
        return replace(self.moved, values=self.found.clone())


def _counts(name: str, strengths) -> bool:
    """Whether a channel is refined: the gaze follows the driver's as it is."""
    group = group_of(name)
    return group != "gaze" and getattr(strengths, group) > 0
