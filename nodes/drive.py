"""SAT3DDrive: the motion of a face in a video or in pictures."""

from typing import Any

import torch
from comfy_api.latest import io
from torch import Tensor

from ..sat3d.animation.action_driver import AUTO, PHOTO, READ_BY, Eyes, FoundAgain, ReadBy, knows_actions, read_driver
from ..sat3d.animation.driver import Drive, describe_missing
from ..sat3d.animation.smoothing import MOST as MOST_SMOOTHING
from . import built_in_networks, host, newer_hosts, verdicts, videos
from .face_places import FRAMES, MOST_FACES, PUBLISHED
from .motions import describe_motion
from .types import SAT3D_MOTION

_PREVIEW_EVERY = 5


class SAT3DDrive(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DDrive",
            display_name="Drive",
            category="SAT3D/animation",
            description="Reads the motion of a face from a video or from pictures: 52 blendshapes, or the actions of a "
            "rendered head, where the eyes look, how the head turns, frame by frame. Frames without a face are filled "
            "and told.",
            **newer_hosts.found_by("live portrait", "face capture", "motion capture", "blendshapes", "arkit",
                                   "reenactment", "driving video", "mocap", "expression"),
            inputs=_inputs(),
            outputs=[
                SAT3D_MOTION.Output("motion", display_name="motion", tooltip="For Animate Face and Save Motion."),
                newer_hosts.AUDIO.Output("audio", display_name="audio",
                                         tooltip="The sound of the video, for Animate Face; nothing if it has none."),
                io.String.Output("info", display_name="info",
                                 tooltip="How long it is, what moves, and which frames were filled."),
            ],
            hidden=[io.Hidden.unique_id],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        face: int,
        smoothing: float,
        frame: str = PUBLISHED,
        fps: float = 25.0,
        video: Any = None,
        images: Tensor | None = None,
        read_by: ReadBy = AUTO,
    ) -> io.NodeOutput:
        incoming, report = videos.open_incoming(video, images, fps), host.Report(cls)

        def watch(done: int, image: Tensor) -> None:
            total = max(incoming.frames, done + 1)
            report(done, total, image if done % _PREVIEW_EVERY == 0 else None)

        with torch.inference_mode(False):
            drive = Drive(face, FRAMES[frame], smoothing)
            motion, who = read_driver(incoming.pieces, incoming.fps, drive, eyes_for(read_by), watch)
        report(len(motion), len(motion))
        host.warn(describe_missing(motion) or None)
        return io.NodeOutput(motion, incoming.heard, f"{describe_motion(motion)}\nread by: {who}")


def eyes_for(read_by: ReadBy) -> Eyes:
    """The pack's reader, and what tells whether frames are of its domain: nothing is loaded that is not needed."""
    hosted = None if read_by == PHOTO else built_in_networks.reader()
    if hosted is None or not knows_actions(hosted.network):
        return Eyes(read_by, hosted and hosted.network)
    reader = hosted.ready()
    generator, encoder = built_in_networks.generator(), built_in_networks.encoder()
    if read_by != AUTO or generator is None or encoder is None:
        return Eyes(read_by, reader)
    return Eyes(read_by, reader, FoundAgain(generator.ready(), encoder.ready(), verdicts.parse))


def _inputs() -> list[io.Input]:
    return [
        io.Int.Input("face", default=0, min=0, max=MOST_FACES - 1,
                     tooltip="Which face where several are seen: 0 is the largest in the first frame; faces of like "
                     "size go by rows, from the left. It is followed from there on."),
        io.Float.Input("smoothing", default=1.0, min=0.0, max=MOST_SMOOTHING, step=0.1,
                       tooltip="How much tremble is taken out; blinks stay. 0: nothing."),
        io.Combo.Input("frame", options=list(FRAMES), default=PUBLISHED, optional=True,
                       tooltip="Whose heads will be driven: the camera is counted as their pictures show it."),
        io.Float.Input("fps", default=25.0, min=0.1, max=240.0, step=0.01, optional=True,
                       tooltip="How many of the images make a second. A video says so itself."),
        io.Video.Input("video", optional=True, tooltip="The driving video. Long ones are read piece by piece."),
        io.Image.Input("images", optional=True, tooltip="Or its frames, or a single picture: a face that holds still."),
        io.Combo.Input("read_by", options=list(READ_BY), default=AUTO, optional=True,
                       tooltip="Who reads the driver. photo networks: people in photographs and videos, wherever they "
                       "are. action reader: rendered heads, framed as this pack shows them. auto: the reader where "
                       "it knows facial actions and the first frames are of its kind, else the photo networks."),
    ]  # fmt: skip
