"""Heads of a population with their codes in a generator: known from their latents, or else found in their renders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.camera import CameraRig
from sat3d.errors import ConfigError
from sat3d.generators import Rendering, TriplaneGenerator, load_generator
from sat3d.inversion import FeatureLoss, InversionOptions, Inverter, PortraitEncoder, invert, load_encoder
from sat3d.inversion.encoder import check_encoder
from sat3d.inversion.w_statistics import measure_w_statistics
from sat3d.networks.reader import load_reader
from training.common.settings import Maybe, Settings
from training.synth.cameras import FRONT, Pose
from training.synth.population import Population
from training.synth.streams import random_stream
from training.synthheads.cameras import RIG
from training.synthheads.parameters import HeadParameters
from training.synthheads.populations import FIRST, PHOTOGRAPHS, POPULATIONS, find_population
from training.synthheads.views import render_head

_COMPARED_POSES = (FRONT, Pose(0.4, -0.2))
_BATCH = 16


@dataclass(frozen=True, kw_only=True)
class PopulationSettings(Settings):
    """For :func:`choose_population`."""

    population: Maybe[Literal[tuple(POPULATIONS)]] = None
    """who is drawn (first if its latents are the generator's, else photographs)"""


@dataclass(frozen=True, kw_only=True)
class CoderSettings(PopulationSettings):
    """For :func:`find_coder`, beside the generator's file."""

    encoder: Maybe[Path] = None
    """finds codes of heads in renders (none where the generator's latents tell them, else the built-in one)"""


def load_domain_generator(path: Path) -> TriplaneGenerator:
    """A generator of heads that are seen from where the renderer's cameras stand.

    Raises:
        FileError: missing or damaged; ConfigError: a generator of another domain.
    """
    network = load_generator(path).network
    if not isinstance(network, TriplaneGenerator) or not sees_as_the_renderer(network):
        wanted = "a tri-plane generator with the renderer's cameras"
        raise ConfigError("This generator does not make heads of the built-in domain", path, wanted, "train one")
    return network


def sees_as_the_renderer(network: TriplaneGenerator, renderer: CameraRig = RIG) -> bool:
    """Whether the cameras of both stand and look alike."""
    labels = [[rig.label(pose.yaw_rad, pose.pitch_rad) for pose in _COMPARED_POSES] for rig in (network.rig, renderer)]
    return all(torch.allclose(own, wanted, atol=1e-4) for own, wanted in zip(*labels, strict=True))


def has_latents_of(network: TriplaneGenerator, population: Population) -> bool:
    """Whether z is a latent of the population: so it is of generators made from known labels, which know ``FIRST``."""
    return population is FIRST and network.config.backbone.z_dim == FIRST.z_dim


def choose_population(network: TriplaneGenerator, name: str | None) -> Population:
    """That of the name; None: the one whose heads the generator makes."""
    if name is not None:
        return find_population(name)
    return FIRST if has_latents_of(network, FIRST) else PHOTOGRAPHS


def draw_z(network: TriplaneGenerator, seed: int, index: int) -> np.ndarray:
    """``[z_dim]`` float32 from N(0, I); where z is a population's latent, that of head ``index`` of the seed."""
    return random_stream(seed, index).standard_normal(network.config.backbone.z_dim).astype(np.float32)


@dataclass(frozen=True)
class CodedHeads:
    """P heads and their codes. ``latents``: z of each, where it is known."""

    parameters: list[HeadParameters]
    w: Tensor  # [P, w_dim]
    styles: Tensor  # [P, S]
    latents: Tensor | None = None  # [P, Z]


@dataclass(frozen=True, eq=False)
class Coder:
    """Where codes of a population's heads come from. ``encoder`` None: from their latents; else it finds them in
    renders from the front, and ``steps`` of descent in W+ follow (0: none).

    Raises:
        ConfigError: no encoder, and a generator whose z says nothing; or an encoder of another generator.
    """

    network: TriplaneGenerator
    population: Population
    encoder: PortraitEncoder | None = None
    steps: int = 0

    def __post_init__(self):
        if self.encoder is not None:
            check_encoder(self.encoder, self.network)
        elif not has_latents_of(self.network, self.population):
            got = f"z of {self.network.config.backbone.z_dim} numbers, heads of '{self.population.name}'"
            raise ConfigError("The generator's latents say nothing of these heads", got, "an encoder", "add --encoder")

    @property
    def size(self) -> int:
        """Of the renders, in pixels."""
        return self.network.config.img_resolution

    def draw(self, seed: int, heads: Sequence[int]) -> CodedHeads:
        """Those heads of the data set of that seed."""
        if self.encoder is None:
            latents = torch.from_numpy(np.stack([self.population.draw_latent(seed, head) for head in heads]))
            return self.of_latents(latents)
        return self.find([self.population.draw(seed, head) for head in heads])

    @torch.no_grad()
    def of_latents(self, latents: Tensor) -> CodedHeads:
        """``[P, Z]``."""
        ws = self.network.map(latents.to(self.network.device))
        parameters = [self.population.parameters(latent) for latent in latents.numpy()]
        return CodedHeads(parameters, ws[:, 0], self.network.styles(ws), latents)

    def find(self, parameters: Sequence[HeadParameters]) -> CodedHeads:
        """The codes that the encoder finds for these heads."""
        shown = tqdm(parameters, "heads to find", unit="head", disable=None if len(parameters) > 1 else True)
        renders = (picture_of(p, self.size) for p in shown)
        parts = [self.of_pictures(torch.stack(part)) for part in _batches(renders)]
        return CodedHeads(list(parameters), *(torch.cat(part) for part in zip(*parts, strict=True)))

    def of_pictures(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """``[B, 3, H, W]`` in -1..1 -> w ``[B, w_dim]``, styles ``[B, S]``; with ``steps``, w is where they began."""
        with torch.no_grad():
            w = self.encoder(images.to(self.encoder.mean.device)).w.to(self.network.device)
            styles = styles_of(self.network, w)
        if self.steps:
            options = InversionOptions("W+", self.steps)
            found = [invert(self.inverter, image[None], options).latent.styles for image in images]
            styles = torch.cat(found).to(styles)
        return w, styles

    @cached_property
    def inverter(self) -> Inverter:
        network = self.network
        return Inverter(network, "", self.encoder, FeatureLoss(load_reader()), measure_w_statistics(network))


def find_coder(network: TriplaneGenerator, encoder: Path | None, population: str | None, steps: int = 0) -> Coder:
    """As :class:`CoderSettings` say.

    Raises:
        FileError: the encoder is missing or damaged; ConfigError: it belongs to another generator.
    """
    people = choose_population(network, population)
    known = encoder is None and not steps and has_latents_of(network, people)
    return Coder(network, people, None if known else load_encoder(encoder).to(network.device), steps)


def styles_of(network: TriplaneGenerator, w: Tensor) -> Tensor:
    """``w [B, w_dim]``, the same for all layers -> styles ``[B, S]``."""
    return network.styles(w[:, None].expand(-1, network.config.backbone.num_ws, -1))


def picture_of(p: HeadParameters, size: int, pose: Pose = FRONT) -> Tensor:
    """``[3, size, size]`` in -1..1."""
    (view,) = render_head(p, [pose], size)
    return as_picture(view.image)


def as_picture(image: np.ndarray) -> Tensor:
    """``[H, W, 3]`` uint8 -> ``[3, H, W]`` in -1..1."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 127.5 - 1


@torch.no_grad()
def generate_views(network: TriplaneGenerator, styles: Tensor, poses: Sequence[Pose]) -> Rendering:
    """A head ``[1, S]`` from V sides; the picture in -1..1."""
    cameras = torch.cat([network.rig.label(pose.yaw_rad, pose.pitch_rad) for pose in poses]).to(styles)
    seen = network.render(network.planes(styles), styles, cameras)
    return Rendering(seen.image.clamp(-1, 1), seen.image_raw, seen.depth, seen.opacity)


def _batches(pictures: Iterable[Tensor]) -> Iterable[list[Tensor]]:
    part: list[Tensor] = []
    for picture in pictures:
        part.append(picture)
        if len(part) == _BATCH:
            yield part
            part = []
    if part:
        yield part
