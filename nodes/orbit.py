"""RenderOrbit: a face seen from a moving camera, as frames, video, depth and alpha."""

import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import torch
from comfy_api.latest import InputImpl, Types, io
from torch import Tensor

from ..sat3d.camera import orbit
from ..sat3d.generators import Rendering, RenderOptions, StyleGenerator, as_view_generator
from ..sat3d.latent import Latent
from ..sat3d.normals import normals_from_depth
from ..sat3d.parts.field import Parts
from ..sat3d.parts.generator import views_of
from ..sat3d.parts.masks import PartViews
from ..sat3d.pictures import depth_to_grey
from . import host, images, memory, newer_hosts, widgets
from .part_fields import parts_at_hand
from .types import EG3D_LATENT, EG3D_MODEL
from .viewer_camera import View, read_view

Report = Callable[[int, int, Tensor], None]  # done, total, the picture
STILL = "still"
PATHS = ["orbit", "swing", "nod", "turn", "spiral", STILL]


class RenderOrbit(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="RenderOrbit",
            display_name="Render Orbit",
            category="SAT3D/render",
            description="Turns the head: renders the face along a camera path that loops without a seam. Several faces "
            "come one after the other.",
            **newer_hosts.found_by(
                "turn head",
                "rotate head",
                "3d head",
                "camera",
                "turntable",
                "novel view",
                "video",
                "depth",
                essential=True,
            ),
            inputs=_inputs(),
            outputs=[
                io.Image.Output("images", display_name="images", tooltip="All frames, face after face."),
                io.Video.Output("video", display_name="video", tooltip="The frames as a video, for Save Video."),
                io.Image.Output(
                    "depth", display_name="depth", tooltip="Distance as grey, nearest white, one range for all frames."
                ),
                widgets.alpha(),
                io.Image.Output(
                    "normals",
                    display_name="normals",
                    tooltip="Which way the surface faces: red to the right, green up, blue towards the camera.",
                ),
                widgets.parts(),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        model: host.HostModel,
        latent: Latent,
        path: str,
        frames: int,
        yaw_deg: float,
        pitch_deg: float,
        fov_deg: float,
        neural_resolution: int,
        fps: int,
        camera: Mapping[str, Any] | None = None,
        rendering: str = widgets.FAST,
    ) -> io.NodeOutput:
        model.check(latent)
        view = read_view(camera, front_of(model.network))
        if camera and path == STILL:
            yaw_deg = pitch_deg = 0.0
        cameras = make_cameras(model.network, path, frames, yaw_deg, pitch_deg, fov_deg or None, view)
        network = model.ready(memory.render_bytes(model.network.config))
        options = model.render_options(neural_resolution or None, rendering == widgets.FAST)
        known = parts_at_hand(model)
        with host.cancellable(network):
            made = collect(
                render_views(network, latent, cameras, options, known),
                len(latent.styles) * len(cameras),
                host.Report(cls),
            )
        pictures, depth, alpha = made.pictures, made.depth, made.alpha
        normals = images.to_host(normals_from_depth(depth, alpha, float(cameras[0, 16])))
        depth = images.grey_image(depth_to_grey(depth, alpha))
        video = InputImpl.VideoFromComponents(Types.VideoComponents(images=pictures, frame_rate=Fraction(fps)))
        return io.NodeOutput(pictures, video, depth, images.to_mask(alpha), normals, made.parts(known))


def _inputs() -> list[io.Input]:
    return [
        EG3D_MODEL.Input("model", tooltip="The generator that made the face."),
        EG3D_LATENT.Input("latent", tooltip="One face or several."),
        io.Combo.Input(
            "path",
            options=PATHS,
            default="orbit",
            tooltip="orbit: an ellipse around the front, which of cars is aslant from above. swing: left and right. "
            "nod: down and up. turn: all the way round. spiral: an ellipse grows and shrinks. still: one view at yaw, "
            "pitch.",
        ),
        io.Int.Input(
            "frames", default=24, min=1, max=600, tooltip="Frames of the whole loop, for each face. Still: always one."
        ),
        io.Float.Input(
            "yaw_deg",
            default=26.0,
            min=-180.0,
            max=180.0,
            step=1.0,
            tooltip="How far the camera goes to the side of the front, degrees. Turn ignores it.",
        ),
        io.Float.Input(
            "pitch_deg",
            default=7.0,
            min=-80.0,
            max=80.0,
            step=1.0,
            tooltip="How far the camera goes down from the front, degrees; negative is up.",
        ),
        io.Float.Input(
            "fov_deg",
            default=0.0,
            min=0.0,
            max=90.0,
            step=0.5,
            **newer_hosts.advanced(),
            tooltip="Field of view in degrees; smaller comes closer. 0: the model's own (faces: 19).",
        ),
        io.Int.Input(
            "neural_resolution",
            default=0,
            min=0,
            max=512,
            step=8,
            tooltip="Side of the volume-rendered picture before super-resolution. 0: the model's own; less is "
            "faster, more is finer in depth. The size of the frames does not change.",
        ),
        io.Int.Input("fps", default=12, min=1, max=120, tooltip="Frames per second of the video."),
        newer_hosts.CAMERA.Input(
            "camera",
            optional=True,
            tooltip="A view from the host's 3D nodes, such as Preview 3D (Advanced): the path goes around it, and "
            "still is this view itself.",
        ),
        widgets.rendering(widgets.FAST),
    ]


def make_cameras(
    network: StyleGenerator,
    path: str,
    frames: int,
    yaw_deg: float,
    pitch_deg: float,
    fov_deg: float | None,
    around: View | None = None,
) -> Tensor:
    """``[V, 25]``: a path around a view (None: the front of what the generator draws). A still path is one view, and
    the only path of a flat generator.

    Raises:
        ConfigError: a flat generator is to be turned.
    """
    if path != STILL:
        as_view_generator(network, "Turning a face",
                          "set path to still to see the picture, or load an EG3D checkpoint")  # fmt: skip
    around = around or front_of(network)
    yaw, pitch = orbit(1 if path == STILL else frames, math.radians(yaw_deg), math.radians(pitch_deg), path)
    return around.zoomed(network.rig.label(yaw + around.yaw_rad, pitch + around.pitch_rad, fov_deg))


def front_of(network: StyleGenerator) -> View:
    """The view that shows most of what the generator draws: straight ahead of heads, aslant from above of cars."""
    return View(*network.rig.front)


def render_views(
    network: StyleGenerator, latent: Latent, cameras: Tensor, options: RenderOptions, parts: Parts | None = None
) -> Iterator[Rendering]:
    """Every face of the latent from every camera, face after face; see :func:`sat3d.parts.generator.views_of`. With
    ``parts``: and which part each pixel is of."""
    if parts is None:
        return views_of(network, latent, cameras, options)
    return views_of(network, latent, cameras, options, parts.field.to(network.device), labelled=True)


class Frames(NamedTuple):
    """IMAGE ``[N, H, W, 3]``, depth and opacity ``[N, 1, H, W]``, label probabilities ``[N, K, r, r]`` or None."""

    pictures: Tensor
    depth: Tensor
    alpha: Tensor
    shares: Tensor | None

    def parts(self, known: Parts | None) -> PartViews:
        """What Part Masks chooses from; of a generator without a field there is nothing to choose."""
        size = (self.pictures.shape[1], self.pictures.shape[2])
        if known is None or self.shares is None:
            return PartViews(self.depth.new_zeros(len(self.depth), 0, 1, 1), (), size)
        return PartViews(self.shares, known.field.labels, size)


def collect(views: Iterator[Rendering], total: int, report: Report) -> Frames:
    """All views, with a live preview."""
    frames, shares = [], []
    for i, view in enumerate(views):
        report(i + 1, total, view.image)
        frames.append([host.keep(part) for part in to_frame(view)])
        if view.parsing is not None:
            shares.append(host.keep(view.parsing.half()))
    pictures, depth, alpha = (torch.cat(parts) for parts in zip(*frames, strict=True))
    return Frames(pictures, depth, alpha, torch.cat(shares) if len(shares) == len(frames) else None)


def to_frame(view: Rendering) -> tuple[Tensor, Tensor, Tensor]:
    """One view as IMAGE, depth and opacity at the same size; a flat picture has depth 0, and is opaque unless its
    generator says otherwise."""
    size = view.image.shape[2:]
    blank = view.image.new_zeros(len(view.image), 1, *size)
    depth = blank if view.depth is None else images.resize_map(view.depth, size)
    opacity = blank + 1 if view.opacity is None else images.resize_map(view.opacity, size)
    return images.to_host(view.image), depth, opacity
