"""SAT3DAnimate: a face that follows a motion."""

import math
import time
from dataclasses import replace

import torch
from comfy_api.latest import io

from ..sat3d.animation.motion import Motion
from ..sat3d.animation.refining import MOST_STEPS, Refining
from ..sat3d.animation.retargeting import MODES, MOST_STRENGTH, RESTS, Mode, Rest, Retargeting, Strengths
from ..sat3d.animation.streaming import VIEWS, Animation, Orbit, View, frames_of, make_clip
from ..sat3d.errors import ShapeError
from ..sat3d.latent import Latent
from . import expressions, host, memory, newer_hosts, people, videos, widgets
from .motions import describe_motion
from .regions import MAY_CHANGE, STAYS, find_expression, outside
from .types import EG3D_LATENT, EG3D_MODEL, SAT3D_MOTION

_GROUPS = {
    "mouth": "the mouth, jaw and cheeks",
    "eyes": "the lids",
    "brows": "the brows",
    "gaze": "where the eyes look",
    "pose": "how the head turns",
}


class SAT3DAnimate(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DAnimate",
            display_name="Animate Face",
            category="SAT3D/animation",
            description="Lets a face follow the motion of another, in 3D: expression, gaze and pose, from the driver's "
            "side or from any other.",
            **newer_hosts.found_by("live portrait", "animate", "talking head", "reenactment", "face video", "lip sync",
                                   "avatar", "expression", essential=True),
            inputs=[*_inputs(), *_later_inputs()],
            outputs=[
                io.Image.Output("images", display_name="images",
                                tooltip="The frames; of a long clip those that memory should hold."),
                io.Video.Output("video", display_name="video", tooltip="All frames as a video, for Save Video."),
                SAT3D_MOTION.Output("moved", display_name="motion", tooltip="The motion as this face has made it."),
                io.String.Output("info", display_name="info", tooltip="Frames, time, and what moved."),
            ],
            hidden=[io.Hidden.unique_id],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        model: host.HostModel,
        latent: Latent,
        motion: Motion,
        mode: Mode,
        rest: Rest,
        view: View,
        audio: videos.Heard | None = None,
        rendering: str = widgets.FAST,
        **more,
    ) -> io.NodeOutput:
        people.check(model.network, "Animating a face", "choose a generator of heads in Load EG3D Model")
        model.check(latent)
        strengths = Strengths(**{name: more.get(name, 1.0) for name in _GROUPS})
        part = cut_out(motion, more.get("first_frame", 1), more.get("frames", 0))
        refining = Refining(more.get("precision", 0))
        renderings = memory.GRADIENT_FACTOR if refining.steps else 1
        network, report = model.ready(renderings * memory.render_bytes(model.network.config)), host.Report(cls)
        quick = rendering == widgets.FAST
        options = Animation(
            Retargeting(mode, rest, strengths),
            view,
            Orbit(math.radians(more.get("orbit_yaw_deg", 25.0)), math.radians(more.get("orbit_pitch_deg", 6.0)),
                  more.get("orbit_seconds", 4.0)),
            model.render_options(more.get("neural_resolution", 0) or None, quick),
            quick,
            refining,
        )  # fmt: skip
        with host.cancellable(network), torch.no_grad():
            space = expressions.space_for(model, network, report)
            confined = find_expression(model) if more.get("outside", MAY_CHANGE) == STAYS else None
            clip = make_clip(network, on_the_cpu(latent), motion, space, options, confined)
            started = time.perf_counter()
            with videos.Outgoing(part[1] - part[0], motion.fps, heard_from(audio, part[0] / motion.fps)) as made:
                for done, seen in enumerate(frames_of(network, clip, *part)):
                    made.add(seen.image)
                    report(done + 1, made.frames, seen.image)
        host.warn(made.describe())
        moved = clip.made.part(*part)
        pace = made.frames / max(time.perf_counter() - started, 1e-6)
        info = f"{describe_motion(moved)}\n{pace:.2f} frames a second"
        return io.NodeOutput(made.pictures, made.video(), moved, info)


def on_the_cpu(latent: Latent) -> Latent:
    """One face, whose few numbers are combined there, made so that they can be a starting point of an optimisation."""
    return replace(latent, styles=latent.styles.cpu(), camera=latent.camera.cpu())


