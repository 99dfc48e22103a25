"""Train sliders: parameters of a face (shape, age, beard, expression, gaze, light …) as subspaces of the style space.

    python training/train_sliders.py --out sliders.safetensors [--generator FILE] [--reader FILE] [--resume]
    python training/train_sliders.py --generator ffhq512-128.pkl --source faces clip --clip ViT-B-16 \\
        --clip-weights open_clip_model.safetensors --truncation 0.7 --heads 4096 --preset gpu --out sliders.safetensors

The generator stays as it is. Values are read from pictures of its heads: by our attribute reader (its own domain), by
the photo networks (52 blendshapes, shape by points), by phrases for the ends of a slider (CLIP); any of these together.
Where a group acts is found by gradients, its subspace by regression there; then T (styles to values) and D (styles and
a wanted change to a change of styles) learn through the generator: what is read is what was set, other groups and the
person stay. Heads are drawn and read once and kept beside OUT; Ctrl-C, or a kill, costs at most the minutes since the
last checkpoint.
"""

import sys

from training.common.console import script
from training.networks.command import STOPPED, run_network
from training.networks.task import Recipe
from training.sliders.command import TrainSliders, make_task

PRESETS = {
    "cpu": Recipe(batch=4, rate=3e-3, minutes=60, decay=0.0, warmup=0.05),
    "gpu": Recipe(batch=32, rate=3e-3, minutes=10, decay=0.0, warmup=0.05),
}


@script(TrainSliders, stopped=STOPPED)
def main(settings: TrainSliders) -> int:
    """Exit codes: 0 done; 2 wrong arguments or files, said in words; 130 stopped by the user, checkpoint written."""
    return run_network(settings, PRESETS, lambda machine: make_task(settings, machine))


if __name__ == "__main__":
    sys.exit(main())
