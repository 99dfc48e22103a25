"""Training of an encoder for pictures of other looks: which head of the plain look does a drawing or a photo show?

It learns from the same heads in several looks, strongly randomised, that the w to be found is that of the plain one.
What it writes lies between the weights that it started from and those that it has learned: that keeps what the first
knew of plain heads, and is better in other looks than either (Wortsman et al. 2022, robust fine-tuning).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from sat3d.errors import ConfigError
from sat3d.generators import StyleGenerator
from sat3d.inversion import PortraitEncoder
from sat3d.networks.seen_faces import SeenFaces
from training.synth.render_command import read_plan

from ..common.device import Machine
from ..common.random_numbers import Draws
from ..data.randomisation import randomise
from ..data.seen_faces import faces_of_data
from ..data.views import Views, load_views, stacked
from .encoder import SIZE, EncoderTask

_PLAIN = 2  # plain views for each in another look
_BATCH = 64
_LEARNED = 0.3  # of the way from the weights of the start to those learned
_SAME = ("seed", "population", "domain")  # of data sets that show the same heads
_CPU = Machine()


class RandomisedTask(EncoderTask):
    """See :class:`EncoderTask`. ``looks``: views of heads of ``views`` in other looks; all views have labels."""

    def __init__(
        self,
        views: Views,
        looks: Views,
        machine: Machine = _CPU,
        seed: int = 0,
        *,
        network: StyleGenerator,
        codes: Tensor | None = None,
    ):
        super().__init__(views, machine, seed, network=network, codes=codes)
        self.first: PortraitEncoder | None = None
        own, self.unseen_looks = looks.split()
        every = max(1, round(len(self.views) / (_PLAIN * len(own))))
        self.views = stacked([self.views.select(torch.arange(0, len(self.views), every)), own])
        self.truth, self.truth_of_looks = (self.truth_about(some) for some in (self.views, self.unseen_looks))
        self.total = len(self.views)

    def start_from(self, path: Path) -> None:
        super().start_from(path)
        self.first = copy.deepcopy(self.module).eval()

    def facts(self) -> dict[str, object]:
        return {**super().facts(), "taught": "looks"}

    def pictures(self, index: Tensor, draws: Draws) -> Tensor:
        images, labels = self.views.inputs(index, self.device), self.views.labels_at(index, self.device)
        return randomise(images, labels, draws)

    @torch.no_grad()
    def evaluate(self, module: PortraitEncoder) -> dict[str, float]:
        """Of what is written; ``looks_explained``: of the styles, in other looks of people who are not learned from."""
        module = self.written(module)
        found = self.found(module, self.unseen_looks)
        return {**super().evaluate(module), "looks_explained": self.explained(found.w, self.truth_of_looks)}

    def save(self, module: nn.Module, path: Path, facts: Mapping[str, str]) -> None:
        super().save(self.written(module), path, facts)

    def written(self, module: nn.Module) -> PortraitEncoder:
        return module if self.first is None else between(self.first, module, _LEARNED)


def between(first: PortraitEncoder, second: nn.Module, share: float) -> PortraitEncoder:
    """A network whose weights lie at ``share`` of the way from those of the first to those of the second."""
    made, aims = copy.deepcopy(first), second.state_dict()
    blended = {
        name: torch.lerp(value, aims[name].to(value), share) if value.is_floating_point() else value
        for name, value in first.state_dict().items()
    }
    made.load_state_dict(blended)
    return made.eval()


def load_looks(folders: Sequence[Path], plain: Sequence[Path], look_at_faces: bool) -> Views:
    """Views of the same heads as in the data set ``plain``, with what is told of their faces if that is asked for.

    Raises:
        FileError: not data sets; ConfigError: of other heads.
    """
    parts = []
    for folder in folders:
        _check_same_heads(folder, plain)
        views = load_views([folder], SIZE)
        if look_at_faces:
            views = replace(views, faces=faces_of_data([folder], folder / "packed-faces")[views.numbers])
        parts.append(views)
    return stacked(parts)


def _check_same_heads(folder: Path, plain: Sequence[Path]) -> None:
    heads = [{name: getattr(read_plan(path), name) for name in _SAME} for path in (folder, *plain)]
    if len(heads) != 2 or heads[0] != heads[1]:
        raise ConfigError("The data in other looks are not of the same heads", f"{folder}: {heads[0]}", heads[1:],
                          "render them with the seed and the population of the one data set in --data")  # fmt: skip


@torch.no_grad()
def find_codes_of(encoder: PortraitEncoder, views: Views) -> Tensor:
    """``[n, w_dim]``: of each head what the encoder finds in the view that is nearest to its front."""
    codes = torch.zeros(int(views.heads.max()) + 1, encoder.config.w_dim)
    for part in frontal_views(views).split(_BATCH):
        told = views.told(part)
        seen = None if told is None else SeenFaces.parted(told)
        raw = encoder.raw(*encoder.see(views.inputs(part), seen))
        codes[views.heads[part]] = encoder.units(raw).w
    return codes


def frontal_views(views: Views) -> Tensor:
    """Numbers of views, one of each head: that whose camera stands nearest to its front."""
    away = torch.from_numpy(views.yaw_rad**2 + views.pitch_rad**2)
    order = away.argsort(descending=True)  # of several writes to one place the last one stays
    nearest = torch.full((int(views.heads.max()) + 1,), -1)
    for number in order.tolist():
        nearest[views.heads[number]] = number
    return nearest[nearest >= 0]
