"""The list of nodes the host gets."""

from comfy_api.latest import ComfyExtension, io

from . import host
from .load import LoadEG3D
from .orbit import RenderOrbit
from .sample import SAT3DSampleFace

NODES: list[type[io.ComfyNode]] = [LoadEG3D, SAT3DSampleFace, RenderOrbit]


class Sat3dExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Not every host calls ``on_load``, so the model folder is made known here."""
        host.register_model_folder()
        return NODES
