"""Six attributes of six people, a slider each."""

from __future__ import annotations

from .builder import Graph
from .page import GAP, TOP, Kinds, Page

REFERENCES = (
    ("hairstyle", 37, "Hair style: long waves"),
    ("hair_colour", 32, "Hair colour: orange"),
    ("eye_region", 39, "Eyes: blue"),
    ("expression", 46, "Expression: a smile"),
    ("beard", 45, "Beard: a full one"),
    ("eyeglasses", 62, "Glasses: blue frames"),
)


def portraits(kinds: Kinds) -> Graph:
    names = [attribute for attribute, *_ in REFERENCES]
    graph = Graph("Portraits of Six", kinds, {"model": "EG3D_MODEL", **dict.fromkeys(names, "EG3D_LATENT")})
    graph.description = "Renders six faces and puts them on one sheet."
    views = [
        graph.add(
            "RenderOrbit",
            (360 * (i % 3), 520 * (i // 3)),
            (330, 470),
            name.replace("_", " "),
            model=graph.input("model"),
            latent=graph.input(name),
            path="still",
            frames=1,
            yaw_deg=12.0,
            pitch_deg=0.0,
            neural_resolution=64,
        )
        for i, name in enumerate(names)
    ]
    rows = {f"row_{i}": view["images"] for i, view in enumerate(views, 1)}
    labels = "\n".join(name.replace("_", " ") for name in names)
    sheet = graph.add("SAT3DContactSheet", (1140, 0), (340, 280), labels=labels, cell_px=128, columns=1, **rows)
    graph.outputs = {"sheet": sheet["sheet"]}
    return graph


def six_attributes(kinds: Kinds) -> Graph:
    page = Page("3 Six attributes", kinds)
    note = page.put_note(
        330,
        "Six attributes, six people",
        "Each attribute comes from a person of its own, and one slider says how much of it. The strip on the right "
        "shows "
        "these people.\n\nMove a slider and press Run, or choose Run (On Change) beside Run: then the picture follows "
        "the sliders. 0 takes an attribute out, below 0 goes away from the reference. Change a seed to take the "
        "attribute of somebody else.\n\nA face without a reference of its own takes that of 'reference'.",
    )
    model = page.load()
    source = page.sample(model, 27, "Source")
    faces = {}
    for x, part in ((370, REFERENCES[:3]), (670, REFERENCES[3:])):
        page.column(x, 270)
        for attribute, seed, title in part:
            faces[attribute] = page.sample(model, seed, title)
    page.column(370, 570)
    page.y = TOP + 3 * (150 + GAP)
    place = page.y
    page.column(980, 350)
    edit = page.put(
        "SAT3DMultiTransfer",
        800,
        "Sliders: move one",
        model=model["model"],
        source=source["latent"],
        reference=faces["eye_region"]["latent"],
        **{f"reference_{name}": face["latent"] for name, face in faces.items()},
        **dict.fromkeys(faces, 1.0),
    )
    done = page.add("PreviewAny", (370, place), (570, 200), "What was done", source=edit["provenance"])
    page.column(1370, 260)
    strip = page.put_graph(portraits(kinds), 190, model=model["model"], **{n: f["latent"] for n, f in faces.items()})
    sheet = page.put("PreviewImage", 560, "The six references", images=strip["sheet"])
    page.group("What this is", note, model, source)
    page.group("Six references", *faces.values(), done)
    page.group("Edit, and its picture", edit)
    page.group("Where it comes from", strip, sheet)
    return page
