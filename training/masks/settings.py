"""What the command of mask learning can be told, in the groups in which --help shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from sat3d.learning.choosing import RANK
from sat3d.losses import LossWeights
from training.common.clock import Budget
from training.common.device import PRECISIONS
from training.common.engine import Run, Stage
from training.common.schedule import RateSchedule
from training.common.settings import Flag, Maybe, Range, Seed, Settings, Threads

BUILT_IN = "built-in"
_LAST_RATE = 0.05  # of the first, where the rate falls


@dataclass(frozen=True, kw_only=True)
class Recipe(Settings):
    """What M depends on, with generator, domain and models."""

    iterations: Annotated[int, Range(1)] = 300_000  # steps
    minutes: Annotated[Maybe[float], Range(1e-3)] = None  # end after so many minutes of steps, if that is sooner
    batch: Annotated[int, Range(1)] = 1  # transfers per step and process (the paper: 1, StyleGAN2 4)
    pairs: Annotated[int, Range(2)] = 6000  # faces to draw and measure
    contrast: Annotated[int, Range(1)] = 1
    """of so many references take the most different one: faces that agree in an attribute teach little about it"""
    rate: Annotated[float, Range(1e-9, 1e9)] = 0.01  # learning rate
    falling_rate: Flag = False  # let it fall along a cosine to the end
    centralisation: Flag = True  # Ranger without centred gradients
    beta2: Annotated[float, Range(1e-9, 1 - 1e-9)] = 0.999
    """Ranger's; RAdam warms up for 1 / (1 - BETA2) steps: 0.99 for short trainings"""
    temperature: Annotated[float, Range(1, 1e9)] = 1.0  # softens what QMM compares: steps to slopes
    weight_attr: float = LossWeights.attr  # of the attribute loss
    weight_src: float = LossWeights.src  # of L_src in it; 0: other attributes may come along
    weight_bg: float = LossWeights.bg  # of the background loss
    weight_prob: float = LossWeights.prob  # of the probability loss
    start: Literal["preselection", "plain", "attributions", "population"] = "preselection"
    """M before training: the domain's pre-selection (the paper's), none, gradients of the losses, or QMM's answers"""
    start_faces: Annotated[int, Range(1)] = 48
    """faces (pairs, for each attribute) that decide; for the population those that tell where channels act"""
    form: Literal["masks", "subspaces"] = "masks"
    """what learns: M alone, or subspaces for the attributes that fare better with one (only after *population*)"""
    directions: Annotated[int, Range(1)] = 160  # probes that tell where directions act, for subspaces
    rank: Annotated[int, Range(1, 512)] = RANK  # numbers that a subspace moves: fewer make a smaller file
    fit_minutes: Annotated[Maybe[float], Range(1e-3)] = None
    """with fewer faces and steps than the recipe says, where the machine would take longer"""

    @property
    def weights(self) -> LossWeights:
        return LossWeights(self.weight_attr, self.weight_bg, self.weight_prob, self.weight_src)

    @property
    def stage(self) -> Stage:
        falling = RateSchedule(constant_share=0.0, last=_LAST_RATE)
        return Stage("", 1.0, self.batch, self.rate, falling if self.falling_rate else RateSchedule())

    def fixed(self) -> dict[str, object]:
        """What a resumed training must have in common with the first: the length only where the rate falls."""
        free = {"minutes", "fit_minutes"} | (set() if self.falling_rate else {"iterations"})
        return {name: value for name, value in asdict(self).items() if name not in free}


@dataclass(frozen=True, kw_only=True)
class Pictures(Settings):
    """How faces are made and judged."""

    neural_resolution: Maybe[int] = None  # of volume rendering in training (the checkpoint's)
    samples: Annotated[Maybe[tuple[int, int]], tyro.conf.arg(metavar="COARSE FINE", help_behavior_hint="")] = None
    """on a ray (the checkpoint's)"""
    picture_px: int = 256  # larger pictures are judged at this size
    exact_gradients: Flag = False  # through every sample on a ray: slower by far, hardly different


