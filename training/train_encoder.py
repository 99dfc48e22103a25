"""Train the encoder, which finds in one pass the latent and the camera of a head picture.

    python training/train_encoder.py --generator FILE --data DIR [DIR ...] --out encoder.safetensors [--resume]
    python training/train_encoder.py --generator FILE --start encoder-of-its-training.safetensors --data DIR --out FILE

The data are renders. A generator made from known labels has their latents, which the encoder learns. Of any other no
latent is known: the encoder goes on from the one that was trained along with it (--start) and learns by inversion, by
drawing again what it sees. Ctrl-C, or a kill, costs at most the minutes since the last checkpoint.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sat3d.networks.built_in import GENERATOR
from training.common.console import script
from training.common.device import Machine
from training.data.views import Views
from training.networks import generated_views as generated
from training.networks import options as command_line
from training.networks.coded_heads import choose_population, has_latents_of, load_domain_generator
from training.networks.encoder import SIZE, AnyEncoderTask, EncoderTask
from training.networks.encoder_inversion import InversionTask
from training.networks.generated_views import with_generated
from training.networks.task import Recipe

PRESETS = {
    "cpu": Recipe(batch=64, rate=2e-3, minutes=40),
    "gpu": Recipe(batch=256, rate=3e-3, minutes=10),
}
_GOING_ON = 0.25  # of the learning rate, with --start: what is known already must not be shaken off


@script(stopped=command_line.STOPPED)
def main(arguments: Sequence[str] | None = None) -> int:
    options = command_line.parse(__doc__, arguments, _add_arguments)

    def make_task(views: Views, machine: Machine) -> AnyEncoderTask:
        network = load_domain_generator(options.generator or GENERATOR)
        known = has_latents_of(network, choose_population(network, options.population))
        if not known:
            options.encoder = options.encoder or options.start
        views = with_generated(views, options)
        task = (EncoderTask if known else InversionTask)(views, machine, options.seed, network=network)
        if not options.fresh and not options.start:
            task.start_from_reader()
        return task

    presets = PRESETS
    if options.start:
        presets = {name: replace(plan, rate=_GOING_ON * plan.rate) for name, plan in PRESETS.items()}
    return command_line.run(options, presets, command_line.Needs(SIZE, labels=False), make_task)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    generated.add_arguments(parser)
    parser.add_argument("--fresh", action="store_true", help="begin without the attribute reader's layers")


if __name__ == "__main__":
    sys.exit(main())
