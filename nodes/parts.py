"""SAT3DPartMasks and SAT3DSwapParts: masks of parts of heads from any side, and parts of one head on another."""

import torch
from comfy_api.latest import io

from ..sat3d.latent import Latent
from ..sat3d.parsing.labels import LABEL_NAMES
from ..sat3d.parts.healing import MOST_STEPS, grow_together
from ..sat3d.parts.masks import PartViews, names_in
from ..sat3d.parts.swapping import swap_parts
from . import host, images, newer_hosts, widgets
from .masks import masks_at_hand
from .part_fields import find_parts
from .transfer import describe_edits, repeat_face
from .types import EG3D_MODEL, SAT3D_PARTS

SOFT, HARD = "soft", "hard"
_KNOWN = ", ".join(LABEL_NAMES[1:])


class SAT3DPartMasks(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DPartMasks",
            display_name="Part Masks",
            category="SAT3D/render",
            description="Masks of parts of the head, such as hair or glasses, for every frame of Render Orbit, from "
            "any side: for inpainting, refining, compositing.",
            **newer_hosts.found_by(
                "segmentation", "face parsing", "hair mask", "skin mask", "semantic", "inpaint", "mask by text"
            ),
            inputs=[
                SAT3D_PARTS.Input("parts", tooltip="The output 'parts' of Render Orbit or Render as Taken."),
                io.String.Input(
                    "choose",
                    default="hair",
                    tooltip=f"One part or several, separated by commas: {_KNOWN}; also background.",
                ),
                io.Combo.Input(
                    "edge",
                    options=[SOFT, HARD],
                    default=SOFT,
                    tooltip="soft: how much of a pixel is of the parts. hard: white where that is most likely.",
                ),
            ],
            outputs=[
                io.Mask.Output("mask", display_name="mask", tooltip="White where the parts are, one for each frame."),
                io.Image.Output(
                    "labels", display_name="labels", tooltip="All parts, each in its colour; the background is black."
                ),
                io.String.Output("names", display_name="names", tooltip="The parts that can be chosen, one per line."),
            ],
        )

    @classmethod
    def execute(cls, parts: PartViews, choose: str, edge: str) -> io.NodeOutput:
        mask = parts.mask(names_in(choose), edge == HARD)
        labels = images.to_host(parts.picture())
        return io.NodeOutput(images.to_mask(mask), labels, "\n".join(parts.labels))


class SAT3DSwapParts(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DSwapParts",
            display_name="Swap Parts",
            category="SAT3D/edit",
            description="Puts parts of one head, such as its hair or glasses, onto another, in 3D. All else stays as "
            "it was, to the pixel, from every side.",
            **newer_hosts.found_by(
                "hair transfer", "hairstyle", "change hair", "glasses", "try on", "face swap", "compose", essential=True
            ),
            inputs=[
                EG3D_MODEL.Input("model", tooltip="The generator of both faces."),
                *widgets.source_and_reference(),
                io.String.Input(
                    "parts",
                    default="hair",
                    tooltip=f"What is taken from the reference; one part or several, separated by commas: {_KNOWN}.",
                ),
                io.Float.Input(
                    "feather",
                    default=0.4,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    display_mode=widgets.SLIDER,
                    tooltip="How soft the seam is: 0 is a hard edge.",
                ),
                io.Int.Input(
                    "heal",
                    default=0,
                    min=0,
                    max=MOST_STEPS,
                    optional=True,
                    **newer_hosts.advanced(),
                    tooltip="Steps in which the parts grow together into one plain face, 40 for one: no seams, and "
                    "quick to turn, but all else is only nearly what it was. 0: they stay apart, and all else is "
                    "exact.",
                ),
            ],
            outputs=[widgets.edited_face(), widgets.provenance()],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls, model: host.HostModel, source: Latent, reference: Latent, parts: str, feather: float, heal: int = 0
    ) -> io.NodeOutput:
        for face in (source, reference):
            face.check_layout(model.network.layout)
        model.warn_of_other_weights(source)
        found = find_parts(model)
        source = repeat_face(source, len(reference.styles))
        network = model.ready()
        with torch.inference_mode(False), torch.no_grad(), host.cancellable(network):
            known = found.field.to(network.device)
            face = swap_parts(network, known, source, reference, names_in(parts), feather, masks_at_hand(model))
            face = grow_together(network, face, heal, host.Report(cls, max(heal, 1)))
        return io.NodeOutput(face, describe_edits(face))
