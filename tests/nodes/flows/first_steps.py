"""The templates to begin with: a face, and an edit."""

from __future__ import annotations

from .builder import Graph
from .page import VIDEO_PX, Kinds, Page


def first_face(kinds: Kinds) -> Graph:
    page = Page("1 First face", kinds)
    note = page.put_note(
        250,
        "First face",
        "A face from a seed, seen from all sides. Nothing to download: the generator comes with the pack.\n\n"
        "1. Press Run.\n2. Try another seed, another path, more frames.\n"
        "3. Other generators: put a checkpoint into models/eg3d, press R and choose it in Load EG3D Model. Official "
        ".pkl "
        "files work as they are; truncation 0.7 suits them better.\n\n"
        "The video is saved under output/sat3d. Cancel works at any time.",
    )
    model = page.load()
    page.column(390, 300)
    face = page.sample(model, 51, "")
    page.column(730, 330)
    orbit = page.put("RenderOrbit", 500, model=model["model"], latent=face["latent"], frames=16, fps=8)
    page.column(1100, 340)
    video = page.put(
        "SaveVideo", 340 + VIDEO_PX, "The head, turning", video=orbit["video"], filename_prefix="sat3d/first_face"
    )
    depth = page.put("PreviewImage", 340, "Depth", images=orbit["depth"])
    page.group("What this is", note, model)
    page.group("Who, and from where", face, orbit)
    page.group("Result", video, depth)
    page.show_as_app([(face, "seed"), (face, "truncation"), (orbit, "path"), (orbit, "frames")], [video, depth])
    return page


def compare_three(kinds: Kinds) -> Graph:
    """Source, reference and edit from the same cameras."""
    faces = ("source", "reference", "edit")
    graph = Graph("Compare Three Faces", kinds, {"model": "EG3D_MODEL", **dict.fromkeys(faces, "EG3D_LATENT")})
    graph.description = "Renders source, reference and edit from the same cameras, as a sheet; and the edit as a video."
    orbits = [
        graph.add(
            "RenderOrbit",
            (0, 520 * i),
            (330, 470),
            f"Views of the {face}",
            model=graph.input("model"),
            latent=graph.input(face),
            frames=8,
            neural_resolution=64,
            fps=6,
        )
        for i, face in enumerate(faces)
    ]
    rows = {f"row_{i}": orbit["images"] for i, orbit in enumerate(orbits, 1)}
    labels = "source\nreference\nedit: the attribute of the reference"
    sheet = graph.add("SAT3DContactSheet", (390, 0), (340, 280), labels=labels, cell_px=128, **rows)
    graph.outputs = {"sheet": sheet["sheet"], "video": orbits[2]["video"]}
    return graph


def first_edit(kinds: Kinds) -> Graph:
    page = Page("2 First edit", kinds)
    note = page.put_note(
        360,
        "First edit",
        "This very beard, on another face. Nothing to download.\n\n"
        "1. Press Run. The sheet shows source, reference and edit from the same cameras; the video turns the edited "
        "head.\n2. Move 'intensity': 0 is the source, 1 the beard of the reference, up to about 2 exaggerates, below 0 "
        "shaves. Only the edit is computed again.\n3. Choose another attribute, or other seeds. All faces are "
        "invented.\n\nSlow machine? Open 'Compare Three Faces' (the symbol in its corner) and take fewer frames.",
    )
    model = page.load()
    page.column(370, 300)
    source, reference = page.sample(model, 36, "Source"), page.sample(model, 45, "Reference: the beard")
    edit = page.edit(model, source["latent"], reference, "beard")
    page.column(700, 300)
    three = page.put_graph(
        compare_three(kinds),
        130,
        model=model["model"],
        source=source["latent"],
        reference=reference["latent"],
        edit=edit["latent"],
    )
    page.column(1030, 580)
    sheet = page.put(
        "SaveImage", 340, "Source, reference, edit", images=three["sheet"], filename_prefix="sat3d/first_edit"
    )
    place, page.width = page.y, 320
    video = page.put(
        "SaveVideo", 320 + VIDEO_PX, "The edited head", video=three["video"], filename_prefix="sat3d/first_edit"
    )
    done = page.add("PreviewAny", (1370, place), (240, 200), "What was done", source=edit["provenance"])
    page.group("What this is", note, model)
    page.group("Who, and the edit", source, reference, edit)
    page.group("Pictures", three)
    page.group("Result", sheet, video, done)
    page.show_as_app([(edit, "attribute"), (edit, "intensity"), (source, "seed"), (reference, "seed")], [sheet, video])
    return page
