"""Train the encoder, which finds in one pass the latent and the camera of a head picture.

    python training/train_encoder.py --generator FILE --data DIR [DIR ...] --out encoder.safetensors [--resume]
    python training/train_encoder.py --generator RUN/generator.safetensors --data DIR --out coded.safetensors
        --start RUN/encoder.safetensors --codes RUN/codes.safetensors
    python training/train_encoder.py --generator RUN/generator.safetensors --data DIR --out encoder.safetensors
        --start coded.safetensors
    python training/train_encoder.py --generator RUN/generator.safetensors --data DIR --out encoder.safetensors
        --start coded.safetensors --codes RUN/codes.safetensors --looks CLAY TOON INK

The data are renders. A generator made from known labels has their latents, which the encoder learns. Of any other no
latent is known: the encoder goes on from the one that was trained along with it (--start), first with the codes of the
heads from which the generator has learned (--codes, on the same data), and then by inversion, by drawing again what it
sees. With --looks it learns to find heads in drawings and photographs, too: the same heads, rendered with the same seed
in other looks, and all of them with other backdrops, light and colours; the w is that of the plain head, by --codes or
as the encoder that it starts from finds it. Its file has 0.3 of what was learned and 0.7 of the start.

Ctrl-C, or a kill, costs at most the minutes since the last checkpoint.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from training.common.console import script
from sat3d.errors import ConfigError
from sat3d.generators import TriplaneGenerator
from sat3d.inversion import load_encoder
from training.common.device import Machine
from training.common.settings import Flag, Many, Maybe
from training.data.seen_faces import faces_of_data
from training.data.views import Views
from training.generator.codes import load_codes
from training.networks.coded_heads import choose_population, has_latents_of, load_domain_generator
from training.networks.command import STOPPED, Needs, NetworkSettings, run
from training.networks.encoder import SIZE, AnyEncoderTask, EncoderTask
from training.networks.encoder_inversion import InversionTask
from training.networks.encoder_looks import RandomisedTask, find_codes_of, load_looks
from training.networks.generated_views import GeneratedSettings, with_generated
from training.networks.task import Recipe

PRESETS = {
    "cpu": Recipe(batch=64, rate=2e-3, minutes=40),
    "gpu": Recipe(batch=256, rate=3e-3, minutes=10),
}
_GOING_ON = 0.25  # of the learning rate, with --start: what is known already must not be shaken off


@dataclass(frozen=True, kw_only=True)
class TrainEncoder(GeneratedSettings, NetworkSettings):
    fresh: Flag = False  # begin without the attribute reader's layers
    codes: Maybe[Path] = None  # learn these codes of the data's heads, codes.safetensors of the generator's training
    faces: Maybe[Path] = None
    """folder that keeps what the landmark network sees in the data, where the encoder is told of it (the packed-faces
    of the first data set, where the generator's training keeps it)"""
    looks: Many[Path] = ()
    """data sets of the same heads in other looks (python -m training.synthheads render --look clay): learn to find the
    plain head in them, and in pictures that are strongly randomised"""


@script(TrainEncoder, stopped=STOPPED)
def main(settings: TrainEncoder) -> int:
    def make_network(views: Views, machine: Machine) -> AnyEncoderTask:
        network = load_domain_generator(settings.generator)
        known = has_latents_of(network, choose_population(network, settings.population))
        coding = settings if known else replace(settings, encoder=settings.encoder or settings.start)
        views = with_generated(_told(views, settings), coding, settings.seed)
        if settings.looks:
            task = _randomised(settings, views, machine, network, known)
        elif settings.codes:
            task = EncoderTask(views, machine, settings.seed, network=network, codes=load_codes(settings.codes).codes)
        else:
            task = (EncoderTask if known else InversionTask)(views, machine, settings.seed, network=network)
        if not settings.fresh and not settings.start:
            task.start_from_reader()
        return task

    presets = PRESETS
    if settings.start and (settings.looks or not settings.codes):
        presets = {name: replace(recipe, rate=_GOING_ON * recipe.rate) for name, recipe in PRESETS.items()}
    return run(settings, presets, Needs(SIZE, labels=bool(settings.looks)), make_network)


def _randomised(
    settings: TrainEncoder, views: Views, machine: Machine, network: TriplaneGenerator, known: bool
) -> RandomisedTask:
    if settings.generated:
        raise ConfigError("Other looks are learned from renders alone", "--looks and --generated", "one of them")
    looks = load_looks(settings.looks, settings.data, views.faces is not None)
    codes = load_codes(settings.codes).codes if settings.codes else None
    if codes is None and not known:
        codes = find_codes_of(load_encoder(settings.start or settings.encoder), views)
    return RandomisedTask(views, looks, machine, settings.seed, network=network, codes=codes)


def _told(views: Views, settings: TrainEncoder) -> Views:
    """With what the encoder is told of faces, if it is told anything."""
    told = settings.start is not None and load_encoder(settings.start).look is not None
    if not told or views.numbers is None:
        return views
    folder = settings.faces or settings.data[0] / "packed-faces"
    return replace(views, faces=faces_of_data(settings.data, folder)[views.numbers])


if __name__ == "__main__":
    sys.exit(main())
