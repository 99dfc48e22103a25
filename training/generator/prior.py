"""The prior: a mapping z -> w whose codes are spread as those of all heads are, so that drawn heads are like true ones.

The mapping begins as the normal law of the codes. A flow learns how the most important numbers of the codes of the
training's heads depart from that; then the generator's own mapping network learns where the flow takes each z of a
large bank. Neither sees anything but codes.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from sat3d.generators import TriplaneGenerator
from sat3d.generators.layers import normalize_2nd_moment
from sat3d.seeds import generator_of, mixed_seed
from training.common.ema import RunningMean
from training.common.engine import Stage, Step
from training.common.schedule import RateSchedule

from .export import export_network
from .flow import PriorSize, Velocity, follow, matching_loss
from .normal_start import start_normal

_KEPT = 0.999  # share of the codes' variance that the flow is about
_LEAST_SPREAD = 0.05  # of the largest, below which a direction is only scaled, not whitened
_CODE_NOISE = 0.03  # in whitened units: codes of 10,000 heads are not all there are
_HALF_LIFE = 60_000.0
_BANK_BATCH = 2048
_MEASURED = 8192  # drawn codes
_SCHEDULE = RateSchedule(warmup_steps=100, constant_share=0.4, last=0.02)
STAGES = (Stage("flow", 0.6, 512, 1e-3, _SCHEDULE, clip=1.0), Stage("mapping", 0.4, 1024, 2e-3, _SCHEDULE))


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
    """Losses of the two stages; one module, so that DistributedDataParallel can wrap it."""

    def __init__(self, codes: Tensor, whitening: Whitening, network: TriplaneGenerator, velocity: Velocity):
        super().__init__()
        self.whitening, self.velocity, self.mapping = whitening, velocity, network.mapping
        self.numbers = whitening(codes)
        self.weights = whitening.spread / whitening.spread.mean()  # what shows more is to be right first
        self.bank = torch.zeros(0), torch.zeros(0)  # z and where the flow takes it, for the mapping to learn
        self.seen = torch.zeros(1), torch.ones(1)  # middle and spread of where the flow takes noise

    @property
    def bent(self) -> int:
        """How many of the numbers the flow is about."""
        return self.velocity.enter.in_features

    def forward(self, step: Step) -> dict[str, Tensor]:
        random = generator_of(self.numbers.device, step.seed, step.number, step.rank)
        torch.manual_seed(mixed_seed(step.seed, step.number, step.rank, 1))  # of dropout
        if step.stage.name == "flow":
            return {"flow": self._matching(step.stage.batch, random)}
        z, wanted = self.bank
        pick = torch.randint(len(z), (step.stage.batch,), generator=random, device=random.device)
        errors = (self.whitening(self.mapping(z[pick])[:, 0]) - wanted[pick]).square()
        return {"mapping": (errors * self.weights).mean()}

    def _matching(self, count: int, random: torch.Generator) -> Tensor:
        pick = torch.randint(len(self.numbers), (count,), generator=random, device=random.device)
        codes = self.numbers[pick, : self.bent]
        noise = torch.randn(codes.shape, generator=random, device=random.device)
        return matching_loss(self.velocity, codes + _CODE_NOISE * noise, random, self.weights[: self.bent])

    def fill_bank(self, learned: Velocity, size: int, seed: int) -> None:
        """What the mapping learns."""
        random = generator_of(self.numbers.device, seed, 0, 98)
        z = torch.randn(size, self.mapping.config.z_dim, generator=random, device=random.device)
        self.measure(learned, z[:_MEASURED])
        self.bank = z, torch.cat([self.wanted(learned, part) for part in z.split(_BANK_BATCH)])

    def measure(self, learned: Velocity, z: Tensor) -> None:
        """What :meth:`wanted` corrects: a flow that is not sure of all it has learned draws too near to the middle."""
        ends = follow(learned, self._noise(z)[:, : self.bent])
        self.seen = ends.mean(0), ends.std(0).clamp_min(_LEAST_SPREAD)

    def _noise(self, z: Tensor) -> Tensor:
        """As many numbers of z as codes have, on the sphere that the mapping puts it on."""
        return normalize_2nd_moment(z)[:, : self.numbers.shape[1]]

    def wanted(self, learned: Velocity, z: Tensor) -> Tensor:
        """Where the flow takes the first numbers of z, with the middle and spread that codes have; the others stay."""
        noise, (middle, spread) = self._noise(z), self.seen
        bent = (follow(learned, noise[:, : self.bent]) - middle) / spread
        return torch.cat([bent, noise[:, self.bent :]], 1)


@dataclass
class PriorTask:
    """See :class:`training.common.engine.Task`. ``codes [n, w_dim]``: of the training's heads; ``held_out``: of
    others."""

    network: TriplaneGenerator
    codes: Tensor
    held_out: Tensor
    out: Path
    notes: Mapping[str, object] = field(default_factory=dict)
    size: PriorSize = field(default_factory=PriorSize)
    seed: int = 0

    def __post_init__(self):
        self.stages = STAGES
        torch.manual_seed(self.seed)
        whitening = Whitening.of(self.codes)
        bent = min(self.size.numbers, len(whitening.spread))
        velocity = Velocity(bent, self.size.width, self.size.depth).to(self.codes.device)
        self.mean_velocity = copy.deepcopy(velocity).requires_grad_(False).eval()
        self.objective = PriorObjective(self.codes, whitening, self.network, velocity)
        self.mean = RunningMean(velocity, self.mean_velocity, _HALF_LIFE)
        self.network.mapping.w_avg.copy_(self.codes.mean(0))
        start_normal(self.network.mapping, whitening.mean, whitening.directions * whitening.spread)

    def settings(self) -> dict[str, object]:
        return {"task": "prior", "codes": len(self.codes), **vars(self.size)}

    def modules(self) -> dict[str, nn.Module]:
        return {
            "velocity": self.objective.velocity,
            "mean_velocity": self.mean_velocity,
            "mapping": self.network.mapping,
        }

    def begin(self, stage: Stage) -> torch.optim.Optimizer:
        flow = stage.name == "flow"
        self.objective.velocity.requires_grad_(flow).train(flow)
        self.network.mapping.requires_grad_(not flow)
        if not flow:  # the flow is as it will be: a training that goes on makes the same bank
            self.objective.fill_bank(self.mean_velocity, self.size.bank, self.seed)
        layers = self.objective.velocity if flow else self.network.mapping
        # Equalised layers of a small lr_mul keep their weights large: the rate has to be as large.
        scale = 1.0 if flow else 1 / self.network.mapping.fc0.bias_gain
        return torch.optim.Adam([{"params": list(layers.parameters()), "scale": scale}], betas=(0.9, 0.99))

    def enter(self, stage: Stage) -> None:
        pass

    def after_step(self, batch: int, seen: int) -> None:
        if self.objective.velocity.enter.weight.requires_grad:
            self.mean.update(batch, seen)

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Energy distances (Székely and Rizzo 2013) to codes of other heads: of drawn ones, and of the training's."""
        random = generator_of(self.codes.device, self.seed, 0, 99)
        z = torch.randn(len(self.held_out), self.network.config.backbone.z_dim, generator=random, device=random.device)
        white = self.objective.whitening
        true, drawn = white(self.held_out), white(self.network.mapping(z)[:, 0])
        self.objective.measure(
            self.mean_velocity, torch.randn(_MEASURED, z.shape[1], generator=random, device=z.device)
        )
        flowed, learned = self.objective.wanted(self.mean_velocity, z), white(self.codes[: len(self.held_out)])
        return {
            "of_mapping": energy_distance(drawn, true),
            "of_flow": energy_distance(flowed, true),
            "of_others": energy_distance(learned, true),
        }

    def preview(self, steps: int) -> None:
        pass

    def export(self, facts: Mapping[str, str]) -> None:
        export_network(self.out / "generator.safetensors", self.network, {**self.notes, "prior": dict(facts)})


def energy_distance(x: Tensor, y: Tensor) -> float:
    """2·E|x − y| − E|x − x'| − E|y − y'| of ``[N, k]`` and ``[M, k]``; 0 for the same distribution.

    >>> energy_distance(torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0], [4.0]]))
    4.0
    """

    def within(a: Tensor) -> Tensor:
        return torch.cdist(a, a).sum() / (len(a) * (len(a) - 1))

    return float(2 * torch.cdist(x, y).mean() - within(x) - within(y))
