"""DCI on codes whose answer is known, and the suite on an untrained network."""

import pytest
import torch

from sat3d.errors import ConfigError
from training.evaluation.dci import lasso, measure
from training.evaluation.flicker import in_levels, unsteadiness


def factors(count=600, size=6):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(0))


def test_one_channel_a_factor_is_perfect():
    code = factors() * 3 + 1
    found = measure(code, factors(), torch.arange(6))
    assert min(found.disentanglement, found.completeness) > 0.95 and found.informativeness > 0.95


def test_a_rotated_code_is_entangled_but_informative():
    rotation = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(1))).Q
    found = measure(factors() @ rotation, factors(), torch.arange(6))
    assert found.disentanglement < 0.6 and found.completeness < 0.6 and found.informativeness > 0.95


def test_many_channels_of_one_factor_are_disentangled_but_not_complete():
    code = torch.cat([factors() + 0.3 * torch.randn(600, 6) for _ in range(4)], 1)
    found = measure(code, factors(), torch.arange(6))
    assert found.disentanglement > 0.9 > found.completeness


def test_noise_says_nothing():
    noise = torch.randn(600, 20, generator=torch.Generator().manual_seed(2))
    assert measure(noise, factors(), torch.arange(6)).informativeness < 0.05


def test_a_factor_of_many_numbers_counts_as_one():
    found = measure(factors(), factors(), torch.tensor([0, 0, 0, 1, 1, 1]))
    assert found.disentanglement > 0.95


def test_what_does_not_vary_is_left_out():
    """A constant factor, and a constant number of another factor: neither makes a code look better or worse."""
    rotation = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(1))).Q
    wider = torch.cat([torch.full((600, 1), 3.0), factors(), torch.zeros(600, 1)], 1)
    found = measure(factors() @ rotation, wider, torch.tensor([7, 0, 1, 2, 3, 4, 5, 5]))
    assert found == measure(factors() @ rotation, factors(), torch.arange(6))


def test_the_lasso_is_at_its_optimum():
    """The subgradient condition: |Xᵀ(y − Xw)|/N ≤ penalty, with equality and the right sign where w is not zero."""
    x, y = factors(400, 10), factors(400, 3) @ torch.randn(3, 2, generator=torch.Generator().manual_seed(3))
    weights = lasso(x, y, 0.1, steps=2000)
    pull = x.T @ (y - x @ weights) / len(x)
    assert pull.abs().max() <= 0.1 + 1e-4
    active = weights.abs() > 1e-4
    torch.testing.assert_close(pull[active], 0.1 * weights[active].sign(), atol=1e-4, rtol=0)


def test_a_generator_of_another_domain_is_refused(tmp_path):
    from sat3d.generators import build_generator
    from sat3d.generators.checkpoint import save_checkpoint
    from tests.conftest import tiny_config
    from training.networks.coded_heads import load_domain_generator

    network = build_generator(tiny_config())
    save_checkpoint(tmp_path / "other.safetensors", network.config, network.state_dict(), {})
    with pytest.raises(ConfigError, match="domain"):
        load_domain_generator(tmp_path / "other.safetensors")


def test_what_moves_evenly_is_steady_and_what_comes_and_goes_is_not():
    ramp = torch.linspace(-1, 1, 5).reshape(5, 1, 1, 1).expand(5, 3, 4, 4)
    assert unsteadiness(ramp) < 1e-6
    blink = ramp.clone()
    blink[2] += 0.5  # second differences: 0.5, −1, 0.5
    assert abs(unsteadiness(blink) - 2 / 3) < 1e-6


def test_pictures_are_compared_in_the_levels_that_are_shown():
    assert in_levels(torch.tensor([-1.0, 1.0, 0.5, 0.0039])).tolist() == pytest.approx(
        [-1, 1, 191 / 127.5 - 1, 1 / 255], abs=1e-6
    )
    levels = torch.arange(256) / 127.5 - 1
    torch.testing.assert_close(in_levels(levels + 0.003), levels, atol=1e-6, rtol=0)
