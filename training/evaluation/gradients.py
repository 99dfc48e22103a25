"""Is the gradient of an image-text model of use? It is followed for some steps, then another judge looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.clip import ImageText
from sat3d.generators import RenderOptions, TriplaneGenerator
from sat3d.networks.reader import AttributeReader
from training.data.views import Views
from training.networks.clip_phrases import JUDGED, Group, judged_texts
from training.synthheads.populations import FIRST

STEPS = 30
_IMAGE_RATE, _STYLE_RATE = 0.02, 0.08
_STAY = 0.02  # weight of the mean squared change of a style, in units of its spread
_NEURAL_PX = 96
_YAW_RAD = 0.35  # of the camera, drawn anew for each step: what convinces from one side only is no change of the head
_POPULATION = 256


@dataclass(frozen=True)
class Wish:
    """A phrase that shall become true: the choice number ``index`` of ``group``."""

    group: Group
    index: int

    @property
    def values(self) -> tuple[str, ...]:
        return self.group.choices[self.index].values


def draw_wishes(reader: AttributeReader, count: int, seed: int) -> list[Wish]:
    """``count`` phrases about facts that ``reader`` can judge."""
    known = dict(reader.config.categories)
    groups = [group for group in JUDGED if group.fact in known]
    rng = np.random.default_rng([seed, 77])
    chosen = [groups[int(rng.integers(len(groups)))] for _ in range(count)]
    return [Wish(group, int(rng.integers(len(group.choices)))) for group in chosen]


class Wisher:
    """−log of the share that ``clip`` gives a wish among its alternatives, ``[B, 3, H, W]`` -> ``[B]``."""

    def __init__(self, clip: ImageText, wish: Wish):
        self.clip, self.index = clip, wish.index
        with torch.no_grad():
            self.texts = clip.encode_text(judged_texts(wish.group))

    def __call__(self, images: Tensor) -> Tensor:
        scores = self.clip.logit_scale * self.clip.encode_image(images) @ self.texts.T
        return -scores.log_softmax(1)[:, self.index]


def image_gains(clip: ImageText, views: Views, wishes: list[Wish]) -> float:
    """The mean rise of a wish's share by ``STEPS`` steps on the picture itself."""
    gains = []
    for number, wish in enumerate(wishes):
        loss_of = Wisher(clip, wish)
        image = views.inputs(torch.tensor([number % len(views)])).requires_grad_()
        optimizer = torch.optim.Adam([image], lr=_IMAGE_RATE)
        before = float(loss_of(image).detach().neg().exp())
        for _ in range(STEPS):
            loss = loss_of(image).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        gains.append(float(loss_of(image).detach().neg().exp()) - before)
    return sum(gains) / len(gains)


def style_agreement(
    clip: ImageText, network: TriplaneGenerator, reader: AttributeReader, wishes: list[Wish], seed: int
) -> dict[str, float]:
    """How often ``reader``, which never saw ``clip``, finds the wish fulfilled before and after ``STEPS`` steps on the
    styles: ``{"before", "after"}``."""
    spread = _style_spread(network)
    found = {"before": 0, "after": 0}
    for number, wish in enumerate(tqdm(wishes, unit="head", desc="steps on styles")):
        z = torch.from_numpy(FIRST.draw_latent(seed, number))[None]
        with torch.no_grad():
            styles = network.styles(network.map(z))
        edited = _follow(Wisher(clip, wish), network, styles, spread)
        for key, of in (("before", styles), ("after", edited)):
            reading = reader.read(network.synthesize(of).image.clamp(-1, 1))[0]
            found[key] += reading.names[wish.group.fact] in wish.values
    return {key: round(count / len(wishes), 4) for key, count in found.items()}


def _follow(loss_of: Wisher, network: TriplaneGenerator, styles: Tensor, spread: Tensor) -> Tensor:
    offset = torch.zeros_like(styles, requires_grad=True)
    optimizer = torch.optim.Adam([offset], lr=_STYLE_RATE)
    options, chance = RenderOptions(neural_resolution=_NEURAL_PX), torch.Generator().manual_seed(0)
    for _ in range(STEPS):
        yaw = (2 * torch.rand(1, generator=chance) - 1) * _YAW_RAD
        image = network.synthesize(styles + offset * spread, network.rig.label(yaw, torch.zeros(1)), options).image
        loss = loss_of(image).sum() + _STAY * offset.square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return (styles + offset * spread).detach()


@torch.no_grad()
def _style_spread(network: TriplaneGenerator) -> Tensor:
    """``[S]``: the standard deviation of every editable style over the population, 0 for the others."""
    z = torch.randn(_POPULATION, network.config.backbone.z_dim, generator=torch.Generator().manual_seed(0))
    spread = torch.zeros(network.layout.num_channels)
    everything = network.styles(network.map(z)).std(0)
    for layer in network.layout.editable_layers:
        spread[network.layout.slices[layer.name]] = everything[network.layout.slices[layer.name]]
    return spread
