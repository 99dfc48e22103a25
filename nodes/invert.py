"""InvertImage: from a picture to a face of the generator, which can be edited and turned."""

import time
from dataclasses import dataclass, replace
from functools import cache

import torch
from comfy_api.latest import io
from torch import Tensor

from ..sat3d.errors import FileError, ShapeError
from ..sat3d.inversion import (
    FeatureLoss,
    Inversion,
    InversionOptions,
    Inverter,
    Start,
    TuneOptions,
    invert,
    load_encoder,
    tune,
    tuned_network,
)
from ..sat3d.inversion.guess import ask_encoder
from ..sat3d.inversion.scores import psnr
from ..sat3d.inversion.target import make_target
from ..sat3d.latent import Latent
from ..sat3d.reader import load_reader
from . import host, images, memory, places
from .types import EG3D_LATENT, EG3D_MODEL

TUNE = "tune"
METHODS = ["encoder", "W", "W+", "styles", TUNE]
MAX_SEED = 2**32 - 1
MOST_STEPS = 5000
_TUNING_SHARE = 0.5  # steps of tuning for each step before
_GRADIENT_FACTOR = 3  # memory of a step, in renderings
# Older hosts know no default for the widget that changes the seed after a run.
_KEEP_SEED = getattr(getattr(io, "ControlAfterGenerate", None), "fixed", True)


class InvertImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="InvertImage",
            display_name="Invert Image",
            category="SAT3D/face",
            description="Finds the face of the generator that looks like a picture, and the camera it was taken with; "
                        "then it can be edited and turned. The picture must be cropped as the generator's own are.",
            inputs=_inputs(),
            outputs=[
                EG3D_LATENT.Output("latent", display_name="latent", tooltip="The face, or one for each picture."),
                io.Image.Output("preview", display_name="preview", tooltip="The face as found, from the camera found."),
                io.String.Output("info", display_name="info", tooltip="How near it came, the camera, steps and time."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, model: host.HostModel, image: Tensor, method: str, steps: int, seed: int,
                ignore: Tensor | None = None, place: str = "") -> io.NodeOutput:
        pictures = images.from_host(image)
        cameras = cameras_of(place, len(pictures))
        work = Work(pictures, counted(ignore, len(pictures)), method, steps, seed, cameras)
        network = model.ready(_GRADIENT_FACTOR * memory.render_bytes(model.network.config))
        report = host.Report(cls)
        with host.cancellable(network):
            latent, preview, lines = run(make_tools(model, network), work, report)
        return io.NodeOutput(latent, host.keep(images.to_host(preview)), "\n".join(lines))


def _inputs() -> list[io.Input]:
    return [
        EG3D_MODEL.Input("model", tooltip="The generator whose face is looked for."),
        io.Image.Input("image", tooltip="The picture, or several. Of an oblong one the square in the middle is used."),
        io.Combo.Input("method", options=METHODS, default="W+",
                       tooltip="encoder: at once, roughly. W: a likely face. W+: nearer. styles: nearer still, as "
                               "style channels. tune: W+, then the generator itself is tuned to the picture."),
        io.Int.Input("steps", default=100, min=1, max=MOST_STEPS,
                     tooltip="More come nearer and take longer; it stops early where nothing is gained. tune adds half "
                             "as many. The encoder needs none."),
        io.Int.Input("seed", default=0, min=0, max=MAX_SEED, control_after_generate=_KEEP_SEED,
                     tooltip="The same seed and picture always give the same face. It hardly matters which."),
        io.Mask.Input("ignore", optional=True,
                      tooltip="White where the picture is not to be reproduced, such as a hand, a cap or glasses."),
        io.String.Input("place", default="", optional=True,
                        tooltip="Connect the output 'place' of Align Face where a head may be tilted: only the points "
                                "of the face tell by how much."),
    ]


@dataclass(frozen=True)
class Work:
    """``pictures [B, 3, H, W]`` in -1..1; ``weight [B, 1, h, w]``: 1 where a picture counts, or None."""

    pictures: Tensor
    weight: Tensor | None
    method: str
    steps: int
    seed: int
    cameras: tuple[Start | None, ...]  # of each picture, as the points of the face tell

    @property
    def tuning_steps(self) -> int:
        return max(1, round(self.steps * _TUNING_SHARE)) if self.method == TUNE else 0

    @property
    def options(self) -> InversionOptions:
        return InversionOptions("W+" if self.method == TUNE else self.method, self.steps, self.seed)


def run(tools: Inverter, work: Work, report: host.Report) -> tuple[Latent, Tensor, list[str]]:
    """The faces, their pictures ``[B, 3, H, H]`` and lines for people."""
    started = time.perf_counter()
    found = _invert_all(tools, work, report)
    with torch.inference_mode(False):  # so that the face can be a starting point of an optimisation
        latent = joined([each.latent for each in found])
    preview = torch.cat([each.picture for each in found])
    if work.tuning_steps:
        latent, preview = _tuned(tools, work, latent, report)
    lines = [_line(tools, work, i, each, preview[i : i + 1]) for i, each in enumerate(found)]
    return latent, preview, [*lines, f"{time.perf_counter() - started:.1f} s"]


def _invert_all(tools: Inverter, work: Work, report: host.Report) -> list[Inversion]:
    total = len(work.pictures) * work.steps + work.tuning_steps
    found = []
    for i, picture in enumerate(work.pictures.split(1)):
        def watch(done: int, _: int, shown: Tensor | None = None, before: int = i * work.steps) -> None:
            report(before + done, total, shown)

        weight = None if work.weight is None else work.weight[i : i + 1]
        found.append(invert(tools, picture, work.options, weight, begin(tools, picture, work.cameras[i]), watch))
    return found


def begin(tools: Inverter, picture: Tensor, camera: Start | None) -> Start | None:
    """What an inversion begins with. The encoder sees turns better than five points do, but no tilt."""
    if camera is None or not tools.network.is_3d:
        return None
    if tools.encoder is None:
        return camera
    with torch.inference_mode(False):
        target = make_target(picture.to(tools.network.device), tools.network.config.img_resolution)
        return ask_encoder(tools, target, camera.roll_rad)


def _tuned(tools: Inverter, work: Work, latent: Latent, report: host.Report) -> tuple[Latent, Tensor]:
    before = len(work.pictures) * work.steps
    latent = tune(tools, latent, work.pictures, TuneOptions(work.tuning_steps, work.seed), work.weight,
                  lambda done, total, shown=None: report(before + done, before + total, shown))
    with torch.inference_mode(False), torch.no_grad():
        styles, camera = (part.to(tools.network.device) for part in (latent.styles, latent.camera))
        return latent, tuned_network(tools.network, latent).synthesize(styles, camera).image


def _line(tools: Inverter, work: Work, i: int, found: Inversion, picture: Tensor) -> str:
    weight = None if work.weight is None else work.weight[i : i + 1]
    target = make_target(work.pictures[i : i + 1].to(picture.device), picture.shape[-1], weight)
    yaw, pitch = (angle * 180 / torch.pi for angle in (found.start.yaw_rad, found.start.pitch_rad))
    view = f", yaw {yaw:.0f}, pitch {pitch:.0f} degrees" if tools.network.is_3d else ""
    begun = "the encoder" if tools.encoder is not None else "the mean face"
    return (f"{work.method} from {begun}: {psnr(picture, target.image, target.weight):.1f} dB{view}, "
            f"{len(found.losses) + work.tuning_steps} steps")


def joined(faces: list[Latent]) -> Latent:
    """Several faces as one batch."""
    return replace(faces[0], styles=torch.cat([face.styles for face in faces]),
                   camera=torch.cat([face.camera for face in faces]))


def counted(ignore: Tensor | None, count: int) -> Tensor | None:
    """MASK ``[1 or B, h, w]`` of what is ignored -> ``[B, 1, h, w]`` of what counts.

    Raises:
        ShapeError: as many masks as pictures are wanted, or one.
    """
    if ignore is None:
        return None
    if ignore.ndim != 3 or len(ignore) not in (1, count):
        raise ShapeError("Masks and pictures do not pair", tuple(ignore.shape), f"one mask, or {count}",
                         "connect a mask for each picture")
    return (1 - ignore.float().clamp(0, 1))[:, None].expand(count, -1, -1, -1)


def cameras_of(place: str, count: int) -> tuple[Start | None, ...]:
    """A camera for each picture, where the text of Align Face knows one.

    Raises:
        ShapeError: no such text, or neither one place nor as many as pictures.
    """
    if not place.strip():
        return (None,) * count
    found = places.from_text(place)
    if len(found) not in (1, count):
        raise ShapeError("Places and pictures do not pair", f"{len(found)} places", f"one, or {count}",
                         "connect crop and place of the same Align Face")
    return tuple(found[i if len(found) > 1 else 0].start for i in range(count))


def make_tools(model: host.HostModel, network) -> Inverter:
    """The generator with what helps: the built-in encoder if it is of this generator, the reader's eyes."""
    encoder = _encoder()
    if encoder is not None and not fits(encoder, network):
        encoder = None
    reader = _reader()
    return Inverter(network, model.loaded.fingerprint, encoder and host.bring(encoder),
                    reader and FeatureLoss(host.bring(reader)))


def fits(encoder, network) -> bool:
    return network.is_3d and encoder.model.network.config.w_dim == network.config.backbone.w_dim


@cache
def _encoder() -> host.ModelPatcher | None:
    return _built_in(load_encoder)


@cache
def _reader() -> host.ModelPatcher | None:
    return _built_in(load_reader)


def _built_in(load) -> host.ModelPatcher | None:
    """A small network of the pack, its memory the host's; without its file the node works all the same."""
    try:
        with torch.inference_mode(False):
            return host.hand_to_host(load())
    except FileError as error:
        host.warn(str(error))
        return None
