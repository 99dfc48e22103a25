"""Can a generator draw what an attribute changes? A head and its true edit are inverted, each for itself.

Masks can edit no better than this: what a generator does not draw differently in two heads that differ in one
attribute alone, no style of it will change.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.inversion import InversionOptions, invert
from training.networks.coded_heads import Coder, picture_of
from training.synthheads.edits import PARAMETERS, true_edit

from .transfer.truth import share_of_change

_FIRST_HEAD = 500  # people apart from those that are judged otherwise
_TRIED = 40  # references, until one of them has something else of the attribute to give
_LEAST_CHANGE = 1e-5  # mean squared, in pictures of -1..1, that counts as something to be seen


def judge_changes(
    coder: Coder, seed: int, count: int, attributes: Sequence[str] = tuple(PARAMETERS)
) -> dict[str, float | None]:
    """``delta`` of each attribute (:func:`share_of_change`), over ``count`` heads with one true edit each: of the two
    pictures that ``coder.steps`` of descent in W+ from the encoder's w find, against the two renders. None where no
    head was found that anything could be seen to change of."""
    heads = range(_FIRST_HEAD, _FIRST_HEAD + count)
    true = [picture_of(coder.population.draw(seed, head), coder.size) for head in heads]
    with tqdm(total=count * (1 + len(attributes)), desc="edits to invert", unit="head", disable=None) as bar:

        def inverted(picture: Tensor) -> Tensor:
            bar.update()
            return invert_picture(coder, picture)

        found = [inverted(picture) for picture in true]
        report = {}
        for attribute in attributes:
            edits = [
                seen_edit(coder, seed, head, picture, attribute) for head, picture in zip(heads, true, strict=True)
            ]
            changes = [
                (inverted(edit) - before, edit - picture)
                for before, picture, edit in zip(found, true, edits, strict=True)
                if edit is not None
            ]
            report[attribute] = share_of_change(*map(torch.stack, zip(*changes, strict=True))) if changes else None
    return report


def invert_picture(coder: Coder, picture: Tensor) -> Tensor:
    """``[3, S, S]`` in -1..1 -> the same of the head that is found in it, as seen by the camera that is found."""
    found = invert(coder.inverter, picture[None], InversionOptions("W+", coder.steps))
    return found.picture[0].clamp(-1, 1).cpu()


def seen_edit(coder: Coder, seed: int, head: int, picture: Tensor, attribute: str) -> Tensor | None:
    """The render ``[3, S, S]`` of a head, whose own is ``picture``, with the attribute of the first of the heads after
    it that makes it look different; None if none does."""
    own = coder.population.draw(seed, head)
    for other in range(head + 1, head + 1 + _TRIED):
        edit = picture_of(true_edit(own, coder.population.draw(seed, other), attribute), coder.size)
        if (edit - picture).square().mean() > _LEAST_CHANGE:
            return edit
    return None
