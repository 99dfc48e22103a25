"""QMM over a domain: pictures -> the characteristic of every descriptor group."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..domains import DescriptorGroup, Domain
from ..errors import ConfigError, ShapeError
from ..networks.loading import check_pictures
from .equations import (
    attribute_differences,
    attribute_loss,
    characteristic,
    correlations,
    reference_loss,
    softened,
    source_loss,
)
from .model import ImageTextModel

_LEAST_GAP = 1e-5  # between text vectors of unit length: with CLIP's scale of 100 shares are then within 0.5 ± 0.00025


@dataclass(frozen=True)
class Measurement:
    """D(I, φ) of B pictures for every group φ of a domain.

    ``probabilities`` ``[B, K]``: the groups side by side in the domain's order, so that thousands of pictures are kept
    as one tensor; each group's part sums to 1. Differentiable in the pictures if these were.
    """

    probabilities: Tensor
    domain: Domain

    def __post_init__(self):
        if self.probabilities.ndim != 2 or self.probabilities.shape[1] != self.domain.num_phrases:
            raise ShapeError(
                "These scores do not belong to the domain",
                tuple(self.probabilities.shape),
                f"[B, {self.domain.num_phrases}], one column per phrase of {self.domain.name!r}",
                "measure the pictures again with this domain",
            )

    def __len__(self) -> int:
        return self.probabilities.shape[0]

    @property
    def characteristics(self) -> dict[str, dict[str, Tensor]]:
        """attribute -> group -> D(I, φ) ``[B, k]``."""
        parts = self.probabilities.split([len(group.phrases) for group in self.domain], 1)
        table: dict[str, dict[str, Tensor]] = {}
        for group, part in zip(self.domain, parts, strict=True):
            table.setdefault(group.attribute, {})[group.name] = part
        return table

    def of(self, group: DescriptorGroup) -> Tensor:
        """D(I, φ) of one group, ``[B, k]``."""
        return self.characteristics[group.attribute][group.name]

    def select(self, indices: Tensor | Sequence[int]) -> "Measurement":
        """The pictures with these numbers, as from a cache."""
        return Measurement(self.probabilities[indices], self.domain)

    def softened(self, temperature: float) -> "Measurement":
        """As if CLIP's scale had been smaller by ``temperature`` (≥ 1): see ``equations.softened``."""
        if temperature == 1:
            return self
        parts = self.probabilities.split([len(group.phrases) for group in self.domain], 1)
        return Measurement(torch.cat([softened(part, temperature) for part in parts], 1), self.domain)

    def differences(self, other: "Measurement") -> dict[str, Tensor]:
        """Σ_φ |D − D'|_1 for each attribute, ``[B]`` (inner sum of equations 1 and 2); 0 is alike, 2 per group at most.

        Raises:
            ConfigError: measured with another domain. ShapeError: batches that do not pair.
        """
        _check_pair(self, other)
        return attribute_differences(self.characteristics, other.characteristics)

    def as_table(self, index: int) -> dict[str, dict[str, dict[str, float]]]:
        """One picture's scores as plain data, for JSON: attribute -> group -> phrase -> probability."""
        table: dict[str, dict[str, dict[str, float]]] = {}
        for group in self.domain:
            row = self.of(group)[index].tolist()
            table.setdefault(group.attribute, {})[group.name] = dict(zip(group.phrases, row, strict=True))
        return table


