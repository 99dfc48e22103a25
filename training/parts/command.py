"""From the command line of ``train_parts.py`` to labelled rays and a task."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from tqdm import tqdm

from sat3d.domains import load_domain
from sat3d.errors import ConfigError
from sat3d.generators import TriplaneGenerator, load_generator
from sat3d.learning.segmenters import Segmenter
from sat3d.networks.built_in import GENERATOR
from sat3d.parsing.labels import LABEL_NAMES
from sat3d.seeds import generator_of
from training.common.device import Machine
from training.common.segmenters import find_segmenter
from training.common.settings import BuiltIn, Maybe, Range
from training.networks.coded_heads import Coder, CoderSettings, find_coder, sees_as_the_renderer
from training.networks.command import RunSettings

from .heads import SAMPLED_OFFSET, LabelledHead, generated_heads, rendered_heads
from .rays import LabelledRays, labelled_rays
from .task import FieldOf, PartsTask

_HELD_OUT_EVERY = 16
_HELD_OUT_RAYS = 1024  # per view, evenly over the picture
_STREAM = 11


@dataclass(frozen=True, kw_only=True)
class TrainParts(CoderSettings, RunSettings):
    """What ``train_parts.py`` can be told."""

    generator: BuiltIn = GENERATOR  # whose heads get a semantic field: a tri-plane generator
    heads: Annotated[int, Range(0)] = 240
    """this many rendered heads with exact labels (of generators of the built-in domain; others have none)"""
    generated: Annotated[int, Range(0)] = 24
    """and this many that the generator invents, with the labels of a parser (1000 for other generators)"""
    domain: str = "synthheads"  # whose parser it is: synthheads, or face for people's photographs
    parser: Maybe[Path] = None  # the parser's weights (the built-in one for synthheads)
    views: Annotated[int, Range(1, 64)] = 6  # of each head
    rays: Annotated[int, Range(16, 1 << 16)] = 256  # learned from, of each view
    truncation: Annotated[float, Range(0, 2)] = 1.0  # of generated heads


def make_task(settings: TrainParts, machine: Machine) -> PartsTask:
    """Collect the rays, about a second per head, and make the task.

    Raises:
        ConfigError: no heads at all, a flat generator, or a parser with other labels than the renders.
        FileError: a file is missing, damaged or of another kind.
    """
    loaded = load_generator(settings.generator)
    network = loaded.network
    if not isinstance(network, TriplaneGenerator):
        raise ConfigError("A semantic field needs a 3D generator", settings.generator, "a tri-plane generator")
    network = network.to(machine.device).eval().requires_grad_(False)
    known = settings.heads > 0 and sees_as_the_renderer(network)
    parser = _parser_of(settings, network) if settings.generated else None
    if not known and parser is None:
        raise ConfigError("There is nothing to learn from", "no rendered and no generated heads",
                          "--heads of the built-in domain, or --generated", "say --generated 1000")  # fmt: skip
    if known and parser is not None and parser.label_names != LABEL_NAMES:
        raise ConfigError("Parser and renders name other parts", parser.label_names, LABEL_NAMES,
                          "use --domain synthheads, or --heads 0")  # fmt: skip
    labels = LABEL_NAMES if parser is None else parser.label_names
    coder = find_coder(network, settings.encoder, settings.population) if known else None
    rays, held_out = collect(settings, network, coder, parser)
    source = " and ".join(["renders"] * known + ["a parser"] * (parser is not None))
    return PartsTask(
        rays, held_out, FieldOf(loaded.fingerprint, network.layout.fingerprint, labels, source), machine, settings.seed
    )


def _parser_of(settings: TrainParts, network: TriplaneGenerator) -> Segmenter:
    parser = find_segmenter(load_domain(settings.domain), settings.parser, network.device, network)
    if parser is None or parser.find is None:
        raise ConfigError("This domain has no parser", settings.domain, "synthheads, face", "choose another --domain")
    return parser


def collect(
    settings: TrainParts, network: TriplaneGenerator, coder: Coder | None, parser: Segmenter | None
) -> tuple[LabelledRays, LabelledRays]:
    """Rays to learn from, and rays of heads that are never learned from."""
    learned, held_out = [], []
    for head in tqdm(_heads(settings, network, coder, parser), "heads", disable=None):
        apart = head.number % _HELD_OUT_EVERY == 0
        number = _HELD_OUT_RAYS if apart else settings.rays
        draws = generator_of("cpu", settings.seed, head.number, _STREAM)
        rays = labelled_rays(network, network.planes(head.styles), head.cameras, head.labels, number, draws, not apart)
        (held_out if apart else learned).append(rays)
    if not learned or not held_out:
        raise ConfigError("There are too few heads", len(learned) + len(held_out), "at least 2", "add --heads 16")
    return LabelledRays.joined(learned), LabelledRays.joined(held_out)


def _heads(
    settings: TrainParts, network: TriplaneGenerator, coder: Coder | None, parser: Segmenter | None
) -> Iterable[LabelledHead]:
    if coder is not None:
        yield from rendered_heads(coder, settings.seed, range(settings.heads), settings.views)
    if parser is not None:
        numbers = range(SAMPLED_OFFSET, SAMPLED_OFFSET + settings.generated)
        with torch.no_grad():
            yield from generated_heads(
                network, parser.find, settings.seed, numbers, settings.views, settings.truncation, coder is not None
            )
