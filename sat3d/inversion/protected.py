"""What tuning must leave alone so that a face stays drivable: the inside of the mouth, and the eyes between the lids.

A generator that has learned the teeth of one photo shows them at every expression (the paper of portrait animation by
inversion keeps the mouth out of its tuning for this). Contours are those of the landmark network, which knows people in
photographs and drawn heads alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..checks import check_number
from ..errors import ConfigError
from ..faces.contours import INNER_LIPS, LEFT_EYE, RIGHT_EYE
from ..faces.finding import find_faces
from ..faces.networks import FaceNetworks
from ..regions import widen
from .options import ADVICE

CONTOURS = {"mouth": (INNER_LIPS,), "eyes": (RIGHT_EYE, LEFT_EYE)}
_MARGIN = 0.01  # of the picture's width: lips that hardly open still hide teeth behind them


@torch.no_grad()
def drivable_regions(
    image: Tensor, parts: Sequence[str], margin: float = _MARGIN, networks: FaceNetworks | None = None
) -> Tensor | None:
    """``image [1, 3, H, W]`` in -1..1 -> ``[1, 1, H, W]`` bool: inside of the ``parts`` (*mouth*, *eyes*) of its
    largest face, and ``margin`` of the width around them; None: no face was found.

    Raises:
        ConfigError: no such part, or a margin out of 0..1.
    """
    check_number("margin", margin, 0, 1, ADVICE)
    if unknown := [part for part in parts if part not in CONTOURS]:
        raise ConfigError("There is no such part of a face to protect", unknown[0], ", ".join(CONTOURS),
                          "choose one of these")  # fmt: skip
    faces = find_faces(image, networks)
    if not faces:
        return None
    points, region = faces[0].points[:, :2], torch.zeros(1, 1, *image.shape[2:], dtype=torch.bool)
    for part in parts:
        for contour in CONTOURS[part]:
            region |= fill_polygon(points[list(contour)], *image.shape[2:])
    return widen(region, max(1, round(margin * image.shape[-1]))).to(image.device)


def fill_polygon(corners: Tensor, height: int, width: int) -> Tensor:
    """``corners [N, 2]``: x and y in pixels from the picture's corner -> ``[1, 1, H, W]`` bool: pixels whose middle is
    inside, by the even-odd rule."""
    x, y = (torch.arange(count, dtype=torch.float64) + 0.5 for count in (width, height))
    inside = torch.zeros(height, width, dtype=torch.bool)
    ends = corners.double().cpu()
    for (x0, y0), (x1, y1) in zip(ends.tolist(), ends.roll(-1, 0).tolist(), strict=True):
        if y0 == y1:
            continue
        crossed = (y > min(y0, y1)) & (y <= max(y0, y1))
        inside ^= crossed[:, None] & (x < x0 + (y[:, None] - y0) * (x1 - x0) / (y1 - y0))
    return inside[None, None]
