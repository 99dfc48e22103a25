"""SAT3DStudio: a head one can take hold of, with a slider for each attribute. nodes/web/studio.js is its editor."""

from __future__ import annotations

import math

import torch
from comfy_api import latest
from comfy_api.latest import io
from torch import Tensor

from ..sat3d.domains import shipped_domain, shows_people
from ..sat3d.errors import Sat3dError
from ..sat3d.generators import StyleGenerator, TriplaneGenerator
from ..sat3d.inversion.edit_mask import changed_parts
from ..sat3d.latent import Latent
from ..sat3d.masks import AttributeMasks
from . import host, images, memory, newer_hosts, widgets
from .masks import choose_masks
from .orbit import STILL, front_of, make_cameras, render_views, to_frame
from .studio_session import SESSIONS, Faces, Session, split_faces
from .studio_state import PITCH_DEG, StudioState, read_state
from .transfer import describe_edits
from .types import EG3D_LATENT, EG3D_MODEL
from .verdicts import parse
from .viewer_camera import View, write_view

UI = "sat3d_studio"  # what the editor listens for
_SOCKETS = 4  # of references; each takes several
_FRONT_DEG, _ALL_DEG = 90, 180  # how far the head can be turned to a side
_BEYOND_DEG = 5  # of the pitch that was learned


class SAT3DStudio(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DStudio",
            display_name="Studio",
            category="SAT3D/edit",
            description="A head to take hold of: drag it to turn it, and move a slider for each attribute; the picture "
            "follows, coarse at first. What the editor says is kept in the workflow.",
            **newer_hosts.found_by(
                *newer_hosts.EDITING,
                "live portrait",
                "sliders",
                "editor",
                "turn head",
                "3d head",
                "studio",
                essential=True,
            ),
            inputs=_inputs(),
            outputs=[
                widgets.edited_face(),
                io.Image.Output("picture", display_name="picture", tooltip="The first face, as the editor shows it."),
                newer_hosts.CAMERA.Output(
                    "camera", display_name="camera", tooltip="From where it is seen, for Render Orbit."
                ),
                io.Mask.Output(
                    "changed",
                    display_name="changed",
                    tooltip="White where the edit changed a part of the head: a mask for inpainting.",
                ),
                widgets.provenance(),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, state: str = "") -> bool | str:
        """Refuse a state that cannot be read before anything runs."""
        try:
            read_state(state)
        except Sat3dError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, **inputs) -> str:
        """The node runs again where the editor may have lost its session."""
        return str(SESSIONS.losses)

    @classmethod
    def execute(
        cls,
        model: host.HostModel,
        source: Latent,
        reference_1: Latent,
        state: str,
        picture_resolution: int,
        masks: AttributeMasks | None = None,
        **more: Latent | None,
    ) -> io.NodeOutput:
        wanted = read_state(state)
        references = {
            "reference_1": reference_1,
            **{name: face for name, face in sorted(more.items()) if face is not None},
        }
        for name, face in {"source": source, **references}.items():
            face.check_layout(model.network.layout, f"The face at '{name}'")
        latents = list(references.values())
        model.check(source)

        def gather() -> Faces:
            return Faces(source, split_faces(latents), choose_masks(model, masks))

        session = SESSIONS.open(model, (source, masks, *latents), gather)
        session.resolution = picture_resolution or None
        edited = session.faces.edited(model, wanted)
        picture = render_state(model, edited, wanted, session.resolution)
        changed = torch.zeros(picture.shape[:3])
        if edited is not source:
            before = render_state(model, source, wanted, session.resolution)
            told_by = parse if shows_people(model.network.domain) else None
            changed = images.to_mask(changed_parts(images.from_host(before), images.from_host(picture), told_by))
        front = front_of(model.network)
        view = View(front.yaw_rad + math.radians(wanted.yaw_deg), front.pitch_rad + math.radians(wanted.pitch_deg))
        shown = latest.ui.PreviewImage(picture, cls=cls).as_dict() | {UI: [describe_session(model, session)]}
        return io.NodeOutput(edited, picture, write_view(view), host.keep(changed), describe_edits(edited), ui=shown)


def _inputs() -> list[io.Input]:
    return [
        EG3D_MODEL.Input("model", tooltip="The generator of all faces."),
        EG3D_LATENT.Input(
            "source", tooltip="The face to be changed: sampled, inverted or loaded. Of several, the first is shown."
        ),
        EG3D_LATENT.Input("reference_1", tooltip="A face that has what is wanted. Of a batch, each is a reference."),
        io.String.Input(
            "state",
            default="{}",
            tooltip="What the editor keeps, as JSON: intensity and reference of each attribute, and the view. The help "
            "page shows how it is written.",
        ),
        io.Int.Input(
            "picture_resolution",
            default=0,
            min=0,
            max=256,
            step=8,
            **newer_hosts.advanced(),
            tooltip="Side of the volume-rendered picture before super-resolution; less is faster. 0: the model's own.",
        ),
        widgets.own_masks(),
        *(
            EG3D_LATENT.Input(f"reference_{number}", optional=True, tooltip="One more face, or a batch, to take from.")
            for number in range(2, _SOCKETS + 1)
        ),
    ]


def render_state(model: host.HostModel, face: Latent, state: StudioState, resolution: int | None) -> Tensor:
    """IMAGE ``[1, H, W, 3]`` of the first face. No progress is sent: the page would keep its preview instead."""
    cameras = make_cameras(model.network, STILL, 1, state.yaw_deg, state.pitch_deg, None)
    network = model.ready(memory.render_bytes(model.network.config))
    with host.cancellable(network):
        view = next(render_views(network, face.faces()[0], cameras, model.render_options(resolution)))
    return host.keep(to_frame(view)[0])


def describe_session(model: host.HostModel, session: Session) -> dict[str, object]:
    """What the editor must know to ask for pictures."""
    faces = session.faces
    limit = 0
    if isinstance(model.network, TriplaneGenerator):
        limit = _ALL_DEG if model.network.knows_all_sides else _FRONT_DEG
    return {
        "session": session.key,
        "attributes": list(faces.masks.attributes),
        "references": [face.name or "a face without name" for face in faces.references],
        "source": faces.source.name or "a face without name",
        "most_yaw_deg": limit,
        "pitch_deg": find_pitch_limits(model.network),
    }


def find_pitch_limits(network: StyleGenerator) -> tuple[float, float]:
    """How far the view can be turned up and down from the front, degrees; things that are no people are shown from no
    farther than a little beyond where they were learned from: nobody knows a car from below."""
    known = None if shows_people(network.domain) else shipped_domain(network.domain)
    if known is None:
        return -PITCH_DEG, PITCH_DEG
    (low, high), front = known.sampling.pitch_deg, known.front_deg[1]
    return max(-PITCH_DEG, low - front - _BEYOND_DEG), min(PITCH_DEG, high - front + _BEYOND_DEG)
