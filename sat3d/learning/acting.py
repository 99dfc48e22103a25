"""Where a channel acts: the energy of the picture's gradient inside an attribute's region, and outside of it.

Led back from noise v (mean 0, variance 1) in a region's pixels, g = Jᵀ(region ⊙ v) has E[g gᵀ] = Jᵀ diag(region) J, so
that E[gᵢ²] is how much channel i moves these pixels (Hutchinson 1990, as estimators of a diagonal). One face and one
noise is a probe; a few dozen probes tell where a channel acts, and nobody names anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..files.safetensors_io import read_tensors, write_tensors
from ..progress import Watch, no_watch
from ..seeds import generator_of
from .face_cache import Pairs
from .studio import Studio

_TENSORS = ("inside", "outside", "seen")  # of a probe


@dataclass(frozen=True)
class Probe:
    """Gradients of one face, led back from one noise: ``inside``, ``outside`` ``[m, d]`` of each attribute's region;
    ``seen [m]`` bool: which regions the picture has (where not, both are 0).

    The sum of ``inside[t].outer(inside[t])`` over probes estimates the second moment Jᵀ diag(region) J.
    """

    inside: Tensor
    outside: Tensor
    seen: Tensor


@dataclass(frozen=True)
class Acting:
    """``inside``, ``outside`` ``[m, n]``: mean energy over the probes that see an attribute's region; 0 where none
    does."""

    inside: Tensor
    outside: Tensor

    @property
    def share_inside(self) -> Tensor:
        """``[m, n]``, 0..1: how much of a channel's energy lies in the region; 1 where nothing is known, so that
        whoever asks for too little refuses nothing."""
        total = self.inside + self.outside
        return torch.where(total > 0, self.inside / total.clamp_min(1e-30), 1.0)


def probe(picture_of: Callable[[Tensor], Tensor], code: Tensor, regions: Tensor, noise: Tensor) -> Probe:
    """
    Args:
        picture_of: code ``[1, d]`` (styles, w, …) -> picture ``[1, 3, H, W]``.
        regions: ``[m, 1, H, W]`` bool, one of each attribute.
        noise: ``[1, 3, H, W]``, N(0, 1).
    """
    code = code.detach().requires_grad_()
    picture = picture_of(code)

    def led_back(flow: Tensor) -> Tensor:
        (gradient,) = torch.autograd.grad(picture, code, flow.to(picture), retain_graph=True)
        return gradient[0]

    whole, seen = led_back(noise), regions.flatten(1).any(1)
    flows = [noise * region if there else None for region, there in zip(regions, seen.tolist(), strict=True)]
    inside = torch.stack([torch.zeros_like(whole) if flow is None else led_back(flow) for flow in flows])
    return Probe(inside, torch.where(seen[:, None], whole - inside, 0.0), seen)  # the gradient is linear in the noise


def probes(studio: Studio, pairs: Pairs, seed: int, count: int, watch: Watch = no_watch) -> Iterator[Probe]:
    """``count`` probes of the editable styles, of the faces in turn. Nothing where the domain has no regions.

    A region is that of the face and the next one's together, as an edit may change both: where a beard would grow
    belongs to it.
    """
    layout, names = studio.network.layout, list(studio.domain.attributes)
    for i in range(count if studio.domain.regions else 0):
        watch(i, count)
        face, other = (pairs.select(torch.tensor([number % len(pairs)]), studio.device) for number in (i, i + 1))
        regions = regions_of(studio, face, names) | regions_of(studio, other, names)

        def picture_of(editable: Tensor, face: Pairs = face) -> Tensor:
            return studio.pictures(layout.with_editable(face.styles, editable), face.camera)

        noise = torch.randn(1, 3, *regions.shape[2:], generator=generator_of("cpu", seed, i)).to(studio.device)
        with torch.enable_grad():
            yield probe(picture_of, layout.editable(face.styles), regions, noise)


def find_probes(
    studio: Studio, pairs: Pairs, seed: int, folder: Path, count: int, watch: Watch = no_watch
) -> list[Probe]:
    """``count`` probes, from their file in ``folder`` if it is there; none in a domain without regions."""
    file = folder / f"probes-{count}.safetensors"
    if not studio.domain.regions:
        return []
    if not file.exists():
        found = list(probes(studio, pairs, seed, count, watch))
        tables = {name: torch.stack([getattr(each, name) for each in found]).cpu() for name in _TENSORS}
        write_tensors(file, tables, {"attributes": json.dumps(list(studio.domain.attributes))})
    tables = read_tensors(file)
    return [Probe(*row) for row in zip(*(tables[name] for name in _TENSORS), strict=True)]


def regions_of(studio: Studio, face: Pairs, names: list[str]) -> Tensor:
    """``[m, 1, p, p]`` bool: each attribute's region in the picture of one face."""
    return studio.region(face.labels.expand(len(names), -1, -1), names)


def energies(found: Iterable[Probe]) -> Acting | None:
    """The mean over probes; None where there are none.

    Example:
        >>> see = lambda inside: Probe(torch.tensor([[inside]]), torch.tensor([[1.0]]), torch.tensor([True]))
        >>> energies([see(1.0), see(2.0)])
        Acting(inside=tensor([[2.5000]]), outside=tensor([[1.]]))
    """
    inside, outside, seen = 0.0, 0.0, 0.0
    for each in found:
        inside, outside, seen = inside + each.inside.square(), outside + each.outside.square(), seen + each.seen.float()
    if not isinstance(seen, Tensor):
        return None
    count = seen[:, None].clamp_min(1)
    return Acting((inside / count).cpu(), (outside / count).cpu())
