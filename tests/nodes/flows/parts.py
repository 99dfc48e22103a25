"""The templates about parts of heads: keep the face, change the hair; picture, mask, depth and normals of an edited
face for an inpainting graph."""

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
    source, reference = page.sample(model, 36, "Source: the face"), page.sample(model, 31, "Reference: the hair")
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


def hand_to_inpainting(kinds: Kinds) -> Graph:
    """Of the host's own nodes it needs none that loads a model."""
    page = Page("8b Hand to inpainting", kinds)
    note = page.put_note(
        490,
        "What an inpainting graph needs",
        "An edited head with all that an image generator needs to draw a part of it anew: its picture, a mask of the "
        "part, depth and normals, from one camera. This page needs no download; the image generator is yours.\n\n"
        "1. Press Run. Choose other parts in Part Masks (skin, beard, hair, neck …), another side in Render Orbit.\n"
        "2. In the same graph: the picture (512 px) goes to VAE Encode, then with 'MASK' of Grow Mask to Set Latent "
        "Noise Mask, then to KSampler with a denoise of 0.4 to 0.7. Or both to VAE Encode (for Inpainting), with a "
        "denoise of 1 and a model made for it.\n"
        "3. Depth and normals go to Apply ControlNet, between the prompts and KSampler.\n"
        "4. Or save: the picture's alpha holds the mask. Load Image gives both again, in any graph.\n\n"
        "'8 Refine' has these nodes in place, with a checkpoint.",
    )
    model = page.load()
    page.column(370, 280)
    source, reference = page.sample(model, 36, "Source: the face"), page.sample(model, 31, "Reference: the hair")
    swap = page.put(
        "SAT3DSwapParts", 190, model=model["model"], source=source["latent"], reference=reference["latent"],
        parts="hair",
    )  # fmt: skip
    page.column(690, 300)
    view = page.put(
        "RenderOrbit", 440, "One camera for all", model=model["model"], latent=swap["latent"], path="still", frames=1,
        yaw_deg=20.0, pitch_deg=0.0,
    )  # fmt: skip
    masks = page.put("SAT3DPartMasks", 150, "What is drawn anew", parts=view["parts"], choose="hair")
    page.column(1030, 280)
    larger = page.put(
        "ImageScale", 135, image=view["images"], upscale_method="lanczos", width=512, height=512, crop="disabled"
    )
    grown = page.put("GrowMask", 90, "A little beyond its edge", mask=masks["mask"], expand=3, tapered_corners=True)
    seen = page.put("MaskToImage", 50, mask=grown["MASK"])
    joined = page.put("JoinImageWithAlpha", 60, "The mask as alpha", image=larger["IMAGE"], alpha=grown["MASK"])
    page.column(1350, 290)
    saved = page.put(
        "SaveImage", 330, "Picture and mask in one file", images=joined["IMAGE"], filename_prefix="sat3d/inpaint"
    )
    x, y = page.x, page.y
    shown = [
        page.add("PreviewImage", (x + 155 * (i % 2), y + 280 * (i // 2)), (135, 230), title, images=images)
        for i, (title, images) in enumerate(
            (
                ("Mask", seen["IMAGE"]),
                ("Depth", view["depth"]),
                ("Normals", view["normals"]),
                ("All parts", masks["labels"]),
            )
        )
    ]
    page.group("What this is", note, model)
    page.group("Who, and the edit", source, reference, swap)
    page.group("View and part", view, masks)
    page.group("For the image generator", larger, grown, seen, joined)
    page.group("What it gets", saved, *shown)
    return page
