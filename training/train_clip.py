"""Train the small image-text model, which says how well a picture fits a phrase.

    python training/train_clip.py --data DIR [DIR ...] --out clip.safetensors [--generated N] [--minutes M] [--resume]

Pictures of 128 pixels are enough. With --generated, those that a generator makes of rendered heads are mixed in, with
the heads' captions: of their latents, or of what --encoder sees in the renders, where nobody labelled the generator.
Ctrl-C, or a kill, costs at most the minutes since the last checkpoint.
"""

import sys
from dataclasses import dataclass
from typing import Annotated

from training.common.console import script
from sat3d.errors import ConfigError
from training.common.device import Machine
from training.common.settings import Flag, Range
from training.data.views import Views
from training.networks.clip import SIZE, ClipTask
from training.networks.command import STOPPED, Needs, NetworkSettings, run
from training.networks.generated_views import GeneratedSettings, with_generated
from training.networks.task import Recipe

PRESETS = {
    "cpu": Recipe(batch=64, rate=1.5e-3, decay=0.05, minutes=60),
    "gpu": Recipe(batch=256, rate=2e-3, decay=0.05, minutes=15),
}


@dataclass(frozen=True, kw_only=True)
class TrainClip(GeneratedSettings, NetworkSettings):
    from_reader: Flag = False  # begin with the attribute reader's convolutions
    keep_start: Annotated[float, Range(0, 0.999)] = 0.0
    """the result is this share of the weights of --start and the rest of what was learned"""

    def __post_init__(self):
        super().__post_init__()
        if self.keep_start and not self.start:
            raise ConfigError("--keep-start has nothing to keep", self.keep_start, "--start FILE beside it", "name one")


@script(TrainClip, stopped=STOPPED)
def main(settings: TrainClip) -> int:
    def make_network(views: Views, machine: Machine) -> ClipTask:
        task = ClipTask(with_generated(views, settings, settings.seed), machine, settings.seed)
        task.keep_start = settings.keep_start
        if settings.from_reader:
            task.start_from_reader()
        return task

    return run(settings, PRESETS, Needs(SIZE, labels=False), make_network)


if __name__ == "__main__":
    sys.exit(main())
