"""SAT3DCompare: the difference of two pictures, as a picture and as a number."""

import torch
from comfy_api.latest import io
from torch import Tensor

from ..sat3d.errors import ShapeError
from ..sat3d.metrics import LEVELS, d_mean_overall, pixel_changes
from . import images, newer_hosts


class SAT3DCompare(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DCompare",
            display_name="Compare Pictures",
            category="SAT3D/score",
            description="What an edit changed: a picture of the differences and their mean, D_mean, over all or "
            "outside a mask.",
            **newer_hosts.found_by("difference", "diff", "d_mean", "before after"),
            inputs=[
                io.Image.Input("before", tooltip="The picture before the edit, or several."),
                io.Image.Input("after", tooltip="The picture after the edit, of the same size; one, or as many."),
                io.Float.Input(
                    "gain",
                    default=4.0,
                    min=0.1,
                    max=100.0,
                    step=0.1,
                    tooltip="The difference picture is brighter by this factor, so that little shows too. "
                    "The numbers do not change.",
                ),
                io.Mask.Input(
                    "ignore",
                    optional=True,
                    tooltip="White where a change was wanted, such as the beard: there nothing is counted.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    "difference",
                    display_name="difference",
                    tooltip="The mean difference of red, green and blue, times gain, as grey.",
                ),
                io.Float.Output(
                    "d_mean",
                    display_name="d_mean",
                    tooltip="Mean difference of red, green and blue, 0 (alike) to 255; nan where all is ignored.",
                ),
                io.Float.Output("d_max", display_name="d_max", tooltip="The largest difference of a pixel, 0 to 255."),
            ],
        )

    @classmethod
    def execute(cls, before: Tensor, after: Tensor, gain: float, ignore: Tensor | None = None) -> io.NodeOutput:
        change = pixel_changes(images.from_host(before), images.from_host(after))
        counted = weigh_pixels(change, ignore)
        picture = images.grey_image((change * counted * gain).clamp(0, 1)[:, None])
        return io.NodeOutput(picture, d_mean_overall(change, counted), float((change * counted).max()) * LEVELS)


def weigh_pixels(change: Tensor, ignore: Tensor | None) -> Tensor:
    """``[B, H, W]`` (or one for all): 1 where a pixel counts, 0 where it is ignored.

    Raises:
        ShapeError: no MASK, or one of another size.
    """
    if ignore is None:
        return torch.ones_like(change)
    mask = images.mask_from_host(ignore)
    if mask.shape[1:] != change.shape[1:] or len(mask) not in (1, len(change)):
        raise ShapeError(
            "The mask does not fit the pictures",
            tuple(ignore.shape),
            tuple(change.shape),
            "connect a mask of the same size",
        )
    return (1 - mask.to(change)).expand_as(change)
