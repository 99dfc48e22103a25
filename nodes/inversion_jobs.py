"""Inversions for InvertImage, of pictures one by one or of a video's frames, and their report."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..sat3d.domains import shows_people
from ..sat3d.errors import ShapeError
from ..sat3d.generators import ViewGenerator
from ..sat3d.inversion import (
    InversionOptions,
    InvertedFrames,
    Inverter,
    Start,
    TuneOptions,
    VideoOptions,
    find_avatar,
    invert,
    invert_frames,
    tune,
    tuned_network,
)
from ..sat3d.inversion.initialisation import ask_encoder
from ..sat3d.inversion.optimise import start_from_label
from ..sat3d.inversion.scores import FAR_DB, nearness, psnr
from ..sat3d.inversion.target import make_target
from ..sat3d.latent import Latent
from . import host, images, verdicts

ENCODER, TUNE, AVATAR = "encoder", "tune", "avatar"
SEPARATE, VIDEO, ONE_PERSON = "separate pictures", "video", "video, one person"
_TUNING_SHARE = 0.5  # steps of tuning for each step before
# Of each later frame of a video: a share of the steps of the first, but not few: a descent begins with wide steps, and
# a short one ends less alike than it began.
_NEXT_SHARE, _NEXT_LEAST = 0.3, 30
_SETTLE_STEPS = 10
_AS_WANTED = "an avatar: a drawn head with what one knows this one by, a character of its own"


@dataclass(frozen=True)
class Work:
    """``pictures [B, 3, H, W]`` in -1..1; ``weight [B, 1, h, w]``: 1 where a picture counts, or None; ``cameras``: of
    each picture, as the points of the face tell. ``frames``: one of SEPARATE, VIDEO, ONE_PERSON; ``free [n]`` bool:
    editable channels in which the frames of one person differ; ``tuning_weight``: as ``weight``, of what tuning may
    learn (None: all that counts)."""

    pictures: Tensor
    weight: Tensor | None
    method: str
    options: InversionOptions
    cameras: tuple[Start | None, ...]
    frames: str = SEPARATE
    free: Tensor | None = None
    tuning_weight: Tensor | None = None

    @property
    def tuning_steps(self) -> int:
        return max(1, round(self.options.steps * _TUNING_SHARE)) if self.method == TUNE else 0

    @property
    def video(self) -> VideoOptions:
        steps = self.options.steps
        return VideoOptions(self.options, min(steps, max(_NEXT_LEAST, round(steps * _NEXT_SHARE))), _SETTLE_STEPS)

    def weight_of(self, i: int) -> Tensor | None:
        return None if self.weight is None else self.weight[i : i + 1]


def run(tools: Inverter, work: Work, report: host.Report) -> tuple[Latent, Tensor, list[str]]:
    """The faces, their pictures ``[B, 3, H, H]`` and lines for people."""
    started = time.perf_counter()
    latent, preview, lines = (_invert_separately if work.frames == SEPARATE else _invert_video)(tools, work, report)
    return latent, preview, [*lines, f"{time.perf_counter() - started:.1f} s"]


def _invert_separately(tools: Inverter, work: Work, report: host.Report) -> tuple[Latent, Tensor, list[str]]:
    steps = work.options.steps
    total = len(work.pictures) * steps + work.tuning_steps
    found = []
    for i, picture in enumerate(work.pictures.split(1)):

        def watch(done: int, _: int, shown: Tensor | None = None, before: int = i * steps) -> None:
            report(before + done, total, shown)

        with images.naming(i, len(work.pictures)):
            if work.method == AVATAR:
                found.append(find_avatar(tools, picture, work.options, work.weight_of(i), work.cameras[i], watch))
                continue
            start = choose_start(tools, picture, work.cameras[i])
            found.append(invert(tools, picture, work.options, work.weight_of(i), start, watch))
    with torch.inference_mode(False):  # so that the face can be a starting point of an optimisation
        latent = join_faces([each.latent for each in found])
    preview = torch.cat([each.picture for each in found])
    if work.tuning_steps:
        latent, preview = _tune(tools, work, latent, report)
    lines = []
    for i, each in enumerate(found):
        near = _measure_nearness(work, i, preview[i : i + 1])
        view = _describe_view(tools, [each.start.yaw_rad], [each.start.pitch_rad])
        lines.append(
            f"{_describe_method(tools, work)}: {near:.1f} dB, {nearness(near)}{view}, "
            f"{len(each.losses) + work.tuning_steps} steps"
        )
        lines += _describe_verdict(tools, work, i, preview[i : i + 1])
    return latent, preview, lines


def _describe_verdict(tools: Inverter, work: Work, i: int, picture: Tensor) -> list[str]:
    """Whether the face was found again; nothing where there is none, neither in the picture nor in what was found."""
    if not shows_people(tools.network.domain):
        return []
    found = verdicts.examine_inversion(work.pictures[i : i + 1], picture)
    if found.answer is None:
        return []
    drawn = work.method == AVATAR and found.answer is not verdicts.Answer.NO_FACE
    said = f"{_AS_WANTED if drawn else found.answer.value} ({found.numbers})"
    if found.answer is not verdicts.Answer.GOOD and not drawn:
        host.warn(f"{images.name_pictures([i], len(work.pictures))}: {said}")
    return [said]


def choose_start(tools: Inverter, picture: Tensor, camera: Start | None) -> Start | None:
    """What an inversion begins with. An encoder that sees turns does so better than five points do, but
    none sees a tilt."""
    if camera is None or tools.encoder is None:
        return camera
    with torch.inference_mode(False):
        target = make_target(picture.to(tools.network.device), tools.network.config.img_resolution)
        return ask_encoder(tools, target, camera.roll_rad, camera)


def _tune(tools: Inverter, work: Work, latent: Latent, report: host.Report) -> tuple[Latent, Tensor]:
    before = len(work.pictures) * work.options.steps
    options = TuneOptions(work.tuning_steps, work.options.seed)
    latent = tune(
        tools,
        latent,
        work.pictures,
        options,
        work.weight if work.tuning_weight is None else work.tuning_weight,
        lambda done, total, shown=None: report(before + done, before + total, shown),
    )
    with torch.inference_mode(False), torch.no_grad():
        styles, camera = (part.to(tools.network.device) for part in (latent.styles, latent.camera))
        return latent, tuned_network(tools.network, latent).synthesize(styles, camera).image


def _invert_video(tools: Inverter, work: Work, report: host.Report) -> tuple[Latent, Tensor, list[str]]:
    rolls_rad = [0.0 if camera is None else camera.roll_rad for camera in work.cameras]
    found = invert_frames(tools, work.pictures, work.video, work.weight, work.free, rolls_rad, report)
    return found.latent, found.pictures, _describe_video(tools, work, found)


def _describe_video(tools: Inverter, work: Work, found: InvertedFrames) -> list[str]:
    seen = [i for i in range(len(found.pictures)) if i not in found.held]
    near = [_measure_nearness(work, i, found.pictures[i : i + 1]) for i in seen]
    cameras = [start_from_label(camera) for camera in found.latent.camera.split(1)]
    view = _describe_view(tools, [each.yaw_rad for each in cameras], [each.pitch_rad for each in cameras])
    count, worst = len(work.pictures), seen[near.index(min(near))]
    return [
        f"{work.frames}, {count} frame{'s' * (count > 1)}, {_describe_method(tools, work)}: "
        f"{_format_range(near, 1)} dB, {'at worst ' * (count > 1)}{nearness(min(near))}{view}",
        f"held, with nothing to be seen in them: {_list_frames(found.held)}; cuts: {_list_frames(found.cuts)}",
        *_describe_verdict(tools, work, worst, found.pictures[worst : worst + 1]),
    ]


def explain_far(work: Work, preview: Tensor) -> str | None:
    """What is said where a face came out unlike its picture; frames in which nothing is seen are not asked."""
    if work.method == AVATAR:  # which is not meant to have the picture's pixels
        return None
    far = {}
    for i in range(len(work.pictures)):
        with suppress(ShapeError):
            near = _measure_nearness(work, i, preview[i : i + 1])
            far |= {i: near} if near < FAR_DB else {}
    if not far:
        return None
    return (
        f"the face found is far from the picture ({images.name_pictures(list(far), len(work.pictures))}): "
        f"{min(far.values()):.1f} dB, fair is from {FAR_DB:g} on. Is the picture cropped by Align Face, with the frame "
        "of this generator? Does the generator know such pictures? Else take more steps, or method tune"
    )


def _list_frames(numbers: Sequence[int]) -> str:
    return f"{len(numbers)} (numbers {', '.join(map(str, numbers))}, from 0)" if numbers else "none"


def _describe_method(tools: Inverter, work: Work) -> str:
    if work.method in (ENCODER, AVATAR):
        return work.method
    return f"{work.method} from {'the encoder' if tools.encoder is not None else 'the mean face'}"


def _measure_nearness(work: Work, i: int, picture: Tensor) -> float:
    """dB."""
    target = make_target(work.pictures[i : i + 1].to(picture.device), picture.shape[-1], work.weight_of(i))
    return psnr(picture, target.image, target.weight)


def _describe_view(tools: Inverter, yaws_rad: Sequence[float], pitches_rad: Sequence[float]) -> str:
    if not isinstance(tools.network, ViewGenerator):
        return ""
    yaw, pitch = (_format_range([angle * 180 / torch.pi for angle in angles]) for angles in (yaws_rad, pitches_rad))
    return f", yaw {yaw}, pitch {pitch} degrees"


def _format_range(numbers: Sequence[float], digits: int = 0) -> str:
    low, high = (f"{end(numbers):.{digits}f}" for end in (min, max))
    return low if low == high else f"{low} to {high}"


def join_faces(faces: list[Latent]) -> Latent:
    """Several faces as one batch."""
    return replace(
        faces[0], styles=torch.cat([face.styles for face in faces]), camera=torch.cat([face.camera for face in faces])
    )
