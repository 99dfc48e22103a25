"""SAT3DMultiTransfer: a slider for each attribute, and a picture at once."""

from collections.abc import Mapping

import torch
from comfy_api import latest
from comfy_api.latest import io
from torch import Tensor

from ..sat3d.latent import Latent
from ..sat3d.masks import AttributeMasks
from ..sat3d.transfer import transfer
from . import host, memory, newer_hosts, widgets
from .masks import FACE_ATTRIBUTES, choose_masks
from .orbit import STILL, make_cameras, render_views, to_frame
from .transfer import describe_edits, repeat_face
from .types import EG3D_LATENT, EG3D_MODEL

_SHOWN_FIRST = "beard"  # the slider that is not at 0 in a new node, so that something happens
_PREFIX = "reference_"


class SAT3DMultiTransfer(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DMultiTransfer",
            display_name="Transfer Attributes (sliders)",
            category="SAT3D/edit",
            description="Moves several attributes at once, a slider for each, and shows the face. With the host's Run "
            "(On Change) the picture follows the sliders.",
            **newer_hosts.found_by(
                *newer_hosts.EDITING,
                "live portrait",
                "sliders",
                essential=True,
            ),
            inputs=_inputs(),
            outputs=[
                widgets.edited_face(),
                io.Image.Output("picture", display_name="picture", tooltip="The first face, seen from yaw_deg."),
                widgets.provenance(),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls,
        model: host.HostModel,
        source: Latent,
        reference: Latent,
        picture_resolution: int,
        yaw_deg: float,
        masks: AttributeMasks | None = None,
        **more,
    ) -> io.NodeOutput:
        references = {name: more.get(_PREFIX + name) or reference for name in FACE_ATTRIBUTES}
        for face in (source, *references.values()):
            face.check_layout(model.network.layout)
        model.check(source)
        masks = choose_masks(model, masks)
        edited = transfer_all(model, source, references, masks, {name: more[name] for name in FACE_ATTRIBUTES})
        picture = render_first(model, edited, picture_resolution, yaw_deg)
        return io.NodeOutput(edited, picture, describe_edits(edited), ui=latest.ui.PreviewImage(picture, cls=cls))


def _inputs() -> list[io.Input]:
    sliders = [
        io.Float.Input(
            name,
            default=float(name == _SHOWN_FIRST),
            min=-2.0,
            max=3.0,
            step=0.05,
            display_mode=widgets.SLIDER,
            tooltip=f"How much of the reference's {name.replace('_', ' ')}: 0 none, 1 all, more to "
            "exaggerate, below 0 away from it.",
        )
        for name in FACE_ATTRIBUTES
    ]
    references = [
        EG3D_LATENT.Input(
            _PREFIX + name,
            optional=True,
            tooltip=f"Another face for the {name.replace('_', ' ')} alone. Nothing connected: reference.",
        )
        for name in FACE_ATTRIBUTES
    ]
    return [
        EG3D_MODEL.Input("model", tooltip="The generator of all faces."),
        *widgets.source_and_reference(),
        *sliders,
        *widgets.small_picture(),
        widgets.own_masks(),
        *references,
    ]


def transfer_all(
    model: host.HostModel,
    source: Latent,
    references: Mapping[str, Latent],
    masks: AttributeMasks,
    intensities: Mapping[str, float],
) -> Latent:
    """The edits one after the other, in the order of the sliders; those at 0 are left out.

    Raises:
        ShapeError, LayoutError: see :func:`sat3d.transfer.transfer`.
    """
    # Outside inference mode, so that the face can be a starting point of an optimisation.
    with torch.inference_mode(False), torch.no_grad():
        for name, intensity in intensities.items():
            if intensity:
                face = repeat_face(source, len(references[name].styles))
                source = transfer(face, references[name], masks, [name], model.network.layout, intensity)
    return source


def render_first(model: host.HostModel, face: Latent, resolution: int, yaw_deg: float) -> Tensor:
    """IMAGE ``[1, H, W, 3]`` of the first face. No progress is sent: the page would keep its preview instead."""
    cameras = make_cameras(model.network, STILL, 1, yaw_deg, 0.0, None)
    network = model.ready(memory.render_bytes(model.network.config))
    options = model.render_options(resolution)
    with host.cancellable(network):
        view = next(render_views(network, face.faces()[0], cameras, options))
    return host.keep(to_frame(view)[0])
