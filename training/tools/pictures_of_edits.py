"""Make the README's picture and the workflows' thumbnails anew, with the pack's own networks and masks.

    python -m training.tools.pictures_of_edits [--masks FILE] [--only NAME …]

Run it after the built-in generator or its masks were trained anew. The seeds are those of the workflows.
"""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from PIL import Image

from training.common.console import script
from sat3d.animation.expression_space import load_expressions
from sat3d.animation.retargeting import Retargeting
from sat3d.animation.streaming import Animation, frames_of, make_clip
from sat3d.generators import RenderOptions
from sat3d.latent import Latent
from sat3d.networks.built_in import CARS, CARS_MASKS, EXPRESSIONS, MASKS
from sat3d.normals import normals_from_depth
from sat3d.parts.field import load_parts
from sat3d.parts.generator import views_of
from sat3d.parts.masks import PartViews
from sat3d.parts.swapping import swap_parts
from sat3d.pictures import contact_sheet, depth_to_grey, save_picture, to_pil
from training.common.settings import BuiltIn, Settings
from training.evaluation.animation.scenes import acted, write_motion
from training.synthheads.populations import INDEPENDENT
from training.tools.built_in_faces import BuiltInFaces

ROOT = Path(__file__).resolve().parents[2]
ATTRIBUTES = ("hairstyle", "hair_colour", "eye_region", "expression", "beard", "eyeglasses")
# Source and reference of each row of the README's picture.
PAIRS = ((36, 45), (14, 62), (27, 37), (19, 34))
CHAIN = (
    (37, "hairstyle"),
    (32, "hair_colour"),
    (39, "eye_region"),
    (46, "expression"),
    (45, "beard"),
    (62, "eyeglasses"),
)
_SIDE, _NEAR = 0.4, 0.2  # yaw, radians
_INPAINTED_DEG = 20.0
_CARS = (30, 22)  # seeds
_CLIP = (7, 1, 6)  # seed, number and frames


def edits(studio: BuiltInFaces) -> Image.Image:
    """The README's: pairs with each attribute alone, then three edits in a row from six sides."""
    rows = []
    for source, reference in ((studio.face(a), studio.face(b)) for a, b in PAIRS):
        moved = [studio.edit(source, reference, attribute) for attribute in ATTRIBUTES]
        rows.append([studio.picture(face) for face in (source, reference, *moved)])
    face = studio.face(PAIRS[0][0])
    for seed, attribute in CHAIN[:1] + CHAIN[-2:]:
        face = studio.edit(face, studio.face(seed), attribute)
    rows.append([studio.picture(face, yaw) for yaw in torch.linspace(-0.6, 0.6, 2 + len(ATTRIBUTES)).tolist()])
    return contact_sheet(rows, cell_px=128)


def first_face(studio: BuiltInFaces) -> Image.Image:
    face = studio.face(51)
    return contact_sheet(
        [[studio.picture(face, yaw, 0.0 if yaw else 0.1) for yaw in (-_SIDE, 0.0, _SIDE)]], cell_px=200
    )


def one_edit(source_seed: int, reference_seed: int, attribute: str, turned: bool = True):
    """Source, reference, edit; and the edit from three sides."""

    def draw(studio: BuiltInFaces) -> Image.Image:
        source, reference = studio.face(source_seed), studio.face(reference_seed)
        edit = studio.edit(source, reference, attribute)
        rows = [[studio.picture(face) for face in (source, reference, edit)]]
        if turned:
            rows.append([studio.picture(edit, yaw) for yaw in (-_SIDE, _NEAR, _SIDE)])
        return contact_sheet(rows, cell_px=200)

    return draw


def six_attributes(studio: BuiltInFaces) -> Image.Image:
    """References above; below, the face after each step."""
    face, references, steps = studio.face(27), [], []
    for seed, attribute in CHAIN:
        reference = studio.face(seed)
        face = studio.edit(face, reference, attribute)
        references.append(studio.picture(reference, _NEAR))
        steps.append(studio.picture(face, _NEAR))
    return contact_sheet([references, steps], cell_px=130)


def change_the_hair(studio: BuiltInFaces) -> Image.Image:
    """Source, reference, and the hair of one on the other from three sides."""
    source, reference = studio.face(36), studio.face(31)
    face = swap_parts(studio.network, load_parts().field, source, reference, ["hair"], masks=studio.masks)
    cameras = studio.network.rig.label(torch.tensor([-_SIDE, 0.0, _SIDE]), 0.0)
    turned = [to_pil(view.image.clamp(-1, 1))[0] for view in views_of(studio.network, face, cameras)]
    return contact_sheet([[studio.picture(source), studio.picture(reference), *turned]], cell_px=160)


