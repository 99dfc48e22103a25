"""The prior: a mapping z -> w whose codes are spread as those of all heads are, so that drawn heads are like true ones.

It begins as the normal law of the codes; then its flow learns how the most important numbers of the codes of the
training's heads depart from that. It sees nothing but codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sat3d.errors import ConfigError
from sat3d.generators import TriplaneGenerator
from sat3d.generators.flow_mapping import FlowMapping, Velocity
from sat3d.seeds import generator_of, mixed_seed
from training.common.ema import RunningMean
from training.common.engine import Stage, Step
from training.common.schedule import RateSchedule

from .export import export_network
from .flow import matching_loss

_KEPT = 0.999  # share of the codes' variance that the flow is about
_LEAST_SPREAD = 0.05  # of the largest, below which a direction is only scaled, not whitened
_CODE_NOISE = 0.03  # in whitened units: codes of 10,000 heads are not all there are
_HALF_LIFE = 60_000.0
_DROPOUT = 0.1
_MEASURED = 8192  # drawn codes
_SCHEDULE = RateSchedule(warmup_steps=100, constant_share=0.4, last=0.02)
STAGES = (Stage("flow", 1.0, 512, 1e-3, _SCHEDULE, clip=1.0),)


@dataclass(frozen=True)
class Whitening:
    """Codes ``[…, w_dim]`` as numbers of spread 1 along their principal directions, and back."""

    mean: Tensor  # [w_dim]
    directions: Tensor  # [w_dim, k]
    spread: Tensor  # [k]

    @classmethod
    def of(cls, codes: Tensor) -> Whitening:
        """
        Example:
            >>> whitening = Whitening.of(torch.randn(100, 8))
            >>> bool(torch.allclose(whitening.back(whitening(torch.zeros(1, 8))), torch.zeros(1, 8), atol=1e-4))
            True
        """
        mean = codes.mean(0)
        variance, directions = torch.linalg.eigh((codes - mean).double().T.cov())
        variance, directions = variance.flip(0).clamp_min(0), directions.flip(1)
        kept = int((variance.cumsum(0) / variance.sum() < _KEPT).sum()) + 1
        spread = variance[:kept].sqrt().float()
        return cls(mean, directions[:, :kept].float(), spread.clamp_min(_LEAST_SPREAD * float(spread[0])))

    def __call__(self, codes: Tensor) -> Tensor:
        return (codes - self.mean) @ self.directions / self.spread

    def back(self, numbers: Tensor) -> Tensor:
        return (numbers * self.spread) @ self.directions.T + self.mean


class PriorObjective(nn.Module):
    """The loss; one module, so that DistributedDataParallel can wrap it."""

    def __init__(self, codes: Tensor, whitening: Whitening, velocity: Velocity):
        super().__init__()
        self.velocity = velocity
        self.bent = velocity.enter.in_features  # how many of the numbers the flow is about
        # Codes of few heads have fewer numbers than that; what no direction belongs to counts for nothing.
        lacking = max(self.bent - len(whitening.spread), 0)
        self.numbers = F.pad(whitening(codes), (0, lacking))[:, : self.bent]
        weights = whitening.spread / whitening.spread.mean()  # what shows more is to be right first
        self.weights = F.pad(weights, (0, lacking))[: self.bent]

    def forward(self, step: Step) -> dict[str, Tensor]:
        random = generator_of(self.numbers.device, step.seed, step.number, step.rank)
        torch.manual_seed(mixed_seed(step.seed, step.number, step.rank, 1))  # of dropout
        pick = torch.randint(len(self.numbers), (step.stage.batch,), generator=random, device=random.device)
        codes = self.numbers[pick]
        noise = torch.randn(codes.shape, generator=random, device=codes.device)
        return {"flow": matching_loss(self.velocity, codes + _CODE_NOISE * noise, random, self.weights)}


@dataclass
class PriorTask:
    """See :class:`training.common.engine.Task`. ``codes [n, w_dim]``: of the training's heads; ``held_out``: of
    others. The network's own flow is the running mean of the one that learns.

    Raises:
        ConfigError: the network's mapping is no flow.
    """

    network: TriplaneGenerator
    codes: Tensor
    held_out: Tensor
    out: Path
    notes: Mapping[str, object] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self):
        self.stages = STAGES
        self.mapping = _flow_of(self.network)
        whitening = Whitening.of(self.codes)
        _start_normal(self.mapping, whitening)
        self.whitening, flow = whitening, self.mapping.config.mapping_flow
        torch.manual_seed(self.seed)
        velocity = Velocity(flow.numbers, flow.width, flow.depth, _DROPOUT).to(self.codes.device)
        self.mapping.velocity.load_state_dict(velocity.state_dict())
        self.objective = PriorObjective(self.codes, whitening, velocity)
        self.mean = RunningMean(velocity, self.mapping.velocity, _HALF_LIFE)

    def settings(self) -> dict[str, object]:
        return {"task": "prior", "codes": len(self.codes), **vars(self.mapping.config.mapping_flow)}

    def modules(self) -> dict[str, nn.Module]:
        return {"velocity": self.objective.velocity, "mapping": self.mapping}

    def begin(self, stage: Stage) -> torch.optim.Optimizer:
        self.mapping.requires_grad_(False).eval()
        self.objective.velocity.train()
        return torch.optim.Adam(
            [{"params": list(self.objective.velocity.parameters()), "scale": 1.0}], betas=(0.9, 0.99)
        )

    def enter(self, stage: Stage) -> None:
        pass

    def after_step(self, batch: int, seen: int) -> None:
        self.mean.update(batch, seen)

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Energy distances (Székely and Rizzo 2013) to codes of other heads: of drawn ones, and of the training's."""
        self.measure()
        white = self.whitening
        drawn, true = white(self.mapping(self._noise(99, len(self.held_out)))[:, 0]), white(self.held_out)
        others = white(self.codes[: len(self.held_out)])
        return {"of_mapping": energy_distance(drawn, true), "of_others": energy_distance(others, true)}

    @torch.no_grad()
    def measure(self) -> None:
        """What the mapping puts right: middle and spread of where its flow ends."""
        ends = self.mapping.ends_of(self._noise(98, _MEASURED))
        self.mapping.middle.copy_(ends.mean(0))
        self.mapping.spread.copy_(ends.std(0).clamp_min(_LEAST_SPREAD))

    def _noise(self, number: int, count: int) -> Tensor:
        random = generator_of(self.codes.device, self.seed, 0, number)
        return torch.randn(count, self.mapping.config.z_dim, generator=random, device=random.device)

    def preview(self, steps: int) -> None:
        pass

    def export(self, facts: Mapping[str, str]) -> None:
        self.measure()
        export_network(self.out / "generator.safetensors", self.network, {**self.notes, "prior": dict(facts)})


def _flow_of(network: TriplaneGenerator) -> FlowMapping:
    if not isinstance(network.mapping, FlowMapping):
        raise ConfigError("This generator's mapping is no flow", type(network.mapping).__name__, "mapping_flow in its "
                          "configuration", "train a generator with one of the presets")  # fmt: skip
    return network.mapping


@torch.no_grad()
def _start_normal(mapping: FlowMapping, whitening: Whitening) -> None:
    """As a flow that has learned nothing: w_avg + D·n is the normal law of the codes."""
    kept = min(len(whitening.spread), mapping.directions.shape[1])
    mapping.w_avg.copy_(whitening.mean)
    mapping.directions.zero_()
    mapping.directions[:, :kept] = (whitening.directions * whitening.spread)[:, :kept]


def energy_distance(x: Tensor, y: Tensor) -> float:
    """2·E|x − y| − E|x − x'| − E|y − y'| of ``[N, k]`` and ``[M, k]``; 0 for the same distribution.

    >>> energy_distance(torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0], [4.0]]))
    4.0
    """

    def within(a: Tensor) -> Tensor:
        return torch.cdist(a, a).sum() / (len(a) * (len(a) - 1))

    return float(2 * torch.cdist(x, y).mean() - within(x) - within(y))
