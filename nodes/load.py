"""LoadEG3D: a checkpoint becomes a model."""

import torch
from comfy_api.latest import io

from ..sat3d.domains import shows_people
from ..sat3d.generators import FullHeadConfig, GeneratorConfig, TriplaneConfig, load_generator
from ..sat3d.generators.checkpoint import SCHEMA
from ..sat3d.generators.child import SCHEMA as CHILD_SCHEMA
from ..sat3d.generators.kinship import compare_style_spaces
from . import host, newer_hosts
from .library import Library
from .masks import masks_at_hand, own_masks_of
from .types import EG3D_MODEL

LIBRARY = Library(
    "eg3d",
    (SCHEMA, CHILD_SCHEMA),
    "checkpoints",
    "an official EG3D, PanoHead, SphereHead or StyleGAN2 .pkl, a .pt or "
    ".pth of their projects, or a .safetensors of this pack",
    (".safetensors", ".pkl", ".pt", ".pth"),
)
_CHANNELS = {1: ", grey: shown as RGB", 4: ", RGB with opacity: the opacity comes as alpha"}


class LoadEG3D(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LoadEG3D",
            display_name="Load EG3D Model",
            category="SAT3D/model",
            description="Loads a generator: a built-in one, an EG3D (its heads can be turned), PanoHead or SphereHead "
            "(all the way round), or a 2D StyleGAN2; also one that was tuned to a photo. Nothing inside the files of "
            "other projects is run.",
            **newer_hosts.found_by(
                "eg3d",
                "stylegan",
                "stylegan2",
                "panohead",
                "spherehead",
                "gan",
                "face generator",
                "3d head",
                "checkpoint",
            ),
            inputs=[
                io.Combo.Input(
                    "checkpoint",
                    options=LIBRARY.entries(),
                    tooltip="A file in models/eg3d: an official .pkl, a .pt or .pth of rosinality, e4e, PTI "
                    "or EG3D-projector, or a .safetensors of this pack. Press R after adding "
                    "files.",
                ),
                EG3D_MODEL.Input(
                    "base",
                    optional=True,
                    tooltip="For weights alone, such as the .pth of EG3D-projector, and for children: the network "
                    "that was tuned, on which they are laid. Nothing connected: looked for in models/eg3d. For "
                    "whole networks: info says whether both share a style space.",
                ),
            ],
            outputs=[
                EG3D_MODEL.Output("model", display_name="model", tooltip="The generator."),
                io.String.Output(
                    "info", display_name="info", tooltip="What was recognised, what it can do, sizes and licence."
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, checkpoint: str = "") -> bool | str:
        """Say in words which file is missing, and before anything runs."""
        return LIBRARY.check(checkpoint)

    @classmethod
    def fingerprint_inputs(cls, checkpoint: str, **linked) -> str:
        return LIBRARY.stamp(checkpoint)

    @classmethod
    def execute(cls, checkpoint: str, base: host.HostModel | None = None) -> io.NodeOutput:
        model = load(checkpoint, host.Report(cls), base and base.name)
        return io.NodeOutput(model, "\n".join([describe(model), *describe_kinship(model, base)]))


def load(entry: str, report: host.Report, base: str | None = None) -> host.HostModel:
    """Read a checkpoint and hand its memory to the host. The network is made outside inference mode.

    ``base``: the entry of their network, for weights alone; None: looked for among the user's files.

    Raises:
        FileError, ConfigError: see :func:`sat3d.generators.load_generator`; or no such entry.
    """
    path = LIBRARY.path(entry)
    others = map(LIBRARY.path, LIBRARY.own_files())
    with torch.inference_mode(False):
        loaded = load_generator(path, report, LIBRARY.path(base) if base else None, others)
        return host.HostModel(entry, loaded, host.HostedNetwork(loaded.network))


def describe(model: host.HostModel) -> str:
    """A few lines for people: what this network is and what one may do with it."""
    config, layout, notes = model.network.config, model.network.layout, model.loaded.metadata
    told = {"recognised": "recognised as", "network": "network taken from the file", "average": "mean latent"}
    return "\n".join(
        [
            model.name,
            describe_kind(config),
            describe_picture(config),
            describe_abilities(config),
            describe_masks(model),
            *(f"{words}: {notes[note]}" for note, words in told.items() if note in notes),
            f"style channels: {layout.num_editable} editable of {layout.num_channels} in {len(layout.layers)} layers",
            f"style layout {layout.fingerprint}, weights {model.loaded.fingerprint}",
            f"licence: {notes.get('licence', 'not stated in the file')}",
        ]
    )


def describe_kinship(model: host.HostModel, base: host.HostModel | None) -> list[str]:
    """What its style space has to do with that of its parent, or of the network it is to be compared with."""
    loaded = model.loaded
    if loaded.parent_fingerprint:
        return [f"child of {loaded.metadata.get('parent') or loaded.parent_fingerprint}: same style space"]
    if base is None:
        return []
    found = compare_style_spaces(base.network, loaded.network)
    return [f"beside {base.name}: {found or 'another architecture, no styles in common'}"]


def describe_kind(config: GeneratorConfig) -> str:
    """What it draws."""
    if isinstance(config, FullHeadConfig):
        parsing = f", parses its pictures into {config.parsing_labels} parts" if config.parsing_labels else ""
        kind = "SphereHead, two balls" if config.in_balls else f"PanoHead, tri-grid depth {config.grid_depth}"
        return f"{kind}, 360°: heads can be turned all the way round{parsing}"
    if isinstance(config, TriplaneConfig) and not shows_people(config.domain):
        return f"EG3D of {config.domain}: they can be turned{', all the way round' * config.knows_all_sides}"
    if isinstance(config, TriplaneConfig):
        return "EG3D: heads can be turned"
    classes = config.backbone.c_dim
    return "StyleGAN2: flat pictures" + (
        f" of {classes} classes; Sample Face takes class seed modulo {classes}" if classes else ""
    )


def describe_abilities(config: GeneratorConfig) -> str:
    """What the other nodes can do with it."""
    if not isinstance(config, TriplaneConfig):
        return "can: sample, edit with masks learned for it, invert photos; cannot: turn, export a mesh"
    sides = "from any side, also from behind" if config.knows_all_sides else "from the front"
    return f"can: sample, edit with masks learned for it, turn, export a mesh, invert photos {sides}"


def describe_masks(model: host.HostModel) -> str:
    """Whether attributes can be moved at once; where not, what makes it so."""
    masks = masks_at_hand(model)
    if masks is None and (own := own_masks_of(model)):
        return f"masks: {', '.join(own)} in models/sat3d_masks; Load Attribute Masks loads them"
    if masks is None:
        return "masks: none yet for this generator; Learn Attribute Masks makes them, in minutes"
    return f"masks: of {', '.join(masks.attributes)}"


def describe_picture(config: GeneratorConfig) -> str:
    """Its size, and what is out of the ordinary."""
    size = f"picture {config.img_resolution} x {config.img_resolution}"
    if isinstance(config, TriplaneConfig):
        return f"{size}, rendered at {config.neural_rendering_resolution}"
    return size + _CHANNELS.get(config.backbone.img_channels, "")
