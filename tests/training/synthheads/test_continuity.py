"""Parameter → picture is continuous: a hundredth of the range is a small change, wherever one starts."""

import numpy as np
import pytest

from training.synth.render import render_view
from training.synth.rules import NumberRule
from training.synthheads.actions import ACTION_NAMES
from training.synthheads.parameter_spec import FIELDS, change
from training.synthheads.parameters import HeadParameters
from training.synthheads.scene import build_scene
from training.synthheads.sheet_hints import SHOWN_WITH

NUMBERS = sorted(name for name, rule in FIELDS.items() if isinstance(rule, NumberRule))
SIZE, STEP = 64, 0.01


def picture(p: HeadParameters) -> np.ndarray:
    return render_view(build_scene(p), yaw_rad=0.3, pitch_rad=-0.1, size=SIZE).image.astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("name", NUMBERS)
def test_a_small_step_is_a_small_change_and_the_whole_way_is_not(name):
    shown = SHOWN_WITH.get(name, {}) | ({"backdrop": "horizon"} if name == "backdrop_variant" else {})
    rule, base = FIELDS[name], change(HeadParameters(), **shown)

    def at(share):
        return picture(change(base, **{name: rule.low + share * (rule.high - rule.low)}))

    first, last = at(0.0), at(1.0)
    far = np.abs(last - first).mean()
    assert far > 0.15  # it is seen at all
    for share in (0.0, 0.33, 0.49, 0.66):
        near = np.abs(at(share + STEP) - at(share)).mean()
        assert near < max(0.12 * far, 0.25)


@pytest.mark.slow
@pytest.mark.parametrize("name", ACTION_NAMES)
def test_every_action_goes_smoothly_from_nothing_to_all_of_it(name):
    pictures = [picture(change(HeadParameters(), actions={name: share})) for share in (0.0, 0.01, 0.49, 0.5, 0.99, 1.0)]
    far = np.abs(pictures[-1] - pictures[0]).mean()
    assert far > 0.05  # a lid is 20 of the picture's 4096 pixels
    for first, second in ((0, 1), (2, 3), (4, 5)):
        assert np.abs(pictures[second] - pictures[first]).mean() < max(0.12 * far, 0.25)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(name for name, rule in FIELDS.items() if hasattr(rule, "anchors")))
def test_colours_move_the_picture_smoothly(name):
    base = change(HeadParameters(), glasses="round", beard="full beard", lipstick=1.0, backdrop="gradient")
    colour = np.array(getattr(base, name))
    before, after = (picture(change(base, **{name: tuple(colour + step)})) for step in (0.0, 0.01))
    assert 0 < np.abs(after - before).max() < 16
