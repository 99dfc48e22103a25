"""The same sliders and masks on a fine-tuned child of a generator, without any retraining."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from sat3d.errors import LayoutError
from sat3d.generators import StyleGenerator
from sat3d.masks import AttributeMasks, load_masks
from sat3d.networks.built_in import MASKS
from sat3d.transfer import edit_styles
from training.networks.metrics import mean
from training.sliders.heads import Pictures

from .judging import rounded
from .slider_bench import Bench, judge_slider, set_by

# Attribute of masks -> the group whose values show that it has arrived.
GROUP_OF_ATTRIBUTE = {
    "hairstyle": "hair", "hair_colour": "hair", "eye_region": "eyes", "expression": "expression", "beard": "beard",
    "eyeglasses": "glasses",
}  # fmt: skip
_LEAST_DIFFERENCE = 1.0  # in spreads, of source and reference: below, nothing is to arrive


def judge_child(
    bench: Bench, child: StyleGenerator, names: Sequence[str], faces: int, positions: int, masks: Path | None
) -> dict:
    """``slider_gap``: how much lower the mean R² of the sliders is on the child; ``transfer_gap``: how much less of the
    way to the reference an attribute goes there; and both as they are.

    Raises:
        LayoutError: a child of another style layout.
    """
    layout = bench.pictures.network.layout
    if child.layout.fingerprint != layout.fingerprint:
        raise LayoutError("The child has another style layout than its parent", child.layout.fingerprint,
                          layout.fingerprint, "choose a fine-tuned version of this generator")  # fmt: skip
    there = on_child(bench, child, faces)
    r2 = [
        mean([judge_slider(each, set_by(bench.sliders), name, faces, positions)["r2"] for name in names])
        for each in (bench, there)
    ]
    found = {"slider_gap": rounded(r2[0] - r2[1]), "r2": rounded(r2[1])}
    known = _fitting_masks(masks, bench)
    pairs = _pairs(known, bench, faces) if known is not None else []
    if known is not None and pairs:
        arrived = [mean([arrival(each, known, pair) for pair in pairs]) for each in (bench, there)]
        found |= {"transfer_gap": rounded(arrived[0] - arrived[1]), "arrival": rounded(arrived[1]),
                  "arrival_on_parent": rounded(arrived[0])}  # fmt: skip
    return found


def on_child(bench: Bench, child: StyleGenerator, faces: int) -> Bench:
    """The first faces as the child shows them, read again."""
    there = replace(bench, pictures=Pictures(child, bench.pictures.resolution))
    heads = bench.heads.select(torch.arange(faces))
    values = heads.values.clone()
    for i in range(faces):
        values[i, bench.columns] = there.read(heads.styles[[i]], heads.cameras[[i]])[0]
    return replace(there, heads=replace(heads, values=values))


@dataclass(frozen=True)
class Pair:
    """An attribute of face ``reference`` that face ``source`` lacks."""

    attribute: str
    source: int
    reference: int


def _fitting_masks(path: Path | None, bench: Bench) -> AttributeMasks | None:
    """None: the built-in ones are of another layout, and no others were given."""
    try:
        return load_masks(MASKS if path is None else path, bench.pictures.network.layout)
    except LayoutError:
        if path is not None:
            raise
        return None


def _pairs(masks: AttributeMasks, bench: Bench, faces: int) -> list[Pair]:
    """Each face and the next, where they differ in what an attribute changes."""
    pairs = []
    for attribute in masks.attributes:
        own = group_columns(bench, GROUP_OF_ATTRIBUTE.get(attribute, ""))
        for i in range(faces):
            other = (i + 1) % faces
            if len(own) and float(_difference(bench, i, other)[own].norm()) >= _LEAST_DIFFERENCE:
                pairs.append(Pair(attribute, i, other))
    return pairs


def group_columns(bench: Bench, group: str) -> Tensor:
    """Where the sliders of a group stand."""
    sliders = bench.sliders.network.config.sliders
    return torch.tensor([i for i, each in enumerate(sliders) if each.group == group], dtype=torch.long)


def _difference(bench: Bench, source: int, reference: int) -> Tensor:
    """From one face's values to another's, ``[P]`` in spreads."""
    values = bench.heads.values[:, bench.columns]
    return (values[reference] - values[source]) / bench.spread


def arrival(bench: Bench, masks: AttributeMasks, pair: Pair) -> float:
    """How much of the way from the source's values to the reference's an edit at intensity 1 goes: 1 is all of it."""
    own = group_columns(bench, GROUP_OF_ATTRIBUTE[pair.attribute])
    source, reference = bench.face(pair.source), bench.face(pair.reference)
    layout = bench.pictures.network.layout
    mask = masks.mask([pair.attribute])
    edited = edit_styles(layout.editable(source.styles), layout.editable(reference.styles), mask, 1.0)
    read, _ = bench.read(layout.with_editable(source.styles, edited), source.cameras)
    gone = ((read - source.values[0, bench.columns]) / bench.spread)[own]
    whole = _difference(bench, pair.source, pair.reference)[own]
    return float(gone @ whole / whole.square().sum().clamp_min(1e-6))
