"""Make the example photo that comes with the pack: a rendered person in a picture larger than the head.

    python -m training.tools.example_photo [--out nodes/photos]

Writes ``portrait.jpg`` and ``portrait.txt``: where its eyes, nose and corners of the mouth are. The renderer makes it,
not the generator, so it remains what it is when the generator is trained anew; and like every picture of the renderer
it is free for any use.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from training.common.console import script
from sat3d.files.writing import make_folder, write_text
from sat3d.inversion.align import Crop
from sat3d.parsing.labels import EYES, MOUTH, NOSE
from sat3d.pictures import save_picture
from training.common.settings import Settings
from training.synth.views import start_renderer
from training.synthheads.actions import actions_of
from training.synthheads.parameters import HeadParameters

ROOT = Path(__file__).resolve().parents[2]
PERSON = HeadParameters(
    hair_style="side part", hair_colour=(0.31, 0.19, 0.115), hair_volume=0.6, skin_tone=0.28, skin_warmth=0.2,
    freckles=0.3, sex=0.8, age=0.45, iris_colour=(0.22, 0.50, 0.24), actions=actions_of("smile", 0.8),
    cloth_colour=(0.15, 0.45, 0.25), neckline="v-neck", background=(0.66, 0.70, 0.76),
)  # fmt: skip
YAW_RAD, PITCH_RAD = -0.2, 0.03
_RENDERED_PX, _HEAD_PX = 1400, 620  # the whole picture, and what the built-in heads show, in its middle
_WIDER = _RENDERED_PX / _HEAD_PX
_CUT = (280, 360, 1240, 1080)  # left, top, right, bottom of the photo
PHOTO = ROOT / "nodes" / "photos" / "portrait.jpg"
CROP = Crop(*((_RENDERED_PX - _HEAD_PX) / 2 - edge for edge in _CUT[:2]), _HEAD_PX)  # as the built-in heads are seen
_QUALITY = 90


@dataclass(frozen=True, kw_only=True)
class ExamplePhoto(Settings):
    out: Path = PHOTO.parent  # folder of the picture and its points


@script(ExamplePhoto)
def main(settings: ExamplePhoto) -> int:
    folder, view = make_folder(settings.out), take(PERSON, YAW_RAD, PITCH_RAD, _HEAD_PX)
    save_picture(Image.fromarray(view.image).crop(_CUT), folder / PHOTO.name, quality=_QUALITY)
    points = landmarks(view) - np.array(_CUT[:2])
    write_text(folder / "portrait.txt", ", ".join(f"{x:.0f} {y:.0f}" for x, y in points) + "\n")
    print(f"{folder / 'portrait.jpg'}, its points in portrait.txt")
    return 0


def take(person: HeadParameters, yaw_rad: float, pitch_rad: float, head_px: int, samples: int = 2):
    """A person from a camera with a wider lens than the domain's; ``head_px``: what the built-in heads show, in the
    middle of the picture."""
    start_renderer()
    from training.synth import render
    from training.synthheads.scene import build_scene

    scene = build_scene(person, "cpu")
    scene = replace(scene, rig=replace(scene.rig, focal=scene.rig.focal / _WIDER))
    return render.render_view(scene, yaw_rad, pitch_rad, round(head_px * _WIDER), samples)


def landmarks(view) -> np.ndarray:
    """``[5, 2]`` x, y in pixels: middles of the eyes, the nose's nearest point, corners of the mouth."""
    rows, columns = np.nonzero(view.labels_behind == EYES)
    left = columns < (columns.min() + columns.max()) / 2
    eyes = [(columns[side].mean(), rows[side].mean()) for side in (left, ~left)]
    rows, columns = np.nonzero(view.labels_behind == NOSE)
    tip = view.depth[rows, columns].argmin()
    nose = (columns[tip], rows[tip])
    rows, columns = np.nonzero(view.labels_behind == MOUTH)
    corners = [(columns[end], rows[end]) for end in (columns.argmin(), columns.argmax())]
    return np.array([*eyes, nose, *corners]) + 0.5


if __name__ == "__main__":
    raise SystemExit(main())
