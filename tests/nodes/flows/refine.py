"""From an edited head to a photograph, by a diffusion model."""

from __future__ import annotations

from .builder import Graph
from .page import FRONT, Kinds, Page

CHECKPOINT = {
    "name": "v1-5-pruned-emaonly-fp16.safetensors",
    "url": "https://huggingface.co/Comfy-Org/stable-diffusion-v1-5-archive/resolve/main/"
    "v1-5-pruned-emaonly-fp16.safetensors",
    "directory": "checkpoints",
}


def mask_of_the_edit(kinds: Kinds) -> Graph:
    graph = Graph("Mask of the Edit", kinds, {"model": "EG3D_MODEL", "source": "EG3D_LATENT", "edit": "EG3D_LATENT"})
    graph.description = "Where an edit changes the picture from the front: a mask for inpainting, and its picture."
    views = [
        graph.add(
            "RenderOrbit",
            (0, 560 * i),
            (310, 500),
            f"See the {face}",
            model=graph.input("model"),
            latent=graph.input(face),
            **FRONT,
        )
        for i, face in enumerate(("source", "edit"))
    ]
    changed = graph.add(
        "SAT3DCompare", (360, 0), (300, 170), before=views[0]["images"], after=views[1]["images"], gain=8.0
    )
    mask = graph.add("ImageToMask", (360, 230), (300, 70), image=changed["difference"], channel="red")
    grown = graph.add("GrowMask", (360, 360), (300, 90), mask=mask["MASK"], expand=4, tapered_corners=True)
    seen = graph.add("MaskToImage", (360, 510), (300, 50), mask=grown["MASK"])
    graph.outputs = {"mask": grown["MASK"], "picture": seen["IMAGE"]}
    return graph


def refine(kinds: Kinds) -> Graph:
    page = Page("8 Refine", kinds)
    note = page.put_note(
        400,
        "Needs a diffusion model of yours",
        "NEEDS A MODEL. The edited head goes to an image generator of the host, which makes a photograph of it.\n\n"
        "1. Choose a checkpoint in Load Checkpoint: any Stable Diffusion model that you have. The one that is "
        "named here "
        "is free to download.\n2. Run. Only the head is drawn anew (its alpha is the mask); 'denoise' says how "
        "freely: 0.4 "
        "keeps the face, 0.7 invents.\n3. To redraw only what the edit changed, connect 'mask' of Mask of the "
        "Edit to Set "
        "Latent Noise Mask.\n4. Depth and normals guide a ControlNet, if you have one: connect them to Apply "
        "ControlNet, "
        "between the prompts and KSampler.",
    )
    model = page.load()
    page.column(370, 270)
    source, reference = page.sample(model, 36, "Source"), page.sample(model, 45, "Reference: the beard")
    edit = page.edit(model, source["latent"], reference, "beard", 240)
    changed = page.put_graph(
        mask_of_the_edit(kinds), 100, model=model["model"], source=source["latent"], edit=edit["latent"]
    )
    page.column(670, 290)
    view = page.put(
        "RenderOrbit",
        430,
        "The head, as a guide",
        model=model["model"],
        latent=edit["latent"],
        **FRONT,
    )
    y = page.y
    depth = page.add("PreviewImage", (670, y), (135, 230), "Depth", images=view["depth"])
    normals = page.add("PreviewImage", (825, y), (135, 230), "Normals", images=view["normals"])
    mask = page.add("PreviewImage", (670, y + 280), (135, 230), "Edit mask", images=changed["picture"])
    page.column(990, 290)
    loaded = page.put("CheckpointLoaderSimple", 110, ckpt_name=CHECKPOINT["name"], models=[CHECKPOINT])
    wanted = page.put(
        "CLIPTextEncode",
        120,
        "What it shows",
        clip=loaded["CLIP"],
        text="photograph of a man with a full beard, natural skin, soft light, sharp focus, 85 mm",
    )
    unwanted = page.put(
        "CLIPTextEncode",
        100,
        "What it does not",
        clip=loaded["CLIP"],
        text="drawing, render, plastic, blurry, deformed",
    )
    larger = page.put(
        "ImageScale", 135, image=view["images"], upscale_method="lanczos", width=512, height=512, crop="disabled"
    )
    encoded = page.put("VAEEncode", 60, pixels=larger["IMAGE"], vae=loaded["VAE"])
    masked = page.put("SetLatentNoiseMask", 60, samples=encoded["LATENT"], mask=view["alpha"])
    page.column(1310, 330)
    sampled = page.put(
        "KSampler",
        270,
        model=loaded["MODEL"],
        positive=wanted["CONDITIONING"],
        negative=unwanted["CONDITIONING"],
        latent_image=masked["LATENT"],
        seed=0,
        steps=25,
        cfg=6.0,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        denoise=0.5,
    )
    decoded = page.put("VAEDecode", 60, samples=sampled["LATENT"], vae=loaded["VAE"])
    saved = page.put("SaveImage", 400, "The photograph", images=decoded["IMAGE"], filename_prefix="sat3d/refine")
    page.group("Read this first", note, model)
    page.group("Who, and the edit", source, reference, edit, changed)
    page.group("What guides", view, depth, normals, mask)
    page.group("Your model", loaded, wanted, unwanted, larger, encoded, masked)
    page.group("Result", sampled, decoded, saved)
    return page
