"""The list of nodes for the host."""

from comfy_api.latest import ComfyExtension, io

from ..sat3d.errors import Sat3dError
from . import (
    clips,
    domains,
    encoders,
    example_photo,
    expressions,
    faces,
    learn_masks,
    load,
    masks,
    model_folders,
    motions,
    part_fields,
    slider_files,
)
from .align import SAT3DAlignFace
from .animate import SAT3DAnimate
from .compare import SAT3DCompare
from .drive import SAT3DDrive
from .encoders import SAT3DLoadEncoder
from .example_photo import SAT3DExamplePhoto
from .faces import SAT3DLoadLatent, SAT3DSaveLatent
from .invert import InvertImage
from .learn_masks import SAT3DLearnMasks
from .load import LoadEG3D
from .masks import SAT3DLoadMasks
from .mesh import SAT3DExportMesh
from .motions import SAT3DLoadMotion, SAT3DSaveMotion
from .multi_transfer import SAT3DMultiTransfer
from .orbit import RenderOrbit
from .parts import SAT3DPartMasks, SAT3DSwapParts
from .paste import SAT3DPasteBack
from .qmm import QMMScore
from .render_source_view import SAT3DRenderAsTaken
from .sample import SAT3DSampleFace
from .sheet import SAT3DContactSheet
from .sliders import SAT3DReadParameters, SAT3DSliders
from .studio import SAT3DStudio
from .studio_routes import add_routes
from .transfer import SAT3DTransfer

NODES: list[type[io.ComfyNode]] = [
    LoadEG3D,
    SAT3DLoadMasks,
    SAT3DLearnMasks,
    SAT3DLoadEncoder,
    SAT3DSampleFace,
    SAT3DExamplePhoto,
    SAT3DAlignFace,
    InvertImage,
    SAT3DSaveLatent,
    SAT3DLoadLatent,
    SAT3DTransfer,
    SAT3DMultiTransfer,
    SAT3DSliders,
    SAT3DReadParameters,
    SAT3DSwapParts,
    SAT3DStudio,
    RenderOrbit,
    SAT3DRenderAsTaken,
    SAT3DPartMasks,
    SAT3DPasteBack,
    SAT3DDrive,
    SAT3DAnimate,
    SAT3DSaveMotion,
    SAT3DLoadMotion,
    SAT3DExportMesh,
    SAT3DContactSheet,
    QMMScore,
    SAT3DCompare,
]


def register_model_folders() -> None:
    """Make the folders known to the host whose files the nodes list."""
    for module in (load, masks, part_fields, slider_files, clips, encoders, expressions, faces, motions):
        module.LIBRARY.register()
    domains.LIBRARY.register()
    learn_masks.PARSERS.register()
    motions.MAPS.register()
    for own in (faces, motions):
        model_folders.add_output_folder(own.LIBRARY.folder, own.SAVED_UNDER)


class Sat3dExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Not every host calls ``on_load``, so the model folders are made known here."""
        Sat3dError.on_lines = True
        register_model_folders()
        example_photo.offer_in_input()
        add_routes()
        return NODES
