"""Train the small image-text model, which says how well a picture of a head fits a phrase.

    python training/train_clip.py --data DIR [DIR ...] --out clip.safetensors [--minutes M] [--resume]

Pictures of 128 pixels are enough. Ctrl-C, or a kill, costs at most the minutes since the last checkpoint.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training.clip_training.task import SIZE, ClipTask
from training.vision import options as command_line
from training.vision.loop import Plan

PRESETS = {
    "cpu": Plan(batch=64, rate=1e-3, decay=0.05, minutes=60),
    "gpu": Plan(batch=256, rate=2e-3, decay=0.05, minutes=15),
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = command_line.parse(__doc__, arguments)
    return command_line.run(options, PRESETS, SIZE, partial(ClipTask, seed=options.seed))


if __name__ == "__main__":
    sys.exit(main())
