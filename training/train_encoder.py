"""Train the encoder, which finds in one pass the latent and the camera of a head picture.

    python training/train_encoder.py --generator FILE --data DIR [DIR ...] --out encoder.safetensors [--resume]

The data are renders whose latents are known. Ctrl-C, or a kill, costs at most the minutes since the last checkpoint.
"""

import sys
from dataclasses import dataclass

from training.common.console import script
from training.common.device import Machine
from training.common.settings import Flag
from training.data.generated_views import GeneratedViews, with_generated
from training.data.views import Views
from training.networks.command import STOPPED, Needs, NetworkSettings, run
from training.networks.encoder import SIZE, EncoderTask
from training.networks.task import Recipe

PRESETS = {
    "cpu": Recipe(batch=64, rate=2e-3, minutes=40),
    "gpu": Recipe(batch=256, rate=3e-3, minutes=10),
}


@dataclass(frozen=True, kw_only=True)
class TrainEncoder(GeneratedViews, NetworkSettings):
    fresh: Flag = False
    """begin without the attribute reader's layers"""


@script(TrainEncoder, stopped=STOPPED)
def main(settings: TrainEncoder) -> int:
    def make_network(views: Views, machine: Machine) -> EncoderTask:
        coder = settings.coder()
        views = with_generated(views, coder, settings.seed, settings.generated)
        task = EncoderTask(views, machine, settings.seed, network=coder.network)
        if not settings.fresh:
            task.start_from_reader()
        return task

    return run(settings, PRESETS, Needs(SIZE, labels=False), make_network)


if __name__ == "__main__":
    sys.exit(main())
