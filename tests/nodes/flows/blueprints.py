"""Subgraphs that the host offers among its nodes."""

from __future__ import annotations

from collections.abc import Callable

from .builder import Graph
from .page import FRONT, Kinds


def edit_a_face_blueprint(kinds: Kinds) -> Graph:
    graph = Graph("Edit a Face", kinds, {"model": "EG3D_MODEL", "source": "EG3D_LATENT", "reference": "EG3D_LATENT"})
    graph.description = "Moves an attribute of the reference onto the source, and shows the edited face from the front."
    edit = graph.add(
        "SAT3DTransfer",
        (0, 0),
        (300, 270),
        model=graph.input("model"),
        source=graph.input("source"),
        reference=graph.input("reference"),
        attribute="beard",
    )
    view = graph.add(
        "RenderOrbit",
        (350, 0),
        (310, 500),
        model=graph.input("model"),
        latent=edit["latent"],
        **FRONT,
    )
    graph.shown = ((edit, "attribute"), (edit, "intensity"))
    graph.outputs = {"latent": edit["latent"], "picture": view["images"]}
    return graph


def edit_a_photo_blueprint(kinds: Kinds) -> Graph:
    graph = Graph("Edit a Photo", kinds, {"model": "EG3D_MODEL", "photo": "IMAGE", "reference": "EG3D_LATENT"})
    graph.description = "Photo in, photo out: finds the face, inverts it, moves an attribute of the reference onto it."
    face = graph.add("SAT3DAlignFace", (0, 0), (300, 480), image=graph.input("photo"), frame="built-in heads")
    found = graph.add(
        "InvertImage",
        (350, 0),
        (300, 610),
        model=graph.input("model"),
        image=face["crop"],
        place=face["place"],
        steps=30,
    )
    edit = graph.add(
        "SAT3DTransfer",
        (700, 0),
        (300, 270),
        model=graph.input("model"),
        source=found["latent"],
        reference=graph.input("reference"),
        attribute="beard",
    )
    view = graph.add("SAT3DRenderAsTaken", (700, 330), (300, 90), model=graph.input("model"), latent=edit["latent"])
    back = graph.add(
        "SAT3DPasteBack",
        (1050, 0),
        (300, 240),
        photo=graph.input("photo"),
        edited=view["images"],
        before=found["preview"],
        place=face["place"],
    )
    graph.shown = ((face, "frame"), (found, "method"), (found, "steps"), (edit, "attribute"), (edit, "intensity"))
    graph.outputs = {"photo edited": back["image"], "changed": back["changed"], "latent": edit["latent"]}
    return graph


def orbit_video_blueprint(kinds: Kinds) -> Graph:
    graph = Graph("Orbit Video", kinds, {"model": "EG3D_MODEL", "latent": "EG3D_LATENT"})
    graph.description = "Turns a head, and saves the video."
    orbit = graph.add(
        "RenderOrbit", (0, 0), (310, 500), model=graph.input("model"), latent=graph.input("latent"), frames=24, fps=12
    )
    graph.add("SaveVideo", (360, 0), (330, 450), video=orbit["video"], filename_prefix="sat3d/orbit")
    graph.shown = ((orbit, "path"), (orbit, "frames"), (orbit, "yaw_deg"), (orbit, "neural_resolution"))
    graph.outputs = {"images": orbit["images"], "video": orbit["video"]}
    return graph


BLUEPRINTS: tuple[Callable[[Kinds], Graph], ...] = (
    edit_a_face_blueprint,
    edit_a_photo_blueprint,
    orbit_video_blueprint,
)
