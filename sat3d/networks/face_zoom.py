"""Magnification of the face. Heads are registered: both eyes are near the same place in every picture.

Expression, glasses and eyes are a few pixels wide, hair is half the picture; so the middle is magnified and the rest
pressed together, smoothly and separately in rows and columns, before a network looks.
"""

import torch
from torch import Tensor

_ROW_CENTRE, _COLUMN_CENTRE = 0.60, 0.50  # between eyes and mouth, in picture heights and widths
_REACH = 0.14  # standard deviation of the magnified part
_FINE = 4096


def zoom_matrices(size_px: int, strength: float, source_px: int | None = None) -> tuple[Tensor, Tensor]:
    """``rows`` and ``columns`` [S, P] with ``zoomed = rows @ image @ columns.T``, for pictures of P = ``source_px``
    (S by default); identities for strength 0 and P = S.

    Each row sums to 1. The face is magnified (1 + strength) times as much as the far edges.
    """
    source_px = size_px if source_px is None else source_px
    rows, columns = (_matrix(size_px, source_px, strength, centre) for centre in (_ROW_CENTRE, _COLUMN_CENTRE))
    return rows, columns


def _matrix(size_px: int, source_px: int, strength: float, centre: float) -> Tensor:
    if strength == 0 and size_px == source_px:
        return torch.eye(size_px)
    source = (torch.arange(_FINE, dtype=torch.float64) + 0.5) / _FINE
    room = 1 + strength * torch.exp(-0.5 * ((source - centre) / _REACH) ** 2)
    target = torch.cumsum(room, 0) / room.sum()  # where a source line goes
    wanted = (torch.arange(size_px, dtype=torch.float64) + 0.5) / size_px
    line = source[torch.searchsorted(target, wanted).clamp(max=_FINE - 1)] * source_px - 0.5
    pressed = torch.gradient(line)[0].clamp_min(1.0)  # source lines per line: a wider filter where the picture shrinks
    weight = (1 - (line[:, None] - torch.arange(source_px)).abs() / pressed[:, None]).clamp_min(0)
    return (weight / weight.sum(1, keepdim=True)).float()
