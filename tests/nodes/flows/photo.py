"""A photo in, a photo out."""

from __future__ import annotations

from .builder import Graph
from .page import Kinds, Page

PHOTO = "sat3d_portrait.jpg"


def edit_a_photo(kinds: Kinds) -> Graph:
    page = Page("4 Edit a photo", kinds)
    note = page.put_note(
        350,
        "Edit a photo",
        "A photo goes in, its face is found in the generator, one attribute is edited, and the face goes back into the "
        "photo at its own size. Nothing to download.\n\n1. Press Run. On a slow machine the inversion takes a minute "
        "or "
        "two, once: it is kept. The example person does not exist.\n2. Move 'intensity' in Transfer Attribute, or "
        "choose "
        "another attribute.\n3. Paste Back carries over only what the edit changed: skin, light and background stay "
        "those of the photo. Take the wire off 'before' to see the generator's own head.",
    )
    own = page.put_note(
        270,
        "Your own photo",
        "YOUR OWN PHOTO. Drop it onto Load Image. Where Align Face finds several faces, its picture shows their "
        "numbers: "
        "choose one by 'face'.\n\nThe built-in model knows rendered heads only. For photos of people choose an EG3D "
        "face "
        "checkpoint in Load EG3D Model (see the template Official FFHQ), set 'frame' in Align Face to 'published face "
        "models', and connect masks learned for it.",
    )
    model = page.load()
    page.column(370, 300)
    photo = page.put("LoadImage", 330, "The photo: drop yours here", image=PHOTO)
    face = page.put("SAT3DAlignFace", 480, image=photo["IMAGE"], frame="built-in heads")
    page.column(700, 300)
    found = page.put(
        "InvertImage", 610, model=model["model"], image=face["crop"], place=face["place"], method="W+", steps=30
    )
    near = page.put("PreviewAny", 150, "How near the inversion came", source=found["info"])
    page.column(1030, 300)
    reference = page.sample(model, 4, "Reference: the beard")
    edit = page.edit(model, found["latent"], reference, "beard")
    view = page.put("SAT3DRenderAsTaken", 90, model=model["model"], latent=edit["latent"])
    back = page.put(
        "SAT3DPasteBack",
        240,
        photo=photo["IMAGE"],
        edited=view["images"],
        before=found["preview"],
        place=face["place"],
    )
    page.column(1360, 330)
    saved = page.put("SaveImage", 420, "The edited photo", images=back["image"], filename_prefix="sat3d/photo_edit")
    changed = page.put("SAT3DCompare", 170, "What changed", before=photo["IMAGE"], after=back["image"])
    seen = page.put("PreviewImage", 250, "What changed, four times as bright", images=changed["difference"])
    page.group("What this is", note, own, model)
    page.group("Photo and face", photo, face)
    page.group("The face in the generator", found, near)
    page.group("Edit, and back", reference, edit, view, back)
    page.group("Result", saved, changed, seen)
    page.show_as_app([(photo, "image"), (edit, "attribute"), (edit, "intensity"), (reference, "seed")], [saved, seen])
    return page
