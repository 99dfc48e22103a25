"""A close look at brows, eyes and mouth, cut out before anything makes the picture smaller.

Heads are registered, so a fixed window holds all of these at every angle that cameras take. A gaze moves an iris by two
or three pixels of 256, and lips move as little: it takes the picture's own pixels and layers of its own to see that.
"""

from torch import Tensor

from .loading import resize

_TOP, _LEFT, _HEIGHT, _WIDTH = 0.36, 0.3125, 0.5, 0.375  # in picture heights and widths


def close_look(images: Tensor, height_px: int) -> Tensor:
    """``[B, 3, P, P]`` -> ``[B, 3, S, 3S/4]``, S = ``height_px``; the window's own pixels where P = 2S."""
    height, width = images.shape[2:]
    top, left = round(_TOP * height), round(_LEFT * width)
    window = images[:, :, top : top + round(_HEIGHT * height), left : left + round(_WIDTH * width)]
    return resize(window, height_px, close_width(height_px))


def close_width(height_px: int) -> int:
    """Width of a close look in pixels."""
    return height_px * 3 // 4
