"""How long a training is, which samples come when, how fast it learns: clock, budget, order, rates."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sat3d.errors import ConfigError
from sat3d.seeds import generator_of, mixed_seed
from training.common.clock import Budget, Clock
from training.common.engine import Engine, Run, Stage
from training.common.random_numbers import EpochOrder
from training.common.report import Report
from training.common.schedule import RateSchedule
from training.generator.presets import find_preset


def test_every_head_comes_once_an_epoch():
    order = EpochOrder(7, seed=1)
    first, second = order.take(0, 7), order.take(7, 7)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(7)) and not torch.equal(first, second)
    assert torch.equal(EpochOrder(7, seed=1).take(5, 4), torch.cat([first[5:], second[:2]]))
    assert not torch.equal(EpochOrder(7, seed=2).take(0, 7), first)


def test_random_numbers_depend_on_every_number_and_its_place():
    seeds = [mixed_seed(0, 1, 2), mixed_seed(0, 2, 1), mixed_seed(1, 1, 2), mixed_seed(0, 1), mixed_seed(0, 1, 2, 0)]
    assert len(set(seeds)) == len(seeds) and all(0 <= seed < 2**63 for seed in [*seeds, mixed_seed(2**62, 5, 10**9)])
    first, again = (torch.rand(3, generator=generator_of("cpu", 4, 5)) for _ in range(2))
    assert torch.equal(first, again)


def test_rates_rise_stay_and_fall():
    schedule = RateSchedule(warmup_share=0.1, constant_share=0.4, last=0.02)
    assert schedule.factor(0.0, 0) == 0 and schedule.factor(0.05, 9) == pytest.approx(0.5)
    assert schedule.factor(0.1, 9) == schedule.factor(0.5, 9) == 1
    assert schedule.factor(0.75, 9) == pytest.approx(0.51) and schedule.factor(1.0, 9) == pytest.approx(0.02)


def test_a_warm_up_in_steps_is_counted_in_steps():
    schedule = RateSchedule(warmup_steps=80, constant_share=0.35, last=0.02)
    assert schedule.factor(0.0, 0) == pytest.approx(1 / 80) and schedule.factor(0.3, 39) == pytest.approx(0.5)
    assert schedule.factor(0.3, 500) == 1 and schedule.factor(1.0, 500) == pytest.approx(0.02)
    assert replace(schedule, first=0.2).factor(0.0, 0) == pytest.approx(0.2 + 0.8 / 80)
    assert [RateSchedule().factor(share, 0) for share in (0.0, 0.4, 1.0)] == [1, 1, 1]


def test_a_budget_ends_with_steps_or_minutes_whichever_is_over_sooner():
    clock = Clock(stage_steps=30, stage_seconds=30.0)
    assert Budget(steps=100).share(clock, 0.5) == pytest.approx(0.6)
    assert Budget(minutes=2).share(clock, 0.5) == pytest.approx(0.5)
    assert Budget(minutes=2, steps=100).share(clock, 0.5) == pytest.approx(0.6)
    assert Budget(minutes=0.5, steps=100).share(clock) == 1
    assert Budget(steps=1).share(Clock(), 0.1) == 0, "a stage has one step at least"


@pytest.mark.parametrize("length", [{}, {"steps": 0}, {"minutes": -1.0}, {"minutes": float("nan")}])
def test_a_budget_of_nothing_is_refused(length):
    with pytest.raises(ConfigError, match="above 0"):
        Budget(**length)


def seconds_left(clock: Clock, budget: Budget, stages: tuple[Stage, ...]) -> float:
    class Staged:
        def __init__(self):
            self.stages = stages

    engine = Engine(Staged(), Run(Path("nowhere"), budget))
    engine.clock = clock
    return engine.seconds_left()


def test_the_time_left_is_of_what_is_still_to_do():
    stages, budget = find_preset("cpu").stages, Budget(minutes=10)
    shares = [stage.share for stage in stages]
    assert seconds_left(Clock("points"), budget, stages) == pytest.approx(600)
    half = Clock("points", stage_seconds=300 * shares[0], seconds=300 * shares[0])
    assert seconds_left(half, budget, stages) == pytest.approx(300 * shares[0] + 600 * sum(shares[1:]))
    again = Clock("sharpen", seconds=9000)  # a stage gone through again, after a long training
    assert seconds_left(again, budget, stages) == pytest.approx(600 * shares[-1])
    steps = Clock("points", stage_steps=10, steps=10, seconds=20.0)
    assert seconds_left(steps, Budget(steps=100), stages) == pytest.approx(2 * (100 - 10))


def test_means_of_losses_are_of_one_stage():
    said = []
    report = Report(line_seconds=0.0, write=said.append)
    for value, stage in ((8.0, "first"), (1.0, "second"), (3.0, "second")):
        report.add({"loss": torch.tensor(value)}, stage)
    report.after_step(Clock("second", steps=3, seen=6, seconds=2.0), 0.5, 60.0)
    assert "loss 2.0000" in said[0] and "3.0/s" in said[0] and "1.0 min left" in said[0]
