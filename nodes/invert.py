"""InvertImage: from a picture to a face of the generator, which can be edited and turned."""

from functools import cache

import torch
from comfy_api.latest import io
from torch import Tensor

from ..sat3d.errors import ConfigError, FileError, ShapeError
from ..sat3d.inversion import FeatureLoss, InversionOptions, Inverter, Start, expression_channels, load_encoder
from ..sat3d.masks import AttributeMasks
from ..sat3d.networks.reader import load_reader
from . import face_crops as places
from . import host, images, memory
from .head_parser import head_parser
from .inversion_jobs import ONE_PERSON, SEPARATE, TUNE, VIDEO, Work, run
from .inversion_masks import NOTHING, PARTS, counted, share_that_counts, without_parts
from .masks import built_in_for
from .types import EG3D_LATENT, EG3D_MODEL, SAT3D_MASKS

METHODS = ["encoder", "W", "W+", "styles", TUNE]
MAX_SEED = 2**32 - 1
MOST_STEPS = 5000
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
            inputs=[*_inputs(), *_later_inputs()],
            outputs=[
                EG3D_LATENT.Output("latent", display_name="latent", tooltip="The face, or one for each picture."),
                io.Image.Output("preview", display_name="preview", tooltip="The face as found, from the camera found."),
                io.String.Output("info", display_name="info", tooltip="How near it came, the camera, steps and time."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        model: host.HostModel,
        image: Tensor,
        method: str,
        steps: int,
        seed: int,
        ignore: Tensor | None = None,
        place: str = "",
        frames: str = SEPARATE,
        leave_out: str = NOTHING,
        masks: AttributeMasks | None = None,
    ) -> io.NodeOutput:
        check_video(method, frames)
        pictures, report = images.from_host(image), host.Report(cls)
        options = InversionOptions("W+" if method == TUNE else method, steps, seed)
        work = Work(
            pictures,
            counted(ignore, len(pictures)),
            method,
            options,
            cameras_of(place, len(pictures)),
            frames,
            free_channels(model, masks) if frames == ONE_PERSON else None,
        )
        if PARTS[leave_out]:
            side = model.network.config.img_resolution
            work = without_parts(work, host.bring(head_parser()), PARTS[leave_out], side, report)
        network = model.ready(_GRADIENT_FACTOR * memory.render_bytes(model.network.config))
        with host.cancellable(network):
            latent, preview, lines = run(make_tools(model, network), work, report)
        if PARTS[leave_out]:
            lines.append(f"{leave_out} left out: {1 - share_that_counts(work.weight):.1%} of the pictures do not count")
        return io.NodeOutput(latent, host.keep(images.to_host(preview)), "\n".join(lines))


def _inputs() -> list[io.Input]:
    return [
        EG3D_MODEL.Input("model", tooltip="The generator whose face is looked for."),
        io.Image.Input("image", tooltip="The picture, or several. Of an oblong one the square in the middle is used."),
        io.Combo.Input(
            "method",
            options=METHODS,
            default="W+",
            tooltip="encoder: at once, roughly. W: a likely face. W+: nearer. styles: nearer still, as "
            "style channels. tune: W+, then the generator itself is tuned to the picture.",
        ),
        io.Int.Input(
            "steps",
            default=100,
            min=1,
            max=MOST_STEPS,
            tooltip="More come nearer and take longer; it stops early where nothing is gained. tune adds half "
            "as many. The encoder needs none.",
        ),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=MAX_SEED,
            control_after_generate=_KEEP_SEED,
            tooltip="The same seed and picture always give the same face. It hardly matters which.",
        ),
        io.Mask.Input(
            "ignore",
            optional=True,
            tooltip="White where the picture is not to be reproduced, such as a hand, a cap or glasses.",
        ),
        io.String.Input(
            "place",
            default="",
            optional=True,
            tooltip="Connect the output 'place' of Align Face where a head may be tilted: only the points "
            "of the face tell by how much.",
        ),
    ]


def _later_inputs() -> list[io.Input]:
    """Inputs of later versions, at the end: the values in workflow files are counted."""
    return [
        io.Combo.Input(
            "frames",
            options=[SEPARATE, VIDEO, ONE_PERSON],
            default=SEPARATE,
            optional=True,
            tooltip="What several pictures are. separate pictures: each for itself. video: each begins "
            "where the one before ended, takes 0.3 of the steps (but at least 30), and the camera "
            "is smoothed. video, one person: one face, whose expression alone changes.",
        ),
        io.Combo.Input(
            "leave_out",
            options=list(PARTS),
            default=NOTHING,
            optional=True,
            tooltip="Parts that are not to be reproduced, found by the built-in parser. It knows drawn "
            "heads, as of SynthHeads; for photos paint a mask and connect it to ignore. Both "
            "together work too.",
        ),
        SAT3D_MASKS.Input(
            "masks",
            optional=True,
            tooltip="For 'video, one person': attribute masks, which tell what expression is. Nothing "
            "connected: those that come with the pack.",
        ),
    ]


def check_video(method: str, frames: str) -> None:
    """
    Raises:
        ConfigError: a video is to be tuned.
    """
    if frames != SEPARATE and method == TUNE:
        raise ConfigError(
            "A video is not tuned",
            f"method {TUNE}, frames '{frames}'",
            f"encoder, W, W+ or styles for a video; {TUNE} for '{SEPARATE}'",
            f"choose method W+ or styles, or frames '{SEPARATE}'",
        )


def free_channels(model: host.HostModel, masks: AttributeMasks | None) -> Tensor:
    """``[n]`` bool: the channels of expression, by ``masks`` or those of the pack.

    Raises:
        LayoutError: masks of another generator, or none at hand. ShapeError: masks without expression.
    """
    masks = built_in_for(model) if masks is None else masks
    masks.check_layout(model.network.layout)
    host.warn(masks.warning_for(model.loaded.fingerprint))
    return expression_channels(masks)


def cameras_of(place: str, count: int) -> tuple[Start | None, ...]:
    """A camera for each picture, where the text of Align Face knows one.

    Raises:
        ShapeError: no such text, or neither one place nor as many as pictures.
    """
    if not place.strip():
        return (None,) * count
    found = places.from_text(place)
    if len(found) not in (1, count):
        raise ShapeError(
            "Places and pictures do not pair",
            f"{len(found)} places",
            f"one, or {count}",
            "connect crop and place of the same Align Face",
        )
    return tuple(found[i if len(found) > 1 else 0].start for i in range(count))


def make_tools(model: host.HostModel, network) -> Inverter:
    """The generator with what helps: the built-in encoder if it is of this generator, the reader's eyes."""
    encoder = _encoder()
    if encoder is not None and not fits(encoder, network):
        encoder = None
    reader = _reader()
    return Inverter(
        network, model.loaded.fingerprint, encoder and host.bring(encoder), reader and FeatureLoss(host.bring(reader))
    )


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
