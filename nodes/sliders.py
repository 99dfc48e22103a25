"""SAT3DSliders and SAT3DReadParameters: parameters of a face, set and read."""

from __future__ import annotations

import torch
from comfy_api import latest
from comfy_api.latest import io

from ..sat3d.errors import Sat3dError
from ..sat3d.latent import Latent
from ..sat3d.sliders import Sliders
from ..sat3d.sliders.editing import copy_face, read_face, set_face
from . import host, newer_hosts, slider_files, widgets
from .multi_transfer import render_first
from .slider_values import beyond_range, names_in, read_values, write_ranges, write_values
from .transfer import describe_edits
from .types import EG3D_LATENT, EG3D_MODEL

NONE = "none"
_MOST_SAID = 6


class SAT3DSliders(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DSliders",
            display_name="Face Sliders",
            category="SAT3D/edit",
            description="Sets parameters of a face, such as age, jaw, smile or gaze, and leaves all else; or takes "
            "them from a reference. Shows the face: with the host's Run (On Change) the picture follows.",
            **newer_hosts.found_by(
                *newer_hosts.EDITING, "sliders", "age", "gaze", "blendshapes", "face shape", "live portrait",
                essential=True,
            ),
            inputs=_inputs(),
            outputs=[
                widgets.edited_face(),
                io.Image.Output("picture", display_name="picture", tooltip="The first face, seen from yaw_deg."),
                io.String.Output(
                    "json", display_name="json", tooltip="All parameters of the edited face, by group."
                ),
                widgets.provenance(),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )  # fmt: skip

    @classmethod
    def validate_inputs(
        cls, values: str = "", sliders_file: str = slider_files.FITTING, slider: str = ""
    ) -> bool | str:
        """Accept any slider, which the file decides on; refuse what is no JSON before anything runs."""
        try:
            read_values(values or "")
        except Sat3dError as error:
            return str(error)
        return slider_files.check(sliders_file)

    @classmethod
    def fingerprint_inputs(cls, sliders_file: str = slider_files.FITTING, **rest) -> str:
        return slider_files.stamp(sliders_file)

    @classmethod
    def execute(
        cls,
        model: host.HostModel,
        source: Latent,
        slider: str,
        position: float,
        values: str,
        as_in_reference: str,
        picture_resolution: int,
        yaw_deg: float,
        reference: Latent | None = None,
        sliders_file: str = slider_files.FITTING,
    ) -> io.NodeOutput:
        for face in filter(None, (source, reference)):
            face.check_layout(model.network.layout)
        model.warn_of_other_weights(source)
        sliders = slider_files.find_sliders(model, sliders_file)
        edited = _edited(source, sliders, reference, as_in_reference, values)
        edited = _slid(edited, sliders, slider, position)
        picture = render_first(model, edited, picture_resolution, yaw_deg)
        told = write_values(read_face(edited, sliders), sliders)
        return io.NodeOutput(edited, picture, told, describe_edits(edited), ui=latest.ui.PreviewImage(picture, cls=cls))


def _inputs() -> list[io.Input]:
    return [
        EG3D_MODEL.Input("model", tooltip="The generator of the faces."),
        EG3D_LATENT.Input("source", tooltip="The face to be changed: one, or several."),
        io.Combo.Input(
            "slider",
            options=[NONE, *slider_files.list_sliders()],
            default=NONE,
            tooltip="One parameter to move by hand, behind its group. It comes last, after values.",
        ),
        io.Float.Input(
            "position",
            default=0.5,
            min=-0.5,
            max=1.5,
            step=0.01,
            display_mode=widgets.SLIDER,
            tooltip="Where that slider stands: 0 is the least that heads have, 1 the most; beyond is exaggerated.",
        ),
        io.String.Input(
            "values",
            default="",
            multiline=True,
            tooltip="Parameters to set, as JSON: names and values, such as Read Face Parameters writes them. What is "
            "left out stays as it is. A list has a set for each face.",
        ),
        io.String.Input(
            "as_in_reference",
            default="",
            tooltip="Parameters or whole groups that become those of the reference, separated by commas: expression, "
            "gaze, chin_width. They come first, before values.",
        ),
        *widgets.small_picture(),
        EG3D_LATENT.Input(
            "reference", optional=True, tooltip="The face that as_in_reference means: one, or one for each source."
        ),
        _file_input(),
    ]


def _file_input() -> io.Input:
    return io.Combo.Input(
        "sliders_file",
        options=slider_files.entries(),
        default=slider_files.FITTING,
        optional=True,
        **newer_hosts.advanced(),
        tooltip="Sliders of your own in models/sat3d_sliders, or those that come with the pack. The model's own: found "
        "by the generator. Press R after adding files.",
    )


def _edited(source: Latent, sliders: Sliders, reference: Latent | None, copied: str, values: str) -> Latent:
    names, wanted = names_in(copied), read_values(values)
    # Outside inference mode, so that the face can be a starting point of an optimisation.
    with torch.inference_mode(False), torch.no_grad():
        if names and reference is None:
            host.warn("as_in_reference names parameters, but no reference is connected: they stay as they are")
        elif names and reference is not None:
            source = copy_face(source, reference, sliders, names)
        if beyond := beyond_range(wanted, sliders):
            said = ", ".join(beyond[:_MOST_SAID]) + (" …" if len(beyond) > _MOST_SAID else "")
            host.warn(f"these parameters are set to more than heads of this generator have: {said}")
        return set_face(source, sliders, wanted)


def _slid(face: Latent, sliders: Sliders, slider: str, position: float) -> Latent:
    name = slider.rpartition(": ")[2]
    if slider == NONE or not name:
        return face
    chosen = sliders.slider(name)
    with torch.inference_mode(False), torch.no_grad():
        return set_face(face, sliders, {name: chosen.low + position * (chosen.high - chosen.low)})


class SAT3DReadParameters(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DReadParameters",
            display_name="Read Face Parameters",
            category="SAT3D/face",
            description="Reads the parameters of a face, such as age, jaw, smile or gaze, out of its style: JSON that "
            "can be edited and fed to Face Sliders.",
            **newer_hosts.found_by("parameters", "age", "expression", "blendshapes", "gaze", "analyse"),
            inputs=[
                EG3D_MODEL.Input("model", tooltip="The generator of the faces."),
                EG3D_LATENT.Input("latent", tooltip="The face to be read: one, or several."),
                _file_input(),
            ],
            outputs=[
                io.String.Output(
                    "json", display_name="json", tooltip="JSON by group; of several faces a list."
                ),
                io.String.Output(
                    "ranges",
                    display_name="ranges",
                    tooltip="Every parameter, with the least and the most that heads have."
                ),
            ],
        )  # fmt: skip

    @classmethod
    def validate_inputs(cls, sliders_file: str = slider_files.FITTING) -> bool | str:
        """Say in words which file is missing, and before anything runs."""
        return slider_files.check(sliders_file)

    @classmethod
    def fingerprint_inputs(cls, sliders_file: str = slider_files.FITTING, **linked) -> str:
        return slider_files.stamp(sliders_file)

    @classmethod
    def execute(cls, model: host.HostModel, latent: Latent, sliders_file: str = slider_files.FITTING) -> io.NodeOutput:
        latent.check_layout(model.network.layout)
        sliders = slider_files.find_sliders(model, sliders_file)
        return io.NodeOutput(write_values(read_face(latent, sliders), sliders), write_ranges(sliders))
