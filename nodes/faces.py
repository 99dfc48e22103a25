"""SAT3DSaveLatent and SAT3DLoadLatent: faces as files."""

from pathlib import Path

from comfy_api.latest import io

from ..sat3d import codes
from ..sat3d.errors import ConfigError
from ..sat3d.latent import SCHEMAS, Latent, load_latent
from . import host, newer_hosts, output_files, widgets
from .library import Library
from .transfer import describe_edits
from .types import EG3D_LATENT, EG3D_MODEL

SAVED_UNDER = "sat3d"  # of the host's output folder
LIBRARY = Library(
    "sat3d_latents",
    SCHEMAS,
    "faces",
    "Save Face makes such files, projectors of other projects .npy, .npz or .pt",
    (".safetensors", *codes.SUFFIXES),
)


class SAT3DSaveLatent(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DSaveLatent",
            display_name="Save Face",
            category="SAT3D/face",
            description="Saves a face, with its camera and the list of its edits, into a file in the output folder.",
            **newer_hosts.found_by("save latent", "face file", "portrait"),
            inputs=[
                EG3D_LATENT.Input("latent", tooltip="The face, or faces: they go into one file."),
                widgets.filename_prefix(f"{SAVED_UNDER}/face", " Load Face lists what is in the folder sat3d there."),
            ],
            outputs=[io.String.Output("path", display_name="path", tooltip="The file that was written.")],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, filename_prefix: str = "") -> bool | str:
        """Refuse a prefix that nothing can be saved under before anything runs."""
        return output_files.check_prefix(filename_prefix, LIBRARY.extensions[0])

    @classmethod
    def execute(cls, latent: Latent, filename_prefix: str) -> io.NodeOutput:
        path = output_files.save_numbered(
            filename_prefix, LIBRARY.extensions[0], lambda path: latent.save(path, overwrite=False)
        )
        return io.NodeOutput(str(path), ui={"files": [output_files.ui_entry(path)], "text": [str(path)]})


class SAT3DLoadLatent(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DLoadLatent",
            display_name="Load Face",
            category="SAT3D/face",
            description="Loads a face that Save Face has written, or the code (w or w+) that a projector of another "
            "project has found for a photo.",
            **newer_hosts.found_by("load latent", "face file", "w+", "projector", "npy"),
            inputs=[
                io.Combo.Input(
                    "face_file",
                    options=LIBRARY.entries(),
                    tooltip="A file in output/sat3d or in models/sat3d_latents: a face, or a code as .npy, "
                    ".npz or .pt. Press R after saving.",
                ),
                EG3D_MODEL.Input("model", optional=True, tooltip="For a code: the network that it was found for."),
                EG3D_MODEL.Input(
                    "tuned_model",
                    optional=True,
                    tooltip="For a code whose network was tuned to the photo: the tuned network. What it "
                    "has beyond model goes into the face, which is then shown with model.",
                ),
            ],
            outputs=[
                EG3D_LATENT.Output("latent", display_name="latent", tooltip="The face, or faces."),
                io.String.Output(
                    "provenance", display_name="provenance", tooltip="Its name and every edit so far, one per line."
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, face_file: str = "") -> bool | str:
        """Say in words which file is missing, and before anything runs."""
        return LIBRARY.check(face_file)

    @classmethod
    def fingerprint_inputs(cls, face_file: str = "", **linked) -> str:
        return LIBRARY.stamp(face_file)

    @classmethod
    def execute(cls, face_file: str, model: host.HostModel | None = None,
                tuned_model: host.HostModel | None = None) -> io.NodeOutput:  # fmt: skip
        path = LIBRARY.path(face_file)
        if path.suffix.lower() in codes.SUFFIXES:
            latent = face_of_code(path, model, tuned_model)
        else:
            latent = load_latent(path)
        return io.NodeOutput(latent, describe_edits(latent))


def face_of_code(path: Path, model: host.HostModel | None, tuned: host.HostModel | None) -> Latent:
    """
    Raises:
        FileError: no code, or one of another network. ConfigError: no network. LayoutError: networks of two layouts.
    """
    code = codes.read_code(path)
    if model is None:
        raise ConfigError("A code needs the network that it was found for", path.name, "a model",
                          "connect Load EG3D Model")  # fmt: skip
    ws = codes.code_of(code, model.network, path.name)
    if tuned is None:
        return codes.latent_of(ws, model.network, model.loaded.fingerprint, path.stem)
    latent = codes.tuned_latent_of(ws, model.loaded, tuned.loaded, path.stem)
    if not latent.tuned:
        host.warn(
            f"{tuned.name} differs from {model.name} so much that the face is not shown by {model.name}: use "
            f"{tuned.name} for it"
        )
    return latent
