"""Let a face follow a driver: a video, frames in a folder, or a motion that was saved; what the nodes do, offline.

    python training/animate.py --driver talk.mp4 --seed 19 --out talk-19.mp4 --save-motion talk.npz
    python training/animate.py --driver talk.npz --face portrait.safetensors --mode relative --out frames --resume
    python training/animate.py --driver talk.npz --face portrait.safetensors --precision 10 --out frames
    python training/animate.py --driver flame.npz --map flame-map.json --view orbit --out orbit.webp

Frames that go into a folder can be stopped at any time: --resume goes on with the first that is missing. Videos need
the Python package av.
"""

import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
from torch import Tensor
from tqdm import tqdm

from training.common.console import script
from sat3d.animation.action_driver import READ_BY, read_driver
from sat3d.animation.coefficients import load_coefficients
from sat3d.animation.driver import Drive, describe_missing
from sat3d.animation.expression_space import LinearExpressionSpace, load_expressions
from sat3d.animation.learning import draw_styles
from sat3d.animation.motion import Motion
from sat3d.animation.motion_files import SUFFIXES as MOTIONS
from sat3d.animation.motion_files import load_motion, save_motion
from sat3d.animation.refining import MOST_STEPS, Refining
from sat3d.animation.retargeting import MODES, MOST_STRENGTH, RESTS, Retargeting, Strengths
from sat3d.animation.smoothing import MOST as MOST_SMOOTHING
from sat3d.animation.streaming import VIEWS, Animation, Clip, Orbit, frames_of, make_clip
from sat3d.errors import ShapeError
from sat3d.files.videos import Sound
from sat3d.files.writing import check_target
from sat3d.generators import LoadedGenerator, RenderOptions, load_generator
from sat3d.inversion.frames import BUILT_IN, PUBLISHED
from sat3d.latent import Latent, load_latent
from sat3d.networks.built_in import GENERATOR
from training.animation.clips import cut_sound, open_film, open_output
from training.animation.directions import LearnDirections, learn_directions, of_the_domain
from training.animation.eyes import eyes_for
from training.common.settings import BuiltIn, Flag, Maybe, Range, Settings, Threads

Strength = Annotated[float, Range(0, MOST_STRENGTH)]
_FACES = 1500  # of which directions are learned where no file of them is given
STOPPED = "stopped; with a folder as --out, --resume goes on with the first frame that is missing"


@dataclass(frozen=True, kw_only=True)
class Animate(Settings):
    driver: Path  # a video, a folder of frames, an animated picture, or a motion (.npz, .json)
    out: Path  # a folder for frames, or an .mp4, .webp or .gif file
    map: Maybe[Path] = None  # of coefficients of another program, which the driver then holds
    generator: BuiltIn = GENERATOR
    face: Maybe[Path] = None  # a latent, as the nodes save it (a face that is drawn)
    seed: Annotated[int, Range(0, 2**32 - 1)] = 19  # of the face that is drawn
    truncation: Annotated[float, Range(-1, 2)] = 1.0
    expressions: Maybe[Path] = None  # directions of expression (learned first)
    mode: Literal[MODES] = "absolute"
    rest: Literal[RESTS] = "calmest"  # what the driver's neutral face is
    mouth: Strength = 1.0
    eyes: Strength = 1.0
    brows: Strength = 1.0
    gaze: Strength = 1.0
    pose: Strength = 1.0
    view: Literal[VIEWS] = "driver"
    orbit_yaw_deg: Annotated[float, Range(-180, 180)] = 25.0
    orbit_pitch_deg: Annotated[float, Range(-80, 80)] = 6.0
    orbit_seconds: Annotated[float, Range(0, 3600)] = 4.0
    read_by: Literal[READ_BY] = "auto"
    """photo networks; action reader: of rendered heads; auto: the reader where it knows actions and the first frames
    are rendered heads, framed as the pack's"""
    reader: Maybe[Path] = None  # the action reader's file (the built-in one)
    driver_face: Annotated[int, Range(0, 63)] = 0  # which face of the video
    smoothing: Annotated[float, Range(0, MOST_SMOOTHING)] = 1.0
    fps: Annotated[Maybe[float], Range(0.1, 240)] = None  # of pictures (25), or another than the video says
    first_frame: Annotated[int, Range(1)] = 1
    frames: Annotated[int, Range(0)] = 0  # how many (0: to the end)
    neural_resolution: Annotated[Maybe[int], Range(8, 512)] = None
    precision: Annotated[int, Range(0, MOST_STEPS)] = 0  # gradient steps by which expression is refined (10 to 20)
    exact: Flag = False  # compute every sample, and no two faces as one
    save_motion: Maybe[Path] = None  # write the driver's motion, .npz or .json
    resume: Flag = False  # go on with the first frame that is not in the folder
    threads: Threads = None