PAPER = Recipe()
QUICK = Recipe(
    start="population",
    pairs=800,
    start_faces=24,
    iterations=700,
    rate=0.1,
    falling_rate=True,
    beta2=0.99,
    centralisation=False,
    contrast=4,
    temperature=3.0,
    fit_minutes=30.0,
)
FEWEST_FACES, FEWEST_STEPS = 240, 100  # of a recipe that is made to fit the machine
RECIPES = {"quick": (QUICK, Pictures(neural_resolution=96)), "paper": (PAPER, Pictures())}


@dataclass(frozen=True, kw_only=True)
class Reports(Settings):
    """What is told and kept on the way."""

    report_seconds: float = 15.0  # between lines
    tensorboard: Maybe[Path] = None  # a folder: draw curves there, too
    sheet_minutes: float = 10.0  # between sheets of edits
    checkpoint_minutes: float = 2.0


@dataclass(frozen=True, kw_only=True)
class MaskSettings(Settings):
    """Of a whole training."""

    generator: str = BUILT_IN  # built-in, or a .safetensors or official .pkl file
    domain: str = "synthheads"  # name of a domain, or a .json file like those of sat3d/domains
    clip: Annotated[str, tyro.conf.arg(help_behavior_hint="")] = ""
    """image-text model of QMM: open_clip's name (what its file tells)"""
    clip_weights: Maybe[Path] = None  # its .safetensors file (that of the built-in model)
    parser: Maybe[Path] = None  # weights of the domain's parser (the built-in ones)
    faces: Maybe[Path] = None
    """a folder of pictures, cropped as the generator's own, or rendered shards: learn from the faces that an encoder
    finds in them (from faces drawn at random)"""
    encoder: Maybe[Path] = None  # finds them: one of ours, e4e, pSp or TriPlaneNet (the built-in one)
    out: Path  # the .safetensors file to write
    choice: Annotated[Literal["quick", "paper"], tyro.conf.arg(name="recipe")] = "quick"
    """what the settings below begin with: shares of a population and a few hundred steps, or the paper to the letter"""
    resume: Flag = False  # go on from the last checkpoint
    restart: Flag = False  # begin anew; the measured faces are used again
    dry_run: Flag = False  # only say what memory, steps and time it takes
    seed: Seed = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Threads = None  # processor threads (all)
    precision: Literal[PRECISIONS] = "auto"  # of the backbone's convolutions
    judged: Annotated[int, Range(0, 10_000)] = 24
    """transfers per attribute, between faces never learned from, for the report at the end (0: no report)"""
    second_clip: Annotated[str, tyro.conf.arg(help_behavior_hint="")] = ""
    """another image-text model that the report asks, too: open_clip's name (what its file tells)"""
    second_clip_weights: Maybe[Path] = None  # its .safetensors file (none is asked)
    recipe: Recipe = QUICK
    pictures: Pictures = RECIPES["quick"][1]
    reports: Reports = field(default_factory=Reports)

    @classmethod
    def defaults_for(cls, arguments: Sequence[str]) -> MaskSettings | None:
        """Those of the recipe that is asked for."""
        words = [part for word in arguments for part in word.split("=", 1)]
        asked = words[words.index("--recipe") + 1 : words.index("--recipe") + 2] if "--recipe" in words else []
        if not asked or asked[0] not in RECIPES:
            return None
        recipe, pictures = RECIPES[asked[0]]
        return cls(out=tyro.MISSING, recipe=recipe, pictures=pictures)

    @property
    def run(self) -> Run:
        """How the training runs."""
        recipe, reports = self.recipe, self.reports
        budget = Budget(recipe.minutes, recipe.iterations)
        return Run(self.out, budget, self.seed, reports.checkpoint_minutes, reports.sheet_minutes)