def inpainting(studio: BuiltInFaces) -> Image.Image:
    """A swapped part as an inpainting graph gets it."""
    reference = studio.face(31)
    face = swap_parts(studio.network, load_parts().field, studio.face(36), reference, ["hair"], masks=studio.masks)
    return handed_over(studio, face, "hair")


def refining(studio: BuiltInFaces) -> Image.Image:
    """An edit as a diffusion model gets it."""
    return handed_over(studio, studio.edit(studio.face(36), studio.face(45), "beard"), "beard")


def handed_over(studio: BuiltInFaces, face: Latent, part: str) -> Image.Image:
    """The picture, the part's mask, depth, normals."""
    network, field = studio.network, load_parts().field
    camera = network.rig.label(math.radians(_INPAINTED_DEG))
    (view,) = views_of(network, face, camera, RenderOptions(fast=True), field, labelled=True)
    mask = PartViews(view.parsing, field.labels, tuple(view.image.shape[2:])).mask([part])
    depth = depth_to_grey(view.depth, view.opacity).expand(-1, 3, -1, -1) * 2 - 1
    normals = normals_from_depth(view.depth, view.opacity, float(camera[0, 16]))
    shown = (view.image.clamp(-1, 1), mask.expand(-1, 3, -1, -1) * 2 - 1, depth, normals)
    return contact_sheet([[to_pil(picture)[0] for picture in shown]], cell_px=200)


def animated(source_seed: int, reference_seed: int | None = None):
    """A rendered driver above; below, the head that follows it, with the beard of the reference if there is one."""

    def draw(studio: BuiltInFaces) -> Image.Image:
        head = replace(INDEPENDENT.draw(5, 3), glasses="none", beard="none", hair_style="short crop")
        motion, latent = write_motion(*_CLIP), studio.face(source_seed)
        if reference_seed is not None:
            latent = studio.edit(latent, studio.face(reference_seed), "beard")
        space = load_expressions(EXPRESSIONS)
        options = Animation(Retargeting(rest="none"), render=RenderOptions())
        clip = make_clip(studio.network, latent, motion, space, options)
        rows = [acted(head, motion, 256), list(frames_of(studio.network, clip))]
        return contact_sheet([[to_pil(view.image)[0] for view in row] for row in rows], cell_px=130)

    return draw


def cars(studio: BuiltInFaces) -> Image.Image:
    """Two cars, and the second in the colour and in the shape of the first; then all of them from behind."""
    garage = BuiltInFaces(CARS_MASKS, CARS)
    first, second = map(garage.face, _CARS)
    edits = garage.edit(second, first, "colour"), garage.edit(second, first, "shape")
    behind = garage.network.rig.front[0] + math.pi
    seen = (first, second, *edits)
    return contact_sheet([[garage.picture(car, yaw) for car in seen] for yaw in (None, behind)], cell_px=160)


PICTURES: dict[str, tuple[Path, Callable[[BuiltInFaces], Image.Image]]] = {
    "edits": (ROOT / "docs" / "edits.jpg", edits),
    "first_face": (ROOT / "workflows" / "1 First face.jpg", first_face),
    "first_edit": (ROOT / "workflows" / "2 First edit.jpg", one_edit(36, 45, "beard")),
    "six_attributes": (ROOT / "workflows" / "3 Six attributes.jpg", six_attributes),
    "change_the_hair": (ROOT / "workflows" / "3b Change the hair.jpg", change_the_hair),
    "orbit_and_mesh": (ROOT / "workflows" / "5 Orbit and mesh.jpg", one_edit(27, 37, "hairstyle")),
    "animation": (ROOT / "workflows" / "5b Animate a face.jpg", animated(36, 45)),
    "your_video": (ROOT / "workflows" / "5c Your video.jpg", animated(27)),
    "scores": (ROOT / "workflows" / "6 Scores.jpg", one_edit(14, 62, "eyeglasses", turned=False)),
    "refining": (ROOT / "workflows" / "8 Refine.jpg", refining),
    "inpainting": (ROOT / "workflows" / "8b Hand to inpainting.jpg", inpainting),
    "cars": (ROOT / "workflows" / "10 Cars.jpg", cars),
}


@dataclass(frozen=True, kw_only=True)
class PicturesOfEdits(Settings):
    masks: BuiltIn = MASKS
    only: tuple[Literal[tuple(PICTURES)], ...] = tuple(PICTURES)


@script(PicturesOfEdits)
def main(settings: PicturesOfEdits) -> int:
    with torch.inference_mode():
        for name in settings.only:
            path, draw = PICTURES[name]
            save_picture(draw(BuiltInFaces(settings.masks)), path, quality=88)
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
