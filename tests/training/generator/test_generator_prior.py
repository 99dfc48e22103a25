"""The prior: a flow learns how codes are spread, and the mapping learns the flow."""

from dataclasses import replace

import pytest
import torch

from sat3d.generators import build_generator, load_generator
from sat3d.generators.config import BackboneConfig
from sat3d.generators.layers import normalize_2nd_moment
from sat3d.generators.mapping import MappingNetwork
from tests.training.generator.runs import assert_same_weights, make_engine, seeded
from training.generator.export import round_as_exported
from training.generator.flow import PriorSize, Velocity, follow, matching_loss, normal_field
from training.generator.normal_start import start_normal
from training.generator.prior import STAGES, PriorTask, Whitening, energy_distance

SIZE = PriorSize(64, 2, 2048)


def two_heaps(count: int, number: int) -> torch.Tensor:
    """A quarter about (-1, 1.5), three quarters about (1, -0.5), with a spread of 0.2."""
    random = seeded(number)
    left = torch.rand(count, generator=random) < 0.25
    middles = torch.where(left[:, None], torch.tensor([-1.0, 1.5]), torch.tensor([1.0, -0.5]))
    return middles + 0.2 * torch.randn(count, 2, generator=random)


def learned(steps: int, number: int = 0) -> Velocity:
    torch.manual_seed(number)
    velocity, random, codes = Velocity(2, 64, 2), seeded(number), two_heaps(4000, 1)
    optimizer = torch.optim.Adam(velocity.parameters(), 3e-3)
    for _ in range(steps):
        loss = matching_loss(velocity, codes[torch.randint(4000, (256,), generator=random)], random)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return velocity.eval()


def test_a_known_distribution_is_learned_in_a_few_steps():
    noise, true = torch.randn(1000, 2, generator=seeded(7)), two_heaps(1000, 2)
    drawn = follow(learned(250), noise)
    assert energy_distance(drawn, true) < 0.05 * energy_distance(noise, true)
    left = (drawn - torch.tensor([-1.0, 1.5])).norm(dim=1) < 1
    right = (drawn - torch.tensor([1.0, -0.5])).norm(dim=1) < 1
    assert 0.17 < left.float().mean() < 0.33 and (left | right).float().mean() > 0.95


def test_the_flow_is_repeatable():
    first, again, other = learned(3), learned(3), learned(3, number=1)
    noise = torch.randn(10, 2, generator=seeded())
    assert torch.equal(follow(first, noise), follow(again, noise))
    assert not torch.equal(follow(first, noise), follow(other, noise))


def test_a_flow_that_has_learned_nothing_leaves_noise_as_normal_as_it_is():
    velocity, noise = Velocity(2, 8, 1).eval(), torch.randn(10, 2, generator=seeded())
    torch.nn.init.zeros_(velocity.leave[1].bias)
    torch.testing.assert_close(follow(velocity, noise, 50), noise, rtol=1e-3, atol=1e-3)


def test_normal_codes_have_the_normal_field():
    """E[x_1 − x_0 | x_t] by counting: the slope of x_1 − x_0 on x_t among 100,000 pairs."""
    first, last = torch.randn(2, 100_000, generator=seeded())
    for time in (0.1, 0.5, 0.8):
        x = (1 - time) * first + time * last
        slope = (x * (last - first)).mean() / x.square().mean()
        assert normal_field(torch.ones(1, 1), torch.tensor([time])).item() == pytest.approx(slope.item(), abs=0.01)


def test_the_loss_weighs_numbers():
    codes, zero = torch.zeros(4096, 2), lambda x, t: 0 * x
    first = matching_loss(zero, codes, seeded(), torch.tensor([1.0, 0.0]))
    assert matching_loss(zero, codes, seeded(), torch.tensor([3.0, 0.0])) == pytest.approx(3 * first.item(), rel=1e-5)


