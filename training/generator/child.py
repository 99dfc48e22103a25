"""A child of a generator: fine-tuned on a data set of another look, its style space and low blocks frozen.

Each head of the data set has a code that the parent's encoder finds in a render of the same head in its natural look;
the child learns to show that code as the data set does. Mapping and affines do not move, so whatever is said in styles
means the same in parent and child; nor do the low blocks, which hold what a head is like.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from sat3d.errors import ConfigError
from sat3d.generators import LoadedGenerator, Noise, StyleGenerator, TriplaneGenerator
from sat3d.generators.child import save_child
from sat3d.generators.differences import makes_styles
from sat3d.inversion import PortraitEncoder
from sat3d.inversion.encoder import check_encoder
from sat3d.networks.loading import SMALLEST_PICTURE_PX, resize
from sat3d.pictures import contact_sheet, save_picture, to_pil
from sat3d.seeds import generator_of
from training.common.ema import RunningMean
from training.common.engine import Stage, Step, Task
from training.common.random_numbers import EpochOrder
from training.common.schedule import RateSchedule
from training.synth.cameras import Pose
from training.synth.dataset import ShardFolder
from training.synth.looks import STYLES
from training.synth.views import render_views

from ..data.packed import HeadPack
from .export import LICENCE
from .objective import patch_losses, without_rim
from .patches import draw_patches, render_patch
from .perceptual import Perceptual
from .scores import SeenHead, look_at_head, mean_scores

CHILD_FILE = "child.safetensors"
_HALF_LIFE_HEADS, _SHOWN_HEADS, _PERCEPTUAL = 500.0, 8, 0.1
_SCHEDULE = RateSchedule(warmup_steps=20, constant_share=0.4, last=0.02)


@dataclass(frozen=True)
class ChildRecipe:
    """``free_from``: blocks of the backbone of this resolution and above learn, with decoder, background and
    super-resolution; ``patch``: rays a side of what is rendered."""

    free_from: int = 64
    batch: int = 3
    rate: float = 1e-3
    patch: int = 32
    held_out_heads: int = 16
    scored_heads: int = 8

    def held_out(self, heads: int) -> int:
        """How many of so many heads are never learned from."""
        return min(self.held_out_heads, max(heads // 4, 1))

    @property
    def stage(self) -> Stage:
        return Stage("child", 1.0, self.batch, self.rate, _SCHEDULE, 5.0)


def may_learn(name: str, free_from: int) -> bool:
    """Whether a parameter of a child may differ from its parent's."""
    if makes_styles(name) or "noise_strength" in name:
        return False
    block = next((part for part in name.split(".") if part[:1] == "b" and part[1:].isdigit()), None)
    if block is None or not name.startswith("backbone."):
        return True
    return int(block[1:]) >= free_from or ".torgb." in name


def natural_pictures(data: Sequence[Path], size: int) -> Iterator[Tensor]:
    """``[3, S, S]`` in -1..1 of each head of the data sets, as its first view shows it but in its natural look."""
    for folder in (ShardFolder(path, ("image",)) for path in data):
        plan = folder.plan
        for first in range(0, len(folder) - len(folder) % plan.views, plan.views):
            sample = folder[first]
            if plan.look == STYLES[0]:
                image = sample.image
            else:
                pose = Pose(sample.yaw_rad, sample.pitch_rad)
                image = render_views(folder.domain, sample.parameters, [pose], size)[0].image
            yield torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 127.5 - 1


@torch.no_grad()
def find_child_codes(
    parent: StyleGenerator, encoder: PortraitEncoder, pictures: Iterable[Tensor], count: int
) -> Tensor:
    """``count`` pictures ``[3, S, S]`` in -1..1 -> w ``[count, w_dim]``.

    Raises:
        ConfigError: an encoder of another generator.
    """
    check_encoder(encoder, parent)
    shown = tqdm(pictures, "codes", count, unit="head", disable=None)
    side = max(encoder.config.input_px, SMALLEST_PICTURE_PX)
    return torch.cat([encoder(resize(picture[None].to(encoder.mean.device), side, side)).w.cpu() for picture in shown])


