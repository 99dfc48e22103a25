"""From the command line of ``train_sliders.py`` to heads, subspaces and a task."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import torch
from torch import Tensor

from sat3d.errors import ConfigError
from sat3d.generators import LoadedGenerator, StyleGenerator, TriplaneGenerator, load_generator
from sat3d.networks.built_in import GENERATOR
from sat3d.sliders import Sliders
from training.common.device import Machine
from training.common.settings import BuiltIn, Maybe, Range
from training.networks.coded_heads import CoderSettings, find_coder, sees_as_the_renderer
from training.networks.command import RunSettings

from .heads import HeadPlan, Pictures, draw_styles, group_gradients, kept_heads, read_heads
from .source_settings import SourceSettings, make_sources, mean_picture
from .sources import Sources
from .subspaces import Recipe, find_subspaces, first_sliders
from .task import SlidersOf, SliderTask

_FEWEST_HEADS = 16


@dataclass(frozen=True, kw_only=True)
class TrainSliders(SourceSettings, CoderSettings, RunSettings):
    """What ``train_sliders.py`` can be told."""

    generator: BuiltIn = GENERATOR  # whose faces get sliders
    heads: Annotated[int, Range(_FEWEST_HEADS, 10**6)] = 2048  # the generator's, to learn from
    encoded: Annotated[int, Range(0, 10**6)] = 0
    """so many of them are heads of the built-in domain, by their latents or found by its encoder"""
    acting: Annotated[int, Range(0, 10**4)] = 32  # heads whose gradients show where groups act
    truncation: Annotated[float, Range(0, 2)] = 1.0  # of drawn heads
    mixed: Annotated[float, Range(0, 1)] = 0.5  # share of drawn heads whose layers are of two codes
    yaw: Annotated[float, Range(0, 60)] = 12.0  # degrees to either side from where heads are seen
    rank: Annotated[int, Range(1, 256)] = 48  # dimensions of a group's subspace, at most
    energy: Annotated[float, Range(0.01, 1)] = 0.9  # share of a group's gradient in the channels that it reaches
    hidden: Annotated[int, Range(0, 1024)] = 32  # units of the bent part of the maps (0: linear)
    least_read: Annotated[float, Range(-1, 1)] = 0.05  # R² below which a value gets no slider
    heads_cache: Maybe[Path] = None  # folder that keeps the heads (beside --out)

    @property
    def recipe(self) -> Recipe:
        return Recipe(self.rank, energy=self.energy, hidden=self.hidden, least_read=self.least_read)

    @property
    def plan(self) -> HeadPlan:
        return HeadPlan(self.seed, self.truncation, self.mixed, self.yaw, self.yaw / 2)


def make_task(settings: TrainSliders, machine: Machine) -> SliderTask:
    """Draw and read heads, about a second each on a processor core, find the subspaces, make the task.

    Raises:
        ConfigError: nothing that styles tell, or sources that do not go with the generator.
        FileError: a file is missing, damaged or of another kind.
    """
    loaded = load_generator(settings.generator)
    network = loaded.network.to(machine.device).eval().requires_grad_(False)
    pictures = Pictures(network, settings.resolution or None)
    sources = make_sources(settings, network, pictures)
    heads, gradients = _collect(settings, loaded, sources, pictures)
    torch.manual_seed(settings.seed)
    subspaces = find_subspaces(heads, gradients, sources.values, network.layout.editable_index, settings.recipe)
    if not subspaces:
        raise ConfigError("Styles tell nothing of what is read", f"{len(heads)} heads, {len(sources.values)} values",
                          "values that vary with the styles", "draw more --heads, or lower --least-read")  # fmt: skip
    first = first_sliders(subspaces, heads, sources.values, settings.recipe)
    columns = [i for subspace in subspaces for i in subspace.columns]
    _tell(first.config.names, sources)
    layout, notes = network.layout, {"source": " ".join(settings.source), "generator": settings.generator.name}
    made_for = SlidersOf(Sliders(first, loaded.fingerprint, layout.fingerprint, layout.to_json(), notes), columns)
    return SliderTask(made_for, heads, sources, pictures, machine)


def _collect(settings: TrainSliders, loaded: LoadedGenerator, sources: Sources, pictures: Pictures):
    network = pictures.network
    with torch.no_grad():
        seen = sources.read(mean_picture(network, pictures))
    acting = min(settings.acting, settings.heads)
    sizes = {"heads": settings.heads, "acting": acting, "groups": len(sources.groups),
             "styles": network.layout.num_channels, "values": seen.values.shape[1],
             "identity": seen.identity.shape[1]}  # fmt: skip
    facts = {
        **sizes, **asdict(settings.plan), "generator": loaded.fingerprint, "sources": sources.fingerprint(),
        "names": [value.name for value in sources.values], "resolution": settings.resolution,
        "encoded": settings.encoded, "encoder": str(settings.encoder), "population": settings.population,
    }  # fmt: skip

    def fill():
        heads = read_heads(pictures, sources, _draw(settings, network), settings.heads)
        first = heads.select(torch.arange(settings.heads)[-acting:] if acting else torch.arange(0))
        gradients = (
            group_gradients(pictures, sources, first, heads.values.std(0), settings.seed) if acting else torch.zeros(0)
        )
        return heads, gradients

    return kept_heads(settings.heads_cache or settings.out.with_suffix(".heads"), facts, sizes, fill)


@torch.no_grad()
def _draw(settings: TrainSliders, network: StyleGenerator) -> Iterator[tuple[Tensor, Tensor]]:
    """Heads of the domain first, then those that the generator draws."""
    encoded = min(settings.encoded, settings.heads)
    if encoded:
        if not isinstance(network, TriplaneGenerator) or not sees_as_the_renderer(network):
            raise ConfigError("This generator does not make heads of the built-in domain", settings.generator,
                              "one that does", "say --encoded 0")  # fmt: skip
        coder = find_coder(network, settings.encoder, settings.population)
    for number in range(settings.heads):
        styles, camera = draw_styles(network, settings.plan, number)
        yield (coder.draw(settings.seed, [number]).styles if number < encoded else styles), camera


def _tell(names: tuple[str, ...], sources: Sources) -> None:
    lost = [value.name for value in sources.values if value.group and value.name not in names]
    print(f"{len(names)} sliders" + (f"; styles do not tell {', '.join(lost)}" if lost else ""), flush=True)
