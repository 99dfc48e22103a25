"""The list of nodes the host gets."""

from comfy_api.latest import ComfyExtension, io

from . import checkpoints, clips, faces, host, masks
from .align import SAT3DAlignFace
from .compare import SAT3DCompare
from .example_photo import SAT3DExamplePhoto
from .faces import SAT3DLoadLatent, SAT3DSaveLatent
from .invert import InvertImage
from .load import LoadEG3D
from .masks import SAT3DLoadMasks
from .mesh import SAT3DExportMesh
from .multi_transfer import SAT3DMultiTransfer
from .orbit import RenderOrbit
from .paste import SAT3DPasteBack
from .qmm import QMMScore
from .render_source_view import SAT3DRenderAsTaken
from .sample import SAT3DSampleFace
from .sheet import SAT3DContactSheet
from .transfer import SAT3DTransfer

NODES: list[type[io.ComfyNode]] = [
    LoadEG3D,
    SAT3DLoadMasks,
    SAT3DSampleFace,
    SAT3DExamplePhoto,
    SAT3DAlignFace,
    InvertImage,
    SAT3DSaveLatent,
    SAT3DLoadLatent,
    SAT3DTransfer,
    SAT3DMultiTransfer,
    RenderOrbit,
    SAT3DRenderAsTaken,
    SAT3DPasteBack,
    SAT3DExportMesh,
    SAT3DContactSheet,
    QMMScore,
    SAT3DCompare,
]


def register_model_folders() -> None:
    """Make the folders known to the host whose files the nodes list."""
    host.register_model_folder(checkpoints.FOLDER, checkpoints.EXTENSIONS)
    host.register_model_folder(masks.LIBRARY.folder, masks.EXTENSIONS)
    host.register_model_folder(clips.LIBRARY.folder, clips.EXTENSIONS)
    host.register_model_folder(faces.LIBRARY.folder, faces.EXTENSIONS)
    host.register_output_folder(faces.LIBRARY.folder, faces.SAVED_UNDER)


class Sat3dExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Not every host calls ``on_load``, so the model folders are made known here."""
        register_model_folders()
        return NODES
