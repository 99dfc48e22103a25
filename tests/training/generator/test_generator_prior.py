"""The prior: a mapping that follows a flow, which learns how codes are spread."""

from dataclasses import replace

import pytest
import torch

from sat3d.errors import ConfigError
from sat3d.generators import build_generator, load_generator
from sat3d.generators.config import FlowConfig
from sat3d.generators.flow_mapping import Velocity, follow, normal_field
from tests.training.generator.runs import assert_same_weights, make_engine, seeded
from training.generator.export import round_as_exported
from training.generator.flow import matching_loss
from training.generator.prior import STAGES, PriorTask, Whitening, energy_distance

SIZE = FlowConfig(2, 64, 2)
STEPS = 10


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
    velocity = learned(250)
    with torch.no_grad():
        drawn = follow(velocity, noise, STEPS)
    assert energy_distance(drawn, true) < 0.05 * energy_distance(noise, true)
    left = (drawn - torch.tensor([-1.0, 1.5])).norm(dim=1) < 1
    right = (drawn - torch.tensor([1.0, -0.5])).norm(dim=1) < 1
    assert 0.17 < left.float().mean() < 0.33 and (left | right).float().mean() > 0.95


def test_the_flow_is_repeatable():
    first, again, other = learned(3), learned(3), learned(3, number=1)
    noise = torch.randn(10, 2, generator=seeded())
    assert torch.equal(follow(first, noise, STEPS), follow(again, noise, STEPS))
    assert not torch.equal(follow(first, noise, STEPS), follow(other, noise, STEPS))


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


def test_following_is_exact_for_a_field_that_is_known():
    """dx/dt = 2t has x(1) = x(0) + 1, exactly by Heun's method; dx/dt = x has x(1) = e x(0), nearly."""
    noise = torch.tensor([[1.0], [-2.0]])
    torch.testing.assert_close(follow(lambda x, t: 2 * t[:, None].expand_as(x), noise, STEPS), noise + 1)
    torch.testing.assert_close(follow(lambda x, t: x, noise, STEPS), noise * torch.e, rtol=2e-3, atol=0)


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
    def make(seed: int = 0, name: str = "run", size: FlowConfig = SIZE) -> PriorTask:
        torch.manual_seed(11)
        backbone = replace(tiny.network.backbone, mapping_flow=size)
        network, out = build_generator(replace(tiny.network, backbone=backbone)), tmp_path / name
        out.mkdir(exist_ok=True)
        return PriorTask(network, heads(1500, 1), heads(400, 2), out, {"preset": "tiny"}, seed)

    return make


@pytest.mark.slow
def test_the_mapping_learns_what_heads_there_are(make_prior):
    task = make_prior()
    task.stages = (replace(STAGES[0], batch=256),)
    engine = make_engine(task, 400)
    before = task.evaluate()
    assert engine.run()
    after = engine.scores
    assert set(after) == {"of_mapping", "of_others"} and after["of_mapping"] < 0.2 * before["of_mapping"]
    torch.testing.assert_close(task.network.mapping.w_avg, task.codes.mean(0))


def test_before_it_learns_it_is_the_normal_law_of_the_codes(make_prior):
    mapping, codes = (task := make_prior()).network.mapping, task.codes
    torch.nn.init.zeros_(mapping.velocity.leave[1].bias)
    with torch.no_grad():
        drawn = mapping(torch.randn(20_000, 16, generator=seeded(9)))[:, 0]
    torch.testing.assert_close(drawn.mean(0), codes.mean(0), atol=0.03, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), codes.T.cov(), atol=0.05, rtol=0)


def test_numbers_that_the_flow_is_not_about_stay_as_z_has_them(make_prior):
    task = make_prior(size=FlowConfig(1, 16, 1))
    mapping, z = task.network.mapping, torch.randn(5, 16, generator=seeded())
    torch.nn.init.normal_(mapping.velocity.leave[1].weight, std=0.3)
    with torch.no_grad():
        numbers = mapping.numbers_of(z)
    assert torch.equal(numbers[:, 1:], mapping.noise_of(z)[:, 1:]) and numbers.shape == (5, 16)
    assert not torch.allclose(numbers[:, 0], mapping.noise_of(z)[:, 0], atol=0.05)


def test_a_flow_that_draws_too_near_to_the_middle_is_put_right(make_prior, monkeypatch):
    task = make_prior()
    monkeypatch.setattr("sat3d.generators.flow_mapping.follow", lambda velocity, noise, steps: 0.5 * noise + 0.3)
    task.measure()
    with torch.no_grad():
        numbers = task.mapping.numbers_of(torch.randn(20_000, 16, generator=seeded(3)))[:, :2]
    torch.testing.assert_close(numbers.mean(0), torch.zeros(2), atol=0.03, rtol=0)
    torch.testing.assert_close(numbers.std(0), torch.ones(2), atol=0.03, rtol=0)


def test_codes_of_few_heads_have_fewer_numbers_than_the_flow(make_prior, tmp_path):
    task = make_prior(size=FlowConfig(5, 16, 1))
    make_engine(task, 3).run()
    with torch.no_grad():
        drawn = task.mapping(torch.randn(200, 16, generator=seeded(3)))[:, 0]
    plane = torch.linalg.svd(task.codes - task.codes.mean(0), full_matrices=False).Vh[:2]
    off = drawn - task.codes.mean(0)
    torch.testing.assert_close(off @ plane.T @ plane, off, atol=1e-4, rtol=0)


def test_a_mapping_of_layers_is_refused(make_prior, tiny, tmp_path):
    network = build_generator(replace(tiny.network, backbone=replace(tiny.network.backbone, mapping_flow=None)))
    with pytest.raises(ConfigError, match="mapping is no flow"):
        PriorTask(network, heads(50, 1), heads(50, 2), tmp_path)


def test_only_the_flow_moves(make_prior):
    task = make_prior()
    engine = make_engine(task, 10)
    engine.clock.enter(task.stages[0].name)
    engine._begin_stage()
    before = {name: value.clone() for name, value in task.network.state_dict().items()}
    engine.step()
    engine.step()
    moved = {name for name, value in task.network.state_dict().items() if not torch.equal(value, before[name])}
    assert moved and all(".mapping.velocity." in name for name in moved)


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
    """Stopped after every step, or never: the same weights and means."""
    size = FlowConfig(2, 16, 1)
    whole, again, other = (
        run(make_prior(seed, name, size), 8) for seed, name in ((0, "whole"), (0, "again"), (1, "other"))
    )
    assert_same_weights(whole, again)
    with pytest.raises(AssertionError):
        assert_same_weights(whole, other)
    broken = make_prior(0, "broken", size)
    broken.again = lambda: again_of(make_prior, size)
    assert_same_weights(whole, run(broken, 8, (*range(1, 8), None)))


def again_of(make_prior, size: FlowConfig) -> PriorTask:
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
