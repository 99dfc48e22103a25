"""What a step computes: transfers between measured faces -> the losses of SAT3D (equations 1 to 7)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..losses import LossWeights, background_loss, total_loss
from ..qmm import Measurement, attribute_loss, reference_loss, source_loss
from ..regions import background_mask
from .carriers import Carrier
from .face_cache import Pairs
from .sampling import Draw
from .studio import Studio


@dataclass(frozen=True)
class Transfers:
    """B measured sources and references, and the target attribute of each."""

    source: Pairs
    reference: Pairs
    target: Tensor  # [B]


def gather(pairs: Pairs, draw: Draw, device: torch.device) -> Transfers:
    return Transfers(pairs.select(draw.source, device), pairs.select(draw.reference, device), draw.target.to(device))


class Objective(nn.Module):
    """What carries the attributes, the only thing that learns, and its losses; one module, so that
    DistributedDataParallel can wrap it.

    ``temperature``: attributes are compared after softening (1: the paper).
    """

    def __init__(self, studio: Studio, carrier: Carrier, weights: LossWeights, temperature: float = 1.0):
        super().__init__()
        self.carrier = carrier.to(studio.device)
        self.studio, self.weights, self.temperature = studio, weights, temperature

    def forward(self, transfers: Transfers) -> dict[str, Tensor]:
        """Scalars: ``loss`` (equation 7) and its parts ``ref``, ``src``, ``bg``, ``prob``, means over the batch."""
        ref, src, bg = self.parts(transfers)
        prob = self.carrier.indecision()
        loss = total_loss(attribute_loss(ref, self.weights.src * src), bg, prob, self.weights)
        return {"loss": loss, "ref": ref.mean(), "src": src.mean(), "bg": bg.mean(), "prob": prob}

    def parts(self, transfers: Transfers, intensity: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
        """L_ref, L_src and L_bg of each transfer, ``[B]``."""
        styles = self.edited_styles(transfers, intensity)
        edited = self.studio.pictures(styles, transfers.source.camera)
        return *self.attribute_losses(edited, transfers), self.background_losses(edited, transfers, styles)

    def edit(self, transfers: Transfers, intensity: float = 1.0) -> Tensor:
        """I_edit ``[B, 3, p, p]``, from the source's camera."""
        return self.studio.pictures(self.edited_styles(transfers, intensity), transfers.source.camera)

    def edited_styles(self, transfers: Transfers, intensity: float = 1.0) -> Tensor:
        """``[B, S]``."""
        layout, source = self.studio.network.layout, transfers.source.styles
        own = layout.editable(source)
        change = self.carrier(layout.editable(transfers.reference.styles) - own, transfers.target)
        return layout.with_editable(source, own + intensity * change)

    def attribute_losses(self, edited: Tensor, transfers: Transfers) -> tuple[Tensor, Tensor]:
        """L_ref and L_src, ``[B]`` each; every picture has a target of its own."""
        domain, names = self.studio.domain, self.targets(transfers)
        soft = lambda scores: Measurement(scores, domain).softened(self.temperature)  # noqa: E731
        measured = soft(self.studio.qmm.measure(edited).probabilities)
        to_reference = measured.differences(soft(transfers.reference.scores))
        to_source = measured.differences(soft(transfers.source.scores))
        pick = lambda table, i: {t: value[i : i + 1] for t, value in table.items()}  # noqa: E731
        ref = [reference_loss(pick(to_reference, i), [name]) for i, name in enumerate(names)]
        src = [source_loss(pick(to_source, i), [name, *domain.covers.get(name, ())]) for i, name in enumerate(names)]
        return torch.cat(ref), torch.cat(src)

    def background_losses(self, edited: Tensor, transfers: Transfers, styles: Tensor) -> Tensor:
        """L_bg, ``[B]``, of the pictures of ``styles [B, S]``; 0 in a domain without regions."""
        studio, names = self.studio, self.targets(transfers)
        if not studio.domain.regions:
            return edited.new_zeros(len(edited))
        with torch.no_grad():
            before = studio.region(transfers.source.labels, names)
            after = studio.region(studio.labels(edited, styles.detach(), transfers.source.camera), names)
        return background_loss(edited, transfers.source.images.float(), background_mask(before, after))

    def targets(self, transfers: Transfers) -> list[str]:
        """The names of the target attributes."""
        names = list(self.studio.domain.attributes)
        return [names[t] for t in transfers.target.tolist()]
