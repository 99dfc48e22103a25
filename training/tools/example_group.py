"""Make the example group picture that comes with the pack: three rendered people side by side before one wall.

    python -m training.tools.example_group [--out nodes/photos]

Writes ``group.jpg``. As with the example portrait, the renderer makes it and not the generator.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from training.common.console import script
from sat3d.files.writing import make_folder
from sat3d.parsing.labels import BACKGROUND
from sat3d.pictures import save_picture
from training.common.settings import Settings
from training.synthheads.actions import actions_of
from training.synthheads.parameters import HeadParameters
from training.tools.example_photo import PHOTO, take

GROUP = PHOTO.with_name("group.jpg")
_WALL = (0.66, 0.70, 0.76)
_WIDTH, _HEIGHT = 1440, 620
_FINER = 2  # each ray a pixel of its own, so that people are cut out by their labels; then scaled down
_QUALITY = 88


@dataclass(frozen=True)
class Standing:
    """Where the middle of what the built-in heads show is, and how large, in pixels of the group picture."""

    person: HeadParameters
    yaw_rad: float
    pitch_rad: float
    x: int
    y: int
    head_px: int


PEOPLE = (
    Standing(
        HeadParameters(
            hair_style="bob", hair_colour=(0.55, 0.33, 0.14), hair_volume=0.5, skin_tone=0.2, skin_warmth=0.3,
            sex=0.1, age=0.4, iris_colour=(0.25, 0.40, 0.60), actions=actions_of("smile", 0.6), lipstick=0.4,
            cloth_colour=(0.60, 0.18, 0.20), background=_WALL,
        ),
        0.22, 0.02, 270, 290, 440,
    ),
    Standing(
        HeadParameters(
            hair_style="short crop", hair_colour=(0.08, 0.06, 0.05), hair_volume=0.4, skin_tone=0.62,
            skin_warmth=0.2, sex=0.95, age=0.5, iris_colour=(0.30, 0.17, 0.08), actions=actions_of("smile", 0.4),
            cloth_colour=(0.15, 0.28, 0.62), background=_WALL,
        ),
        0.0, 0.02, 720, 270, 460,
    ),
    Standing(
        HeadParameters(
            hair_style="long wavy", hair_colour=(0.10, 0.07, 0.05), skin_tone=0.32, skin_warmth=0.1, sex=0.15, age=0.42,
            iris_colour=(0.22, 0.14, 0.08), actions=actions_of("smile", 0.9), cloth_colour=(0.20, 0.45, 0.30),
            neckline="v-neck", background=_WALL,
        ),
        -0.25, 0.0, 1170, 300, 440,
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ExampleGroup(Settings):
    out: Path = GROUP.parent  # folder of the picture


@script(ExampleGroup)
def main(settings: ExampleGroup) -> int:
    folder = make_folder(settings.out)
    save_picture(draw_group(PEOPLE), folder / GROUP.name, quality=_QUALITY)
    print(folder / GROUP.name)
    return 0


def draw_group(people: tuple[Standing, ...]) -> Image.Image:
    """Those in the middle stand in front of those at the sides."""
    size = _WIDTH * _FINER, _HEIGHT * _FINER
    picture = Image.new("RGB", size, tuple(round(255 * part) for part in _WALL))
    for each in sorted(people, key=lambda each: -abs(each.x - _WIDTH / 2)):
        view = take(each.person, each.yaw_rad, each.pitch_rad, each.head_px * _FINER, samples=1)
        mask = Image.fromarray(np.where(view.labels_behind == BACKGROUND, 0, 255).astype(np.uint8))
        side = mask.width
        corner = each.x * _FINER - side // 2, each.y * _FINER - side // 2
        picture.paste(Image.fromarray(view.image), corner, mask)
    return picture.resize((_WIDTH, _HEIGHT), Image.Resampling.BOX)


if __name__ == "__main__":
    raise SystemExit(main())
