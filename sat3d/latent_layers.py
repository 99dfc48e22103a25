"""Layers of a face: other faces that are shown in some of its parts, and how they travel in its file.

A layer holds the styles of another face, the parts that it gives, and where its head lies on that of the base face. The
weights of the semantic field that tells parts apart travel along, since without them the face could not be shown.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from .errors import FileError, ShapeError
from .files.safetensors_io import require_tensor

PART, EDIT = "part", "edit"
_TENSORS = ("styles", "fit", "tone", "cells")  # of a layer: one for all faces, or one each
_MOST_LAYERS = 16
_HALF = 0.5
_FIELD, _PREFIX = "field.", "layer."
_LARGEST_FIT = 4.0
_WIDEST = 0.8
_LARGEST_TONE = 100.0
_MOST_CELLS = 128


def identity_fit(faces: int = 1) -> Tensor:
    """``[faces, 3, 4]``: every point stays where it is."""
    return torch.eye(3, 4).expand(faces, 3, 4).clone()


@dataclass(frozen=True)
class Layer:
    """Another face over a face.

    ``parts``: names of labels; at points that belong to them, in this face or in the one below, this face is shown.
    ``threshold``, ``feather``: the edge, as probabilities of a part of this face: in the middle, and how wide;
    ``removed``: the same middle for parts of the face below. ``tone [F, K, C]``: what is added to the colour logits of
    this face where it is of a label, such as skin, so that what comes along with the part is like the base face. ``fit
    [F, 3, 4]``: a point of the base face -> the point of this face, world units. ``cells [F, 2, N, N, N]`` uint8: where
    the parts of the base face and of this one may be (:mod:`.parts.cells`). ``adds``: parts of this face are shown;
    ``removes``: where the face below has such parts, this face is shown. ``kind``: ``part``, a part of another head;
    ``edit``, an edit that is confined to where it may change something. ``lower``: parts that count only beneath the
    height y ``below``, with an edge ``soft`` wide, world units. ``name``: of whom it is.
    """

    styles: Tensor  # [F, S], F faces or one for all
    parts: tuple[str, ...]
    fit: Tensor = field(default_factory=identity_fit)
    feather: float = 0.4
    threshold: float = _HALF
    removed: float = 0.12
    tone: Tensor | None = None
    cells: Tensor | None = None
    adds: bool = True
    removes: bool = True
    kind: str = PART
    lower: tuple[str, ...] = ()
    below: float = 0.0
    soft: float = 0.02
    name: str = ""

    def __post_init__(self):
        for name in ("parts", "lower"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        self._check_tensors()
        numbers = (self.feather, self.threshold, self.removed, self.soft, self.below)
        good = all(isinstance(x, int | float) and math.isfinite(x) for x in numbers)
        if not good or not all(0 <= x <= 1 for x in numbers[:3]) or self.soft <= 0:
            raise ShapeError("A layer's edge is not usable", numbers, "probabilities of 0..1, finite heights",
                             "make the face again")  # fmt: skip
        names = self.parts + self.lower and all(isinstance(part, str) for part in (*self.parts, *self.lower, self.name))
        if not names or self.kind not in (PART, EDIT):
            raise ShapeError("A layer's parts are not usable", (self.parts, self.kind), "names of parts, a kind",
                             "make the face again")  # fmt: skip

    def _check_tensors(self) -> None:
        fits = self.fit.ndim == 3 and tuple(self.fit.shape[1:]) == (3, 4) and torch.isfinite(self.fit).all()
        if not fits or float(self.fit.abs().max()) > _LARGEST_FIT:
            raise ShapeError("A layer's fit is not usable", tuple(self.fit.shape), "[F, 3, 4] of moderate numbers",
                             "make the face again")  # fmt: skip
        if self.styles.ndim != 2 or not self.styles.numel() or not torch.isfinite(self.styles).all():
            raise ShapeError("A layer's styles are not usable", tuple(self.styles.shape), "[F, S] finite numbers",
                             "make the face again")  # fmt: skip
        tone = self.tone
        if tone is not None and (tone.ndim != 3 or not bool((tone.abs() <= _LARGEST_TONE).all())):
            raise ShapeError("A layer's tone is not usable", tuple(tone.shape), "[F, K, C] moderate numbers",
                             "make the face again")  # fmt: skip
        cells = self.cells
        if cells is not None:
            sides = set(cells.shape[2:])
            if cells.ndim != 5 or cells.shape[1] != 2 or len(sides) != 1 or not 2 <= cells.shape[2] <= _MOST_CELLS:
                raise ShapeError("A layer's cells are not usable", tuple(cells.shape), "[F, 2, N, N, N]",
                                 "make the face again")  # fmt: skip
        if {len(x) for x in (self.fit, tone, cells) if x is not None} - {1, len(self.styles)}:
            raise ShapeError("A layer's fits and styles do not pair", (len(self.fit), len(self.styles)),
                             "one of each, or one per face", "make the face again")  # fmt: skip

    @property
    def own_edge(self) -> tuple[float, float]:
        """Where the soft edge of this face's parts begins and ends, as probabilities."""
        return _edge(self.threshold, self.feather)

    @property
    def removed_edge(self) -> tuple[float, float]:
        """The same of parts of the face below."""
        return _edge(self.removed, self.feather)

    def of_face(self, face: int) -> "Layer":
        """That of one face of a batch."""
        parts = {name: getattr(self, name) for name in _TENSORS}
        own = {name: x if x is None or len(x) == 1 else x[[face]] for name, x in parts.items()}
        return replace(self, **own)


