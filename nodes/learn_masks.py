"""SAT3DLearnMasks: masks for a generator that has none, learned inside the host."""

import torch
from comfy_api.latest import io

from ..sat3d.domains import check_describes
from ..sat3d.errors import FileError
from ..sat3d.learning import FACES, FEWEST_FACES, quick_start
from . import clips, domains, host, learning_jobs, memory, newer_hosts, widgets
from .library import Library
from .masks import LIBRARY as MASKS
from .types import EG3D_MODEL, SAT3D_MASKS

AUTOMATIC = "of the domain"
PARSERS = Library(
    "sat3d_parsers",
    "",
    "parsers",
    "79999_iter.pth of face-parsing.PyTorch for photographs of faces, a DeepLabv3 of torchvision for cats",
    extensions=(".pth", ".pt", ".safetensors"),
)
MOST_FACES = 20_000
_GRADIENT_FACTOR = 6  # memory of a gradient, in renderings


class SAT3DLearnMasks(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DLearnMasks",
            display_name="Learn Attribute Masks",
            category="SAT3D/model",
            description="Finds which style channels of a generator carry the beard, which the glasses, and so on, from "
            "nothing but an image-text model and phrases: for checkpoints that have no masks yet. Draws and measures "
            "faces, says how sure it is of each attribute, and writes the masks into models/sat3d_masks.",
            **newer_hosts.found_by("train masks", "attribute", "mask matrix", "own checkpoint", "official checkpoint"),
            inputs=_inputs(),
            outputs=[
                SAT3D_MASKS.Output("masks", display_name="masks", tooltip="For Transfer Attribute."),
                io.String.Output(
                    "report",
                    display_name="report",
                    tooltip="Each attribute: in how many of a hundred transfers it arrives, what comes along, and what "
                    "to do where it is weak.",
                ),
                io.Image.Output(
                    "sheet",
                    display_name="sheet",
                    tooltip="Faces never learned from, one pair a row: source, reference, and the source with each "
                    "attribute of the reference.",
                ),
            ],
            is_output_node=True,
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, domain: str = "", clip: str = "", filename: str = "", parser: str = "") -> bool | str:
        """Say in words what does not fit, and before anything runs."""
        try:
            if filename:
                learning_jobs.file_of(filename, MASKS.folder)
        except FileError as error:
            return str(error)
        checked = [domains.check(domain) if domain else True, clips.LIBRARY.check(clip), _check_parser(parser)]
        return next((answer for answer in checked if answer is not True), True)

    @classmethod
    def fingerprint_inputs(cls, domain: str = "", clip: str = "", parser: str = "", **rest) -> str:
        own = PARSERS.stamp(parser) if parser not in ("", AUTOMATIC) else ""
        return f"{domains.stamp(domain)} {clips.LIBRARY.stamp(clip)} {own}"

    @classmethod
    def execute(
        cls,
        model: host.HostModel,
        domain: str,
        clip: str,
        faces: int,
        seed: int,
        filename: str,
        parser: str = AUTOMATIC,
        architecture: str = "",
    ) -> io.NodeOutput:
        report, path = host.Report(cls), learning_jobs.file_of(filename, MASKS.folder)
        weights = None if parser == AUTOMATIC else PARSERS.path(parser)
        chosen = domains.read(domain)
        check_describes(chosen, model.network.domain)
        seen = learning_jobs.seen_domain(chosen, weights)
        qmm = clips.load(clip, architecture).qmm(seen)  # words that it does not know are said before any face is drawn
        network = model.ready(_GRADIENT_FACTOR * memory.render_bytes(model.network.config))
        studio = learning_jobs.make_studio(network, qmm, weights)
        key = learning_jobs.key_of(studio, faces, seed)
        learned = learning_jobs.find_learned(path, key)
        if learned is None:
            notes = {"generator_fingerprint": model.loaded.fingerprint, "licence": licence_of(model)}
            with host.cancellable(network), torch.inference_mode(False):
                found = quick_start(studio, faces, seed, learning_jobs.faces_folder(key), report, notes)
            learned = learning_jobs.keep(path, key, found)
            learning_jobs.forget(key)
        return io.NodeOutput(learned.masks, learned.report, learned.sheet)


def licence_of(model: host.HostModel) -> str:
    """Of the generator: masks learned from it are made of it."""
    return model.loaded.metadata.get("licence", "")


def _check_parser(parser: str) -> bool | str:
    return True if parser == AUTOMATIC else PARSERS.check(parser)


def _inputs() -> list[io.Input]:
    return [
        EG3D_MODEL.Input("model", tooltip="The generator to learn masks for."),
        io.Combo.Input(
            "domain",
            options=domains.list_domains(),
            default=domains.HEADS,
            tooltip="What is looked for, in which words: face for photographs of people, head for heads seen from all "
            "sides, cat, car; synthheads, synthcars, synthcats for the built-in generators; or a .json of your own in "
            "models/sat3d_domains. Press R after adding files.",
        ),
        io.Combo.Input(
            "clip",
            options=clips.LIBRARY.entries(),
            default=clips.ENTRY,
            tooltip="The image-text model that measures: the built-in one knows SynthHeads alone; for anything else, "
            "cars and cats included, take a file in models/open_clip. Nothing is downloaded.",
        ),
        io.Int.Input(
            "faces",
            default=FACES,
            min=FEWEST_FACES,
            max=MOST_FACES,
            step=20,
            tooltip="Faces to draw and measure: more tell apart better what goes together, and take longer in "
            "proportion. From 200 on it is worth a try.",
        ),
        widgets.seed("Which faces are drawn. Another seed gives nearly the same masks."),
        io.String.Input(
            "filename",
            default="my-masks",
            tooltip="The file's name in models/sat3d_masks. No file is replaced: other settings need another name.",
        ),
        io.Combo.Input(
            "parser",
            options=[AUTOMATIC, *PARSERS.own_files()],
            default=AUTOMATIC,
            optional=True,
            tooltip="Tells hair from skin, so that it is known where channels act. of the domain: the built-in one for "
            "drawn heads, none for photographs. For those put 79999_iter.pth of face-parsing.PyTorch into "
            "models/sat3d_parsers.",
        ),
        clips.architecture_input(),
    ]