@pytest.mark.parametrize("layers", (2, 4))
def test_a_mapping_begins_as_the_normal_law_it_is_told(layers):
    mapping = MappingNetwork(
        BackboneConfig(z_dim=16, w_dim=8, resolution=16, img_channels=24, num_mapping_layers=layers)
    )
    mean, spread = torch.randn(8, generator=seeded(1)), torch.randn(8, 5, generator=seeded(2))
    start_normal(mapping, mean, spread)
    z = torch.randn(64, 16, generator=seeded(3))
    wanted = mean + normalize_2nd_moment(z)[:, :5] @ spread.T
    torch.testing.assert_close(mapping(z)[:, 0], wanted, rtol=1e-4, atol=1e-4)


def test_a_mapping_that_cannot_begin_so_is_left_as_it_is():
    mapping = MappingNetwork(BackboneConfig(z_dim=16, w_dim=8, resolution=16, img_channels=24, num_mapping_layers=3))
    before = mapping.fc0.weight.clone()
    start_normal(mapping, torch.zeros(8), torch.ones(8, 5))
    assert torch.equal(mapping.fc0.weight, before)


def test_following_is_exact_for_a_field_that_is_known():
    """dx/dt = 2t has x(1) = x(0) + 1, exactly by Heun's method; dx/dt = x has x(1) = e x(0), nearly."""
    noise = torch.tensor([[1.0], [-2.0]])
    torch.testing.assert_close(follow(lambda x, t: 2 * t[:, None].expand_as(x), noise), noise + 1)
    torch.testing.assert_close(follow(lambda x, t: x, noise), noise * torch.e, rtol=2e-3, atol=0)


def test_the_loss_of_the_true_field_is_what_noise_leaves():
    """All codes at one place c: v = (c − x)/(1 − t) is right everywhere, and its loss is zero."""
    place, codes = torch.tensor([3.0, -1.0]), torch.tensor([[3.0, -1.0]]).expand(512, 2)

    def right(x, t):
        return (place - x) / (1 - t[:, None])

    assert matching_loss(right, codes, seeded()) < 1e-6 < matching_loss(lambda x, t: 0 * x, codes, seeded())


