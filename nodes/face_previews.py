"""The photo of Align Face, small, with the faces that were found, their numbers, and the square that was cut."""

from collections.abc import Sequence

from PIL import Image, ImageDraw
from torch import Tensor

from ..sat3d.faces.drawing import draw_faces
from ..sat3d.faces.finding import Face
from ..sat3d.inversion.align import Crop
from ..sat3d.pictures import to_pil

SHOWN_AT_ONCE = 4  # on the node itself
_LONGEST_PX = 768
_SQUARE, _LINE = (90, 200, 255), 1 / 300  # of the longer side


def draw_preview(photo: Tensor, faces: Sequence[Face], crop: Crop, chosen: int | None) -> Image.Image:
    """``photo [1, 3, H, W]`` in -1..1 -> a picture of at most 768 pixels a side; ``chosen``: the number of the face
    that ``crop`` is of, None where it is of none of ``faces``."""
    picture = to_pil(photo)[0]
    scale = min(1.0, _LONGEST_PX / max(picture.size))
    small = picture.resize([max(1, round(side * scale)) for side in picture.size], Image.Resampling.BOX)
    drawn = draw_faces(small, faces, scale, chosen)
    square = tuple(edge * scale for edge in crop.box)
    ImageDraw.Draw(drawn).rectangle(square, outline=_SQUARE, width=max(1, round(_LINE * max(drawn.size))))
    return drawn
