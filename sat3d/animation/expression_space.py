"""Where a generator's style space moves a face: what puts actions onto a latent, and reads them from it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from ..errors import FileError, LayoutError, ShapeError
from ..files.reading import check_file
from ..files.safetensors_io import parse_json, read_header, read_tensors, require_tensor, write_tensors
from ..style_space import StyleLayout

SCHEMA = "sat3d-expressions/1"
_SOURCE = "training/train_expressions.py makes such files"
_MOST_BYTES = 1 << 28
_TENSORS = {"directions": 2, "readout": 2, "mean": 1, "mean_values": 1}


@runtime_checkable
class ExpressionSpace(Protocol):
    """What moves a latent. Values are strengths as a :class:`.motion.Motion` has them: 0..1, of the gaze -1..1."""

    @property
    def names(self) -> tuple[str, ...]:
        """K channels: actions, blendshapes, :data:`.channels.GAZE_NAMES`."""
        ...

    def check_layout(self, layout: StyleLayout) -> None:
        """Raises LayoutError: it was made for another generator."""
        ...

    def read(self, styles: Tensor) -> Tensor:
        """``[B, S]`` -> what these faces show, ``[B, K]``."""
        ...

    def apply(self, styles: Tensor, values: Tensor) -> Tensor:
        """``styles [1, S]``, ``values [T, K]`` -> the same face with these values, ``[T, S]``, each row by itself."""
        ...


@dataclass(frozen=True)
class LinearExpressionSpace:
    """Directions of a low rank: moving a face by a difference of values moves ``C`` of its style channels.

    ``index [C]``: which of the S channels; ``directions [K, C]``: by how much they move at a difference of 1;
    ``readout [C, K]``, ``mean [C]``, ``mean_values [K]``: values of a face are (channels − mean) @ readout +
    mean_values. ``metadata``: free text (generator, samples, scores, licence).
    """

    names: tuple[str, ...]
    index: Tensor
    directions: Tensor
    readout: Tensor
    mean: Tensor
    mean_values: Tensor
    layout_fingerprint: str
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self):
        names, channels = len(self.names), len(self.index)
        shapes = {"directions": (names, channels), "readout": (channels, names), "mean": (channels,),
                  "mean_values": (names,)}  # fmt: skip
        wrong = [name for name, shape in shapes.items() if tuple(getattr(self, name).shape) != shape]
        if wrong or not names or not channels or len(set(self.names)) != names:
            raise ShapeError("The directions of expression do not pair", wrong or self.names[:3],
                             f"{names} names, each once, and {channels} channels", "learn them again")  # fmt: skip

    @property
    def generator_fingerprint(self) -> str:
        return self.metadata.get("generator_fingerprint", "")

    def check_layout(self, layout: StyleLayout) -> None:
        if self.layout_fingerprint != layout.fingerprint or int(self.index.max()) >= layout.num_channels:
            raise LayoutError("These directions of expression belong to another generator",
                              f"layout {self.layout_fingerprint}", f"layout {layout.fingerprint}",
                              "choose those learned for this generator, or learn them")  # fmt: skip

    def read(self, styles: Tensor) -> Tensor:
        own = styles[:, self.index.to(styles.device)]
        return (own - self.mean.to(own)) @ self.readout.to(own) + self.mean_values.to(own)

    def apply(self, styles: Tensor, values: Tensor) -> Tensor:
        if len(styles) != 1 or values.ndim != 2 or values.shape[1] != len(self.names):
            raise ShapeError("One face is driven at a time", (tuple(styles.shape), tuple(values.shape)),
                             f"styles [1, S] and values [T, {len(self.names)}]", "take one of the faces")  # fmt: skip
        moves = (values.to(styles) - self.read(styles)) @ self.directions.to(styles)
        return styles.repeat(len(values), 1).index_add(1, self.index.to(styles.device), moves)

    def save(self, path: str | os.PathLike, overwrite: bool = True) -> None:
        """Write as safetensors; the file appears whole or not at all."""
        header = {**self.metadata, "schema": SCHEMA, "names": json.dumps(self.names),
                  "layout_fingerprint": self.layout_fingerprint}  # fmt: skip
        tensors = {name: getattr(self, name).float() for name in _TENSORS}
        write_tensors(path, {**tensors, "index": self.index.to(torch.int32)}, header, overwrite)


def load_expressions(path: str | os.PathLike) -> LinearExpressionSpace:
    """
    Raises:
        FileError: missing, damaged, too large, or of another kind.
    """
    path = Path(path)
    size = check_file(path, "directions of expression", _SOURCE).stat().st_size
    if size > _MOST_BYTES:
        raise FileError("The file is too large for directions of expression", f"{path.name}, {size} bytes",
                        f"at most {_MOST_BYTES} bytes", "choose another file")  # fmt: skip
    header, tensors = read_header(path, SCHEMA, "directions of expression", _SOURCE), read_tensors(path)
    found = {name: require_tensor(tensors, name, axes, path) for name, axes in _TENSORS.items()}
    index = require_tensor(tensors, "index", 1, path)
    names = parse_json(header, "names", path)
    good = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not good or index.is_floating_point() or len(index.unique()) != len(index) or bool((index < 0).any()):
        raise FileError("The directions of expression are not usable", path.name, "names, and channels each once",
                        "learn them again")  # fmt: skip
    metadata = {key: text for key, text in header.items() if key not in ("schema", "names", "layout_fingerprint")}
    layout = header.get("layout_fingerprint", "")
    try:
        return LinearExpressionSpace(tuple(names), index.long(), layout_fingerprint=layout, metadata=metadata, **found)
    except ShapeError as error:
        raise FileError("The directions of expression are not usable", f"{path.name}: {error.got}", error.wanted,
                        "learn them again") from error  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """How directions are learned. ``rank``: of all directions together; ``ridge``: how far values that vary little are
    drawn to nothing, as a share of the mean variance of all; ``share``: of the channels, where no masks say which carry
    expression: those that the values explain best. ``shrinkage``: towards independent channels, of the
    covariance of what the values do not explain, as a share of its mean variance."""

    rank: int = 24
    ridge: float = 0.05
    share: float = 0.3
    shrinkage: float = 0.1


def fit_expressions(
    layout: StyleLayout,
    styles: Tensor,
    values: Tensor,
    names: Sequence[str],
    channels: Tensor | None = None,
    fit: Fit | None = None,
    metadata: Mapping[str, str] | None = None,
) -> LinearExpressionSpace:
    """Directions from N faces, ``styles [N, S]`` and what they show, ``values [N, K]``, known or read.

    ``channels [n]`` bool: editable channels that may move (None: those best explained). Reduced-rank ridge regression
    of channels on values (Izenman 1975); values are read back by the best linear estimate for these directions.

    Raises:
        ShapeError: too few faces, or parts that do not pair.
    """
    fit = fit or Fit()
    if len(styles) != len(values) or values.shape[1] != len(names) or len(styles) < 2 * len(names):
        raise ShapeError("Faces and what they show do not pair, or are too few",
                         (tuple(styles.shape), tuple(values.shape)), f"at least {2 * len(names)} faces",
                         "sample more faces")  # fmt: skip
    editable = layout.editable(styles).double().cpu()
    mean, mean_values = editable.mean(0), values.double().cpu().mean(0)
    x, y = values.double().cpu() - mean_values, editable - mean
    spread = y.std(0).clamp_min(1e-9)
    whole, inverse = _ridge(x, y / spread, fit.ridge)
    chosen = _best_explained(x @ whole, y / spread, fit.share) if channels is None else channels.cpu()
    kept = chosen.nonzero()[:, 0]
    scaled = _reduced(x, whole[:, kept], fit.rank)
    weighed = _weighed(scaled, y[:, kept] / spread[kept] - x @ scaled, fit.shrinkage)
    prior = inverse / len(x)  # of the values, so that what the channels say little of stays near the mean
    readout = torch.linalg.solve(weighed @ scaled.T + prior, weighed).T
    index = layout.editable_index.cpu()[kept]
    directions, readout = (scaled * spread[kept]).float(), (readout / spread[kept][:, None]).float()
    return LinearExpressionSpace(
        tuple(names),
        index,
        directions,
        readout,
        mean[kept].float(),
        mean_values.float(),
        layout.fingerprint,
        metadata or {},
    )


def _ridge(x: Tensor, y: Tensor, ridge: float) -> tuple[Tensor, Tensor]:
    """Coefficients ``[K, n]``; and the inverse of the regularised covariance of x, times N."""
    gram = x.T @ x
    level = ridge * gram.diagonal().mean().clamp_min(1e-9)
    gram = gram + level * torch.eye(len(gram), dtype=gram.dtype)
    return torch.linalg.solve(gram, x.T @ y), torch.linalg.inv(gram) * len(x) ** 2


def _weighed(directions: Tensor, left: Tensor, shrinkage: float) -> Tensor:
    """``directions [K, C]`` through the inverse covariance of what they ``left [N, C]`` unexplained: channels of one
    generator move together, and what many of them say alike counts once."""
    covariance = left.T @ left / len(left)
    level = shrinkage * covariance.diagonal().mean().clamp_min(1e-3)
    return torch.linalg.solve(covariance + level * torch.eye(len(covariance), dtype=left.dtype), directions.T).T


def _best_explained(predicted: Tensor, y: Tensor, share: float) -> Tensor:
    explained = predicted.square().mean(0)  # y has unit variance
    count = max(1, round(share * y.shape[1]))
    chosen = torch.zeros(y.shape[1], dtype=torch.bool)
    chosen[explained.topk(count).indices] = True
    return chosen


def _reduced(x: Tensor, whole: Tensor, rank: int) -> Tensor:
    """The coefficients whose predictions lie in the ``rank`` directions that hold most of them."""
    _, _, right = torch.linalg.svd(x @ whole, full_matrices=False)
    kept = right[:rank]
    return whole @ kept.T @ kept
