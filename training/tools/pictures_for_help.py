"""Make the pictures of the help pages anew, and the thumbnail of the photo workflow, with the pack's own networks.

    python -m training.tools.pictures_for_help [--out nodes/web/docs] [--only NODE …] [--steps 40]

Run it after the built-in generator or its masks were trained anew: everything but the example photo is drawn by them.
"""

import io
import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageOps
from torch import Tensor

from training.common.console import script
from sat3d.camera import orbit
from sat3d.faces.drawing import draw_faces
from sat3d.faces.finding import find_faces
from sat3d.files.writing import write_bytes
from sat3d.inversion import FeatureLoss, InversionOptions, Inverter, invert, load_encoder
from sat3d.inversion.align import Crop, cut, photo_from
from sat3d.inversion.frames import BUILT_IN
from sat3d.inversion.layers import paste_layers
from sat3d.latent import Latent
from sat3d.mesh.extraction import MeshOptions, extract_mesh
from sat3d.networks.reader import load_reader
from sat3d.parsing.parser import load_parser
from sat3d.picture_modes import rgb_picture
from sat3d.pictures import contact_sheet, depth_to_grey, to_pil
from training.common.settings import Settings
from training.tools.built_in_faces import BuiltInFaces
from training.tools.example_group import GROUP
from training.tools.example_photo import CROP, PHOTO

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "nodes" / "web" / "docs"
THUMBNAILS = {"SAT3DPasteBack": ROOT / "workflows" / "4 Edit a photo.jpg"}
GROUP_FLOW = ROOT / "workflows" / "4b Group photo.jpg"
SEEDS = (51, 5, 39, 16, 26, 46)
REFERENCE = 51  # whose beard is transferred
_CELL_PX, _LARGEST_BYTES = 128, 40_000
_CROP_PX, _MESH_PX = 256, 224
_SEAM_PX = 24  # as Paste Back has it unless told otherwise
_LIGHT = np.array([0.3, 0.4, 0.85])


@dataclass
class Studio(BuiltInFaces):
    """The built-in networks and what is made of them only once. ``steps``: of the inversion."""

    steps: int = 40

    def as_taken(self, latent: Latent) -> Tensor:
        """``[1, 3, H, H]`` from the face's own camera."""
        return self.network.synthesize(latent.styles, latent.camera).image.clamp(-1, 1)

    @cached_property
    def photo(self) -> Tensor:
        return photo_from(Image.open(PHOTO))

    @cached_property
    def crop(self) -> Tensor:
        return cut(self.photo, CROP, _CROP_PX)

    @cached_property
    def tools(self) -> Inverter:
        return Inverter(self.network, self.loaded.fingerprint, load_encoder(), FeatureLoss(load_reader()))

    @cached_property
    def found(self):
        """The example photo, inverted in W+."""
        return invert(self.tools, self.crop, InversionOptions("W+", self.steps, 0))

    def edited(self, face: Latent) -> Latent:
        """With the beard of the reference."""
        return self.edit(face, self.face(REFERENCE), "beard", 1.2)


def heads(studio: Studio) -> Image.Image:
    """LoadEG3D: what the built-in network draws."""
    return contact_sheet([[studio.picture(studio.face(seed)) for seed in SEEDS]], cell_px=_CELL_PX)


def truncations(studio: Studio) -> Image.Image:
    """SAT3DSampleFace: seeds side by side, truncations one below the other."""
    values = (0.0, 0.5, 1.0)
    rows = [[pil(studio.network.synthesize(studio.styles(seed, psi)).image) for seed in SEEDS[:5]] for psi in values]
    return contact_sheet(rows, [f"truncation {psi:g}" for psi in values], _CELL_PX)


def turned(studio: Studio) -> Image.Image:
    """RenderOrbit: frames of an orbit, and their depth."""
    views = studio.network.synthesize(studio.styles(SEEDS[0]), studio.network.rig.label(*orbit(6)))
    depth = torch.nn.functional.interpolate(depth_to_grey(views.depth, views.opacity), _CELL_PX) * 2 - 1
    return contact_sheet([to_pil(views.image.clamp(-1, 1)), to_pil(depth.expand(-1, 3, -1, -1))],
                         ("images: six frames of an orbit", "depth"), _CELL_PX)  # fmt: skip


