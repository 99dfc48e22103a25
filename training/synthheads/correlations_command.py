"""Print how attributes go together in two populations, as a table in Markdown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.common.settings import Settings
from training.synth.population import Population
from training.synth.truths import colour_name

from .actions import ACTION_NAMES
from .attributes import HAIR_COLOURS, SHAPE_NAMES
from .parameters import HeadParameters
from .populations import INDEPENDENT, PHOTOGRAPHS

_LONG = ("bob", "long straight", "long wavy", "bun", "ponytail")
_DYED = ("blue", "pink", "green")
_CHIN = SHAPE_NAMES.index("chin-width-incr")
_SMILES = [ACTION_NAMES.index(name) for name in ("smile_left", "smile_right")]


def _hair_colour(p: HeadParameters) -> str:
    return colour_name(p.hair_colour, HAIR_COLOURS)


# What is measured of a head; a yes counts 1, a no 0.
MEASURES: dict[str, Callable[[HeadParameters], float]] = {
    "masculine": lambda p: p.sex,
    "age": lambda p: p.age,
    "dark skin": lambda p: p.skin_tone,
    "african shape": lambda p: p.ancestry[0],
    "asian shape": lambda p: p.ancestry[1],
    "wide chin": lambda p: p.shape[_CHIN],
    "beard": lambda p: p.beard != "none",
    "glasses": lambda p: p.glasses != "none",
    "long hair": lambda p: p.hair_style in _LONG,
    "bald, balding": lambda p: p.hair_style in ("bald", "balding"),
    "grey hair": lambda p: _hair_colour(p) in ("grey", "platinum"),
    "dyed hair": lambda p: _hair_colour(p) in _DYED,
    "lipstick": lambda p: p.lipstick > 0,
    "thick brows": lambda p: p.brow_thickness,
    "smile": lambda p: float(np.mean([p.actions[i] for i in _SMILES])),
}
TURNED = "turned away"


@dataclass(frozen=True, kw_only=True)
class CorrelationSettings(Settings):
    """Print how attributes go together in two populations, as a table in Markdown."""

    count: int = 4000  # heads of each population
    seed: int = 0


def run(settings: CorrelationSettings) -> int:
    count = max(settings.count, 10)
    below, above = (correlations(people, count, settings.seed) for people in (INDEPENDENT, PHOTOGRAPHS))
    print(as_table(below, above))
    return 0


def correlations(people: Population, count: int, seed: int) -> np.ndarray:
    """Pearson's correlations of all measures and how far the head is turned away, ``[M, M]``."""
    return np.corrcoef(np.array([_measured(people, seed, i) for i in range(count)]).T)


def _measured(people: Population, seed: int, index: int) -> list[float]:
    p = people.draw(seed, index)
    return [*(float(measure(p)) for measure in MEASURES.values()), abs(people.draw_poses(seed, index, 1)[0].yaw_rad)]


def as_table(below: np.ndarray, above: np.ndarray) -> str:
    """One table: ``below`` under the diagonal, ``above`` over it, in hundredths."""
    names = [*MEASURES, TURNED]
    shown = np.rint(100 * (np.tril(below, -1) + np.triu(above, 1))).astype(int)
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for i, name in enumerate(names):
        cells = ["·" if i == j else str(shown[i, j]) for j in range(len(names))]
        lines.append(f"| **{name}** | " + " | ".join(cells) + " |")
    return "\n".join(lines)
