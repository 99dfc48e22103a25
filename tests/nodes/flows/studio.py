"""A head to take hold of."""

from __future__ import annotations

import json

from .builder import Graph
from .page import VIDEO_PX, Kinds, Page

REFERENCES = ((37, "1: long waves"), (32, "2: orange hair"), (45, "3: a full beard"), (62, "4: blue frames"))
STATE = {
    "version": 1,
    "edits": {"beard": {"intensity": 1.0, "reference": 3}},
    "view": {"yaw_deg": 15.0, "pitch_deg": 0.0},
}


def studio(kinds: Kinds) -> Graph:
    page = Page("9 Studio", kinds)
    note = page.put_note(
        370,
        "The studio",
        "A head to take hold of. Nothing to download.\n\n1. Press Run, or 'Load the faces' in the Studio.\n2. Drag the "
        "head: it turns. Move a slider: the picture follows, coarse while it moves and fine when you let go.\n3. Click "
        "one of the four people: the next slider that leaves 0 takes from that one. '= reference' takes all of it; a "
        "small picture beside a slider says whose it is, and a click on it changes that.\n4. Hold 'Before' to see the "
        "face as it came.\n\nWhat you set is kept in the workflow. Run makes the video of it.",
    )
    model = page.load()
    source = page.sample(model, 27, "Source")
    page.column(370, 270)
    faces = [page.sample(model, seed, title) for seed, title in REFERENCES]
    page.column(670, 640)
    edit = page.put(
        "SAT3DStudio",
        620,
        model=model["model"],
        source=source["latent"],
        **{f"reference_{i}": face["latent"] for i, face in enumerate(faces, 1)},
        state=json.dumps(STATE, separators=(",", ":")),
    )
    done = page.put("PreviewAny", 150, "What was done", source=edit["provenance"])
    page.column(1340, 290)
    orbit = page.put(
        "RenderOrbit",
        470,
        "Around the view of the Studio",
        model=model["model"],
        latent=edit["latent"],
        camera=edit["camera"],
        path="swing",
        frames=10,
        pitch_deg=0.0,
        neural_resolution=64,
        fps=6,
    )
    video = page.put("SaveVideo", 290 + VIDEO_PX, "The result", video=orbit["video"], filename_prefix="sat3d/studio")
    page.group("What this is", note, model, source)
    page.group("Whom to take from", *faces)
    page.group("Edit: drag and slide", edit, done)
    page.group("Result", orbit, video)
    page.show_as_app([(edit, "studio"), (source, "seed"), *((face, "seed") for face in faces)], [video])
    return page
