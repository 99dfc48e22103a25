"""Directions of expression for any generator: faces are drawn, and what they show is read from their pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import ShapeError
from ..faces.finding import find_faces
from ..faces.networks import FaceNetworks, face_networks_on
from ..generators import RenderOptions, StyleGenerator, ViewGenerator, z_from_seed
from ..progress import Progress, no_progress
from .channels import ACTION_NAMES, BLENDSHAPES, actions_from_blendshapes
from .expression_space import Fit, LinearExpressionSpace, fit_expressions

LOOKED_AT_PX = 256  # smaller pictures are enlarged
_NEURAL_RESOLUTION = 64


class Reading(Protocol):
    """What tells the strengths of a picture ``[1, 3, H, W]`` in -1..1: ``[K]``, or None where no face is seen."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def __call__(self, picture: Tensor) -> Tensor | None: ...


@dataclass
class ReadByFaces:
    """By the networks of :mod:`sat3d.faces`, which know photographs; of drawn heads what they say is rough, but right
    in the mean. ``as_actions``: actions, else all 52 blendshapes."""

    as_actions: bool = True
    networks: FaceNetworks | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return ACTION_NAMES if self.as_actions else BLENDSHAPES

    def __call__(self, picture: Tensor) -> Tensor | None:
        if picture.shape[-1] < LOOKED_AT_PX:
            picture = F.interpolate(picture, (LOOKED_AT_PX,) * 2, mode="bicubic", antialias=True)
        faces = find_faces(picture, self.networks or face_networks_on("cpu"))
        if not faces:
            return None
        shown = faces[0].expressions[None]
        return actions_from_blendshapes(BLENDSHAPES, shown)[0] if self.as_actions else shown[0]


@dataclass(frozen=True)
class Lesson:
    """``faces``: how many are drawn; ``channels [n]`` bool: editable channels that may move, as masks know them."""

    faces: int = 400
    seed: int = 0
    truncation: float = 1.0
    channels: Tensor | None = None
    fit: Fit = field(default_factory=Fit)


def learn_expressions(
    network: StyleGenerator,
    reading: Reading | None = None,
    lesson: Lesson | None = None,
    metadata: Mapping[str, str] | None = None,
    progress: Progress = no_progress,
) -> LinearExpressionSpace:
    """Draw faces from the front, read what they show, and fit directions; the same lesson gives the same directions.

    Raises:
        ShapeError: hardly a face was seen in what the generator draws.
    """
    lesson, reading = lesson or Lesson(), reading or ReadByFaces()
    styles, values = [], []
    with torch.inference_mode(False), torch.no_grad():
        for i in range(lesson.faces):
            progress(i, lesson.faces)
            face = draw_styles(network, lesson.seed + i, lesson.truncation)
            shown = reading(picture_of(network, face))
            if shown is not None:
                styles.append(face.cpu())
                values.append(shown.cpu())
        progress(lesson.faces, lesson.faces)
        if len(styles) < 2 * len(reading.names):
            raise ShapeError("Hardly a face was seen in what this generator draws", f"{len(styles)} of {lesson.faces}",
                             f"at least {2 * len(reading.names)}", "use directions learned otherwise")  # fmt: skip
        return fit_expressions(network.layout, torch.cat(styles), torch.stack(values), reading.names, lesson.channels,
                               lesson.fit, metadata)  # fmt: skip


def draw_styles(network: StyleGenerator, seed: int, truncation: float = 1.0) -> Tensor:
    """``[1, S]``: the face of a seed."""
    z = z_from_seed(seed, network.config.backbone.z_dim).to(network.device)
    return network.styles(network.map(z, network.labels([seed]), truncation))


def picture_of(network: StyleGenerator, styles: Tensor) -> Tensor:
    """``[1, 3, H, H]`` in -1..1, from the front, quickly."""
    coarse = min(_NEURAL_RESOLUTION, network.own_resolution) if isinstance(network, ViewGenerator) else None
    return network.synthesize(styles, None, RenderOptions(coarse, fast=True)).image.clamp(-1, 1).cpu()
