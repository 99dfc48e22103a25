"""Train the encoder, which finds in one pass the latent and the camera of a head picture.

    python training/train_encoder.py --generator FILE --data DIR [DIR ...] --out encoder.safetensors [--resume]

The data are renders whose latents are known. Ctrl-C, or a kill, costs at most the minutes since the last checkpoint.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sat3d.networks.built_in import GENERATOR
from training.common.console import script
from training.common.device import Machine
from training.data.views import Views
from training.networks import generated_views as generated
from training.networks import options as command_line
from training.networks.coded_heads import find_coder, load_domain_generator
from training.networks.encoder import SIZE, EncoderTask
from training.networks.generated_views import with_generated
from training.networks.task import Recipe

PRESETS = {
    "cpu": Recipe(batch=64, rate=2e-3, minutes=40),
    "gpu": Recipe(batch=256, rate=3e-3, minutes=10),
}


@script(stopped=command_line.STOPPED)
def main(arguments: Sequence[str] | None = None) -> int:
    options = command_line.parse(__doc__, arguments, _add_arguments)

    def make_task(views: Views, machine: Machine) -> EncoderTask:
        network = load_domain_generator(options.generator or GENERATOR)
        coder = find_coder(network, options.encoder, options.population)
        task = EncoderTask(with_generated(views, coder, options), machine, options.seed, network=network)
        if not options.fresh:
            task.start_from_reader()
        return task

    return command_line.run(options, PRESETS, command_line.Needs(SIZE, labels=False), make_task)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    generated.add_arguments(parser)
    parser.add_argument("--fresh", action="store_true", help="begin without the attribute reader's layers")


if __name__ == "__main__":
    sys.exit(main())
