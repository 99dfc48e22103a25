"""InvertImage: from a picture to a face of the generator, which can be edited and turned."""

from comfy_api.latest import io
from torch import Tensor

from ..sat3d.errors import ConfigError, ShapeError
from ..sat3d.generators import StyleGenerator
from ..sat3d.inversion import FeatureLoss, InversionOptions, Inverter, Start, expression_channels
from ..sat3d.inversion.avatar import check_drawn_heads, makes_drawn_heads
from ..sat3d.inversion.encoder import fits_encoder
from ..sat3d.latent import Latent
from ..sat3d.masks import AttributeMasks
from . import built_in_networks, face_crops, host, images, inversion_cache, memory, newer_hosts, people, widgets
from .encoders import LIBRARY as encoder_library
from .encoders import HostEncoder
from .inversion_jobs import AVATAR, ENCODER, ONE_PERSON, SEPARATE, TUNE, VIDEO, Work, explain_far, run
from .inversion_masks import (
    NOTHING,
    PARTS,
    PROTECTED,
    check_targets,
    leave_out_parts,
    measure_share,
    protect_parts,
    weights_from_mask,
)
from .masks import choose_masks
from .types import EG3D_LATENT, EG3D_MODEL, SAT3D_ENCODER, SAT3D_MASKS

METHODS = [ENCODER, "W", "W+", "styles", TUNE, AVATAR]
MOST_STEPS = 5000
_DESCENTS = {TUNE: "W+", AVATAR: "W"}  # where they vary what another method does


class InvertImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="InvertImage",
            display_name="Invert Photo to Face",
            category="SAT3D/face",
            description="Finds the face of the generator that looks like a picture, and the camera it was taken with; "
            "then it can be edited and turned. The picture must be cropped as the generator's own are.",
            **newer_hosts.found_by(
                "invert image",
                "gan inversion",
                "photo to face",
                "projector",
                "pti",
                "portrait",
                "3d head",
                "3d face",
                "stylegan",
            ),
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
        encoder: HostEncoder | None = None,
        protect: str = NOTHING,
    ) -> io.NodeOutput:
        check_video(method, frames)
        check_person(model.network, leave_out, protect, frames)
        if encoder is not None:
            encoder.hosted.network.check(model.network)
        pictures, report = images.from_host(image), host.Report(cls)
        options = InversionOptions(_DESCENTS.get(method, method), steps, seed)
        count = len(pictures)
        work = Work(
            pictures,
            weights_from_mask(ignore, pictures),
            method,
            options,
            read_cameras(place, count),
            frames,
            choose_free_channels(model, masks) if frames == ONE_PERSON else None,
        )
        check_targets(work)
        side = model.network.config.img_resolution
        if PARTS[leave_out]:
            work = leave_out_parts(work, built_in_networks.head_parser().ready(), PARTS[leave_out], side, report)
        if PROTECTED[protect] and method == TUNE:
            work = protect_parts(work, PROTECTED[protect], side)
        if method == AVATAR:
            check_drawn_heads(model.network)
        network = model.ready(memory.GRADIENT_FACTOR * memory.render_bytes(model.network.config))
        tools = make_tools(model, network, encoder)
        with host.cancellable(network):
            latent, preview, lines = run_once(tools, work, report, encoder)
        host.warn(explain_far(work, preview))
        if PARTS[leave_out] and work.weight is not None:
            lines.append(f"{leave_out} left out: {1 - measure_share(work.weight):.1%} of the pictures do not count")
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
            "style channels. tune: W+, then the generator itself is tuned to the picture. avatar: for photos "
            "and other drawings: a drawn head with the same hair, beard, glasses, colours, expression and pose; 20 "
            "steps do.",
        ),
        io.Int.Input(
            "steps",
            default=100,
            min=1,
            max=MOST_STEPS,
            tooltip="More come nearer and take longer; it stops early where nothing is gained. tune adds half "
            "as many. The encoder needs none.",
        ),
        widgets.seed("The same seed and picture always give the same face. It hardly matters which."),
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
        SAT3D_ENCODER.Input(
            "encoder",
            optional=True,
            tooltip="An encoder of another project for this generator, from Load Encoder: every method "
            "begins with what it says. Nothing connected: the built-in one, where it fits.",
        ),
        io.Combo.Input(
            "protect",
            options=list(PROTECTED),
            default=NOTHING,
            optional=True,
            tooltip="For a face that is to be animated, with method tune: what lies between the lips, or also between "
            "the lids, is not learned from the picture, so that the mouth and the eyes stay what the generator makes "
            "of them at every expression. Found by the points of the face.",
        ),
    ]


