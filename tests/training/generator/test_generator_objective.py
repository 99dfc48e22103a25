"""What a step computes: its losses by name, what learns from each, and which styles are mixed."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from sat3d.inversion.encoder import Encoded
from tests.training.generator.runs import make_task, seeded, step_of
from training.generator import objective
from training.generator.networks import make_optimizer
from training.generator.objective import camera_loss, distance_error, edge_loss, use_half_precision
from training.generator.patches import RenderedPatch
from training.synthheads.cameras import RIG

POINTS = {"colour", "occupancy", "backdrop"}
ENCODER = {"camera", "codes"}
PATCH = {"picture", "raw", "edges", "opacity", "distance"}
LOSSES = {
    "points": POINTS | ENCODER,
    "render": POINTS | ENCODER | PATCH,
    "sharpen": POINTS | ENCODER | PATCH | {"perceptual", "drawing", "critic"},
}
STAGES = tuple(LOSSES)


@pytest.fixture
def task(pack, tiny, tmp_path):
    made = make_task(tmp_path / "run", pack, tiny)
    for _, block in made.networks.generator.superresolution.blocks():
        torch.nn.init.normal_(block.torgb.weight)  # else, in the first step, nothing behind it has a gradient
    return made


def begin(task, name: str):
    """Stage ``name``, begun; its index."""
    stage = next(stage for stage in task.stages if stage.name == name)
    task.enter(stage)
    task.begin(stage)
    return stage


def learning(task, *losses: torch.Tensor) -> set[str]:
    """Names of parameters, of all modules, that these losses move."""
    task.objective.zero_grad(set_to_none=True)
    sum(losses).backward(retain_graph=True)
    named = task.objective.named_parameters()
    return {name for name, parameter in named if parameter.grad is not None and parameter.grad.any()}


@pytest.mark.parametrize("name", STAGES)
def test_each_stage_has_its_losses(task, name):
    losses = task.objective(step_of(begin(task, name)))
    assert set(losses) == LOSSES[name]
    assert all(torch.isfinite(loss) and loss.ndim == 0 for loss in losses.values())


@pytest.mark.parametrize("name", STAGES)
def test_gradients_reach_what_a_lesson_teaches_and_nothing_else(task, name):
    losses = task.objective(step_of(begin(task, name)))
    moved, lesson = learning(task, *losses.values()), task.preset.lessons[name]
    names = {key for key, _ in task.objective.named_parameters()}
    still = {key for key in names if "mapping." in key or "noise_strength" in key or key.startswith("perceptual.")}
    still |= {key for key in names if key.startswith("generator.superresolution.")} if not lesson.patch else set()
    still |= {key for key in names if key.startswith("critic.")} if not lesson.sharp else set()
    cancels = {"critic.layers.8.bias"}  # in the difference of two scores
    assert moved - cancels == names - still - cancels


@pytest.mark.parametrize("name", STAGES)
def test_the_optimizer_holds_what_learns_once(task, name):
    begin(task, name)
    groups = make_optimizer(task.networks).param_groups
    held = [id(parameter) for group in groups for parameter in group["params"]]
    trained = {id(parameter) for parameter in task.objective.parameters() if parameter.requires_grad}
    assert len(held) == len(set(held)) and set(held) == trained
    assert len({group["scale"] for group in groups}) == len(groups) > 2


def of(names: set[str], module: str) -> set[str]:
    return {name for name in names if name.startswith(f"{module}.")}


@pytest.mark.parametrize("name", STAGES)
def test_the_encoder_learns_codes_and_cameras_alone(task, name):
    """What is drawn tells it nothing, and what it says moves nothing that is drawn."""
    losses = task.objective(step_of(begin(task, name)))
    of_encoder = [losses.pop(part) for part in ENCODER]
    assert not of(learning(task, *losses.values()), "encoder")
    assert of(learning(task, *of_encoder), "encoder") == learning(task, *of_encoder)


def test_critic_and_generator_learn_each_from_its_own_loss(task):
    losses = task.objective(step_of(begin(task, "sharpen")))
    of_critic, of_drawing = learning(task, losses["critic"]), learning(task, losses["drawing"])
    assert of_critic and of_critic == of(of_critic, "critic")
    assert of_drawing and of_drawing == of(of_drawing, "generator")
    assert not of(learning(task, losses["perceptual"]), "critic")


def test_a_step_is_its_number_and_seed(task):
    stage = begin(task, "sharpen")
    first, again, next_one, other = (
        {name: float(loss.detach()) for name, loss in task.objective(step).items()}
        for step in (step_of(stage, 3), step_of(stage, 3), step_of(stage, 4), step_of(stage, 3, seed=1))
    )
    assert first == again and first != next_one and first != other


def test_the_first_heads_are_never_learned_from(task):
    stage = replace(begin(task, "points"), batch=3)
    heads = torch.cat([task.objective.heads_of(step_of(stage, number)) for number in range(4)])
    assert sorted(heads[:6].tolist()) == sorted(heads[6:].tolist()) == [2, 3, 4, 5, 6, 7]
    some = task.objective._some_heads(seeded())
    assert len(some) == 8 and some.min() >= 2


def test_processes_share_a_step(task):
    stage = replace(begin(task, "points"), batch=2)
    parts = [task.objective.heads_of(replace(step_of(stage), rank=rank, world=3)) for rank in range(3)]
    assert sorted(torch.cat(parts).tolist()) == [2, 3, 4, 5, 6, 7]


def test_codes_are_the_first_codes_with_some_noise(task):
    heads = torch.arange(2, 8)
    noisy, losses = task.objective.codes_of(heads, seeded())
    assert set(losses) == ENCODER and 0.02 < (noisy - task.codes[heads]).std() < 0.08
    task.objective.preset = replace(task.preset, code_noise=0.0)
    w, _ = task.objective.codes_of(heads, seeded())
    assert torch.equal(w, task.codes[heads])


def test_the_encoder_is_asked_about_any_view(task):
    """Where all views are the first, it says other codes."""
    task.objective.encoder.eval()
    _, any_view = task.objective.codes_of(torch.arange(2, 8), seeded())
    task.objective.pack = replace(task.pack, image=task.pack.image[:, :1].expand_as(task.pack.image), files={})
    _, front = task.objective.codes_of(torch.arange(2, 8), seeded())
    assert not torch.equal(any_view["codes"], front["codes"])


def mixed(task, monkeypatch, mixing: float, dropout: float, rows: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Styles that are row after row 0, 1, 2, and what they are mixed to."""
    monkeypatch.setattr(objective, "_STYLE_MIXING", mixing)
    monkeypatch.setattr(objective, "_CHANNEL_DROPOUT", dropout)
    styles = torch.arange(rows).float()[:, None].repeat(1, task.networks.generator.layout.num_channels)
    return styles, task.objective.mixed(styles, seeded())


