"""The steps that are timed: both gradients are those of the same picture."""

from sat3d.inversion.options import InversionOptions
from tests.conftest import seeded, tiny_config
from training.common.descents import descent_cases


def test_steps_and_their_twins_have_nearly_the_same_gradient():
    network = seeded(tiny_config()).requires_grad_(False)
    cases = descent_cases(network, InversionOptions(low_resolution=12))
    assert len({name for name, *_ in cases}) == len(cases) == 3
    for _, fast, plain in cases:
        for got, wanted in zip(fast(), plain(), strict=True):
            assert wanted.abs().max() > 0
            assert (got - wanted).norm() < 0.05 * wanted.norm()
        assert not any(parameter.requires_grad for parameter in network.parameters())
