"""Numbers for an edit."""

from __future__ import annotations

from .builder import Graph
from .page import FRONT, Kinds, Page


def fronts(kinds: Kinds) -> Graph:
    faces = ("source", "reference", "edit")
    graph = Graph("Three Fronts", kinds, {"model": "EG3D_MODEL", **dict.fromkeys(faces, "EG3D_LATENT")})
    graph.description = "Source, reference and edit from the front."
    views = {
        face: graph.add(
            "RenderOrbit",
            (0, 520 * i),
            (330, 470),
            f"See the {face}",
            model=graph.input("model"),
            latent=graph.input(face),
            **FRONT,
        )
        for i, face in enumerate(faces)
    }
    graph.outputs = {f"{face} picture": view["images"] for face, view in views.items()}
    return graph


def scores(kinds: Kinds) -> Graph:
    page = Page("6 Scores", kinds)
    note = page.put_note(
        400,
        "Did it work?",
        "Numbers for an edit: the reference's glasses on the source.\n\nQMM Score asks an image-text model how much of "
        "each attribute source, reference and edit show. The chart shows the attribute that was moved: there the edit "
        "should stand beside the reference. 'to reference' says that in one number, 'to source' how far all other "
        "attributes moved; small is good in both. Set attribute to 'all' to see every attribute drawn.\n\nCompare "
        "Pictures shows what changed in the picture; D_mean is its mean, 0 to 255. Light, clothes and background "
        "should "
        "stay dark.",
    )
    model = page.load()
    page.column(370, 300)
    source, reference = page.sample(model, 14, "Source"), page.sample(model, 62, "Reference: the glasses")
    edit = page.edit(model, source["latent"], reference, "eyeglasses")
    page.column(700, 290)
    views = page.put_graph(
        fronts(kinds),
        130,
        model=model["model"],
        source=source["latent"],
        reference=reference["latent"],
        edit=edit["latent"],
    )
    measured = page.put(
        "QMMScore",
        260,
        source=views["source picture"],
        reference=views["reference picture"],
        edit=views["edit picture"],
        attribute="eyeglasses",
    )
    changed = page.put("SAT3DCompare", 170, before=views["source picture"], after=views["edit picture"])
    page.column(1020, 650)
    chart = page.put("SaveImage", 440, "QMM chart", images=measured["chart"], filename_prefix="sat3d/scores")
    y = page.y
    seen = page.add("PreviewImage", (1020, y), (200, 330), "What changed", images=changed["difference"])
    size = (210, 140)
    mean = page.add("PreviewAny", (1235, y), size, "D_mean, 0 … 255", source=changed["d_mean"])
    near = page.add("PreviewAny", (1235, y + 190), size, "Glasses: to reference", source=measured["to_reference"])
    still = page.add("PreviewAny", (1460, y), size, "All else: to source", source=measured["to_source"])
    text = page.add("PreviewAny", (1460, y + 190), size, "All scores", source=measured["json"])
    page.group("What this is", note, model)
    page.group("Who, and the edit", source, reference, edit)
    page.group("Measure", views, measured, changed)
    page.group("Result", chart, seen, mean, near, still, text)
    return page
