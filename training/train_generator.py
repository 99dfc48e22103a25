"""Train a generator on pictures of heads or other things with known cameras and depth, and on nothing else.

    python -m training.synthheads render --out DATA --count 48000 --size 256 --population photographs --cameras wide
    python training/train_generator.py --preset cpu --data DATA --out DIR [--minutes 480] [--resume]

Stages: points of known depth, with first codes w from principal components of the pictures; the same together with an
encoder that gives w; volume rendering with super-resolution; sharpening by features and a critic.
DIR holds ``generator.safetensors`` (what ``load_generator`` reads; renewed with every save), ``encoder.safetensors``,
``training.safetensors`` (from which ``--resume`` goes on exactly), ``progress.jsonl``, sheets with truth beside drawn.
A child of a generator, in another look but with the same style space, from heads rendered in that look:

    python -m training.synthheads render --out TOON --count 4000 --size 256 --cameras wide --look toon
    python training/train_generator.py --child-of built-in --data TOON --out DIR [--minutes 60] [--resume]

Several GPUs: ``torchrun --nproc-per-node N training/train_generator.py …``.
"""

import sys

from training.common.console import script
from training.generator.command import run
from training.generator.settings import GeneratorSettings


@script(GeneratorSettings)
def main(settings: GeneratorSettings) -> int:
    return run(settings)


if __name__ == "__main__":
    sys.exit(main())
