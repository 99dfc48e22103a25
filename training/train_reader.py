"""Train the attribute reader, the small network that says what a head picture shows.

    python training/train_reader.py --data DIR [DIR ...] --out reader.safetensors [--minutes M] [--resume]
    python training/train_reader.py --data DIR [DIR ...] --out second-reader.safetensors --architecture second --seed 2

    python training/train_reader.py --data data/cars --out car-reader.safetensors

The second is another network with the same outputs: it judges what was made with the help of the first. Data sets of
several populations go together. Of a domain that is not heads, the reader says what the domain's own tables name, and
judges edits of its things. Pictures of 256 pixels show most; those of 128 are enough. Ctrl-C, or a kill, costs at
most the minutes since the last checkpoint.
"""

import sys
from dataclasses import dataclass
from typing import Literal

from training.common.console import script
from training.common.device import Machine
from training.data.views import Views
from training.networks.command import STOPPED, Needs, NetworkSettings, run
from training.networks.reader import SMALLEST_PX, ReaderTask
from training.networks.targets import READERS, reader_config
from training.networks.task import Recipe
from training.networks.thing_reader import ThingReaderTask
from training.synth.render_command import read_plan
from training.synthheads.domain import HEADS

PRESETS = {
    "first": {"cpu": Recipe(batch=32, rate=2.2e-3, minutes=120), "gpu": Recipe(batch=256, rate=4e-3, minutes=15)},
    "second": {"cpu": Recipe(batch=64, rate=1.5e-3, minutes=120), "gpu": Recipe(batch=256, rate=2e-3, minutes=15)},
}


@dataclass(frozen=True, kw_only=True)
class TrainReader(NetworkSettings):
    architecture: Literal[READERS] = READERS[0]
    """which network: first ships as the reader, second is another one, to judge"""


@script(TrainReader, stopped=STOPPED)
def main(settings: TrainReader) -> int:
    presets = PRESETS[settings.architecture]
    if settings.data and read_plan(settings.data[0]).kind is not HEADS:
        needs = Needs(SMALLEST_PX, labels=False)
        return run(settings, presets, needs, lambda views, machine: ThingReaderTask(views, machine, settings.seed))
    config = reader_config(settings.architecture)

    def make_network(views: Views, machine: Machine) -> ReaderTask:
        return ReaderTask(views, machine, settings.seed, config)

    needs = Needs(config.picture_px, SMALLEST_PX, labels=False, faces=config.told > 0)
    return run(settings, presets, needs, make_network)


if __name__ == "__main__":
    sys.exit(main())
