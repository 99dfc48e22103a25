"""SAT3DTransfer: an attribute of one face moves onto another."""

from dataclasses import replace

import torch
from comfy_api.latest import io

from ..sat3d.latent import Edit, Latent
from ..sat3d.masks import AttributeMasks
from ..sat3d.parts.confining import edited_so_far
from ..sat3d.sliders.editing import SLIDERS
from ..sat3d.transfer import transfer
from . import auto_intensity as auto
from . import clips, host, newer_hosts, widgets
from .masks import choose_masks, list_attributes
from .regions import MAY_CHANGE, STAYS, find_region, outside
from .types import EG3D_MODEL


class SAT3DTransfer(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DTransfer",
            display_name="Transfer Attribute",
            category="SAT3D/edit",
            description="Moves one attribute of the reference, such as this very beard, onto the source and leaves all "
            "else. Chain several for several attributes, each with its own reference.",
            **newer_hosts.found_by(
                *newer_hosts.EDITING,
                essential=True,
            ),
            inputs=_inputs(),
            outputs=[
                widgets.edited_face(),
                widgets.provenance(),
                io.Float.Output(
                    "used_intensity",
                    display_name="used_intensity",
                    tooltip="The intensity of this edit: that of the slider, or the one found.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, attribute: str = "", auto_intensity: str = auto.OFF, clip: str = "") -> bool | str:
        """Accept any attribute, which the masks decide on; a model only if it is needed."""
        return True if auto_intensity == auto.OFF else clips.LIBRARY.check(clip)

    @classmethod
    def fingerprint_inputs(cls, auto_intensity: str = auto.OFF, clip: str = "", **rest) -> str:
        return "" if auto_intensity == auto.OFF else clips.LIBRARY.stamp(clip)

    @classmethod
    def execute(
        cls,
        model: host.HostModel,
        source: Latent,
        reference: Latent,
        attribute: str,
        intensity: float,
        masks: AttributeMasks | None = None,
        auto_intensity: str = auto.OFF,
        clip: str = clips.ENTRY,
        architecture: str = "",
        outside: str = MAY_CHANGE,
    ) -> io.NodeOutput:
        layout = model.network.layout
        for face in (source, reference):
            face.check_layout(layout)
        model.warn_of_other_weights(source)
        masks = choose_masks(model, masks)
        source = repeat_face(source, len(reference.styles))
        region = find_region(model, masks, attribute) if outside == STAYS else None

        def edited(by: float) -> Latent:
            # Outside inference mode, so that the face can be a starting point of an optimisation.
            with torch.inference_mode(False), torch.no_grad():
                if region is None:
                    return transfer(source, reference, masks, [attribute], layout, by)
                whole = transfer(edited_so_far(source), reference, masks, [attribute], layout, by)
                return region.confine(source, whole)

        if auto_intensity == auto.OFF:
            face = edited(intensity)
            return io.NodeOutput(face, describe_edits(face), float(intensity))
        edited(0.0)  # what does not fit is said before any model is read
        judge = auto.Judge(model, clips.load(clip, architecture), auto.find_domain(masks), host.Report(cls))
        found = auto.find_intensity(judge, edited, reference, attribute)
        face = edited(found.intensity)
        return io.NodeOutput(face, f"{describe_edits(face)}\n{attribute} {found}", found.intensity)


def _inputs() -> list[io.Input]:
    return [
        EG3D_MODEL.Input("model", tooltip="The generator of both faces."),
        *widgets.source_and_reference(),
        io.Combo.Input(
            "attribute",
            options=list_attributes(),
            default="beard",
            tooltip="What to move. Masks of your own in models/sat3d_masks add theirs to the list.",
        ),
        io.Float.Input(
            "intensity",
            default=1.0,
            min=-2.0,
            max=3.0,
            step=0.05,
            display_mode=widgets.SLIDER,
            tooltip="0 leaves the source as it is, 1 moves the attribute, up to about 2 strengthens it, "
            "below 0 moves away from the reference.",
        ),
        widgets.own_masks(),
        *auto.make_inputs(),
        outside(
            "What happens outside of where the attribute is. may change: whatever goes along with the "
            "attribute, such as a shadow. stays: nothing, to the pixel, from every side; takes longer to render."
        ),
    ]


def repeat_face(face: Latent, count: int) -> Latent:
    """One face as often as there are references; several stay as they are."""
    if len(face.styles) != 1 or count <= 1:
        return face
    return replace(face, styles=face.styles.repeat(count, 1))


def describe_edits(face: Latent) -> str:
    """The edits of a face, one per line, the first at the top."""
    lines = [f"{i}. {_describe_edit(edit)}" for i, edit in enumerate(face.edits, 1)]
    return "\n".join([face.name or "a face without name", *lines])


def _describe_edit(edit: Edit) -> str:
    names = " + ".join(edit.attributes)
    if edit.masks == SLIDERS:
        return f"{names} {edit.intensity:g}" + (f", as in {edit.reference}" if edit.reference else "")
    masks = f", masks {edit.masks}" if edit.masks else ""
    return f"{names} of {edit.reference or 'a face without name'}, intensity {edit.intensity:g}{masks}"
