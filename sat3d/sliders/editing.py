"""Sliders of whole faces: set, copied from a reference, read; with provenance, and on composed faces, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..checks import is_finite_number
from ..errors import ShapeError
from ..latent import Edit, Latent
from ..latent_layers import EDIT
from .sliders import Sliders

SLIDERS = "sliders"  # in the provenance of a face, in the place of masks
DIGITS = 4  # of values as text
Values = Mapping[str, float] | Sequence[Mapping[str, float]]  # for all faces, or one for each
_SAME_SHARE = 2e-3  # of a slider's range: below it, a value is what it was before it became text


def read_face(face: Latent, sliders: Sliders) -> list[dict[str, float]]:
    """Every slider of every face, rounded as text is."""
    with torch.no_grad():
        rows = sliders.values(face.styles)
    return [{name: round(float(v), DIGITS) for name, v in zip(sliders.names, row, strict=True)} for row in rows]


def set_face(face: Latent, sliders: Sliders, values: Values) -> Latent:
    """Faces with these values, of all else as they were; each slider that changes becomes an edit of its provenance.

    Of a composed face, the base face and its confined edits move; parts of others stay.

    Raises:
        ShapeError: no such slider, values that are no finite numbers, lists that do not pair with the faces.
    """
    with torch.no_grad():
        wanted = _changed(face.styles, sliders, values)
        return _moved(face, sliders, wanted, "")


def copy_face(face: Latent, reference: Latent, sliders: Sliders, names: Iterable[str]) -> Latent:
    """Faces with these sliders, or groups, as in ``reference``, of one face or as many.

    Raises:
        ShapeError: no such slider or group, or faces that do not pair.
    """
    if len(reference.styles) not in (1, len(face.styles)):
        raise ShapeError("Source and reference batches do not pair", (len(face.styles), len(reference.styles)),
                         "one reference, or one per source", "use a single reference")  # fmt: skip
    with torch.no_grad():
        theirs = sliders.read(reference.styles.to(face.styles))
        wanted = {name: theirs[name].expand(len(face.styles)) for name in sliders.members(names)}
        return _moved(face, sliders, wanted, reference.name or "a face without name")


def _changed(styles: Tensor, sliders: Sliders, values: Values) -> dict[str, Tensor]:
    """Name -> ``[B]`` of what is wanted and not there yet."""
    rows = [values] * len(styles) if isinstance(values, Mapping) else list(values)
    if len(rows) != len(styles):
        raise ShapeError("Values and faces do not pair", (len(rows), len(styles)), "values for all, or one set each",
                         "pass as many sets of values as there are faces")  # fmt: skip
    now, found = sliders.read(styles), {}
    for name in sliders.members({name: None for row in rows for name in row}):
        slider = sliders.slider(name)
        wanted = torch.stack([_number(name, row[name]) if name in row else own.cpu()
                              for row, own in zip(rows, now[name], strict=True)]).to(styles)  # fmt: skip
        same = (wanted - now[name]).abs() <= _SAME_SHARE * (slider.high - slider.low)
        if not bool(same.all()):
            found[name] = torch.where(same, now[name], wanted)
    return found


def _number(name: str, value: object) -> Tensor:
    if not is_finite_number(value):
        got = repr(value)[:60] if not isinstance(value, int) or isinstance(value, bool) else "a huge number"
        raise ShapeError(f"The value of the slider {name} is not usable", got, "a finite number", "correct it")
    return torch.tensor(float(value))  # type: ignore[arg-type] - it is a number


def _moved(face: Latent, sliders: Sliders, wanted: Mapping[str, Tensor], reference: str) -> Latent:
    if not wanted:
        return face
    layers = tuple(
        replace(layer, styles=sliders.set(layer.styles.expand_as(face.styles), wanted)) if layer.kind == EDIT else layer
        for layer in face.layers
    )
    edits = tuple(
        Edit((name,), round(float(value.mean()), DIGITS), reference, SLIDERS) for name, value in wanted.items()
    )
    return replace(face, styles=sliders.set(face.styles, wanted).detach(), layers=layers, edits=(*face.edits, *edits))
