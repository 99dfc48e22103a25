"""PSNR and SSIM of pictures, and the meaning of a PSNR for an edit that is pasted back."""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional as F

# What was seen with the built-in generator. Its own renders come back at 35 to 36 dB: an edit pasted back has no second
# outline. The example photo: 25 to 26 dB with W+ and 28 tuned, where thin seams are seen beside an edit; 18 dB by the
# encoder alone, where a beard lies beside the chin.
NEAR_DB, FAR_DB = 32.0, 20.0
_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2


def psnr(got: Tensor, wanted: Tensor, weight: Tensor | None = None) -> float:
    """dB of ``[…, 3, H, W]`` in -1..1 (``got`` is clamped), of all pictures together, at most 120; ``weight
    […, 1, H, W]``: of the pixels."""
    error = (got.clamp(-1, 1) - wanted).square().mean(-3, keepdim=True) / 4
    mean = error.mean() if weight is None else (error * weight).sum() / weight.sum().clamp_min(1e-6)
    return -10 * math.log10(max(float(mean), 1e-12))


def nearness(db: float) -> str:
    """What the :func:`psnr` of a picture and its inversion means to an edit that is pasted back into the picture."""
    if db >= NEAR_DB:
        return "near: the two are hardly told apart"
    if db >= FAR_DB:
        return "fair: outlines differ a little, and an edit that is pasted back may show thin seams"
    return "far off: the heads differ, and an edit that is pasted back shows a ghost of itself"


def ssim(got: Tensor, wanted: Tensor) -> float:
    """Structural similarity (Wang et al. 2004) of ``[B, 3, H, W]`` in -1..1, at least 11 pixels; 1 is alike."""
    x, y = ((picture.clamp(-1, 1) + 1) / 2 for picture in (got, wanted))
    mean_x, mean_y = _blur(x), _blur(y)
    var_x, var_y = _blur(x * x) - mean_x**2, _blur(y * y) - mean_y**2
    both = _blur(x * y) - mean_x * mean_y
    similar = (2 * mean_x * mean_y + _C1) * (2 * both + _C2)
    return float((similar / ((mean_x**2 + mean_y**2 + _C1) * (var_x + var_y + _C2))).mean())


def _blur(x: Tensor) -> Tensor:
    place = torch.arange(_WINDOW, device=x.device, dtype=x.dtype) - _WINDOW // 2
    taps = torch.exp(-0.5 * (place / _SIGMA) ** 2)
    taps = taps / taps.sum()
    planes = rearrange(x, "b c h w -> (b c) 1 h w")
    return F.conv2d(F.conv2d(planes, taps[None, None, None]), taps[None, None, :, None])
