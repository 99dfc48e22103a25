"""The template about parts of heads: keep the face, change the hair; masks, depth and normals for an inpainting
graph."""

from __future__ import annotations

from .builder import Graph
from .page import Kinds, Page


def change_the_hair(kinds: Kinds) -> Graph:
    page = Page("3b Change the hair", kinds)
    note = page.put_note(
        400,
        "Change the hair",
        "The hair of one head on another, in 3D: the face stays as it is, to the pixel, from every side. Nothing to "
        "download.\n\n"
        "1. Press Run. The video turns the head with its new hair; beside it are the mask of the hair, its depth and "
        "its normals.\n"
        "2. Write other parts into Swap Parts: glasses, beard, eyes, brows, mouth; or several, separated by commas. "
        "Other seeds are other heads.\n"
        "3. The mask, depth and normals go straight into an inpainting graph, such as that of '8 Refine': the mask to "
        "Set Latent Noise Mask, depth and normals to ControlNets.\n\n"
        "Transfer Attribute changes the hair's style on the head's own terms; Swap Parts takes this very hair.",
    )
    model = page.load()
    page.column(370, 300)
    source, reference = page.sample(model, 2, "Source: the face"), page.sample(model, 20, "Reference: the hair")
    swap = page.put(
        "SAT3DSwapParts",
        190,
        model=model["model"],
        source=source["latent"],
        reference=reference["latent"],
        parts="hair",
    )
    page.column(700, 330)
    orbit = page.put(
        "RenderOrbit", 500, model=model["model"], latent=swap["latent"], path="swing", frames=8, yaw_deg=40.0, fps=6
    )
    masks = page.put("SAT3DPartMasks", 150, parts=orbit["parts"], choose="hair")
    picture = page.put("MaskToImage", 60, mask=masks["mask"])
    page.column(1060, 320)
    video = page.put("SaveVideo", 460, "The same face, other hair", video=orbit["video"], filename_prefix="sat3d/hair")
    labels = page.put("PreviewImage", 260, "All parts", images=masks["labels"])
    page.column(1410, 290)
    seen = [
        page.put("PreviewImage", 260, title, images=images)
        for title, images in (
            ("Mask of the hair", picture["IMAGE"]),
            ("Depth", orbit["depth"]),
            ("Normals", orbit["normals"]),
        )
    ]
    page.group("What this is", note, model)
    page.group("Who, and what is swapped", source, reference, swap)
    page.group("Views and masks", orbit, masks, picture)
    page.group("Result, and what an inpainting graph takes", video, labels, *seen)
    return page
