"""SAT3DSampleFace: a face from a seed."""

import torch
from comfy_api.latest import io

from ..sat3d.generators import StyleGenerator, z_from_seed
from ..sat3d.latent import Latent
from . import host, newer_hosts, widgets
from .types import EG3D_LATENT, EG3D_MODEL


class SAT3DSampleFace(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DSampleFace",
            display_name="Sample Face",
            category="SAT3D/face",
            description="Invents a face: the same seed and model always give the same one.",
            **newer_hosts.found_by("random face", "portrait", "generate face", "person", "stylegan", "3d head", "seed"),
            inputs=[
                EG3D_MODEL.Input("model", tooltip="The generator that draws the face."),
                widgets.seed("Which face. Seeds are those of the published EG3D and StyleGAN scripts."),
                io.Float.Input(
                    "truncation",
                    default=1.0,
                    min=-1.0,
                    max=2.0,
                    step=0.05,
                    tooltip="0 is the average face, 1 the full variety. The built-in network is at its best "
                    "at 1; about 0.7 gives more plausible faces with the official ones.",
                ),
                io.Int.Input(
                    "batch_size", default=1, min=1, max=64, tooltip="How many faces: seed, seed + 1, seed + 2, …"
                ),
            ],
            outputs=[
                EG3D_LATENT.Output(
                    "latent", display_name="latent", tooltip="The face as style channels, to be edited or rendered."
                ),
            ],
        )

    @classmethod
    def execute(cls, model: host.HostModel, seed: int, truncation: float, batch_size: int) -> io.NodeOutput:
        network = model.ready()
        # Outside inference mode, so that the face can be a starting point of an optimisation.
        with torch.inference_mode(False), torch.no_grad():
            styles = sample_styles(network, seed, truncation, batch_size)
        return io.NodeOutput(
            Latent(
                styles.cpu(),
                network.rig.label(),
                model.loaded.fingerprint,
                network.layout.fingerprint,
                name=f"seed {seed}",
            )
        )


def sample_styles(network: StyleGenerator, seed: int, truncation: float, batch_size: int) -> torch.Tensor:
    """``[batch_size, S]``: one face per seed. A 2D network with classes gets that of the seed's remainder."""
    seeds = range(seed, seed + batch_size)
    z = torch.cat([z_from_seed(each, network.config.backbone.z_dim) for each in seeds]).to(network.device)
    return network.styles(network.map(z, network.labels(seeds), truncation))