def _edge(middle: float, width: float) -> tuple[float, float]:
    """Inside 0..1, so that what is surely of no part is never taken and what surely is always."""
    half = min(width / 2, middle * _WIDEST, (1 - middle) * _WIDEST)
    return middle - half, middle + half


@dataclass(frozen=True)
class FieldWeights:
    """The weights of a semantic field by name, and what its labels are called."""

    tensors: Mapping[str, Tensor]
    labels: tuple[str, ...]


def check_layers(layers: Sequence[Layer], field_weights: FieldWeights | None, faces: int, channels: int) -> None:
    """
    Raises:
        ShapeError: layers of other faces than these, too many, or none that could be shown.
    """
    if not layers:
        return
    sizes = [tuple(layer.styles.shape) for layer in layers]
    good = all(count in (1, faces) and width == channels for count, width in sizes)
    if not good or len(layers) > _MOST_LAYERS:
        raise ShapeError("Layers do not fit the face", sizes, f"up to {_MOST_LAYERS} layers of {(faces, channels)}",
                         "compose faces of one generator")  # fmt: skip
    if field_weights is None:
        raise ShapeError("A composed face lacks its semantic field", "none", "the weights it was composed with",
                         "compose it again")  # fmt: skip
    unknown = {part for layer in layers for part in (*layer.parts, *layer.lower)} - set(field_weights.labels)
    if unknown:
        raise ShapeError("A layer gives parts that its field does not know", sorted(unknown), field_weights.labels,
                         "compose it again")  # fmt: skip


def pack_layers(layers: Sequence[Layer], weights: FieldWeights | None) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and header of a file."""
    if not layers or weights is None:
        return {}, {}
    tensors = {_FIELD + name: tensor.half() for name, tensor in weights.tensors.items()}
    facts = []
    for number, layer in enumerate(layers):
        tensors |= {f"{_PREFIX}{number}.styles": layer.styles.float(), f"{_PREFIX}{number}.fit": layer.fit.float()}
        if layer.tone is not None:
            tensors[f"{_PREFIX}{number}.tone"] = layer.tone.float()
        if layer.cells is not None:
            tensors[f"{_PREFIX}{number}.cells"] = layer.cells.to(torch.uint8)
        names = (
            "parts",
            "feather",
            "threshold",
            "removed",
            "adds",
            "removes",
            "kind",
            "lower",
            "below",
            "soft",
            "name",
        )
        facts.append({name: getattr(layer, name) for name in names})
    return tensors, {"layers": json.dumps(facts), "labels": json.dumps(weights.labels)}


def unpack_layers(
    tensors: Mapping[str, Tensor], facts: Any, labels: Any, path: Any
) -> tuple[tuple[Layer, ...], FieldWeights | None]:
    """The layers of a file, ``facts`` and ``labels`` out of its header.

    Raises:
        FileError: they are not layers. ShapeError: numbers of other shapes or ranges.
    """
    if facts is None:
        return (), None
    entries = isinstance(facts, list) and 0 < len(facts) <= _MOST_LAYERS and all(isinstance(one, dict) for one in facts)
    names = isinstance(labels, list) and all(isinstance(label, str) for label in labels)
    if not (entries and names):
        raise FileError("The face's layers are unreadable", path, "a list of layers, a list of labels", "save it again")
    layers = tuple(_layer_of(number, entry, tensors, path) for number, entry in enumerate(facts))
    own = {name.removeprefix(_FIELD): tensor for name, tensor in tensors.items() if name.startswith(_FIELD)}
    return layers, FieldWeights(own, tuple(labels))


def _layer_of(number: int, entry: Mapping[str, Any], tensors: Mapping[str, Tensor], path: Any) -> Layer:
    styles = require_tensor(tensors, f"{_PREFIX}{number}.styles", 2, path)
    fit = require_tensor(tensors, f"{_PREFIX}{number}.fit", 3, path)
    try:
        told: dict[str, Any] = {name: entry[name] for name in ("kind", "name")}
        told |= {name: float(entry[name]) for name in ("feather", "threshold", "removed", "below", "soft")}
        told |= {name: entry[name] is True for name in ("adds", "removes")}
        told |= {name: tuple(entry[name]) for name in ("parts", "lower")}
        told |= {name: tensors.get(f"{_PREFIX}{number}.{name}") for name in ("tone", "cells")}
        return Layer(styles, fit=fit, **told)
    except (TypeError, KeyError, ValueError) as error:
        raise FileError("The face's layers are unreadable", repr(error), "parts, feather, threshold, removed, kind, "
                        "lower, below, soft, name", "save it again") from error  # fmt: skip
