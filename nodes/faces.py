"""SAT3DSaveLatent and SAT3DLoadLatent: faces as files."""

from comfy_api.latest import io

from ..sat3d.latent import SCHEMA, Latent, load_latent
from . import host
from .library import Library
from .transfer import provenance
from .types import EG3D_LATENT

SAVED_UNDER = "sat3d"  # of the host's output folder
EXTENSIONS = (".safetensors",)
LIBRARY = Library("sat3d_latents", SCHEMA, "faces", "Save Face makes such files")


class SAT3DSaveLatent(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DSaveLatent",
            display_name="Save Face",
            category="SAT3D/face",
            description="Saves a face, with its camera and the list of its edits, into a file in the output folder.",
            inputs=[
                EG3D_LATENT.Input("latent", tooltip="The face, or faces: they go into one file."),
                io.String.Input(
                    "filename_prefix",
                    default=f"{SAVED_UNDER}/face",
                    tooltip="Where in the output folder, and how the name begins. Load Face lists what is "
                    "in the folder sat3d there.",
                ),
            ],
            outputs=[io.String.Output("path", display_name="path", tooltip="The file that was written.")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, latent: Latent, filename_prefix: str) -> io.NodeOutput:
        path = host.save_numbered(filename_prefix, EXTENSIONS[0], lambda path: latent.save(path, overwrite=False))
        return io.NodeOutput(str(path))


class SAT3DLoadLatent(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DLoadLatent",
            display_name="Load Face",
            category="SAT3D/face",
            description="Loads a face that Save Face has written.",
            inputs=[
                io.Combo.Input(
                    "face_file",
                    options=LIBRARY.entries(),
                    tooltip="A file in output/sat3d or in models/sat3d_latents. Press R after saving.",
                ),
            ],
            outputs=[
                EG3D_LATENT.Output("latent", display_name="latent", tooltip="The face, or faces."),
                io.String.Output(
                    "provenance", display_name="provenance", tooltip="Its name and every edit so far, one a line."
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, face_file: str = "") -> bool:
        """Accept any entry: a missing file is explained when the node runs, not as "value not in list"."""
        return True

    @classmethod
    def fingerprint_inputs(cls, face_file: str = "", **linked) -> str:
        return LIBRARY.stamp(face_file)

    @classmethod
    def execute(cls, face_file: str) -> io.NodeOutput:
        latent = load_latent(LIBRARY.path(face_file))
        return io.NodeOutput(latent, provenance(latent))
