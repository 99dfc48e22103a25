"""What the image-text model learns from: captions against each other, and the phrases of each descriptor group."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sat3d.clip import ClipConfig, ImageText, OwnClip
from sat3d.clip.built_in_clip import KIND
from sat3d.clip.tokenizer import EXTRA_TOKENS
from sat3d.errors import ConfigError
from sat3d.files.network_files import load_network, save_network
from sat3d.networks.reader import load_reader
from training.common.device import Machine
from training.common.random_numbers import Draws
from training.data.degradations import degrade
from training.data.geometric import move
from training.data.views import Views
from training.networks.metrics import accuracy, confusion, mean
from training.networks.targets import UNKNOWN

from .attention import attended
from .clip_captions import ENDS, encode_short, short_caption
from .clip_phrases import HEADS_BOOK, Group, PhraseBook, book_for

SIZE = 128
_ZOOM = 2.2  # see sat3d/networks/face_zoom.py, where a domain wants its pictures magnified
_CPU = Machine()
_CAPTION_EVERY = 4  # captions of a quarter of the batch: long texts cost more than pictures
_EVALUATION_BATCH = 64
_CAPTION_WEIGHT, _PHRASE_WEIGHT = 0.3, 1.5
# Two answers with one vector teach the tower nothing that would tell them apart: below this cosine they are left alone.
_ALIKE, _APART_WEIGHT = 0.6, 1.0
_CAPTION_SMOOTHING = 0.1  # another head of the batch may fit a caption as well as its own
_LARGEST_SCALE = 100.0  # as in CLIP


def clip_config(book: PhraseBook = HEADS_BOOK) -> ClipConfig:
    """A tower for pictures of 128 pixels and a text tower of three layers: 4 MB in half precision."""
    words, zoom = book.vocabulary, _ZOOM * book.domain.learning.magnified
    return ClipConfig(
        embed_dim=128,
        image={"image_size": SIZE, "widths": [24, 48, 96, 160, 192], "depths": [0, 1, 1, 1, 0], "face_zoom": zoom},
        text={
            "context_length": 48,
            "vocab_size": len(words) + EXTRA_TOKENS,
            "width": 128,
            "heads": 4,
            "layers": 3,
        },
        vocabulary=words,
    )


class ClipTask:
    """See :class:`training.networks.task.SmallNetwork`.

    Captions alone teach slowly: most words of a caption fit many heads of a batch. So each picture is also contrasted
    with the phrases of the descriptor groups, of each of which exactly one is true.
    """

    def __init__(self, views: Views, machine: Machine = _CPU, seed: int = 0, config: ClipConfig | None = None):
        self.views, self.held_out = views.split()
        self.machine, self.device, self.total = machine, machine.device, len(self.views)
        self.book = book_for(self.views.parameters)
        self.targets = self.book.targets(self.views.parameters, self.book.groups)
        self.held_out_targets = self.book.targets(self.held_out.parameters, self.book.judged)
        torch.manual_seed(seed)
        self.module = OwnClip(config or clip_config(self.book))
        self.keep_start = 0.0  # this share of the weights that training began with is in what is judged and saved
        self._start: Mapping[str, Tensor] = {}

    def start_from(self, path: Path) -> None:
        """Take over the weights of a trained model of the same towers and words; see also ``keep_start``.

        Raises:
            FileError: it is missing, damaged or of another kind; ConfigError: other towers or words.
        """
        network = load_network(KIND, path)
        if network.config != self.module.config:
            raise ConfigError("The model to start from has other towers or words", path, None, "train without --start")
        self.module.load_state_dict(network.state_dict())
        self._start = copy.deepcopy(network.state_dict())

    def start_from_reader(self) -> None:
        """Take over what the built-in attribute reader sees: saves most of the training. The reader is then no
        independent judge of what this model's gradient does; take one trained from another seed."""
        reader, tower = load_reader(), self.module.model.visual
        for name in ("trunk", "squeeze"):
            getattr(tower, name).load_state_dict(getattr(reader, name).state_dict())

    def facts(self) -> dict[str, object]:
        config = self.module.config
        return {"network": "clip", "views": self.total, "image": config.image, "text": config.text}

    def loss(self, index: Tensor, draws: Draws) -> dict[str, Tensor]:
        clip = self.module.image_text()
        images, _ = move(self.views.inputs(index, self.device), None, draws)
        images = degrade(images, draws)
        with self.machine.autocast():
            places = clip.encode_image(images)
        scale = clip.logit_scale.clamp(max=_LARGEST_SCALE)
        captions = self._caption_loss(clip, places, scale, index, draws)
        phrases, alike = self._phrase_loss(clip, places, scale, index, draws)
        return {
            "captions": _CAPTION_WEIGHT * captions,
            "phrases": _PHRASE_WEIGHT * phrases,
            "alike": _APART_WEIGHT * alike,
        }

    def _caption_loss(self, clip: ImageText, places: Tensor, scale: Tensor, index: Tensor, draws: Draws) -> Tensor:
        rng = np.random.default_rng(draws.whole(0, 2**31))
        some = draws.choices(len(index), max(2, len(index) // _CAPTION_EVERY))
        most = self.module.config.text["context_length"] - ENDS
        chosen, say = [self.views.parameters[i] for i in index[some].tolist()], self.book.domain.caption
        texts = [short_caption(say, thing, rng, most) for thing in chosen]
        with self.machine.autocast():
            encoded = encode_short(clip, texts)
        return contrast(places[some], encoded, scale, self.views.heads[index[some]])

    def _phrase_loss(
        self, clip: ImageText, places: Tensor, scale: Tensor, index: Tensor, draws: Draws
    ) -> tuple[Tensor, Tensor]:
        """How badly phrases fit, and how alike the answers of a group are."""
        groups, templates = self.book.groups, self.book.templates
        template = templates[draws.whole(0, len(templates) - 1)]
        texts = [_random_texts(group, template, draws) for group in groups]
        distinct = sorted({text for part in texts for text in part})
        with self.machine.autocast():
            encoded = encode_short(clip, distinct)
        scores = scale * places @ encoded.T
        columns = {text: column for column, text in enumerate(distinct)}
        parts = [scores[:, [columns[text] for text in part]] for part in texts]
        answers = [encoded[[columns[text] for text in part]] for part in texts]
        alike = torch.stack([alikeness(part) for part in answers]).mean()
        return group_loss(parts, self.targets[index].to(places.device)), alike

    @torch.no_grad()
    def evaluate(self, module: OwnClip) -> dict[str, float]:
        tables = zero_shot(self._blended(module).image_text(), self.held_out, self.held_out_targets, self.book)
        judged = zip(self.book.judged, tables, strict=True)
        found = {f"{group.attribute}.{group.name}": accuracy(table) for group, table in judged}
        return {"accuracy": mean(list(found.values())), **found}

    def save(self, module: OwnClip, path: Path, facts: Mapping[str, str]) -> None:
        save_network(path, KIND, self._blended(module), facts)

    def _blended(self, module: OwnClip) -> OwnClip:
        """Between where training began and where it got: learns the new, and keeps the old (Wortsman et al. 2022)."""
        if not (self.keep_start and self._start):
            return module
        both = copy.deepcopy(module)
        both.load_state_dict(blend(module.state_dict(), self._start, self.keep_start))
        return both


def blend(weights: Mapping[str, Tensor], other: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """``share`` of ``other`` and the rest of ``weights``, number by number; what is not a fraction is left as it is."""
    return {
        name: value.lerp(other[name].to(value), share) if value.is_floating_point() else value
        for name, value in weights.items()
    }


def _random_texts(group: Group, template: str, draws: Draws) -> list[str]:
    """One phrase a choice, all in the same template, so that only what matters differs."""
    return [template.format(choice.ways[draws.whole(0, len(choice.ways) - 1)]) for choice in group.choices]


def contrast(places: Tensor, texts: Tensor, scale: Tensor, heads: Tensor) -> Tensor:
    """CLIP's loss of N pictures and their captions, ``[N, D]`` each; ``heads [N]``: who is seen.

    Another view of the same head does not count against a caption, which holds for both.
    """
    scores = scale * places @ texts.T
    own = torch.eye(len(heads), dtype=torch.bool)
    same = ((heads[:, None] == heads[None]) & ~own).to(scores.device)
    scores = scores.masked_fill(same, -1e4)
    truth = torch.arange(len(heads), device=scores.device)
    return (_smooth(scores, truth, same) + _smooth(scores.T, truth, same.T)) / 2


def _smooth(scores: Tensor, truth: Tensor, left_out: Tensor) -> Tensor:
    """Cross entropy with label smoothing over those that take part."""
    log_shares = scores.log_softmax(1)
    own = log_shares[truth, truth]
    others = log_shares.masked_fill(left_out, 0.0).sum(1) / (~left_out).sum(1)
    return -((1 - _CAPTION_SMOOTHING) * own + _CAPTION_SMOOTHING * others).mean()


def group_loss(scores: Sequence[Tensor], truth: Tensor) -> Tensor:
    """Mean cross entropy of the groups, 1 for guessing, each with the attention that it needs: ``scores``
    ``[N, values]`` each, ``truth [N, G]``; UNKNOWN does not count, nor does a group of which nothing is known."""
    known = [(part, column) for part, column in zip(scores, truth.unbind(1), strict=True) if (column != UNKNOWN).any()]
    if not known:
        return scores[0].sum() * 0.0
    losses = torch.stack([
        F.cross_entropy(part, column, ignore_index=UNKNOWN) / math.log(part.shape[1]) for part, column in known
    ])  # fmt: skip
    return attended(losses)


def alikeness(answers: Tensor) -> Tensor:
    """How far the most alike of a group's texts ``[k, D]`` (unit length) are above the cosine that is allowed."""
    cosines = answers @ answers.T - 2 * torch.eye(len(answers), device=answers.device)
    return F.relu(cosines.amax(1) - _ALIKE).sum()


@torch.no_grad()
def zero_shot(clip: ImageText, views: Views, truth: Tensor, book: PhraseBook = HEADS_BOOK) -> list[Tensor]:
    """A confusion table ``[choices, choices]`` of each judged group: row the truth, column the best phrase."""
    device = clip.mean.device
    texts = [clip.encode_text(book.judged_texts(group)) for group in book.judged]
    tables = [torch.zeros(len(part), len(part), dtype=torch.int64) for part in texts]
    for index in torch.arange(len(views)).split(_EVALUATION_BATCH):
        places = clip.encode_image(views.inputs(index, device))
        for number, part in enumerate(texts):
            found = (places @ part.T).argmax(1).cpu()
            tables[number] += confusion(truth[index, number], found, len(part))
    return tables
