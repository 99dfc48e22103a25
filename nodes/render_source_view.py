"""SAT3DRenderAsTaken: a face from the very camera it was found with, to be compared with its photo or pasted back."""

from collections.abc import Iterator

from comfy_api.latest import io

from ..sat3d.generators import Rendering, RenderOptions, StyleGenerator
from ..sat3d.latent import Latent
from ..sat3d.parts.field import Parts
from . import host, images, memory, newer_hosts, widgets
from .orbit import collect, render_views
from .part_fields import parts_at_hand
from .types import EG3D_LATENT, EG3D_MODEL


class SAT3DRenderAsTaken(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DRenderAsTaken",
            display_name="Render as Taken",
            category="SAT3D/render",
            description="Renders each face from its own camera: of an inverted photo the one it was taken with, roll "
            "included; of an invented face the front. Edits keep the camera.",
            **newer_hosts.found_by("render", "same camera", "portrait", "3d head"),
            inputs=[
                EG3D_MODEL.Input("model", tooltip="The generator that made the face."),
                EG3D_LATENT.Input("latent", tooltip="One face or several, each with its camera."),
                widgets.rendering(widgets.EXACT),
            ],
            outputs=[
                io.Image.Output("images", display_name="images", tooltip="One picture of each face, for Paste Back."),
                widgets.alpha(),
                widgets.parts(),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, model: host.HostModel, latent: Latent, rendering: str = widgets.EXACT) -> io.NodeOutput:
        model.check(latent)
        network = model.ready(memory.render_bytes(model.network.config))
        report, known = host.Report(cls), parts_at_hand(model)
        with host.cancellable(network):
            options = model.render_options(fast=rendering == widgets.FAST)
            views = render_as_taken(network, latent, options, known)
            # Without a live preview: the page would keep it, and one picture is soon made.
            frames = collect(views, len(latent.styles), lambda done, total, _: report(done, total))
        return io.NodeOutput(frames.pictures, images.to_mask(frames.alpha), frames.parts(known))


def render_as_taken(
    network: StyleGenerator, latent: Latent, options: RenderOptions, parts: Parts | None = None
) -> Iterator[Rendering]:
    """Face by face, each from its own camera, or all from the only one; a flat generator takes no notice of it."""
    for face in latent.faces():
        yield from render_views(network, face, face.camera, options, parts)
