"""Make the example clip that comes with the pack: two seconds of a rendered head that speaks, blinks and turns.

    python -m training.tools.example_clip [--out nodes/photos]

Writes ``driver.mp4``, for which PyAV is needed (``pip install av``). The renderer makes it and not the generator.
"""

from dataclasses import dataclass
from pathlib import Path

from training.common.console import script
from sat3d.files.videos import write_video
from sat3d.files.writing import make_folder
from training.common.settings import Settings
from training.evaluation.animation.scenes import DRIVER_PX, FPS, acted, write_motion
from training.synthheads.parameters import HeadParameters
from training.tools.example_photo import PHOTO

CLIP = PHOTO.with_name("driver.mp4")
_SECONDS, _SEED, _NUMBER = 2, 7, 1
PERSON = HeadParameters(
    hair_style="short crop", hair_colour=(0.23, 0.14, 0.08), skin_tone=0.45, skin_warmth=0.4, sex=0.8, age=0.45,
    beard="none", glasses="none", brow_thickness=0.6, iris_colour=(0.30, 0.20, 0.10), cloth_colour=(0.85, 0.85, 0.86),
    background=(0.90, 0.80, 0.55),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ExampleClip(Settings):
    out: Path = CLIP.parent


@script(ExampleClip)
def main(settings: ExampleClip) -> int:
    make_folder(settings.out)
    views = acted(PERSON, write_motion(_SEED, _NUMBER, round(_SECONDS * FPS)), 2 * DRIVER_PX)
    with write_video(settings.out / CLIP.name, FPS) as film:
        for view in views:
            film.add(view.image)
    print(settings.out / CLIP.name)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
