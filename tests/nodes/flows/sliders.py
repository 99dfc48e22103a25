"""The template about sliders: parameters of a face read, changed, and taken from another face."""

from __future__ import annotations

from .builder import Graph
from .page import Kinds, Page


def face_sliders(kinds: Kinds) -> Graph:
    page = Page("3c Face sliders", kinds)
    note = page.put_note(
        420,
        "Parameters of a face",
        "Shape, age, skin, hair, beard, glasses, make-up, expression, gaze and light as numbers: all else stays as it "
        "is. Nothing to download.\n\n"
        "1. Press Run. The head takes over the expression and the shape of another one, and turns with it.\n"
        "2. In Face Sliders choose a slider and move its position, with Run (On Change): the picture follows.\n"
        "3. Read Face Parameters shows all numbers of the head. Copy what you like into 'values' of Face Sliders and "
        "change it; what is left out stays.\n\n"
        "Transfer Attribute and Swap Parts may come before or after: every node takes the face of the one before.",
    )
    model = page.load()
    page.column(370, 300)
    source, reference = page.sample(model, 2, "The face"), page.sample(model, 47, "Reference: how she smiles")
    read = page.put("SAT3DReadParameters", 110, model=model["model"], latent=source["latent"])
    numbers = page.put("PreviewAny", 300, "Parameters of the face", source=read["json"])
    page.column(700, 340)
    sliders = page.put(
        "SAT3DSliders",
        760,
        "Sliders: move one",
        model=model["model"],
        source=source["latent"],
        reference=reference["latent"],
        as_in_reference="expression, shape",
    )
    page.column(1060, 320)
    orbit = page.put(
        "RenderOrbit", 500, model=model["model"], latent=sliders["latent"], path="swing", frames=8, yaw_deg=30.0, fps=6
    )
    page.column(1400, 320)
    video = page.put("SaveVideo", 460, "The face, changed", video=orbit["video"], filename_prefix="sat3d/sliders")
    page.group("What this is", note, model)
    page.group("The face, and its numbers", source, reference, read, numbers)
    page.group("Change them", sliders)
    page.group("From all sides", orbit)
    page.group("Result", video)
    return page
