"""All methods on the same triples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from tqdm import tqdm

from ..transfer.methods import SEED_OFFSET, Edit, Method, Pairing
from ..transfer.metrics import rounded, share
from ..transfer.triples import Cases, People
from ..transfer.truth import TruePictures
from .scores import alike, ceiling, kept_attributes, score_seen
from .stage import Shots, Stage


@dataclass(frozen=True)
class Plan:
    """What is measured. ``tune``: triples of each attribute, of other things, that options are chosen on; ``rows``:
    edits kept for a sheet."""

    seed: int
    count: int
    intensity: float = 1.0
    tune: int = 12
    rows: int = 0


@dataclass(frozen=True)
class Scene:
    """Things, triples of them and their generated pictures."""

    stage: Stage
    people: People
    cases: dict[str, Cases]
    shots: Shots

    def edit(self, edit: Edit, attribute: str, intensity: float) -> Shots:
        """The edits of the attribute's triples."""
        with torch.no_grad():
            return self.stage.shoot(edit(Pairing(self.stage.network, self.people, self.cases[attribute]), intensity))

    def seen(self, attribute: str) -> tuple[Shots, Shots]:
        """Sources and references of the attribute's triples."""
        cases = self.cases[attribute]
        return self.shots.pick(cases.source), self.shots.pick(cases.reference)


@dataclass
class Examination:
    """``pictures``: attribute to {method: a few edits}."""

    scene: Scene
    truths: dict[str, TruePictures]
    pictures: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    report: dict = field(default_factory=dict)


def set_scene(stage: Stage, seed: int, count: int) -> Scene:
    """``count`` triples; each thing is used in about four."""
    people = stage.draw(seed, count // 2)
    cases = stage.draw_cases(people, seed, count)
    return Scene(stage, people, cases, stage.shoot(people.styles))


def examine(stage: Stage, plan: Plan, makers: Mapping[str, Callable[[], Method]]) -> Examination:
    """Everything; ``report`` of the result has ``methods``, ``ceiling`` and ``triples``."""
    scene = set_scene(stage, plan.seed, plan.count)
    made = Examination(scene, stage.render_truths(scene.people, scene.cases))
    tuning = set_scene(stage, plan.seed + SEED_OFFSET, plan.tune * len(scene.cases))
    made.report = {
        "ceiling": {name: ceiling(stage.facts, scene.people, scene.shots.seen, name) for name in scene.cases},
        "triples": {name: _describe(scene, name) for name in scene.cases},
        "methods": {},
    }
    with tqdm(total=len(makers) * len(scene.cases), unit="attribute", desc="methods", disable=None) as bar:
        for name, make in makers.items():
            method = make()
            made.report["methods"][name] = {}
            for attribute in scene.cases:
                bar.set_postfix_str(f"{name}, {attribute}")
                if attribute in method.options:
                    made.report["methods"][name][attribute] = _judge(made, plan, tuning, method, attribute)
                bar.update()
    return made


def _describe(scene: Scene, attribute: str) -> dict:
    source, reference = (shots.seen for shots in scene.seen(attribute))
    unedited = alike(source, reference, scene.stage.facts.truths[attribute])
    return {"count": len(scene.cases[attribute]), "unedited": share(unedited)}


def _judge(made: Examination, plan: Plan, tuning: Scene, method: Method, attribute: str) -> dict:
    scene, cases = made.scene, made.scene.cases[attribute]
    option = choose(tuning, method, attribute, plan.intensity)
    edit = scene.edit(method.options[attribute][option], attribute, plan.intensity)
    source, reference = scene.seen(attribute)
    scores = score_seen(scene.stage.facts, scene.people, cases, edit.seen, source.seen, reference.seen)
    made.pictures.setdefault(attribute, {})[method.name] = edit.images[: plan.rows].clone()
    return scores | made.truths[attribute].score(edit.images, source.images) | {"option": option}


def choose(tuning: Scene, method: Method, attribute: str, intensity: float) -> str:
    """The option with the largest transfer · kept; the first of several."""
    options = method.options[attribute]
    if len(options) == 1:
        return next(iter(options))
    return max(options, key=lambda name: _product(tuning, options[name], attribute, intensity))


def _product(tuning: Scene, edit: Edit, attribute: str, intensity: float) -> float:
    facts, cases = tuning.stage.facts, tuning.cases[attribute]
    seen, (source, reference) = tuning.edit(edit, attribute, intensity).seen, tuning.seen(attribute)
    kept = kept_attributes(facts, cases, seen, source.seen).nan_to_num(1.0)
    return rounded(alike(seen, reference.seen, facts.truths[attribute]).double().mean() * kept) or 0.0