def check_video(method: str, frames: str) -> None:
    """
    Raises:
        ConfigError: a video is to be tuned, or made into avatars.
    """
    if frames != SEPARATE and method in (TUNE, AVATAR):
        does = "tuned" if method == TUNE else "made into avatars"
        drive = "" if method == TUNE else "; or make an avatar of one frame and let Animate Face drive it by the video"
        raise ConfigError(
            f"A video is not {does}",
            f"method {method}, frames '{frames}'",
            f"encoder, W, W+ or styles for a video; {method} for '{SEPARATE}'",
            f"choose method W+ or styles, or frames '{SEPARATE}'{drive}",
        )


def check_person(network: StyleGenerator, leave_out: str, protect: str, frames: str) -> None:
    """
    Raises:
        ConfigError: something is asked for that only faces of people have, of a generator of something else.
    """
    asked = {
        "leave_out": PARTS[leave_out],
        "protect": PROTECTED[protect],
        f"frames '{ONE_PERSON}'": frames == ONE_PERSON,
    }
    for name in (name for name, wanted in asked.items() if wanted):
        people.check(network, f"Invert Photo's {name}", "leave it at its default, or choose a generator of heads")


def choose_free_channels(model: host.HostModel, masks: AttributeMasks | None) -> Tensor:
    """``[n]`` bool: the channels of expression, by ``masks`` or those of the pack.

    Raises:
        LayoutError: masks of another generator, or none at hand. ShapeError: masks without expression.
    """
    return expression_channels(choose_masks(model, masks))


def read_cameras(place: str, count: int) -> tuple[Start | None, ...]:
    """A camera for each picture, where the text of Align Face knows one.

    Raises:
        ShapeError: no such text, or neither one place nor as many as pictures.
    """
    if not place.strip():
        return (None,) * count
    found = face_crops.from_text(place)
    if len(found) not in (1, count):
        raise ShapeError(
            "Places and pictures do not pair",
            f"{len(found)} places",
            f"one, or {count}",
            "connect crop and place of the same Align Face",
        )
    return tuple(found[i if len(found) > 1 else 0].start for i in range(count))


def run_once(
    tools: Inverter, work: Work, report: host.Report, encoder: HostEncoder | None
) -> tuple[Latent, Tensor, list[str]]:
    """See :func:`.inversion_jobs.run`; what the same pictures and settings gave before is taken from the disk."""
    if work.method == ENCODER:
        return run(tools, work, report)
    own = encoder_library.stamp(encoder.name) if encoder is not None else str(tools.encoder is not None)
    key = inversion_cache.key_of(work, tools.fingerprint, own, str(tools.features is not None))
    kept = inversion_cache.find(key)
    if kept is not None:
        latent, lines = kept
        preview = inversion_cache.picture_of(tools.network, latent)
        report(1, 1, preview)
        return latent, preview, [*lines, "found before, with the same pictures and settings"]
    latent, preview, lines = run(tools, work, report)
    inversion_cache.keep(key, latent, lines)
    return latent, preview, lines


def make_tools(model: host.HostModel, network: StyleGenerator, own: HostEncoder | None = None) -> Inverter:
    """The generator with what helps: an encoder, the user's (which fits) or else the built-in one if it is of this
    generator, and the reader's eyes."""
    encoder, reader = built_in_networks.encoder(), built_in_networks.reader()
    found = None
    if own is not None:
        found = own.hosted.ready()
    elif encoder is not None and makes_drawn_heads(network) and fits_encoder(encoder.network, network):
        found = encoder.ready()
    return Inverter(network, model.loaded.fingerprint, found, reader and FeatureLoss(reader.ready()))