class ChildObjective(nn.Module):
    """Patches of views of known codes, as the data set has them."""

    def __init__(self, child: TriplaneGenerator, pack: HeadPack, codes: Tensor, recipe: ChildRecipe, look: Perceptual):
        super().__init__()
        self.child, self.recipe, self.perceptual = child, recipe, look
        self.pack, self.codes = pack, codes
        self._order: EpochOrder | None = None

    def forward(self, step: Step) -> dict[str, Tensor]:
        device, held_out = self.child.device, self.recipe.held_out(len(self.pack))
        if self._order is None:
            self._order = EpochOrder(len(self.pack) - held_out, step.seed)
        heads = self._order.take(step.seen, step.stage.batch * step.world)[step.rank :: step.world] + held_out
        random = generator_of(device, step.seed, step.number, step.rank)
        some, places = self.pack.some(heads), torch.arange(len(heads), device=device)
        with torch.no_grad():
            patch = draw_patches(some, places, self.recipe.patch, self.child.config, random)
            styles = styles_of(self.child, self.codes[heads].to(device))
        got = render_patch(self.child, self.child.planes(styles, Noise("none")), styles, patch, random)
        own, wanted = without_rim(got.image, patch)
        return patch_losses(got, patch) | {"perceptual": _PERCEPTUAL * self.perceptual(own, wanted)}


def styles_of(network: TriplaneGenerator, w: Tensor) -> Tensor:
    return network.styles(network.broadcast(w))


@dataclass
class ChildTask(Task):
    """See :class:`training.common.engine.Task`. ``encoder``: the parent's, whose layers compare pictures."""

    parent: LoadedGenerator
    parent_name: str
    encoder: PortraitEncoder
    pack: HeadPack
    codes: Tensor
    out: Path
    recipe: ChildRecipe = field(default_factory=ChildRecipe)
    notes: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self):
        network = self.parent.network
        if not isinstance(network, TriplaneGenerator) or network.config.img_resolution != self.pack.size:
            raise ConfigError("The data set is not for this parent", f"pictures of {self.pack.size} px",
                              f"a tri-plane generator's, of {network.config.img_resolution} px",
                              "render with another --size")  # fmt: skip
        if len(self.pack) < 2:
            raise ConfigError("The data set is too small", f"{len(self.pack)} heads", "2 or more", "render more")
        self.child = copy.deepcopy(network)
        self.mean_child = copy.deepcopy(network).eval().requires_grad_(False)
        self.perceptual = Perceptual(copy.deepcopy(self.encoder.trunk)).to(network.device)
        self.objective = ChildObjective(self.child, self.pack, self.codes, self.recipe, self.perceptual)
        self.mean = RunningMean(self.child, self.mean_child, _HALF_LIFE_HEADS)
        self.stages, self.seen = (self.recipe.stage,), list[SeenHead]()

    def settings(self) -> dict[str, object]:
        recipe = self.recipe
        return {"child_of": self.parent.fingerprint, "free_from": recipe.free_from, "batch": recipe.batch,
                "rate": recipe.rate, "patch": recipe.patch, "heads": len(self.pack)}  # fmt: skip

    def modules(self) -> dict[str, nn.Module]:
        return {"child": self.child, "mean_child": self.mean_child}

    def begin(self, stage: Stage) -> torch.optim.Optimizer:
        for name, parameter in self.child.named_parameters():
            parameter.requires_grad_(may_learn(name, self.recipe.free_from))
        free = [parameter for parameter in self.child.parameters() if parameter.requires_grad]
        return torch.optim.Adam(free, lr=stage.rate, betas=(0.9, 0.99))

    def after_step(self, batch: int, seen: int) -> None:
        self.mean.update(batch, seen)

    def evaluate(self) -> dict[str, float]:
        """Heads never trained on, from the front and from a side."""
        heads = range(min(self.recipe.scored_heads, self.recipe.held_out(len(self.pack))))
        self.seen = [look_at_head(self.mean_child, self.codes, self.pack, head) for head in heads]
        return mean_scores(self.seen)

    def preview(self, steps: int) -> None:
        rows = [to_pil(torch.stack([picture.cpu() for picture in head.pictures])) for head in self.seen[:_SHOWN_HEADS]]
        if rows:
            save_picture(contact_sheet(rows, cell_px=192), self.out / f"sheet_{steps:07d}.png")

    def export(self, facts: Mapping[str, str]) -> None:
        """The differences, in half precision wherever that is exact: so the child is rounded first."""
        rounded = self._rounded()
        notes = {**self.notes, **self.settings(), **facts}
        metadata = {"licence": LICENCE.format(self.notes.get("domain", "")), "training": json.dumps(notes)}
        save_child(self.out / CHILD_FILE, self.parent.network, rounded, self.parent_name, metadata)

    @torch.no_grad()
    def _rounded(self) -> TriplaneGenerator:
        child, parent = copy.deepcopy(self.mean_child), self.parent.network.state_dict()
        for name, tensor in child.state_dict().items():
            tensor.copy_(parent[name] + (tensor - parent[name]).half().to(tensor))
        return child