def groups_of(task, styles: torch.Tensor) -> dict[str, torch.Tensor]:
    layout = task.networks.generator.layout
    parts: dict[str, list] = {}
    for layer in layout.layers:
        parts.setdefault(layer.group, []).append(styles[:, layout.slices[layer.name]])
    return {name: torch.cat(part, 1) for name, part in parts.items()}


def test_mixing_swaps_every_style_but_those_of_convolutions_and_backdrop(task, monkeypatch):
    own, got = (groups_of(task, styles) for styles in mixed(task, monkeypatch, mixing=1.0, dropout=0.0))
    kept = {"backbone_conv", "background"}
    assert kept < set(got)
    for name, styles in got.items():
        wanted = own[name] if name in kept else own[name].roll(1, 0)  # 2, 0, 1: those of the head before
        assert torch.equal(styles, wanted), name


def test_dropout_swaps_channels_of_convolutions_alone(task, monkeypatch):
    own, got = (groups_of(task, styles) for styles in mixed(task, monkeypatch, mixing=0.0, dropout=1.0))
    for name, styles in got.items():
        wanted = own[name].roll(1, 0) if name == "backbone_conv" else own[name]
        assert torch.equal(styles, wanted), name


def test_half_of_the_heads_are_mixed_as_a_whole_and_few_channels_dropped(task, monkeypatch):
    own, got = (groups_of(task, styles) for styles in mixed(task, monkeypatch, 0.5, 0.03, rows=200))
    late = torch.cat([got[name] != own[name] for name in got if name not in ("backbone_conv", "background")], 1)
    assert torch.equal(late.all(1), late.any(1)) and 0.4 < late.any(1).float().mean() < 0.6
    assert 0.02 < (got["backbone_conv"] != own["backbone_conv"]).float().mean() < 0.04