class QMM:
    """Measures pictures with an image-text model; the sentences are encoded once, here.

    Example:
        >>> from sat3d.clip import load_clip
        >>> from sat3d.domains import load_domain
        >>> qmm = QMM(load_clip(), load_domain("synthheads"))
        >>> edited = torch.zeros(1, 3, 128, 128, requires_grad=True)
        >>> source, reference = qmm.measure(torch.zeros(1, 3, 128, 128)), qmm.measure(torch.ones(1, 3, 128, 128))
        >>> 0 < source.as_table(0)["beard"]["kind"]["a moustache"] < 1
        True
        >>> qmm.attribute_loss(edited, source, reference, ["beard"]).sum().backward()

    Raises:
        ShapeError: the model's text vectors are not ``[N, D]`` or not finite.
        ConfigError: its logit_scale is not a finite number above 0; it cannot read a phrase; or two phrases of a group
            are the same to it, so that every picture would be half the one and half the other.
    """

    def __init__(self, model: ImageTextModel, domain: Domain):
        self.model, self.domain = model, domain
        # Outside inference mode, in which the host's nodes run: one differentiates through these vectors later.
        with torch.inference_mode(False), torch.no_grad():
            self.text_vectors = [_encode(model, domain, group) for group in domain]
            self.logit_scale = float(model.logit_scale)
        if not 0 < self.logit_scale < float("inf"):
            raise ConfigError(
                "The image-text model's logit_scale is not usable",
                self.logit_scale,
                "a finite factor above 0, such as 100",
                "check the model's weights",
            )

    def measure(self, images: Tensor) -> Measurement:
        """``[B, 3, H, W]`` in -1..1 -> D(I, φ) for every group, differentiable in the images.

        Raises:
            ShapeError: not such pictures, smaller than 64 pixels, not finite; or image vectors unlike the text's.
        """
        check_pictures(images)
        vectors = self.model.encode_image(images)
        wanted = (len(images), self.text_vectors[0].shape[1])
        if tuple(vectors.shape) != wanted:
            raise _misfit("image vectors", tuple(vectors.shape), f"{wanted}, as its text vectors")
        return Measurement(
            torch.cat([self._characteristic(vectors, texts) for texts in self.text_vectors], 1), self.domain
        )

    def _characteristic(self, image_vectors: Tensor, text_vectors: Tensor) -> Tensor:
        return characteristic(correlations(image_vectors, text_vectors.to(image_vectors.device), self.logit_scale))

    def attribute_loss(
        self, edited: Tensor, source: Measurement, reference: Measurement, targets: Sequence[str]
    ) -> Tensor:
        """L_attr = L_ref + L_src (equations 1 to 3), ``[B]``, for edited pictures and measured (cached) originals.

        Raises:
            ConfigError: no target, or one the domain does not have. ShapeError: batches that do not pair.
        """
        check_targets(self.domain, targets)
        measured = self.measure(edited)
        to_reference, to_source = measured.differences(reference), measured.differences(source)
        return attribute_loss(reference_loss(to_reference, targets), source_loss(to_source, targets))


def check_targets(domain: Domain, targets: Sequence[str]) -> None:
    """Refuse an empty Ω, or a target the domain does not have.

    Raises:
        ConfigError: it is so.
    """
    if isinstance(targets, str) or not targets:
        wanted = f"a list of some of {list(domain.attributes)}"
        raise ConfigError("No target attribute is given", repr(targets), wanted, "choose an attribute to transfer")
    for target in targets:
        domain.groups(target)


def _encode(model: ImageTextModel, domain: Domain, group: DescriptorGroup) -> Tensor:
    sentences = domain.sentences(group)
    try:
        vectors = model.encode_text(sentences)
    except ConfigError as error:
        got = f"{_place(domain, group)}: {error.got}"
        raise ConfigError(error.what, got, error.wanted, error.next_step) from error
    if vectors.ndim != 2 or vectors.shape[0] != len(sentences):
        raise _misfit("text vectors", tuple(vectors.shape), f"[{len(sentences)}, D]")
    if not torch.isfinite(vectors).all():
        raise _misfit("text vectors", "NaN or infinite numbers", "finite numbers")
    _check_distinct(vectors, domain, group)
    return vectors.detach()


def _check_distinct(vectors: Tensor, domain: Domain, group: DescriptorGroup) -> None:
    """Asks the model and not the letters: what a hyphen or a capital is to it, only it knows."""
    directions = F.normalize(vectors.float(), dim=-1)
    gaps = (directions[:, None] - directions).norm(dim=-1)
    alike = (gaps < _LEAST_GAP).triu(1).nonzero().tolist()
    if alike:
        i, j = alike[0]
        raise ConfigError(
            "The image-text model cannot tell two phrases of a group apart",
            f"{_place(domain, group)}: {group.phrases[i]!r} and {group.phrases[j]!r} are the same to it",
            "phrases that differ in words it knows",
            "say one of the two with other words, or leave it out",
        )


def _place(domain: Domain, group: DescriptorGroup) -> str:
    return f"{group.attribute}.{group.name} of the domain {domain.name!r}"


def _misfit(what: str, got: object, wanted: str) -> ShapeError:
    return ShapeError(f"The image-text model's {what} are not usable", got, wanted, "check the model and its weights")


def _check_pair(first: Measurement, second: Measurement) -> None:
    if first.domain is not second.domain and list(first.domain) != list(second.domain):
        names = f"{first.domain.name!r} and {second.domain.name!r}"
        raise ConfigError("Two measurements of different domains", names, "one domain for both", "measure again")
    if 1 not in (len(first), len(second)) and len(first) != len(second):
        sizes = (len(first), len(second))
        raise ShapeError("Two measurements do not pair", sizes, "one picture, or as many as the other", "check both")
