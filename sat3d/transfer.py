"""Attribute transfer in the style space (SAT3D, transfer equation)."""

import math
from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from .errors import LayoutError, ShapeError
from .latent import Edit, Latent
from .latent_layers import EDIT
from .masks import AttributeMasks
from .style_space import StyleLayout


def edit_styles(source: Tensor, reference: Tensor, mask: Tensor, intensity: float | Tensor) -> Tensor:
    """s_edit = s_src + δ · mask ⊙ (s_ref − s_src), editable channels ``[B, n]``, ``mask [n]``, δ scalar or ``[B, 1]``.

    The paper prints the line without ``s_src +``; its own δ = 1 case shows that the term belongs there. δ = 0 is the
    identity, above 1 extrapolates, below 0 moves away from the reference.
    """
    return source + intensity * mask * (reference - source)


def transfer(
    source: Latent,
    reference: Latent,
    masks: AttributeMasks,
    attributes: Sequence[str],
    layout: StyleLayout,
    intensity: float = 1.0,
) -> Latent:
    """Move ``attributes`` of ``reference`` onto ``source``; all other channels, toRGB and super-resolution stay.

    Of a composed ``source`` the base face and its confined edits move, parts of others stay; of a composed
    ``reference`` the base face counts.

    ``reference`` has one face or as many as ``source``. The result is a latent again: chain calls for several
    attributes, each with its own reference and intensity.

    Raises:
        LayoutError: latents or masks of another layout, or latents of two generators.
        ShapeError: unknown attribute, an intensity that is not finite, batch sizes that do not pair.
    """
    _check_pair(source, reference, layout)
    masks.check_layout(layout)
    if not math.isfinite(intensity):
        raise ShapeError(
            "The intensity is not a finite number", intensity, "a number; useful are 0 … 2.25", "check the input"
        )
    masks.check_targets(attributes)
    theirs = layout.editable(reference.styles.to(source.styles))

    def moved(styles: Tensor) -> Tensor:
        if intensity == 0:
            return styles
        own = layout.editable(styles)
        change = masks.change(attributes, theirs.expand_as(own) - own)
        return layout.with_editable(styles, own + intensity * change)

    edit = Edit(tuple(attributes), float(intensity), reference.name, masks.metadata.get("name", ""))
    layers = tuple(
        replace(layer, styles=moved(layer.styles.expand_as(source.styles))) if layer.kind == EDIT else layer
        for layer in source.layers
    )
    return replace(source.with_edit(moved(source.styles), edit), layers=layers)


def _check_pair(source: Latent, reference: Latent, layout: StyleLayout) -> None:
    source.check_layout(layout)
    reference.check_layout(layout)
    if source.generator_fingerprint != reference.generator_fingerprint:
        raise LayoutError(
            "Source and reference come from two generators",
            f"{source.generator_fingerprint} and {reference.generator_fingerprint}",
            "one generator for both",
            "sample or invert both with the same checkpoint",
        )
    if reference.styles.shape[0] not in (1, source.styles.shape[0]):
        raise ShapeError(
            "Source and reference batches do not pair",
            (source.styles.shape[0], reference.styles.shape[0]),
            "one reference, or one per source",
            "use a single reference",
        )
