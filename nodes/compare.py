"""SAT3DCompare: what differs between two pictures, as a picture and as a number."""

import torch
from comfy_api.latest import io
from torch import Tensor

from ..sat3d.errors import ShapeError
from . import images

LEVELS = 255


class SAT3DCompare(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DCompare",
            display_name="Compare Pictures",
            category="SAT3D/score",
            description="What an edit changed: a picture of the differences and their mean, D_mean, over all or "
                        "outside a mask.",
            inputs=[
                io.Image.Input("before", tooltip="The picture before the edit, or several."),
                io.Image.Input("after", tooltip="The picture after the edit, of the same size; one, or as many."),
                io.Float.Input("gain", default=4.0, min=0.1, max=100.0, step=0.1,
                               tooltip="The difference picture is brighter by this factor, so that little shows too. "
                                       "The numbers do not change."),
                io.Mask.Input("ignore", optional=True,
                              tooltip="White where a change was wanted, such as the beard: there nothing is counted."),
            ],
            outputs=[
                io.Image.Output("difference", display_name="difference",
                                tooltip="The mean difference of red, green and blue, times gain, as grey."),
                io.Float.Output("d_mean", display_name="d_mean",
                                tooltip="Mean difference of red, green and blue, 0 (alike) to 255; nan where all is "
                                        "ignored."),
                io.Float.Output("d_max", display_name="d_max", tooltip="The largest difference of a pixel, 0 to 255."),
            ],
        )

    @classmethod
    def execute(cls, before: Tensor, after: Tensor, gain: float, ignore: Tensor | None = None) -> io.NodeOutput:
        change = changes(before, after)
        counted = weights(change, ignore)
        picture = images.grey_image((change * counted * gain).clamp(0, 1)[:, None])
        return io.NodeOutput(picture, d_mean(change, counted), float((change * counted).max()) * LEVELS)


def changes(before: Tensor, after: Tensor) -> Tensor:
    """Two IMAGEs -> ``[B, H, W]``: the mean |Δ| of red, green and blue of each pixel, 0..1.

    Raises:
        ShapeError: other sizes, or batches that do not pair.
    """
    first, second = images.from_host(before), images.from_host(after)
    counts = {len(first), len(second)} - {1}
    if first.shape[1:] != second.shape[1:] or len(counts) > 1 or 0 in (len(first), len(second)):
        raise ShapeError("The pictures cannot be compared", f"{tuple(before.shape)} and {tuple(after.shape)}",
                         "one size, and one picture or as many as the other has",
                         "scale one of them, or match the batches")
    return (first - second).abs().mean(1) / 2


def weights(change: Tensor, ignore: Tensor | None) -> Tensor:
    """``[B, H, W]`` (or one for all): 1 where a pixel counts, 0 where it is ignored.

    Raises:
        ShapeError: a mask of another size.
    """
    if ignore is None:
        return torch.ones_like(change)
    mask = ignore if ignore.ndim == 3 else ignore[None]
    if mask.shape[1:] != change.shape[1:] or len(mask) not in (1, len(change)):
        raise ShapeError("The mask does not fit the pictures", tuple(ignore.shape), tuple(change.shape),
                         "connect a mask of the same size")
    return (1 - mask.to(change)).clamp(0, 1).expand_as(change)


def d_mean(change: Tensor, counted: Tensor) -> float:
    """Mean |ΔRGB| over what counts, 0..255: D_mean as the 3D-aware editing papers report it; nan if nothing counts."""
    total = float(counted.sum())
    return float((change * counted).sum()) / total * LEVELS if total else float("nan")