def cut_out(motion: Motion, first_frame: int, frames: int) -> tuple[int, int]:
    """The part that is to be made, first and last; the motion is taken over as a whole, so that parts fit together.

    Raises:
        ShapeError: it begins behind the end.
    """
    first = first_frame - 1
    if first >= len(motion):
        raise ShapeError("The motion ends before the first frame that is wanted", f"frame {first_frame}",
                         f"1 to {len(motion)}", "choose an earlier first_frame")  # fmt: skip
    return first, len(motion) if not frames else min(first + frames, len(motion))


def heard_from(audio: videos.Heard | None, seconds: float) -> videos.Heard | None:
    """The sound from there on."""
    sound = videos.to_sound(audio)
    if sound is None:
        return None
    rest = sound.waveform[..., round(seconds * sound.sample_rate) :]
    return {"waveform": rest, "sample_rate": sound.sample_rate} if rest.numel() else None


def _inputs() -> list[io.Input]:
    strengths = [
        io.Float.Input(name, default=1.0, min=0.0, max=MOST_STRENGTH, step=0.05, display_mode=widgets.SLIDER,
                       tooltip=f"How much of {what} is taken over: 0 keeps the face's own, 1 the driver's, more "
                       "exaggerates.")
        for name, what in _GROUPS.items()
    ]  # fmt: skip
    return [
        EG3D_MODEL.Input("model", tooltip="The generator that made the face."),
        EG3D_LATENT.Input("latent", tooltip="The face: one, edited or not."),
        SAT3D_MOTION.Input("motion", tooltip="What it shall do, from Drive or Load Motion."),
        io.Combo.Input("mode", options=list(MODES), default=MODES[0],
                       tooltip="absolute: the driver's expression and pose. relative: what the driver does beyond its "
                       "rest is added to the face's own."),
        io.Combo.Input("rest", options=list(RESTS), default=RESTS[0],
                       tooltip="What the driver's neutral face is: the calmest tenth of its frames, the first frame, "
                       "or none, an ideal one."),
        *strengths,
        io.Combo.Input("view", options=list(VIEWS), default=VIEWS[0],
                       tooltip="driver: from the driver's side, so that the head turns. orbit: a path of its own. "
                       "driver and orbit: both together. still: as the face itself is seen."),
    ]  # fmt: skip


def _later_inputs() -> list[io.Input]:
    return [
        io.Float.Input("orbit_yaw_deg", default=25.0, min=-180.0, max=180.0, step=1.0,
                       tooltip="How far an orbit goes to the side, degrees."),
        io.Float.Input("orbit_pitch_deg", default=6.0, min=-80.0, max=80.0, step=1.0,
                       tooltip="How far an orbit goes down, degrees; negative is up."),
        io.Float.Input("orbit_seconds", default=4.0, min=0.0, max=3600.0, step=0.5,
                       tooltip="How long one round takes; 0 holds the camera at yaw and pitch."),
        io.Int.Input("first_frame", default=1, min=1, max=1_000_000,
                     tooltip="From which frame on, to go on where a run was stopped."),
        io.Int.Input("frames", default=0, min=0, max=1_000_000, tooltip="How many frames; 0: to the end."),
        io.Int.Input("neural_resolution", default=64, min=0, max=512, step=8,
                     tooltip="Side of the volume-rendered picture before super-resolution. 0: the model's own; less is "
                     "faster. The size of the frames does not change."),
        newer_hosts.AUDIO.Input("audio", optional=True, tooltip="Sound for the video, such as that of Drive."),
        widgets.rendering(widgets.FAST),
        outside("What happens outside of the face. may change: what goes along with an expression, such as a shadow on "
                "the neck. stays: hair, ears, clothes and backdrop are those of the face at rest, to the pixel, from "
                "every side; a frame takes two to three times as long."),
        io.Int.Input("precision", default=0, min=0, max=MOST_STEPS, optional=True,
                     tooltip="Steps by which each frame's expression is made to look as the driver's to the face "
                     "networks, also where the directions of expression are rough. 0: none. 10 to 20 is enough; each "
                     "step takes about as long as a frame from scratch, three times over."),
    ]  # fmt: skip
