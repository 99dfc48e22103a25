"""Methods that look through the generator: w of the layers that steer a region, and StyleCLIP's global directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from sat3d.clip import ImageText
from sat3d.domains import Domain
from sat3d.generators import RenderOptions
from sat3d.generators.shown import LEAST_SHARE
from sat3d.networks.loading import resize
from training.masks.preselect import normalise, region_gradients

from .methods import Copy, Method, Pairing, layer_mask
from .renderer_and_judges import Stage
from .triples import SCORED, People

_LAYERS = (1, 2, 3, 5)  # how many are copied: options
_CHANNELS = (10, 40, 160)  # β, as the number of channels that pass it: options
_STRENGTHS = (2.0, 5.0, 10.0)  # α, in standard deviations of the most relevant channel: options
_IMAGE_DIRECTIONS = 32  # that the changes of CLIP's picture vectors are looked at in
_NEURAL_PX = 48


def picture_of(stage: Stage, styles: Tensor, editable: Tensor) -> Tensor:
    """``styles [1, S]`` with ``editable [1, n]`` put in -> ``[1, 3, p, p]`` from the front, differentiable."""
    network = stage.network
    styles = network.layout.with_editable(styles, editable)
    camera = network.rig.label().to(styles)
    picture = network.synthesize(styles, camera, RenderOptions(_NEURAL_PX, least_share=LEAST_SHARE)).image
    return resize(picture, stage.picture_px, stage.picture_px)


def _faces(stage: Stage, people: People, count: int, what: str) -> Iterator[Tensor]:
    for i in tqdm(range(min(count, len(people))), desc=what, unit="face", disable=None):
        yield people.styles[i : i + 1].to(stage.network.device).clone()


def region_layers(stage: Stage, people: People, faces: int) -> Method:
    """Copies w for the layers whose channels steer the attribute's region the most.

    By the table of the paper's channel pre-selection: |gradient of the region's pixels| / area, shares of each channel.
    """
    layout, names = stage.network.layout, stage.parser.config.labels
    tables = []
    for styles in _faces(stage, people, faces, "gradients of regions"):
        labels = stage.shoot(styles, parse=True).labels[0].to(styles.device)
        paint = lambda editable, styles=styles: picture_of(stage, styles, editable)  # noqa: E731
        tables.append(region_gradients(paint, layout.editable(styles), labels, len(names)).cpu())
    shares = normalise(torch.stack(tables))
    options = {}
    for attribute in SCORED:
        labels = stage.domain.regions[attribute][0].labels
        of_channel = shares[[names.index(label) for label in labels]].sum(0)
        means = [part.mean() for part in of_channel.split([layer.channels for layer in layout.editable_layers])]
        order = torch.stack(means).argsort(descending=True).tolist()
        ranked = [layout.editable_layers[i].name for i in order]
        options[attribute] = {
            "+".join(_short(name) for name in ranked[:k]): Copy(layer_mask(layout, ranked[:k])) for k in _LAYERS
        }
    return Method("region_layers", "w of the layers that steer the region", options)


def _short(layer: str) -> str:
    return ".".join(layer.split(".")[-2:])


def image_changes(stage: Stage, people: People, clip: ImageText, basis: Tensor, faces: int) -> Tensor:
    """``[r, n]``: how CLIP's picture vector changes along ``basis [r, D]`` when each channel rises by one deviation.

    StyleCLIP (Patashnik et al. 2021, global directions) perturbs every channel of every picture; here the derivative
    is taken, r passes a picture, and the mean over pictures.
    """
    layout = stage.network.layout
    spread = layout.editable(people.styles).std(0)
    total = torch.zeros(len(basis), layout.num_editable)
    for styles in _faces(stage, people, faces, "what CLIP sees of channels"):
        editable = layout.editable(styles).requires_grad_()
        vector = clip.encode_image(picture_of(stage, styles, editable))[0]
        for i, direction in enumerate(basis):
            (gradient,) = torch.autograd.grad(vector @ direction, editable, retain_graph=i + 1 < len(basis))
            total[i] += (gradient[0] * spread.to(gradient)).cpu()
    return total / min(faces, len(people))


def leading_directions(vectors: Tensor, count: int) -> Tensor:
    """``vectors [N, D]`` -> ``[r, D]``: the principal directions that they differ in."""
    _, _, rows = torch.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    return rows[:count]


@dataclass(frozen=True)
class TextDirection:
    """One option of StyleCLIP's global direction: α, and how many channels pass β."""

    domain: Domain
    attribute: str
    texts: Mapping[str, Tensor]  # phrase -> [r], along the basis of ``changes``
    changes: Tensor  # [r, n]
    spread: Tensor  # [n]
    channels: int
    strength: float

    def __call__(self, pair: Pairing, delta: float) -> Tensor:
        own, theirs = pair.truths(pair.cases.source), pair.truths(pair.cases.reference)
        rows = [self.change(a, b) for a, b in zip(own, theirs, strict=True)]
        return pair.moved(delta * torch.stack(rows).to(pair.source))

    def change(self, own: Mapping[str, str], wanted: Mapping[str, str]) -> Tensor:
        """``[n]``: the change of the styles from what is true of the source to what is true of the reference."""
        direction = torch.zeros(len(self.changes))
        for category in SCORED[self.attribute].primary:
            before, after = (phrase_for(self.domain, self.attribute, category, t[category]) for t in (own, wanted))
            if before and after:
                direction = direction + self.texts[after] - self.texts[before]
        relevance = F.cosine_similarity(self.changes, direction[:, None], dim=0)
        threshold = relevance.abs().topk(self.channels).values[-1]
        relevance = torch.where(relevance.abs() >= threshold, relevance, 0.0)
        return self.strength * relevance / relevance.abs().amax().clamp_min(1e-12) * self.spread


def phrase_for(domain: Domain, attribute: str, category: str, value: str) -> str | None:
    """The phrase of the domain that says a value most closely: the one that is right for the fewest values."""
    found = [
        (len(values), phrase)
        for group in domain.groups(attribute)
        if group.truth == category
        for phrase, values in zip(group.phrases, group.values, strict=True)
        if value in values
    ]
    return min(found, key=lambda item: item[0])[1] if found else None


@torch.no_grad()
def _vectors(clip: ImageText, images: Tensor, device: torch.device) -> Tensor:
    return torch.cat([clip.encode_image(part.float().to(device)) for part in images.split(16)])


def global_directions(stage: Stage, people: People, clip: ImageText, images: Tensor, faces: int) -> Method:
    """StyleCLIP with the image-text model ``clip``; ``images [N, 3, p, p]``: pictures of the population."""
    basis = leading_directions(_vectors(clip, images, stage.network.device), _IMAGE_DIRECTIONS)
    changes = image_changes(stage, people, clip, basis, faces)
    spread = stage.network.layout.editable(people.styles).std(0).cpu()
    options = {}
    for attribute in SCORED:
        texts = _texts(stage.domain, attribute, clip, basis)
        options[attribute] = {
            f"{k} channels, strength {a:g}": TextDirection(stage.domain, attribute, texts, changes, spread, k, a)
            for k in _CHANNELS
            for a in _STRENGTHS
            if k <= len(spread)
        }
    return Method("text_direction", "StyleCLIP's global direction", options)


@torch.no_grad()
def _texts(domain: Domain, attribute: str, clip: ImageText, basis: Tensor) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for group in domain.groups(attribute):
        vectors: Sequence[Tensor] = (clip.encode_text(domain.sentences(group)) @ basis.T).cpu()
        found |= dict(zip(group.phrases, vectors, strict=True))
    return found
