"""Train a semantic field: which part of a head each point of a generator's volume is.

    python training/train_parts.py --out parts.safetensors [--generator FILE] [--minutes M] [--resume]
    python training/train_parts.py --generator ffhq512-128.pkl --domain face --parser 79999_iter.pth --heads 0 \\
        --generated 1000 --truncation 0.7 --out parts.safetensors

Generators of the built-in domain learn from the exact labels of renders, whose heads are known by their latents or
found by the encoder, and from the head parser's labels of heads that they invent; any other from a parser's labels
alone. The generator stays as it is. Ctrl-C, or a kill, costs at most the minutes since the last checkpoint; the rays
are collected again by --resume, the very same.
"""

import sys

from training.common.console import script
from training.networks.command import STOPPED, run_network
from training.networks.task import Recipe
from training.parts.command import TrainParts, make_task

PRESETS = {
    "cpu": Recipe(batch=4096, rate=4e-3, minutes=5, warmup=0.05),
    "gpu": Recipe(batch=16384, rate=6e-3, minutes=3, warmup=0.05),
}


@script(TrainParts, stopped=STOPPED)
def main(settings: TrainParts) -> int:
    """Exit codes: 0 done; 2 wrong arguments or files, said in words; 130 stopped by the user, checkpoint written."""
    return run_network(settings, PRESETS, lambda machine: make_task(settings, machine))


if __name__ == "__main__":
    sys.exit(main())
