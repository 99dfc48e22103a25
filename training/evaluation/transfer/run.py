"""All methods on the same triples."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from tqdm import tqdm

from .ceiling import ceiling, draw_own_edits, score_own
from .chain import draw_walks, score_walk, walk
from .methods import Choice, Method, Pairing, Tuning
from .metrics import Scale, score_cases, score_views
from .renderer_and_judges import Quality, Shots, Stage, pick
from .triples import FEWEST_PEOPLE, SCORED, Cases, People, draw_cases, draw_people
from .truth import Truth, render_truths, score_truth

YAW_DEG = 30.0  # the outermost views


@dataclass(frozen=True)
class Plan:
    """What is measured. ``views_count`` triples in all are turned (0: none); ``rows``: pictures kept an attribute;
    ``walks``: pairs of whom one takes over all attributes of the other, one by one (0: none)."""

    seed: int
    count: int
    deltas: tuple[float, ...]
    tune: int
    tuning_quality: Quality
    views: int
    views_count: int
    rows: int
    walks: int = 0

    @property
    def yaws_deg(self) -> list[float]:
        return torch.linspace(-YAW_DEG, YAW_DEG, self.views).tolist() if self.views > 1 else [0.0]


@dataclass
class Examination:
    """People, triples and pictures that all methods share. ``truths``: of each attribute's triples; ``own``: the
    generator's own true edits, if it makes any. ``kept``: attribute to {method: a few edits' pictures}; ``choices``:
    method to {attribute: what tuning found}; ``walked``: method to the pictures of its walks."""

    plan: Plan
    stage: Stage
    people: People
    cases: dict[str, Cases]
    shots: Shots
    tuning: Tuning
    scale: Scale
    turned: Turned
    truths: dict[str, Truth]
    own: dict[str, Shots]
    kept: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    choices: dict[str, dict[str, Choice]] = field(default_factory=dict)
    walked: dict[str, list[Tensor]] = field(default_factory=dict)
    report: dict = field(default_factory=dict)


class Turned:
    """Sources and references of the triples that are turned, from all sides."""

    def __init__(self, stage: Stage, plan: Plan, people: People, cases: Mapping[str, Cases]):
        each = -(-plan.views_count // len(cases))
        self.cases = {name: some.select(slice(each)) for name, some in cases.items()}
        used = torch.cat([torch.cat([some.source, some.reference]) for some in self.cases.values()]).unique()
        self._row = {number: row for row, number in enumerate(used.tolist())}
        self._views = stage.turn(people.styles[used], plan.yaws_deg) if len(used) else []

    def of(self, numbers: Tensor) -> list[Shots]:
        """These people from each side."""
        rows = torch.tensor([self._row[number] for number in numbers.tolist()])
        return [pick(view, rows) for view in self._views]


def examine(stage: Stage, plan: Plan, makers: Mapping[str, Callable[[Examination], Method]]) -> Examination:
    """Everything; ``report`` of the result has ``ceiling``, ``methods``, ``chain``, ``quality`` and
    ``seconds``."""
    started = time.perf_counter()
    made = prepare(stage, plan)
    made.report = {
        "quality": {"neural_px": stage.quality.neural_px, "samples": list(stage.quality.samples)},
        "ceiling": _ceilings(made),
        "methods": {},
        "chain": {},
    }
    bar = tqdm(total=len(makers) * len(SCORED), unit="attribute", desc="methods", disable=None)
    for name, make in makers.items():
        method = make(made)
        made.report["methods"][name] = {}
        for attribute in SCORED:
            bar.set_postfix_str(f"{name}, {attribute}")
            if attribute in method.options:
                made.report["methods"][name][attribute] = _judge(made, method, attribute)
            bar.update()
        if plan.walks and len(method.options) == len(SCORED):
            made.report["chain"][name] = _walk(made, method)
    bar.close()
    clocks = (stage.clock, made.tuning.stage.clock)
    made.report["seconds"] = {
        "all": round(time.perf_counter() - started, 1),
        "pictures": sum(clock.pictures for clock in clocks),
        "a_picture": round(stage.clock.seconds / max(stage.clock.pictures, 1), 4),
        "a_tuning_picture": round(clocks[1].seconds / max(clocks[1].pictures, 1), 4),
    }
    return made


def prepare(stage: Stage, plan: Plan) -> Examination:
    """What all methods share; each person is used in about four triples."""
    people = draw_people(stage.coder, plan.seed, max(FEWEST_PEOPLE, plan.count // 2))
    cases = draw_cases(people, plan.seed, plan.count)
    truths = render_truths(people, cases, stage.network, stage.picture_px)
    shots, own = stage.shoot(people.styles, parse=True), draw_own_edits(stage, people, cases)
    tuning = Tuning(stage.at(plan.tuning_quality), plan.seed, plan.tune)
    turned = Turned(stage, plan, people, cases)
    scale = Scale(people.truths, stage.reader, shots.seen)
    return Examination(plan, stage, people, cases, shots, tuning, scale, turned, truths, own)


def _ceilings(made: Examination) -> dict[str, dict]:
    return {
        name: ceiling(cases, made.shots, made.scale)
        | score_own(made.truths[name], made.own.get(name), made.shots, cases)
        for name, cases in made.cases.items()
    }


def _judge(made: Examination, method: Method, attribute: str) -> dict:
    choice = made.tuning.choose(method, attribute, made.plan.deltas)
    made.choices.setdefault(method.name, {})[attribute] = choice
    report, pictures = _score(made, method, attribute, Choice(choice.option, 1.0))
    best = dict(report)
    if choice.delta != 1:
        best, pictures = _score(made, method, attribute, choice)
    made.kept.setdefault(attribute, {})[method.name] = pictures
    report |= _turn(made, method, attribute, choice)
    return {**report, "best": {"intensity": choice.delta, "option": choice.option, **best}}


def _styles(made: Examination, method: Method, cases: Cases, choice: Choice) -> Tensor:
    with torch.no_grad():
        edit = method.options[cases.attribute][choice.option]
        return edit(Pairing(made.stage.network, made.people, cases), choice.delta)


def _score(made: Examination, method: Method, attribute: str, choice: Choice) -> tuple[dict, Tensor]:
    cases = made.cases[attribute]
    edit = made.stage.shoot(_styles(made, method, cases, choice), parse=True)
    source, reference = (pick(made.shots, index) for index in (cases.source, cases.reference))
    scores = score_cases(made.stage, cases, edit, source, reference, made.scale)
    scores |= score_truth(made.truths[attribute], edit, source)
    return scores, edit.images[: made.plan.rows].clone()


def _turn(made: Examination, method: Method, attribute: str, choice: Choice) -> dict:
    cases, plan = made.turned.cases[attribute], made.plan
    if not len(cases):
        return {"view_consistency": None}
    edits = made.stage.turn(_styles(made, method, cases, Choice(choice.option, 1.0)), plan.yaws_deg)
    scores = score_views(cases, edits, made.turned.of(cases.source), made.turned.of(cases.reference), plan.views // 2)
    named = zip(plan.yaws_deg, scores["views"], strict=True)
    return {**scores, "views": {f"{yaw:g}": view for yaw, view in named}}


def _walk(made: Examination, method: Method) -> list[dict]:
    """All attributes over, one by one; the pictures are kept."""
    pairs = draw_walks(made.people, made.plan.seed, made.plan.walks)
    edits = {name: method.options[name][made.choices[method.name][name].option] for name in SCORED}
    shots = [made.stage.shoot(styles) for styles in walk(made.stage.network, made.people, pairs, edits)]
    reference = pick(made.shots, pairs[:, 1])
    made.walked[method.name] = [shot.images for shot in [*shots, reference]]
    return score_walk(shots, reference, made.scale.shape_spread)
