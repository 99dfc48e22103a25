"""SAT3DLoadEncoder: encoders of other projects, which say where an inversion begins."""

from dataclasses import dataclass

import torch
from comfy_api.latest import io

from ..sat3d.inversion.foreign_encoder import ForeignEncoder, load_foreign_encoder
from . import host, newer_hosts
from .library import Library
from .types import SAT3D_ENCODER

LIBRARY = Library(
    "sat3d_encoders",
    "sat3d-foreign-encoder/1",
    "encoders",
    "a checkpoint of e4e or pSp for StyleGAN2, or of TriPlaneNet for EG3D",
    (".pt", ".pth"),
)


@dataclass(frozen=True, eq=False)
class HostEncoder:
    """An encoder whose memory belongs to the host. What ``SAT3D_ENCODER`` carries."""

    name: str
    hosted: host.HostedNetwork[ForeignEncoder]


class SAT3DLoadEncoder(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DLoadEncoder",
            display_name="Load Encoder",
            category="SAT3D/model",
            description="Loads an encoder that another project has trained: e4e or pSp for StyleGAN2 faces, "
            "TriPlaneNet for EG3D. Invert Photo to Face begins with what it says. Nothing inside the file is run.",
            **newer_hosts.found_by("e4e", "psp", "triplanenet", "gan inversion"),
            inputs=[
                io.Combo.Input(
                    "encoder_file",
                    options=LIBRARY.entries(),
                    tooltip="A file in models/sat3d_encoders, such as e4e_ffhq_encode.pt. Press R after adding files.",
                ),
            ],
            outputs=[
                SAT3D_ENCODER.Output("encoder", display_name="encoder", tooltip="For Invert Photo to Face."),
                io.String.Output("info", display_name="info", tooltip="What it is, and which generators it knows."),
            ],
        )

    @classmethod
    def validate_inputs(cls, encoder_file: str = "") -> bool | str:
        """Say in words which file is missing, and before anything runs."""
        return LIBRARY.check(encoder_file)

    @classmethod
    def fingerprint_inputs(cls, encoder_file: str = "") -> str:
        return LIBRARY.stamp(encoder_file)

    @classmethod
    def execute(cls, encoder_file: str) -> io.NodeOutput:
        with torch.inference_mode(False):
            encoder = load_foreign_encoder(LIBRARY.path(encoder_file))
            hosted = HostEncoder(encoder_file, host.HostedNetwork(encoder))
        return io.NodeOutput(hosted, describe(encoder_file, encoder))


def describe(name: str, encoder: ForeignEncoder) -> str:
    """A few lines for people."""
    sizes = encoder.network.sizes
    kind = "an EG3D network" if encoder.for_heads else "a flat StyleGAN2"
    return "\n".join(
        [
            name,
            f"recognised as {encoder.kind}",
            f"for {kind} with {sizes.rows} rows of w+ of {sizes.w_dim} numbers",
            "licence: that of its project and of the networks it was trained with",
        ]
    )