@script(Animate, stopped=STOPPED)
def main(settings: Animate) -> int:
    """Exit codes: 0 done; 2 wrong arguments or files, said in words on stderr; 130 stopped by the user."""
    if settings.threads:
        torch.set_num_threads(settings.threads)
    if settings.save_motion:
        check_target(settings.save_motion)
    loaded = load_generator(settings.generator)
    motion, sound = open_driver(settings, loaded)
    if settings.save_motion:
        save_motion(motion, settings.save_motion)
    print("\n".join(filter(None, [f"{len(motion)} frames, {motion.seconds:.2f} s", describe_missing(motion)])))
    clip = make(settings, loaded, motion)
    first, last = part_of(settings, motion)
    started, made = time.perf_counter(), 0
    with open_output(settings.out, last - first, motion.fps, cut_sound(sound, first / motion.fps),
                     settings.resume) as output:  # fmt: skip
        begin = min(first + output.done, last)
        frames = frames_of(loaded.network, clip, begin, last)
        for number, view in enumerate(tqdm(frames, "frames", last - begin, disable=None), output.done):
            output.add(number, view.image)
            made += 1
    print(f"{made} frames, {made / max(time.perf_counter() - started, 1e-6):.2f} a second: {settings.out}")
    return 0


def open_driver(settings: Animate, loaded: LoadedGenerator) -> tuple[Motion, Sound | None]:
    """The motion, and the sound of a video."""
    path = settings.driver
    if settings.map is not None:
        return load_coefficients(path, settings.map), None
    if path.suffix.lower() in MOTIONS:
        return load_motion(path), None
    frame = BUILT_IN if of_the_domain(loaded.network) else PUBLISHED
    film = open_film(path, settings.fps)
    with tqdm(desc="driver", total=film.frames or None, unit="frame", disable=None) as bar:

        def watch(done: int, image: Tensor) -> None:
            bar.update(done - bar.n)

        drive = Drive(settings.driver_face, frame, settings.smoothing)
        motion, who = read_driver(film.pieces, film.fps, drive, eyes_for(settings.read_by, settings.reader), watch)
    print(f"the driver was read by the {who}")
    return motion, film.sound


def make(settings: Animate, loaded: LoadedGenerator, motion: Motion) -> Clip:
    strengths = Strengths(settings.mouth, settings.eyes, settings.brows, settings.gaze, settings.pose)
    orbit = Orbit(math.radians(settings.orbit_yaw_deg), math.radians(settings.orbit_pitch_deg), settings.orbit_seconds)
    options = Animation(
        Retargeting(settings.mode, settings.rest, strengths),
        settings.view,
        orbit,
        RenderOptions(settings.neural_resolution, fast=not settings.exact),
        not settings.exact,
        Refining(settings.precision),
    )
    return make_clip(loaded.network, face_of(settings, loaded), motion, directions_of(settings, loaded), options)


def face_of(settings: Animate, loaded: LoadedGenerator) -> Latent:
    network = loaded.network
    if settings.face is not None:
        return load_latent(settings.face, network.layout)
    with torch.no_grad():
        styles = draw_styles(network, settings.seed, settings.truncation).cpu()
    name = f"seed {settings.seed}"
    return Latent(styles, network.rig.label(), loaded.fingerprint, network.layout.fingerprint, name=name)


def directions_of(settings: Animate, loaded: LoadedGenerator) -> LinearExpressionSpace:
    if settings.expressions is not None:
        return load_expressions(settings.expressions)
    return learn_directions(LearnDirections(generator=settings.generator, faces=_FACES), loaded)


def part_of(settings: Animate, motion: Motion) -> tuple[int, int]:
    """Which frames are made; the motion is taken over as a whole, so that parts fit together.

    Raises:
        ShapeError: it begins behind the end.
    """
    first = settings.first_frame - 1
    if first >= len(motion):
        raise ShapeError("The motion ends before the first frame that is wanted", settings.first_frame,
                         f"1 to {len(motion)}", "choose an earlier --first-frame")  # fmt: skip
    return first, min(first + settings.frames, len(motion)) if settings.frames else len(motion)


if __name__ == "__main__":
    sys.exit(main())
