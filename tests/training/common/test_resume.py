"""Every kind of training, stopped anywhere in a step by Ctrl-C or a kill, goes on exactly: all weights bit by bit."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.tiny_trainings import KINDS, STEPS, make

ROOT = Path(__file__).resolve().parents[3]
# Where in a step Ctrl-C comes, and how often: once, and the step is finished; twice, and the last checkpoint counts.
STOPS = (("losses", 1), ("moving", 2), ("moved", 1), ("moved", 2), ("counted", 2), ("saving", 2), ("saved", 1))


def weights(engine) -> dict[str, torch.Tensor]:
    modules = engine.task.modules().items()
    return {f"{name}.{key}": value for name, module in modules for key, value in module.state_dict().items()}


@pytest.fixture(scope="module", params=KINDS)
def whole(request, tmp_path_factory):
    """A kind of training, and the weights of one that nothing stopped."""
    engine = make(request.param, tmp_path_factory.mktemp("whole"))
    assert engine.run() and engine.clock.steps == STEPS
    return request.param, weights(engine)


def assert_goes_on(kind: str, folder: Path, expected: dict[str, torch.Tensor]) -> None:
    engine = make(kind, folder)
    assert 0 < engine.clock.steps < STEPS and engine.run()
    found = weights(engine)
    assert found.keys() == expected.keys()
    assert not [name for name, value in found.items() if not torch.equal(value, expected[name])]


def press_ctrl_c(engine, point: str, presses: int, step: int) -> None:
    """At a ``point`` of the step that comes after ``step`` others."""

    due = [step + (point in ("counted", "saving", "saved"))]

    def press(*_) -> None:
        if due == [engine.clock.steps]:
            due.clear()
            for _ in range(presses):
                signal.raise_signal(signal.SIGINT)

    def around(holder, name: str, after: bool = False) -> None:
        original = getattr(holder, name)

        def call(*given):
            result = None if after else press()
            result = original(*given)
            if after:
                press()
            return result

        setattr(holder, name, call)

    engine.begin()
    engine.task.objective.register_forward_pre_hook(lambda *_: press() if point == "losses" else None)
    engine.optimizer.register_step_pre_hook(lambda *_: press() if point == "moving" else None)
    engine.optimizer.register_step_post_hook(lambda *_: press() if point == "moved" else None)
    if point == "counted":
        around(engine.task, "after_step")
    if point in ("saving", "saved"):
        around(engine.task, "export", after=point == "saved")


@pytest.mark.slow
def test_ctrl_c_anywhere_in_a_step(whole, tmp_path):
    kind, expected = whole
    for point, presses in STOPS:
        engine = make(kind, tmp_path)
        done = engine.clock.steps
        press_ctrl_c(engine, point, presses, done)
        if presses == 1:
            assert not engine.run() and engine.clock.steps == done + 1
        else:
            with pytest.raises(KeyboardInterrupt):
                engine.run()
    assert_goes_on(kind, tmp_path, expected)


@pytest.mark.slow
def test_a_kill_in_the_middle_of_a_step(whole, tmp_path):
    kind, expected = whole
    line = [sys.executable, "-m", "tests.training.tiny_trainings", kind, str(tmp_path)]
    ended = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ended.returncode not in (0, 1), ended.stderr
    assert_goes_on(kind, tmp_path, expected)
