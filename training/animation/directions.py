"""Directions of expression of a generator: by what its heads are known to do, or by what is read from its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.animation.channels import ACTION_NAMES, GAZE_NAMES
from sat3d.animation.expression_space import LinearExpressionSpace, fit_expressions
from sat3d.animation.learning import Lesson, ReadByFaces, learn_expressions
from sat3d.generators import LoadedGenerator, StyleGenerator, TriplaneGenerator, load_generator
from sat3d.inversion import expression_channels
from sat3d.masks import load_masks
from sat3d.networks.built_in import GENERATOR
from training.common.settings import BuiltIn, Maybe, Range, Seed, Settings
from training.networks.coded_heads import (
    CoderSettings,
    choose_population,
    find_coder,
    has_latents_of,
    sees_as_the_renderer,
)
from training.synthheads.parameters import HeadParameters

_BATCH = 100  # heads drawn at once
_LEAST_SPREAD = 0.02  # what the population hardly does teaches nothing
_EXPRESSION = "expression"


@dataclass(frozen=True, kw_only=True)
class LearnDirections(CoderSettings, Settings):
    """Which generator, from how many faces, and how what they show is known."""

    generator: BuiltIn = GENERATOR  # whose faces will be driven
    masks: Maybe[Path] = None
    """attribute masks that say which channels carry expression (those that expressions explain best)"""
    faces: Annotated[int, Range(100, 10**6)] = 5000
    known_by: Literal["auto", "truth", "pictures"] = "auto"
    """truth: heads of the built-in domain; pictures: the face networks; auto: truth where latents tell it"""
    channels: Literal["actions", "blendshapes"] = "actions"  # what is read from pictures
    truncation: Annotated[float, Range(0.1, 1.5)] = 1.0  # of faces that are drawn to be read
    seed: Seed = 1


def learn_directions(settings: LearnDirections, loaded: LoadedGenerator | None = None) -> LinearExpressionSpace:
    """
    Raises:
        FileError: a file is missing or damaged; LayoutError: masks of another generator; ConfigError: heads whose codes
            nobody knows; ShapeError: pictures without faces.
    """
    loaded = loaded or load_generator(settings.generator)
    network = loaded.network
    channels = _channels(network, settings.masks)
    truth = settings.known_by == "truth" or (settings.known_by == "auto" and _tells_truth(network, settings))
    notes = {"generator_fingerprint": loaded.fingerprint, "faces": str(settings.faces), "seed": str(settings.seed)}
    if truth and isinstance(network, TriplaneGenerator):
        return _by_truth(network, settings, channels, {**notes, "known_by": "truth", "licence": "CC0-1.0"})
    lesson = Lesson(settings.faces, settings.seed, settings.truncation, channels)
    reading = ReadByFaces(settings.channels == "actions")
    with tqdm(total=settings.faces, desc="faces", unit="face", disable=None) as bar:
        show = lambda done, total: bar.update(done - bar.n)  # noqa: E731
        return learn_expressions(network, reading, lesson, {**notes, "known_by": "pictures"}, show)


def of_the_domain(network: StyleGenerator) -> bool:
    """Whether it makes heads of the built-in domain, seen as the renderer sees them."""
    return isinstance(network, TriplaneGenerator) and sees_as_the_renderer(network)


def _tells_truth(network: StyleGenerator, settings: LearnDirections) -> bool:
    if not isinstance(network, TriplaneGenerator) or not of_the_domain(network):
        return False
    return settings.encoder is not None or has_latents_of(network, choose_population(network, settings.population))


def _channels(network: StyleGenerator, masks: Path | None) -> Tensor | None:
    if masks is None:
        return None
    known = load_masks(masks)
    known.check_layout(network.layout)
    return expression_channels(known) if _EXPRESSION in known.attributes else None


def _by_truth(
    network: TriplaneGenerator, settings: LearnDirections, channels: Tensor | None, notes: dict[str, str]
) -> LinearExpressionSpace:
    coder = find_coder(network, settings.encoder, settings.population)
    styles, values = [], []
    for first in tqdm(range(0, settings.faces, _BATCH), "heads", unit_scale=_BATCH, disable=None):
        heads = coder.draw(settings.seed, range(first, min(first + _BATCH, settings.faces)))
        styles.append(heads.styles.cpu())
        values += [values_of(each) for each in heads.parameters]
    names, told = (*ACTION_NAMES, *GAZE_NAMES), torch.tensor(values)
    moving = [i for i in range(len(names)) if told[:, i].std() > _LEAST_SPREAD]
    return fit_expressions(network.layout, torch.cat(styles), told[:, moving], [names[i] for i in moving], channels,
                           metadata=notes)  # fmt: skip


def values_of(head: HeadParameters) -> list[float]:
    """What a head does: its actions, then where its eyes look, in the order of ``ACTION_NAMES`` and ``GAZE_NAMES``."""
    return [*head.actions, head.gaze_yaw, head.gaze_pitch]
