"""Parts of one head on another: a latent whose layers are shown where the parts are."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..errors import ConfigError, LayoutError, ShapeError
from ..generators import StyleGenerator, TriplaneGenerator
from ..generators.base import as_view_generator
from ..inversion.tune import tuned_network
from ..latent import Edit, Latent
from ..latent_layers import PART, FieldWeights, Layer
from ..masks import AttributeMasks
from ..transfer import transfer
from .field import BACKGROUND, PartField
from .fit import Anatomy, examine_head, fit_heads, part_cells, tones

PROVENANCE = "parts"  # what stands in the place of the masks' name
# Which attributes of masks a part shows.
_SHOWS = {
    "hair": ("hairstyle", "hair_colour"),
    "beard": ("beard",),
    "glasses": ("eyeglasses",),
    "eye_g": ("eyeglasses",),
    **dict.fromkeys(("eyes", "brows", "l_eye", "r_eye", "l_brow", "r_brow"), ("eye_region",)),
    **dict.fromkeys(("mouth", "u_lip", "l_lip"), ("expression",)),
}


def swap_parts(
    network: StyleGenerator,
    part_field: PartField,
    source: Latent,
    reference: Latent,
    parts: Sequence[str],
    feather: float = 0.4,
    masks: AttributeMasks | None = None,
    examine: Callable[[TriplaneGenerator, PartField, Tensor], Anatomy] = examine_head,
) -> Latent:
    """``source`` with these ``parts`` of ``reference``, from all sides; all else stays what it is.

    ``reference`` has one face or as many as ``source``. With ``masks`` of attributes that these parts show, what lay
    beneath the source's own parts is the source's, as it looks with the reference's attributes; else the reference's.
    The result is a latent again: swaps and edits can follow. ``examine``: finds out about a head ``[1, S]``; for
    whoever has seen it before.

    Raises:
        ConfigError: a flat generator, an unknown part, none, or the background. LayoutError: latents of other
        generators. ShapeError: batches that do not pair, a composed reference.
    """
    numbers, names = part_field.numbers(parts), tuple(dict.fromkeys(parts))
    if BACKGROUND in parts:
        raise ConfigError("The background is no part of a head", parts, "parts of a head", "choose hair, for one")
    _check_pair(network, source, reference)
    base, other = (_network_of(network, face) for face in (source, reference))
    given = reference.styles.expand_as(source.styles).clone()
    heads = zip(source.styles.split(1), given.split(1), strict=True)
    pairs = [(examine(base, part_field, a), examine(other, part_field, b)) for a, b in heads]
    cells = torch.stack([part_cells(base, numbers, *pair) for pair in pairs])
    filling = _filling(network, source, reference, names, masks)
    colours = (base.config.plane_features, base.decoder.activation == "sigmoid")
    layer = Layer(
        given,
        names,
        torch.stack([fit_heads(*pair, names) for pair in pairs]),
        feather,
        tone=torch.stack([tones(*pair, part_field.labels, names, *colours) for pair in pairs]),
        cells=cells,
        removes=filling is None,
        kind=PART,
        name=reference.name,
    )
    below = (
        [] if filling is None else [Layer(filling, names, feather=feather, cells=cells, adds=False, name=source.name)]
    )
    edited = source.with_edit(source.styles, Edit(names, 1.0, reference.name, PROVENANCE))
    known = source.part_field or weights_of(part_field)
    return replace(edited, layers=(*source.layers, *below, layer), part_field=known)


def _filling(
    network: StyleGenerator, source: Latent, reference: Latent, parts: Sequence[str], masks: AttributeMasks | None
) -> Tensor | None:
    """Styles of the source with the reference's attributes that these parts show; None: no masks know them."""
    if masks is None or masks.layout_fingerprint != network.layout.fingerprint:
        return None
    shown = [name for part in parts for name in _SHOWS.get(part, ()) if name in masks.attributes]
    if not shown:
        return None
    plain = replace(source, layers=(), part_field=None)
    return transfer(plain, reference, masks, list(dict.fromkeys(shown)), network.layout).styles


def weights_of(part_field: PartField) -> FieldWeights:
    """As they travel in a latent: rounded to what its file keeps, so that a loaded face is the same."""
    tensors = {name: tensor.detach().cpu().half().float() for name, tensor in part_field.state_dict().items()}
    return FieldWeights(tensors, part_field.labels)


def _network_of(network: StyleGenerator, face: Latent) -> TriplaneGenerator:
    solid = as_view_generator(tuned_network(network, face), "A swap of parts")
    if not isinstance(solid, TriplaneGenerator):
        raise ConfigError("A swap of parts needs a tri-plane generator", type(solid).__name__, "EG3D or a child of it")
    return solid


def _check_pair(network: StyleGenerator, source: Latent, reference: Latent) -> None:
    for face in (source, reference):
        face.check_layout(network.layout)
    if source.generator_fingerprint != reference.generator_fingerprint:
        raise LayoutError(
            "Source and reference come from two generators",
            f"{source.generator_fingerprint} and {reference.generator_fingerprint}",
            "one generator for both",
            "sample or invert both with the same checkpoint",
        )
    if len(reference.styles) not in (1, len(source.styles)):
        raise ShapeError("Source and reference batches do not pair", (len(source.styles), len(reference.styles)),
                         "one reference, or one per source", "use a single reference")  # fmt: skip
    if reference.layers:
        raise ShapeError("The reference is composed itself", f"{len(reference.layers)} layers", "a face without layers",
                         "swap the part from the face that it was taken from")  # fmt: skip
