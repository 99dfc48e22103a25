"""This car's colour, that car's shape: the same edits of something else than faces."""

from __future__ import annotations

from .builder import Graph
from .page import VIDEO_PX, Kinds, Page

CARS = "synthcars (built-in)"
_ROWS = ("first", "second", "painted", "shaped")


def compare_four(kinds: Kinds) -> Graph:
    """Two cars and two edits from the same cameras."""
    graph = Graph("Compare Four Cars", kinds, {"model": "EG3D_MODEL", **dict.fromkeys(_ROWS, "EG3D_LATENT")})
    graph.description = "Turns two cars and two edits, as a sheet; and one of the edits as a video."
    orbits = [
        graph.add(
            "RenderOrbit",
            (360 * (i % 2), 520 * (i // 2)),
            (330, 470),
            f"Views of the {car} one",
            model=graph.input("model"),
            latent=graph.input(car),
            path="turn",
            frames=8,
            pitch_deg=0.0,
            fps=6,
        )
        for i, car in enumerate(_ROWS)
    ]
    rows = {f"row_{i}": orbit["images"] for i, orbit in enumerate(orbits, 1)}
    labels = "first car\nsecond car\nsecond, in the first one's colour\nsecond, in the first one's shape"
    sheet = graph.add("SAT3DContactSheet", (750, 0), (340, 280), labels=labels, cell_px=128, **rows)
    graph.outputs = {"sheet": sheet["sheet"], "video": orbits[2]["video"]}
    return graph


def cars(kinds: Kinds) -> Graph:
    page = Page("10 Cars", kinds)
    note = page.put_note(
        380,
        "This car's colour, that car's shape",
        "Masks are not for faces alone. Two invented cars, and two edits of the second: it takes the colour of the "
        "first, and, another time, its shape. Nothing to download.\n\n1. Press Run. Each row of the sheet is one car, "
        "seen all the way round from a little above.\n2. Try other seeds, and other intensities.\n3. For heads of cats "
        "choose synthcats in Load EG3D Model, and attributes such as fur_colour, fur_pattern or eyes.\n\nBoth "
        "generators learned from rendered pictures alone; the masks were found by phrases. What is for people, such as "
        "Animate Face, refuses them.",
    )
    model = page.load(CARS)
    page.column(370, 300)
    first, second = page.sample(model, 30, "First car"), page.sample(model, 22, "Second car")
    page.column(700, 300)
    painted = page.edit(model, second["latent"], first, "colour", title="Colour of the first, on the second")
    shaped = page.edit(model, second["latent"], first, "shape", title="Shape of the first, on the second")
    page.column(1030, 580)
    place = page.y
    page.column(370, 300)
    page.y = place + 2 * 200
    four = page.put_graph(
        compare_four(kinds),
        150,
        model=model["model"],
        first=first["latent"],
        second=second["latent"],
        painted=painted["latent"],
        shaped=shaped["latent"],
    )
    page.column(1030, 580)
    sheet = page.put("SaveImage", 420, "Two cars, two edits", images=four["sheet"], filename_prefix="sat3d/cars")
    page.width = 300
    video = page.put(
        "SaveVideo", 300 + VIDEO_PX, "The second car, repainted", video=four["video"], filename_prefix="sat3d/cars"
    )
    page.group("What this is", note, model)
    page.group("Two cars, and their views", first, second, four)
    page.group("Two edits", painted, shaped)
    page.group("Result", sheet, video)
    return page
