"""Things, their codes, their pictures, and what the reader sees in them: everything that takes time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.errors import ConfigError
from sat3d.generators import TriplaneGenerator
from sat3d.inversion import InversionOptions, Inverter, PortraitEncoder, Start, invert
from sat3d.inversion.encoder import check_encoder
from sat3d.inversion.options import Rates
from sat3d.inversion.w_statistics import WStatistics, measure_w_statistics
from sat3d.networks.loading import SMALLEST_PICTURE_PX, large_enough
from sat3d.networks.reader import AttributeReader
from training.networks.coded_heads import sees_as_the_renderer, styles_of
from training.synth.edits import true_edit
from training.synth.population import Population
from training.synth.streams import SEED_LIMIT
from training.synth.views import render_views

from ..transfer.triples import Cases, People
from ..transfer.truth import TruePictures
from .facts import Facts

_BATCH, _BATCH_ELSEWHERE = 4, 32
_FEWEST_THINGS = 32
Names = Mapping[str, str]  # fact to the value that the reader sees


@dataclass(frozen=True)
class Shots:
    """N pictures from the front: ``images [N, 3, p, p]`` in -1..1, half precision, and what the reader sees."""

    images: Tensor
    seen: Sequence[Names]

    def pick(self, rows: Tensor) -> Shots:
        """Some of them, by number."""
        return Shots(self.images[rows], [self.seen[i] for i in rows.tolist()])


@dataclass(frozen=True, eq=False)
class Stage:
    """A generator with its encoder and judge; ``steps`` of descent in W+ after the encoder (0: none), by pixels alone
    and from the known camera. All that it returns lies in the processor's memory.

    Raises:
        ConfigError: a generator with other cameras than the domain's, an encoder of another generator.
    """

    network: TriplaneGenerator
    encoder: PortraitEncoder
    reader: AttributeReader
    facts: Facts
    population: Population
    steps: int = 0

    def __post_init__(self):
        if not sees_as_the_renderer(self.network, self.facts.domain.views.rig):
            got, name = self.network.rig, self.facts.domain.name
            step = "judge a generator that was trained on this domain"
            raise ConfigError(
                f"The generator's cameras are not those of {name}", got, self.facts.domain.views.rig, step
            )
        check_encoder(self.encoder, self.network)
        self.facts.check_reader(self.reader)

    @property
    def picture_px(self) -> int:
        return max(self.network.config.img_resolution, SMALLEST_PICTURE_PX)

    def draw(self, seed: int, count: int, steps: int | None = None) -> People:
        """``count`` things, at least 32, of a seed (any whole number), with the codes that are found in their renders;
        ``steps``: of descent in place of the stage's own."""
        things = [self.population.draw(seed % SEED_LIMIT, i) for i in range(max(count, _FEWEST_THINGS))]
        truths = [self.facts.domain.attributes_of(p) for p in things]
        pictures = (self.render(p) for p in tqdm(things, "things to find", unit="thing", disable=None))
        found = [self._find(picture[None], self.steps if steps is None else steps) for picture in pictures]
        w, styles = (torch.cat(part).cpu() for part in zip(*found, strict=True))
        return People(things, truths, w, styles)

    def _find(self, picture: Tensor, steps: int) -> tuple[Tensor, Tensor]:
        """``[1, 3, p, p]`` uint8 -> w ``[1, w_dim]``, styles ``[1, S]``; with steps, w is where they began."""
        image = (picture.float() / 127.5 - 1).to(self.network.device)
        with torch.no_grad():
            w = self.encoder(image).w
            styles = styles_of(self.network, w)
        if steps:
            front, options = self.facts.domain.views.front, InversionOptions("W+", steps, rates=Rates(camera=0.0))
            tools = Inverter(self.network, "", self.encoder, statistics=self._statistics)
            start = Start(yaw_rad=front.yaw_rad, pitch_rad=front.pitch_rad)
            styles = invert(tools, image, options, start=start).latent.styles
        return w, styles

    @cached_property
    def _statistics(self) -> WStatistics:
        return measure_w_statistics(self.network)

    @torch.inference_mode()
    def shoot(self, styles: Tensor) -> Shots:
        """``styles [N, S]`` from the domain's front."""
        device, front = self.network.device, self.facts.domain.views.front
        camera = self.network.rig.label(front.yaw_rad, front.pitch_rad).to(device)
        images, seen = [], []
        for some in styles.to(device).split(_BATCH if device.type == "cpu" else _BATCH_ELSEWHERE):
            image = self.network.synthesize(some, camera.expand(len(some), -1)).image
            image = large_enough(image).clamp(-1, 1)
            seen += [reading.names for reading in self.reader.read(image)]
            images.append(image.half().cpu())
        return Shots(torch.cat(images), seen)

    def render(self, p: object) -> Tensor:
        """The true picture from the front, ``[3, p, p]`` uint8."""
        domain = self.facts.domain
        (view,) = render_views(domain, p, [domain.views.front], self.picture_px)
        return torch.from_numpy(np.array(view.image)).permute(2, 0, 1).contiguous()

    def render_truths(self, people: People, all_cases: Mapping[str, Cases]) -> dict[str, TruePictures]:
        """Source and true edit of each attribute's cases. Each source is rendered once."""
        total = sum(len(cases) for cases in all_cases.values())
        sources: dict[int, Tensor] = {}
        found = {}
        with tqdm(total=total, desc="true pictures", unit="edit", disable=None) as bar:
            for attribute, cases in all_cases.items():
                edits = []
                for own, theirs in _pairs(cases):
                    source, reference = people.parameters[own], people.parameters[theirs]
                    if own not in sources:
                        sources[own] = self.render(source)
                    edits.append(self.render(true_edit(self.facts.domain.edits, source, reference, attribute)))
                    bar.update()
                pictures = torch.stack([sources[own] for own, _ in _pairs(cases)])
                found[attribute] = TruePictures(pictures, torch.stack(edits))
        return found

    def draw_cases(self, people: People, seed: int, count: int) -> dict[str, Cases]:
        """``count`` triples in all, shared evenly among the attributes; the two things differ in the attribute.

        Raises:
            ConfigError: too few things to find so many.
        """
        moved = self.facts.moved
        shares = [len(range(i, count, len(moved))) for i in range(len(moved))]
        return {name: self._draw_cases(people, seed, name, n) for name, n in zip(moved, shares, strict=True)}

    def _draw_cases(self, people: People, seed: int, attribute: str, count: int) -> Cases:
        stream = np.random.default_rng([seed % SEED_LIMIT, list(self.facts.truths).index(attribute)])
        found: dict[tuple[int, int], list[bool]] = {}
        for number in stream.permutation(len(people) ** 2).tolist():
            if len(found) == count:
                break
            pair = divmod(number, len(people))
            source, reference = (people.parameters[i] for i in pair)
            if self.facts.can_be_judged(source, reference, attribute):  # not so of a thing and itself
                found[pair] = self.facts.kept(source, reference, attribute)
        if len(found) < count:
            raise ConfigError(f"Too few things differ in {attribute}", len(found), f"{count} pairs", "raise --count")
        pairs = torch.tensor(list(found), dtype=torch.long).reshape(-1, 2)
        kept = torch.tensor(list(found.values())).reshape(-1, len(self.facts.truths))
        return Cases(attribute, pairs[:, 0], pairs[:, 1], kept)


def _pairs(cases: Cases) -> Iterable[tuple[int, int]]:
    return zip(cases.source.tolist(), cases.reference.tolist(), strict=True)
