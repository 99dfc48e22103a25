"""Masks for a checkpoint that has none."""

from __future__ import annotations

from .builder import Graph
from .page import FRONT, Kinds, Page


def learn_masks(kinds: Kinds) -> Graph:
    page = Page("7b Learn masks", kinds)
    note = page.put_note(
        430,
        "Masks for your checkpoint",
        "Attributes are moved by masks, which say what each style channel of a generator carries. An official "
        "checkpoint comes without: here they are learned, once.\n\n1. Choose your checkpoint in Load EG3D Model, and "
        "'face' as domain.\n2. Choose a CLIP in models/open_clip; the built-in one knows the built-in heads alone.\n"
        "3. If you have 79999_iter.pth, put it into models/sat3d_parsers and choose it as parser.\n4. Run. Minutes on "
        "a GPU. Cancel at any time: it goes on where it was.\n\nThe report says of each attribute how surely it "
        "arrives. The masks lie in models/sat3d_masks, and Load Attribute Masks offers them from then on. As it "
        "stands, this learns masks of the built-in heads anew, in ten minutes of a processor.",
    )
    model = page.load()
    page.column(370, 300)
    learned = page.put("SAT3DLearnMasks", 300, model=model["model"], faces=400)
    source, reference = page.sample(model, 14, "Source"), page.sample(model, 62, "Reference: the glasses")
    page.column(700, 310)
    edit = page.put(
        "SAT3DTransfer",
        270,
        "By the masks just learned",
        model=model["model"],
        source=source["latent"],
        reference=reference["latent"],
        masks=learned["masks"],
        attribute="eyeglasses",
    )
    front = page.put("RenderOrbit", 420, "From the front", model=model["model"], latent=edit["latent"], **FRONT)
    page.column(1050, 450)
    report = page.put("PreviewAny", 200, "How sure it is", source=learned["report"])
    sheet = page.put("PreviewImage", 300, "Source, reference, each attribute", images=learned["sheet"])
    face = page.put("PreviewImage", 300, "The edit", images=front["images"])
    page.group("Read this first", note, model)
    page.group("Learn, and try", learned, source, reference)
    page.group("The edit", edit, front)
    page.group("Result", report, sheet, face)
    return page
