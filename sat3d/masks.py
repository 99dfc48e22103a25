"""The meta attribute mask matrix M (SAT3D): which editable style channels carry which attribute.

M is ``[m+1, n]`` logits, one row per attribute and a last row *others*. A softmax over the rows gives, for each
channel, the probability of belonging to an attribute. Where channels mix attributes, an attribute may have a subspace
instead (:mod:`.subspaces`).
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .errors import LayoutError, ShapeError
from .files.safetensors_io import parse_json, read_header, read_tensors, require_tensor, write_tensors
from .style_space import StyleLayout, describe_difference
from .subspaces import Subspace, subspace_tensors, subspaces_in

SCHEMAS = ("sat3d-masks/2", "sat3d-masks/1")  # the second holds no subspaces, and is all that older versions read
OTHERS = "others"


@dataclass(frozen=True)
class AttributeMasks:
    """Logits and what they were learned on. ``subspaces``: of attributes that have one, which counts instead of a row.

    ``metadata`` holds free text: domain, generator fingerprint, hyper-parameters, iterations, losses, licence.
    """

    logits: Tensor  # [m+1, n] float32
    attributes: tuple[str, ...]  # m names, without "others"
    layers: list[list]  # the editable layers, as StyleLayout.to_json()
    layout_fingerprint: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    subspaces: Mapping[str, Subspace] = field(default_factory=dict)

    def __post_init__(self):
        wanted = (len(self.attributes) + 1, sum(channels for _, channels in self.layers))
        if tuple(self.logits.shape) != wanted:
            raise ShapeError(
                "The mask matrix has the wrong shape",
                tuple(self.logits.shape),
                f"{wanted}: {len(self.attributes)} attributes and 'others', one column per editable channel",
                "learn the masks again for this generator",
            )
        if len(set(self.attributes)) < len(self.attributes) or OTHERS in self.attributes:
            raise ShapeError(
                "Attribute names must differ from each other and from 'others'",
                self.attributes,
                "distinct names",
                "rename the attribute",
            )
        for name, subspace in self.subspaces.items():
            if name not in self.attributes or len(subspace.read) != wanted[1]:
                got = f"{name}: {len(subspace.read)} channels"
                needed = f"{wanted[1]} channels, of one of {list(self.attributes)}"
                raise ShapeError("A subspace does not fit the masks", got, needed, "learn the masks again")

    @classmethod
    def initial(
        cls,
        attributes: Sequence[str],
        layout: StyleLayout,
        preselected: Mapping[str, tuple[Tensor, float]] | None = None,
        others: float = 1.0,
        **metadata: str,
    ) -> "AttributeMasks":
        """M before training (paper, initialisation): 0 for attributes, 1 for *others*.

        ``preselected``: attribute -> (channel indices ``[k]``, d): those get M[t, i] = d and M[others, i] = 0.
        ``others``: M[others, i] of all other channels.
        """
        logits = torch.zeros(len(attributes) + 1, layout.num_editable)
        logits[-1] = others
        for name, (channels, d) in (preselected or {}).items():
            logits[list(attributes).index(name), channels] = d
            logits[-1, channels] = 0
        return cls(logits, tuple(attributes), layout.to_json(), layout.fingerprint, metadata)

    def probabilities(self) -> Tensor:
        """P = softmax of M over the m+1 rows: ``[m+1, n]``, each column sums to 1."""
        return self.logits.softmax(0)

    def mask(self, targets: Sequence[str]) -> Tensor:
        """Σ_{t∈Ω} P[t], ``[n]``, for the target attributes Ω.

        Raises:
            ShapeError: an attribute these masks do not know.
        """
        self.check_targets(targets)
        rows = [self.attributes.index(t) for t in dict.fromkeys(targets)]
        return self.probabilities()[rows].sum(0)

    def change(self, targets: Sequence[str], difference: Tensor) -> Tensor:
        """What of Δ = s_ref − s_src ``[B, n]`` the target attributes carry: Σ_{t∈Ω} P[t] ⊙ Δ, with W_t R_tᵀ Δ
        in place of it for those that have a subspace.

        Raises:
            ShapeError: an attribute these masks do not know.
        """
        self.check_targets(targets)
        plain = [t for t in targets if t not in self.subspaces]
        moved = self.mask(plain).to(difference) * difference if plain else torch.zeros_like(difference)
        return moved + sum(self.subspaces[t](difference) for t in dict.fromkeys(targets) if t in self.subspaces)

    def check_targets(self, targets: Sequence[str]) -> None:
        """Raises ShapeError unless ``targets`` are some of the attributes."""
        unknown = [t for t in targets if t not in self.attributes]
        if unknown or not targets:
            raise ShapeError(
                "Unknown attribute",
                unknown or "none",
                f"some of {list(self.attributes)}",
                "choose one of these, or masks learned for it",
            )

    def check_layout(self, layout: StyleLayout) -> None:
        """Raises LayoutError, with the layers that differ, unless the masks were made for this style layout."""
        if self.layout_fingerprint == layout.fingerprint:
            return
        different = describe_difference(self.layers, layout) or "the layers that are not edited differ"
        raise LayoutError(
            "These masks belong to another style layout",
            different,
            f"the layout {layout.fingerprint} of the generator in use (masks: {self.layout_fingerprint})",
            "choose masks learned for this generator, or learn them: Learn Attribute Masks in the host, or "
            "training/train_masks.py",
        )

    def warning_for(self, generator_fingerprint: str) -> str | None:
        """A sentence if the masks were learned on another network of the same layout; else None.

        That is allowed: a fine-tuned child shares the style space, and so masks cross domains.
        """
        learned_on = self.metadata.get("generator_fingerprint")
        if not learned_on or learned_on == generator_fingerprint:
            return None
        return (
            f"The masks were learned on generator {learned_on}, and used on {generator_fingerprint}, which has "
            "the same layout. This works for fine-tuned versions of one network; for others edits are meaningless."
        )

    def save(self, path: str | os.PathLike, overwrite: bool = True) -> None:
        """Write as safetensors; the file appears whole or not at all."""
        header = {
            **self.metadata,
            "schema": SCHEMAS[0 if self.subspaces else 1],
            "attributes": json.dumps(self.attributes),
            "layers": json.dumps(self.layers),
            "layout_fingerprint": self.layout_fingerprint,
        }
        tensors = {"logits": self.logits.float(), **subspace_tensors(self.subspaces)}
        write_tensors(path, tensors, header, overwrite)


_OWN_KEYS = ("schema", "attributes", "layers", "layout_fingerprint")


def load_masks(path: str | os.PathLike, layout: StyleLayout | None = None) -> AttributeMasks:
    """Read a masks file; with ``layout`` strictly for that layout.

    Raises:
        FileError: missing, truncated, not a masks file, or NaN inside.
        LayoutError: made for another layout, with the layers that differ.
    """
    header = read_header(path, SCHEMAS, "a SAT3D masks file", "masks are made by training/train_masks.py")
    tensors = read_tensors(path)
    logits = require_tensor(tensors, "logits", 2, path)
    attributes, layers = parse_json(header, "attributes", path), parse_json(header, "layers", path)
    _check_names(attributes, layers)
    metadata = {key: value for key, value in header.items() if key not in _OWN_KEYS}
    subspaces = subspaces_in(tensors, tuple(attributes), str(path))
    fingerprint = header.get("layout_fingerprint", "")
    masks = AttributeMasks(logits, tuple(attributes), layers, fingerprint, metadata, subspaces)
    if layout is not None:
        masks.check_layout(layout)
    return masks


def _check_names(attributes: object, layers: object) -> None:
    names = isinstance(attributes, list) and all(isinstance(a, str) for a in attributes)
    rows = isinstance(layers, list) and all(
        isinstance(r, list) and len(r) == 2 and isinstance(r[0], str) and isinstance(r[1], int) for r in layers
    )
    if not (names and rows):
        raise ShapeError(
            "The masks file's metadata has the wrong form",
            "attributes or layers",
            "a list of names, a list of [layer, channels]",
            "make the masks again",
        )
