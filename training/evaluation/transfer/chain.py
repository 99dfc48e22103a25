"""Attributes one after the other: does a head walk from the source to the reference?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from sat3d.errors import ConfigError
from sat3d.generators import TriplaneGenerator
from sat3d.metrics import pixel_changes, shape_distance
from training.synth.streams import SEED_LIMIT

from .methods import Edit, Pairing
from .metrics import all_alike, rounded, share
from .renderer_and_judges import Shots
from .triples import SCORED, Cases, People, named

_STREAM = 77  # of random numbers: the triples of the attributes have 0 to 5


def draw_walks(people: People, seed: int, count: int) -> Tensor:
    """``[N, 2]`` numbers of people: all attributes of both can be seen and named.

    Raises:
        ConfigError: too few people show everything.
    """
    plain = [i for i, truths in enumerate(people.truths) if all(named(truths, name) for name in SCORED)]
    pairs = [(own, theirs) for own in plain for theirs in plain if own != theirs]
    if len(pairs) < count:
        raise ConfigError("Too few people show all attributes", len(pairs), f"{count} pairs", "raise --count")
    chosen = np.random.default_rng([seed % SEED_LIMIT, _STREAM]).permutation(len(pairs))[:count]
    return torch.tensor([pairs[i] for i in chosen.tolist()]).reshape(-1, 2)


@torch.no_grad()
def walk(network: TriplaneGenerator, people: People, pairs: Tensor, edits: Mapping[str, Edit]) -> list[Tensor]:
    """Styles ``[N, S]`` of the sources, then after one more of the ``edits`` each, all at δ = 1."""
    count = len(pairs)
    own, theirs = pairs.unbind(1)
    kept = torch.zeros(count, len(SCORED), dtype=torch.bool)
    steps = [people.styles[own]]
    for name, edit in edits.items():
        cases = Cases(name, len(people) + torch.arange(count), theirs, kept)
        steps.append(edit(Pairing(network, _with(people, own, steps[-1]), cases), 1.0))
    return steps


def _with(people: People, numbers: Tensor, styles: Tensor) -> People:
    """``people``, and behind them these again, edited."""
    again = numbers.tolist()
    return People(
        [*people.parameters, *(people.parameters[i] for i in again)],
        [*people.truths, *(people.truths[i] for i in again)],
        torch.cat([people.w, people.w[numbers]]),
        torch.cat([people.styles, styles]),
    )


def score_walk(shots: Sequence[Shots], reference: Shots, spread: Tensor) -> list[dict]:
    """A row a step, the first of the source as it is.

    ``moved``: of the attributes that went over so far, the share that the reader sees as in the reference; ``staying``:
    of the others, the share that it sees as in the source; ``reference``: of all, as in the reference; ``identity``:
    distance of the head shape from the source's; ``to_reference``: mean |ΔRGB| to the reference's picture, of 255.
    """
    rows = []
    for step, shot in enumerate(shots):
        as_reference, as_source = (all_alike(shot.seen, other.seen) for other in (reference, shots[0]))
        away = shape_distance(shot.seen.numbers["shape"], shots[0].seen.numbers["shape"], spread)
        rows.append(
            {
                "attribute": list(SCORED)[step - 1] if step else None,
                "moved": share(as_reference[:, :step]),
                "staying": share(as_source[:, step:]),
                "reference": share(as_reference),
                "identity": rounded(away.mean()),
                "to_reference": rounded(255 * pixel_changes(shot.images.float(), reference.images.float()).mean()),
            }
        )
    return rows
