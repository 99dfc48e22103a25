"""A photo in, a photo out."""

from __future__ import annotations

from dataclasses import dataclass

from .builder import Graph, Node
from .page import Kinds, Page

PHOTO, GROUP = "sat3d_portrait.jpg", "sat3d_group.jpg"


@dataclass(frozen=True)
class Wish:
    """The photo and the number of its face; whose attribute it gets; where the result is saved."""

    photo: str
    face: int
    reference: int
    attribute: str
    saved: str


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
    return edit_face(page, (note, own), Wish(PHOTO, 0, 51, "beard", "sat3d/photo_edit"))


def group_photo(kinds: Kinds) -> Graph:
    page = Page("4b Group photo", kinds)
    note = page.put_note(
        350,
        "Edit one face of a group",
        "Three people, of whom one is edited; the others stay what they are, to the pixel. Nothing to download.\n\n"
        "1. Press Run. Align Face shows the photo with a number on every face; the green one is taken.\n2. Choose "
        "another by 'face' in Align Face: 0 is the largest, and faces of like size are numbered from the left.\n"
        "3. Move 'intensity' in Transfer Attribute, or choose another attribute.",
    )
    own = page.put_note(
        270,
        "More than one face",
        "MORE THAN ONE. Copy the nodes from Align Face to Paste Back, give them the number of the next face, and wire "
        "the image of the first Paste Back into 'photo' of the second: one after the other.\n\nThe built-in model "
        "knows rendered heads only; for photos of people see the template Official FFHQ.",
    )
    return edit_face(page, (note, own), Wish(GROUP, 1, 51, "beard", "sat3d/group_photo"))


def edit_face(page: Page, notes: tuple[Node, Node], wish: Wish) -> Graph:
    """Below the notes, and to their right."""
    model = page.load()
    page.column(370, 300)
    photo = page.put("LoadImage", 330, "The photo: drop yours here", image=wish.photo)
    face = page.put("SAT3DAlignFace", 480, image=photo["IMAGE"], face=wish.face, frame="built-in heads")
    page.column(700, 300)
    found = page.put(
        "InvertImage", 610, model=model["model"], image=face["crop"], place=face["place"], method="W+", steps=30
    )
    near = page.put("PreviewAny", 150, "How near the inversion came", source=found["info"])
    page.column(1030, 300)
    reference = page.sample(model, wish.reference, f"Reference: the {wish.attribute}")
    edit = page.edit(model, found["latent"], reference, wish.attribute)
    view = page.put("SAT3DRenderAsTaken", 98, model=model["model"], latent=edit["latent"])
    back = page.put(
        "SAT3DPasteBack",
        240,
        photo=photo["IMAGE"],
        edited=view["images"],
        before=found["preview"],
        place=face["place"],
    )
    page.column(1360, 330)
    saved = page.put("SaveImage", 420, "The edited photo", images=back["image"], filename_prefix=wish.saved)
    changed = page.put("SAT3DCompare", 170, "What changed", before=photo["IMAGE"], after=back["image"])
    seen = page.put("PreviewImage", 250, "What changed, four times as bright", images=changed["difference"])
    page.group("What this is", *notes, model)
    page.group("Photo and face", photo, face)
    page.group("The face in the generator", found, near)
    page.group("Edit, and back", reference, edit, view, back)
    page.group("Result", saved, changed, seen)
    page.show_as_app([(photo, "image"), (edit, "attribute"), (edit, "intensity"), (reference, "seed")], [saved, seen])
    return page
