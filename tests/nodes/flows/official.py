"""Faces of the official network, which must be downloaded."""

from __future__ import annotations

from .builder import Graph
from .page import FRONT, VIDEO_PX, Kinds, Page

OFFICIAL = "ffhq512-128.pkl"
OFFICIAL_MODEL = {
    "name": OFFICIAL,
    "url": "https://api.ngc.nvidia.com/v2/models/nvidia/research/eg3d/versions/1/files/ffhq512-128.pkl",
    "directory": "eg3d",
}


def official_ffhq(kinds: Kinds) -> Graph:
    page = Page("7 Official FFHQ", kinds)
    note = page.put_note(
        430,
        "Needs a file: ffhq512-128.pkl",
        "NEEDS A DOWNLOAD. Faces of the official EG3D network, 512 pixels.\n\n"
        "1. Download ffhq512-128.pkl from NVIDIA's catalogue: catalog.ngc.nvidia.com, search for EG3D. Its licence "
        "allows non-commercial use only.\n2. Put it into models/eg3d and press R. The .pkl is read without running "
        "anything in it.\n3. Run. A GPU is advisable; on a CPU lower frames and neural_resolution.\n\nTruncation 0.7 "
        "gives plausible faces. To move attributes here, learn masks for this network (template 7b Learn masks, or "
        "training/train_masks.py) and connect Load Attribute Masks to Transfer Attribute.",
    )
    model = page.put("LoadEG3D", 110, checkpoint=OFFICIAL, models=[OFFICIAL_MODEL])
    licence = page.put("PreviewAny", 210, "The network and its licence", source=model["info"])
    page.column(370, 300)
    four = page.sample(model, 0, "Four people", truncation=0.7, batch_size=4)
    one = page.sample(model, 0, "One of them", truncation=0.7)
    page.column(700, 310)
    front = page.put(
        "RenderOrbit",
        390,
        "From the front",
        model=model["model"],
        latent=four["latent"],
        **FRONT,
    )
    orbit = page.put("RenderOrbit", 420, "Around", model=model["model"], latent=one["latent"], frames=16, fps=8)
    page.column(1050, 450)
    faces = page.put("SaveImage", 390, "Seeds 0 to 3", images=front["images"], filename_prefix="sat3d/ffhq")
    page.width = 330
    video = page.put("SaveVideo", 330 + VIDEO_PX, "Seed 0, turning", video=orbit["video"], filename_prefix="sat3d/ffhq")
    page.group("Read this first", note, model, licence)
    page.group("Who", four, one)
    page.group("Pictures", front, orbit)
    page.group("Result", faces, video)
    return page
