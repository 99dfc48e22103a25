"""LoadEG3D: a checkpoint becomes a model."""

from comfy_api.latest import io

from ..sat3d.errors import Sat3dError
from ..sat3d.generators import TriplaneConfig
from . import host
from .types import EG3D_MODEL


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
                io.Combo.Input("checkpoint", options=host.checkpoint_entries(),
                               tooltip="A file in models/eg3d: an official EG3D or StyleGAN2 .pkl, or a .safetensors "
                                       "of this pack. Press R after adding files."),
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
    kind = "EG3D: heads can be turned" if model.network.is_3d else "StyleGAN2: flat pictures"
    size = f"picture {config.img_resolution} x {config.img_resolution}"
    if isinstance(config, TriplaneConfig):
        size += f", rendered at {config.neural_rendering_resolution}"
    return "\n".join([
        model.name, kind, size,
        f"style channels: {layout.num_editable} editable of {layout.num_channels} in {len(layout.layers)} layers",
        f"style layout {layout.fingerprint}, weights {model.loaded.fingerprint}",
        f"licence: {notes.get('licence', 'not stated in the file')}",
    ])