def test_whitening_there_and_back():
    spread = torch.tensor([3.0, 1.0, 0.5, 0.0])
    codes = torch.randn(2000, 4, generator=seeded()) * spread + torch.tensor([5.0, 0.0, -2.0, 1.0])
    whitening = Whitening.of(codes)
    numbers = whitening(codes)
    assert numbers.shape == (2000, 3), "what does not vary is left out"
    torch.testing.assert_close(numbers.T.cov(), torch.eye(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(whitening.back(numbers), codes, atol=1e-4, rtol=1e-4)


def test_faint_directions_are_not_blown_up():
    codes = torch.randn(2000, 2, generator=seeded()) * torch.tensor([1.0, 0.04])
    numbers = Whitening.of(codes)(codes)
    assert numbers[:, 0].std().item() == pytest.approx(1, abs=0.01)
    assert numbers[:, 1].std().item() == pytest.approx(0.04 / 0.05, abs=0.05)


def heads(count: int, number: int, w_dim: int = 16) -> torch.Tensor:
    """Codes that lie in a plane of w, in two heaps."""
    plane = torch.linalg.qr(torch.randn(w_dim, 2, generator=seeded(5))).Q
    return two_heaps(count, number) @ plane.T + 0.3


@pytest.fixture
def make_prior(tiny, tmp_path):
    def make(seed: int = 0, name: str = "run", size: PriorSize = SIZE) -> PriorTask:
        torch.manual_seed(11)
        network, out = build_generator(tiny.network), tmp_path / name
        out.mkdir(exist_ok=True)
        return PriorTask(network, heads(1500, 1), heads(400, 2), out, {"preset": "tiny"}, size, seed)

    return make


@pytest.mark.slow
def test_the_mapping_learns_what_heads_there_are(make_prior):
    task = make_prior()
    task.stages = replace(STAGES[0], share=0.25, batch=256), replace(STAGES[1], share=0.75, rate=0.016)
    engine = make_engine(task, 600)
    before = task.evaluate()
    assert engine.run()
    after, white = engine.scores, task.objective.whitening
    assert set(after) == {"of_mapping", "of_flow", "of_others"}
    assert after["of_flow"] < 0.2 * before["of_flow"] and after["of_mapping"] < 0.1 * before["of_mapping"]
    z = torch.randn(500, 16, generator=seeded(9))
    with torch.no_grad():
        drawn, wanted = white(task.network.mapping(z)[:, 0]), task.objective.wanted(task.mean_velocity, z)
    assert (drawn - wanted).square().mean() < 0.15 * wanted.var(), "for z it has not seen, too"
    torch.testing.assert_close(task.network.mapping.w_avg, task.codes.mean(0))


def test_a_flow_that_draws_too_near_to_the_middle_is_corrected(make_prior, monkeypatch):
    task = make_prior()
    monkeypatch.setattr("training.generator.prior.follow", lambda velocity, noise: 0.5 * noise + 0.3)
    task.objective.fill_bank(task.mean_velocity, 4096, 0)
    wanted = task.objective.bank[1]
    torch.testing.assert_close(wanted.mean(0), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(wanted.std(0), torch.ones(2), atol=1e-4, rtol=0)


def test_only_the_stage_s_own_network_moves(make_prior):
    task = make_prior()
    engine = make_engine(task, 10)
    for stage, moving in zip(task.stages, ("velocity", "mapping"), strict=True):
        engine.clock.enter(stage.name)
        engine._begin_stage()
        before = {name: value.clone() for name, value in task.network.state_dict().items()}
        flow = [parameter.clone() for parameter in task.objective.velocity.parameters()]
        for _ in range(2):
            engine.step()
        moved = {name for name, value in task.network.state_dict().items() if not torch.equal(value, before[name])}
        assert all(".mapping." in name for name in moved) and bool(moved) == (moving == "mapping")
        now = task.objective.velocity.parameters()
        assert any(not torch.equal(a, b) for a, b in zip(now, flow, strict=True)) == (moving == "velocity")


def run(task: PriorTask, steps: int, stops=(None,)) -> dict[str, torch.nn.Module]:
    """To the end, stopped and resumed where ``stops`` says, each time by a task that knows nothing."""
    for number, stop in enumerate(stops):
        if number:
            task = task.again()
        engine = make_engine(task, steps, seed=task.seed, stop=stop)
        if number:
            engine.resume()
        engine.run()
    return task.modules()


def test_the_prior_is_repeatable_and_resumed_exactly(make_prior):
    """Stopped after every step, in both stages and between them, or never: the same weights, means and moments."""
    size = PriorSize(16, 1, 64)
    whole, again, other = (
        run(make_prior(seed, name, size), 8) for seed, name in ((0, "whole"), (0, "again"), (1, "other"))
    )
    assert_same_weights(whole, again)
    with pytest.raises(AssertionError):
        assert_same_weights(whole, other)
    broken = make_prior(0, "broken", size)
    broken.again = lambda: again_of(make_prior, size)
    assert_same_weights(whole, run(broken, 8, (*range(1, 8), None)))


def again_of(make_prior, size: PriorSize) -> PriorTask:
    task = make_prior(0, "broken", size)
    task.again = lambda: again_of(make_prior, size)
    return task


def test_the_result_draws_what_was_learned(make_prior):
    task = make_prior()
    engine = make_engine(task, 4)
    engine.run()
    loaded = load_generator(task.out / "generator.safetensors")
    z = torch.randn(3, 16, generator=seeded())
    wanted = round_as_exported(task.network).eval().map(z)
    torch.testing.assert_close(loaded.network.map(z), wanted)
    assert '"preset": "tiny"' in loaded.metadata["training"] and "of_mapping" in loaded.metadata["training"]


def test_energy_distances_of_the_same_and_of_others():
    first, second = two_heaps(400, 1), two_heaps(400, 2)
    assert abs(energy_distance(first, second)) < 0.02 < energy_distance(first, second + 0.5)
