"""A head as a video and as a mesh."""

from __future__ import annotations

from .builder import Graph
from .page import VIDEO_PX, Kinds, Page


def orbit_and_mesh(kinds: Kinds) -> Graph:
    page = Page("5 Orbit and mesh", kinds)
    note = page.put_note(
        330,
        "Turn it, take it out",
        "An edited head as a video and as a mesh.\n\nRender Orbit makes the frames; Export Mesh writes a GLB with its "
        "colours into output/sat3d, and Preview 3D shows it: drag to turn. A GLB that is dropped on this page opens "
        "this "
        "workflow again.\n\nresolution 128 is quick, 256 gives finer hair. The GLB opens in Blender, in web pages and "
        "in "
        "slicers for 3D printing; it is closed once the corners along the seams of its texture are merged.\n\nThe back "
        "of the head is a guess of the generator, which saw few backs.",
    )
    model = page.load()
    page.column(370, 300)
    source, reference = page.sample(model, 27, "Source"), page.sample(model, 37, "Reference: the hair")
    edit = page.edit(model, source["latent"], reference, "hairstyle")
    page.column(700, 310)
    orbit = page.put(
        "RenderOrbit",
        500,
        model=model["model"],
        latent=edit["latent"],
        frames=16,
        yaw_deg=35.0,
        neural_resolution=64,
        fps=8,
    )
    mesh = page.put("SAT3DExportMesh", 210, model=model["model"], latent=edit["latent"], resolution=128)
    page.column(1040, 330)
    video = page.put(
        "SaveVideo", 330 + VIDEO_PX, "The head, turning", video=orbit["video"], filename_prefix="sat3d/orbit"
    )
    viewer = page.put("Preview3D", 380, "The mesh: drag to turn", model_file=mesh["model_file"])
    page.column(1400, 280)
    depth = page.put("PreviewImage", 400, "Depth", images=orbit["depth"])
    page.group("What this is", note, model)
    page.group("Who, and the edit", source, reference, edit)
    page.group("Video and mesh", orbit, mesh)
    page.group("Result", video, viewer, depth)
    return page
