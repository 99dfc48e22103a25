"""LoadEG3D: a checkpoint becomes a model."""

from comfy_api.latest import io

from ..sat3d.errors import Sat3dError
from ..sat3d.generators import GeneratorConfig, TriplaneConfig
from . import host
from .types import EG3D_MODEL

_CHANNELS = {1: ", grey: shown as RGB", 4: ", RGB with opacity: the opacity comes as alpha"}


class LoadEG3D(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LoadEG3D",
            display_name="Load EG3D Model",
            category="SAT3D/model",
            description="Loads a face generator: an EG3D network (its heads can be turned) or a 2D StyleGAN2. Official "
            ".pkl files are read without running anything that is inside them.",
            inputs=[
                io.Combo.Input(
                    "checkpoint",
                    options=host.checkpoint_entries(),
                    tooltip="A file in models/eg3d: an official EG3D or StyleGAN2 .pkl, or a .safetensors "
                    "of this pack. Press R after adding files.",
                ),
            ],
            outputs=[
                EG3D_MODEL.Output("model", display_name="model", tooltip="The generator."),
                io.String.Output("info", display_name="info", tooltip="Architecture, sizes and licence."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, checkpoint: str) -> bool:
        """Accept any entry: a missing file is explained when the node runs, not as "value not in list"."""
        return True

    @classmethod
    def fingerprint_inputs(cls, checkpoint: str) -> str:
        try:
            path = host.checkpoint_path(checkpoint)
            stat = path.stat()
        except (Sat3dError, OSError):
            return "missing"
        return f"{path} {stat.st_mtime_ns} {stat.st_size}"

    @classmethod
    def execute(cls, checkpoint: str) -> io.NodeOutput:
        model = host.load_model(checkpoint, host.Report(cls))
        return io.NodeOutput(model, describe(model))


def describe(model: host.HostModel) -> str:
    """A few lines for people: what this network is and what one may do with it."""
    config, layout, notes = model.network.config, model.network.layout, model.loaded.metadata
    taken = [f"network taken from the file: {notes['network']}"] if "network" in notes else []
    return "\n".join(
        [
            model.name,
            kind_of(config),
            picture_of(config),
            *taken,
            f"style channels: {layout.num_editable} editable of {layout.num_channels} in {len(layout.layers)} layers",
            f"style layout {layout.fingerprint}, weights {model.loaded.fingerprint}",
            f"licence: {notes.get('licence', 'not stated in the file')}",
        ]
    )


def kind_of(config: GeneratorConfig) -> str:
    """What it draws."""
    if isinstance(config, TriplaneConfig):
        return "EG3D: heads can be turned"
    classes = config.backbone.c_dim
    return "StyleGAN2: flat pictures" + (
        f" of {classes} classes; Sample Face takes class seed modulo {classes}" if classes else ""
    )


def picture_of(config: GeneratorConfig) -> str:
    """Its size, and what is out of the ordinary."""
    size = f"picture {config.img_resolution} x {config.img_resolution}"
    if isinstance(config, TriplaneConfig):
        return f"{size}, rendered at {config.neural_rendering_resolution}"
    return size + _CHANNELS.get(config.backbone.img_channels, "")