def sheet(studio: Studio) -> Image.Image:
    """SAT3DContactSheet: one row for each of three heads."""
    cameras = studio.network.rig.label(*orbit(6, kind="swing"))
    rows = [to_pil(studio.network.synthesize(studio.styles(seed), cameras).image.clamp(-1, 1)) for seed in SEEDS[:3]]
    return contact_sheet(rows, ("source", "reference", "a third row"), _CELL_PX)


def meshes(studio: Studio) -> Image.Image:
    """SAT3DExportMesh: with its colours, and as clay."""
    mesh = extract_mesh(studio.network, studio.network.planes(studio.styles(SEEDS[0])), MeshOptions(192))
    clay = replace(mesh, colours=np.full_like(mesh.colours, 0.8))
    return contact_sheet([[drawn(each, turn) for each in (mesh, clay) for turn in (0.0, 0.7)]], cell_px=_MESH_PX - 40)


def drawn(mesh, yaw_rad: float) -> Image.Image:
    """Vertices as dots, nearest last, lit from above; dense meshes look closed."""
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    turn = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    points, normals = mesh.vertices @ turn.T, mesh.normals @ turn.T
    scale = 0.95 * _MESH_PX / np.ptp(mesh.vertices[:, 1])
    middle = (mesh.vertices[:, 1].max() + mesh.vertices[:, 1].min()) / 2
    columns = np.rint(points[:, 0] * scale + _MESH_PX / 2).astype(int)
    rows = np.rint((middle - points[:, 1]) * scale + _MESH_PX / 2).astype(int)
    light = 0.45 + 0.55 * np.clip(normals @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)
    pixels = np.full((_MESH_PX, _MESH_PX, 3), 40, np.uint8)
    inside = (columns >= 1) & (columns < _MESH_PX - 1) & (rows >= 1) & (rows < _MESH_PX - 1) & (normals[:, 2] > 0)
    order = np.nonzero(inside)[0][np.argsort(points[inside, 2])].repeat(9)  # 3 x 3 pixels a dot
    dy, dx = (np.tile(np.indices((3, 3)).reshape(2, 9) - 1, (1, len(order) // 9))[axis] for axis in (0, 1))
    pixels[rows[order] + dy, columns[order] + dx] = mesh.colours[order] * light[order, None] * 255
    return Image.fromarray(pixels)


def example(studio: Studio) -> Image.Image:
    """SAT3DExamplePhoto: the photo itself, smaller."""
    return ImageOps.contain(pil(studio.photo), (480, 360), Image.Resampling.LANCZOS)


def aligned(studio: Studio) -> Image.Image:
    """SAT3DAlignFace: the numbers of the faces of a group, the square about one of them, and the crop."""
    photo = photo_from(Image.open(GROUP))
    faces = find_faces(photo)
    crop = BUILT_IN.crop_of_found(faces[1].five_points)
    drawn = draw_faces(pil(photo), faces, chosen=1)
    ImageDraw.Draw(drawn).rectangle(crop.box, outline=(90, 200, 255), width=5)
    return beside(drawn, pil(cut(photo, crop, _CROP_PX)))


def inverted(studio: Studio) -> Image.Image:
    """InvertImage: the crop, what the encoder finds, what W+ finds, and that head turned."""
    quick = invert(studio.tools, studio.crop, InversionOptions("encoder"))
    cameras = studio.network.rig.label(torch.tensor([-0.5, 0.5]), 0.0)
    views = studio.network.synthesize(studio.found.latent.styles, cameras).image.clamp(-1, 1)
    return contact_sheet([[pil(studio.crop), pil(quick.picture), pil(studio.found.picture), *to_pil(views)]],
                         ("photo, encoder, W+, and that head from both sides",), 160)  # fmt: skip


def as_taken(studio: Studio) -> Image.Image:
    """SAT3DRenderAsTaken: photo, inversion and edit lie on each other."""
    edit = studio.as_taken(studio.edited(studio.found.latent))
    return contact_sheet([[pil(studio.crop), pil(studio.found.picture), pil(edit)]],
                         ("the photo, the head as found, the edit from the same camera",), 192)  # fmt: skip


def pasted(studio: Studio) -> Image.Image:
    """SAT3DPasteBack: the photo before and after."""
    return beside(pil(studio.photo), pil(bearded(studio, studio.photo, CROP, studio.found.latent)))


def bearded(studio: Studio, photo: Tensor, crop: Crop, face: Latent) -> Tensor:
    """``photo`` with a beard for ``face``, who was found in its ``crop``."""
    before, after = studio.as_taken(face), studio.as_taken(studio.edited(face))
    return paste_layers(photo, before, after, crop, load_parser().probabilities, feather=_SEAM_PX / crop.side)[0]


def group(studio: Studio) -> Image.Image:
    """The faces that are found, and below one of them edited."""
    photo = photo_from(Image.open(GROUP))
    faces = find_faces(photo)
    crop = BUILT_IN.crop_of_found(faces[1].five_points)
    face = invert(studio.tools, cut(photo, crop, _CROP_PX), InversionOptions("W+", studio.steps, 0)).latent
    above, below = draw_faces(pil(photo), faces, chosen=1), pil(bearded(studio, photo, crop, face))
    both = Image.new("RGB", (above.width, 2 * above.height))
    both.paste(above, (0, 0))
    both.paste(below, (0, above.height))
    return ImageOps.contain(both, (520, 452), Image.Resampling.LANCZOS)


PICTURES = {
    "LoadEG3D": heads, "SAT3DSampleFace": truncations, "RenderOrbit": turned, "SAT3DContactSheet": sheet,
    "SAT3DExportMesh": meshes, "SAT3DExamplePhoto": example, "SAT3DAlignFace": aligned, "InvertImage": inverted,
    "SAT3DRenderAsTaken": as_taken, "SAT3DPasteBack": pasted,
}  # fmt: skip


def pil(image: Tensor) -> Image.Image:
    return to_pil(image.clamp(-1, 1))[0]


def beside(*pictures: Image.Image, height: int = 270) -> Image.Image:
    """Pictures of one height in a row."""
    scaled = [p.resize((round(p.width * height / p.height), height), Image.Resampling.LANCZOS) for p in pictures]
    row = Image.new("RGB", (sum(p.width for p in scaled) + 6 * (len(scaled) - 1), height), (24, 24, 28))
    x = 0
    for picture in scaled:
        row.paste(picture, (x, 0))
        x += picture.width + 6
    return row


def save(picture: Image.Image, path: Path) -> int:
    """As JPEG of at most 40 kB; gives its size."""
    for quality in (88, 82, 76, 70, 60, 50):
        buffer = io.BytesIO()
        rgb_picture(picture).save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= _LARGEST_BYTES:
            break
    write_bytes(path, buffer.getvalue())
    return buffer.tell()


@dataclass(frozen=True, kw_only=True)
class PicturesForHelp(Settings):
    out: Path = DOCS
    only: tuple[Literal[tuple(sorted(PICTURES))], ...] = tuple(PICTURES)
    steps: int = 40  # of the inversion of the example photo


@script(PicturesForHelp)
def main(settings: PicturesForHelp) -> int:
    studio = Studio(steps=settings.steps)
    for name in settings.only:
        started = time.perf_counter()
        with torch.no_grad():
            size = save(PICTURES[name](studio), settings.out / f"{name}.jpg")
            if name in THUMBNAILS and settings.out == DOCS:
                write_bytes(THUMBNAILS[name], (DOCS / f"{name}.jpg").read_bytes())
        print(f"{name}.jpg: {size / 1000:.0f} kB, {time.perf_counter() - started:.0f} s")
    if settings.out == DOCS:
        with torch.no_grad():
            save(group(studio), GROUP_FLOW)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
