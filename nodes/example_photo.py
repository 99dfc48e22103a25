"""SAT3DExamplePhoto: photos that come with the pack, and a clip, so that the workflows run at once."""

from contextlib import suppress
from pathlib import Path

import folder_paths
import torch
from comfy_api.latest import io
from PIL import Image

from ..sat3d.errors import FileError
from ..sat3d.files.writing import write_bytes
from ..sat3d.picture_modes import rgb_values
from . import newer_hosts

FOLDER = Path(__file__).resolve().parent / "photos"
NAME = "portrait"
# What templates open by Load Image and Load Video, so that others are dropped in their place.
IN_INPUT = {"sat3d_portrait.jpg": "portrait.jpg", "sat3d_group.jpg": "group.jpg", "sat3d_driver.mp4": "driver.mp4"}


def offer_in_input() -> None:
    """Put them into the host's input folder, unless a file of the name is there, whatever is in it."""
    folder = Path(folder_paths.get_input_directory())
    for name, photo in IN_INPUT.items():
        with suppress(FileError):
            write_bytes(folder / name, (FOLDER / photo).read_bytes(), overwrite=False)


class SAT3DExamplePhoto(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DExamplePhoto",
            display_name="Example Photo",
            category="SAT3D/face",
            description="A portrait that comes with the pack, to try things out: a rendered person who does not exist. "
            "Put Load Image in its place for a photo of your own.",
            **newer_hosts.found_by("portrait", "sample image", "test photo"),
            inputs=[],
            outputs=[
                io.Image.Output("photo", display_name="photo", tooltip="The portrait, 960 x 720 pixels."),
                io.String.Output(
                    "points",
                    display_name="points",
                    tooltip="Its eyes, nose and corners of the mouth, for Align Face with 'five points'.",
                ),
            ],
        )

    @classmethod
    def execute(cls) -> io.NodeOutput:
        with Image.open(FOLDER / f"{NAME}.jpg") as picture:
            pixels = rgb_values(picture)
        points = (FOLDER / f"{NAME}.txt").read_text(encoding="utf-8").strip()
        return io.NodeOutput(torch.from_numpy(pixels)[None], points)