def test_a_single_head_keeps_its_styles(task, monkeypatch):
    own, got = mixed(task, monkeypatch, mixing=1.0, dropout=1.0, rows=1)
    assert torch.equal(own, got)


def test_the_cameras_loss_by_hand():
    """A twentieth of a radian is one unit: half of it costs 1/8, three cost 3 − 1/2; two angles share it."""
    camera = RIG.label(torch.tensor([0.1, 0.1]), torch.tensor([0.0, 0.0]))
    found = [Encoded(torch.zeros(2, 4), torch.full((2,), yaw), torch.zeros(2)) for yaw in (0.1, 0.125, 0.25)]
    losses = [float(camera_loss(some, camera)) for some in found]
    assert losses == pytest.approx([0, 0.125 / 2, 2.5 / 2], abs=1e-3)


def test_behind_a_thing_a_turn_further_is_the_same_place():
    """Yaws of 3.1 and -3.1 are a twelfth of a radian apart, and so is the slope between them."""
    camera = RIG.label(torch.tensor([3.1]), torch.tensor([-0.2]))
    yaw = torch.tensor([-3.1], requires_grad=True)
    loss = camera_loss(Encoded(torch.zeros(1, 4), yaw, torch.tensor([-0.2])), camera)
    away = (2 * torch.pi - 6.2) / 0.05
    assert float(loss.detach()) == pytest.approx((away - 0.5) / 2, abs=1e-2)
    loss.backward()
    assert yaw.grad.item() == pytest.approx(1 / 0.05 / 2), "further round the same way"


def test_distance_counts_where_both_have_a_surface_and_rays_through_nothing_cost_nothing():
    got = torch.tensor([[[[2.5, torch.nan], [2.0, 9.0]]]], requires_grad=True)
    opacity = torch.tensor([[[[0.9, 0.0], [0.8, 0.4]]]])
    true = torch.tensor([[[[2.4, 2.0], [0.0, 2.0]]]])
    loss = distance_error(RenderedPatch(None, None, opacity, got), SimpleNamespace(distance=true))
    assert float(loss.detach()) == pytest.approx(0.1)
    loss.backward()
    assert got.grad.flatten().tolist() == [1, 0, 0, 0]


def test_edges_cost_what_neighbours_differ_in():
    wanted = torch.zeros(1, 1, 2, 2)
    assert edge_loss(wanted + 0.7, wanted) == 0, "the same everywhere: no edge is lost"
    corner = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    assert float(edge_loss(corner, wanted)) == pytest.approx(0.5 + 0.5)


def test_half_precision_is_asked_for_or_where_it_is_fast(monkeypatch):
    cpu = torch.device("cpu")
    assert use_half_precision("bfloat16", cpu) and not use_half_precision("float32", cpu)
    for fast in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda fast=fast: fast, raising=False)
        assert use_half_precision("auto", cpu) is fast
    assert use_half_precision("auto", torch.device("cuda")) and not use_half_precision("auto", torch.device("mps"))
