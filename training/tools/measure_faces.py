"""Measure how well faces are found and how well their pose is read, on rendered heads with known cameras.

    python -m training.tools.measure_faces --seed 1 --count 40

Prints the tables of docs/faces.md: pose, heads in profile, small heads, heads turned in the picture, seconds.
"""

import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from PIL import Image

from training.common.console import script
from sat3d.camera import split_label
from sat3d.errors import ShapeError
from sat3d.faces.finding import Face, find_faces
from sat3d.inversion.align import photo_from
from sat3d.inversion.cameras import angles_of
from sat3d.inversion.frames import BUILT_IN
from sat3d.inversion.pose import camera_of_face
from training.common.settings import Range, Seed, Settings
from training.synth.cameras import Pose
from training.synthheads.populations import POPULATIONS
from training.synthheads.views import render_head

SIDE_PX = 384
WIDE_DEG = 45.0
YAWS_DEG = tuple(range(0, 91, 15))
SHARES = (0.008, 0.010, 0.012, 0.015, 0.02, 0.03, 0.05)
TURNS_DEG = tuple(range(0, 360, 30))
_WALL_PX = (1600, 1200)
_NEAR = 0.1  # of the picture's side: how far the middle of the eyes may be from where it was put


@dataclass(frozen=True)
class Angles:
    """Degrees. ``pitch``: how far the camera stands below the head's horizon."""

    yaw: float
    pitch: float
    roll: float

    def minus(self, other: "Angles") -> tuple[float, float, float]:
        return self.yaw - other.yaw, self.pitch - other.pitch, self.roll - other.roll


@dataclass(frozen=True, kw_only=True)
class MeasureFaces(Settings):
    count: Annotated[int, Range(1)] = 40  # heads for the pose; half as many for each other table
    seed: Seed = 1
    population: Literal["independent", "photographs"] = "independent"
    threads: Annotated[int, Range(1)] = 2  # of torch


@script(MeasureFaces)
def main(settings: MeasureFaces) -> int:
    torch.set_num_threads(settings.threads)
    draw, few = POPULATIONS[settings.population].draw, max(1, settings.count // 2)
    heads = [draw(settings.seed, i) for i in range(settings.count)]
    for lines in (pose_table(heads, settings.seed), profile_table(heads[:few])):
        print("\n".join(lines), flush=True)
    fronts = [picture_of(head, 0.0, 0.0)[0] for head in heads[:few]]
    for lines in (size_table(fronts), turn_table(fronts), seconds_table(fronts[0])):
        print("\n".join(lines), flush=True)
    return 0


def picture_of(head, yaw_deg: float, pitch_deg: float) -> tuple[Image.Image, Angles]:
    """A rendering and where its camera is."""
    view = render_head(head, [Pose(math.radians(yaw_deg), _as_rig_pitch(pitch_deg))], SIDE_PX)[0]
    return Image.fromarray(view.image), true_angles(split_label(view.label_25)[0][0])


def _as_rig_pitch(pitch_deg: float) -> float:
    """The rig counts equal areas of the sphere; see :func:`sat3d.camera.look_at_pose`."""
    return math.sin(math.radians(pitch_deg)) * math.pi / 2


def true_angles(pose: torch.Tensor) -> Angles:
    yaw, pitch, roll = angles_of(pose)
    return Angles(math.degrees(yaw), math.degrees(math.asin(pitch * 2 / math.pi)), math.degrees(roll))


def read_pose(face: Face) -> Angles | None:
    try:
        label = camera_of_face(face.points, SIDE_PX, BUILT_IN).label
    except ShapeError:
        return None
    return true_angles(split_label(label)[0][0])


def pose_table(heads: Sequence, seed: int) -> Iterator[str]:
    """Errors of yaw, pitch and roll, each drawn within ±45 degrees; the picture is turned for the roll."""
    stream, errors, missed = np.random.default_rng(seed), [], 0
    for head in heads:
        yaw, pitch, roll = stream.uniform(-WIDE_DEG, WIDE_DEG, 3)
        picture, truth = picture_of(head, yaw, pitch)
        picture = picture.rotate(roll, Image.Resampling.BICUBIC, fillcolor=picture.getpixel((2, 2)))
        pose = next((read_pose(face) for face in find_faces(photo_from(picture))[:1]), None)
        if pose is None:
            missed += 1
        else:
            errors.append(pose.minus(Angles(truth.yaw, truth.pitch, truth.roll + roll)))
    signed = np.array(errors)
    yield f"pose of {len(heads)} heads within ±{WIDE_DEG:.0f}° in yaw, pitch and roll; {missed} not found"
    yield "| | yaw | pitch | roll |"
    for name, row in (("median error", np.median(np.abs(signed), 0)), ("offset (median)", np.median(signed, 0)),
                      ("90 % are below", np.percentile(np.abs(signed), 90, 0))):  # fmt: skip
        yield f"| {name} | " + " | ".join(f"{value:.1f}°" for value in row) + " |"


def profile_table(heads: Sequence) -> Iterator[str]:
    yield f"heads in profile, {len(heads)} each: share found, and median error of the yaw of those"
    for yaw in YAWS_DEG:
        errors = []
        for number, head in enumerate(heads):
            picture, truth = picture_of(head, yaw if number % 2 else -yaw, 0.0)
            faces = find_faces(photo_from(picture))
            pose = read_pose(faces[0]) if faces else None
            errors += [abs(pose.yaw - truth.yaw)] if pose else []
        yield f"| {yaw}° | {len(errors) / len(heads):.0%} | {np.median(errors) if errors else math.nan:.1f}° |"


def size_table(fronts: Sequence[Image.Image]) -> Iterator[str]:
    yield f"small heads in a picture of {_WALL_PX[0]} x {_WALL_PX[1]} pixels, {len(fronts)} each: share found"
    for share in SHARES:
        found = sum(_found_on_wall(front, share) for front in fronts)
        yield f"| {share:.1%} | {found / len(fronts):.0%} |"


def _found_on_wall(front: Image.Image, share: float) -> bool:
    faces = find_faces(photo_from(front))
    if not faces:
        return False
    scale = share * _WALL_PX[0] / faces[0].eyes_apart_px
    small = front.resize([round(side * scale) for side in front.size], Image.Resampling.LANCZOS)
    wall = Image.new("RGB", _WALL_PX, front.getpixel((2, 2)))
    corner = (700, 500)
    wall.paste(small, corner)
    middle = faces[0].five_points[:2].mean(0) * scale + torch.tensor(corner)
    return any((face.five_points[:2].mean(0) - middle).norm() < _NEAR * small.width for face in
               find_faces(photo_from(wall)))  # fmt: skip


def turn_table(fronts: Sequence[Image.Image]) -> Iterator[str]:
    yield f"heads turned in the picture, {len(fronts)} each: share found with the eyes where they are"
    for turn in TURNS_DEG:
        found = sum(_found_turned(front, turn) for front in fronts)
        yield f"| {turn}° | {found / len(fronts):.0%} |"


def _found_turned(front: Image.Image, turn: float) -> bool:
    straight = find_faces(photo_from(front))
    turned = find_faces(photo_from(front.rotate(turn, Image.Resampling.BICUBIC, fillcolor=front.getpixel((2, 2)))))
    if not straight or not turned:
        return False
    angle = math.radians(turn)
    cos, sin = math.cos(angle), math.sin(angle)
    wanted = (straight[0].five_points[:2] - SIDE_PX / 2) @ torch.tensor([[cos, -sin], [sin, cos]]) + SIDE_PX / 2
    return bool((turned[0].five_points[:2] - wanted).norm(dim=1).max() < _NEAR * SIDE_PX / 2)


def seconds_table(front: Image.Image) -> Iterator[str]:
    yield f"seconds per picture, the best of five, {torch.get_num_threads()} threads"
    row = Image.new("RGB", (SIDE_PX * 4, SIDE_PX * 2))
    for place in range(8):
        row.paste(front, (SIDE_PX * (place % 4), SIDE_PX * (place // 4)))
    for name, picture in (("one head", front), ("one head, 3072 pixels", front.resize((3072, 3072))), ("8 heads", row)):
        photo, times = photo_from(picture), []
        for _ in range(5):
            started = time.perf_counter()
            count = len(find_faces(photo))
            times.append(time.perf_counter() - started)
        yield f"| {name} | {count} found | {min(times):.2f} s |"


if __name__ == "__main__":
    sys.exit(main())
