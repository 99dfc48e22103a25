"""The command line's work: files, methods, scores, report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

import torch
import tyro

from sat3d.errors import ConfigError, FileError
from sat3d.files.writing import make_folder, write_text
from sat3d.generators import TriplaneGenerator, load_generator
from sat3d.inversion import load_encoder
from sat3d.masks import load_masks
from sat3d.networks.reader import load_reader
from training.common.device import usable_device
from training.common.settings import Again, Maybe, Range, Threads
from training.synth.views import check_device

from ..people import Judging
from ..transfer.labelled import linear_boundaries, single_channels
from ..transfer.methods import Method, copy_all, copy_layers, from_masks, named_files
from ..transfer.triples import People
from .facts import find_facts
from .report import markdown, save_sheets
from .run import Plan, examine
from .stage import Stage

BASELINES = ("copy_all", "layer_range", "single_channels", "linear_boundary")
TOLD_LABELS = ("single_channels", "linear_boundary")
_BANK_SEED_OFFSET = 2_000_003


@dataclass(frozen=True, kw_only=True)
class JudgeThings(Judging):
    """Attribute transfer on any domain of rendered things: masks beside simpler methods, where the truth is known"""

    domain: str = "synthcars"  # a package of training/ with a file of the same name in sat3d/domains
    generator: Path  # a .safetensors file, trained on this domain
    encoder: Path  # a .safetensors file, as it was trained beside the generator
    reader: Path  # a .safetensors file of an attribute reader of this domain, the judge
    masks: Annotated[Again[str], tyro.conf.arg(metavar="[NAME=]FILE")] = ()
    """attribute masks, as method NAME (sat3d); again for more"""
    population: Maybe[str] = None  # which things (the domain's first law)
    count: Annotated[int, Range(1, 10**5)] = 300  # triples of source, reference and attribute, in all
    intensity: Annotated[float, Range(-10, 10)] = 1.0  # by which each change of the styles is multiplied
    inversion_steps: Annotated[int, Range(0, 10**5)] = 0  # of descent in W+ after the encoder, for the triples' things
    methods: Maybe[str] = None  # some of the names of --masks and the simpler methods, with commas between (all)
    attributes: Maybe[str] = None  # some of the domain's, with commas between (all)
    tune: Annotated[int, Range(1, 1000)] = 12
    """triples of each attribute, of other things, that the simpler methods' options are chosen on"""
    bank: Annotated[int, Range(16, 10**6)] = 600  # things with known labels that two methods learn from
    pictures: Maybe[Path] = None  # put a sheet of edits of each attribute into this folder
    rows: Annotated[int, Range(1, 100)] = 8  # triples on a sheet
    threads: Threads = None  # processor threads (all)
    device: str = "cpu"  # cpu or cuda


def run(settings: JudgeThings) -> dict:
    """Report: ``methods.<method>.<attribute>`` with ``transfer, transfer_truth, kept, kept_of.<other>, product, delta,
    leak, dragged, dragged_by.<other>, count, option``; ``ceiling.<attribute>``; ``triples.<attribute>`` with ``count``
    and ``unedited``; ``told_labels``: the methods that know the truth of other things.

    ``transfer``: the share of triples in whose edit the reader sees, in all facts of the attribute, what it sees in the
    *generated* reference; ``transfer_truth``: what is true of the reference. ``kept``: of the other attributes of the
    domain's file that a perfect transfer leaves as they were, the share that is seen as in the generated source;
    ``product``: transfer · kept. ``delta``, ``leak``: against the true pictures, see
    :mod:`training.evaluation.transfer.truth`. ``dragged_by``: how often another attribute is seen as in the reference,
    of the triples in which source and reference differ in it; ``dragged``: the mean over the others. ``ceiling``: how
    often the reader sees the truth in generated, unedited things; ``unedited``: how often it sees no difference between
    source and reference.

    Raises:
        ConfigError, FileError: files that are missing or do not belong together.
    """
    _check_pictures(settings.pictures)
    check_device("cpu")  # things are rendered
    if settings.threads:
        torch.set_num_threads(settings.threads)
    stage = _stage(settings)
    makers = _makers(settings, stage)
    rows = settings.rows if settings.pictures else 0
    found = examine(stage, Plan(settings.seed, settings.count, settings.intensity, settings.tune, rows), makers)
    report = {
        "domain": stage.facts.domain.id, "population": stage.population.name, "seed": settings.seed,
        "count": settings.count, "intensity": settings.intensity, "inversion_steps": settings.inversion_steps,
        "generator": stage.network.fingerprint(), "told_labels": [name for name in makers if name in TOLD_LABELS],
        **found.report,
    }  # fmt: skip
    text = markdown(report)
    print(text)
    if settings.json:
        write_text(settings.json.with_suffix(".md"), text + "\n")
    if settings.pictures:
        save_sheets(found, settings.pictures, settings.rows)
    return report


def _check_pictures(folder: Path | None) -> None:
    if folder is None:
        return
    if not folder.absolute().parent.is_dir():
        raise FileError("The folder for pictures does not exist", folder.parent, "a folder", "create it")
    make_folder(folder)


def _stage(settings: JudgeThings) -> Stage:
    facts = find_facts(settings.domain, _listed(settings.attributes))
    population = settings.population or next(iter(facts.domain.populations))
    network = load_generator(settings.generator).network
    if not isinstance(network, TriplaneGenerator):
        raise ConfigError("This generator has no cameras", settings.generator, "a tri-plane generator", "train one")
    network = network.to(usable_device(settings.device)).eval().requires_grad_(False)
    encoder, reader = load_encoder(settings.encoder).to(network.device), load_reader(settings.reader).to(network.device)
    return Stage(network, encoder, reader, facts, facts.domain.population(population), settings.inversion_steps)


def _makers(settings: JudgeThings, stage: Stage) -> dict[str, Callable[[], Method]]:
    """Name to how the method is made; files are read at once, all else when its turn comes."""
    layout, facts = stage.network.layout, stage.facts
    bank = cache(lambda: _bank(settings, stage))
    makers: dict[str, Callable[[], Method]] = {}
    for name, path in named_files(settings.masks, BASELINES).items():
        method = from_masks(name, load_masks(path, layout), facts.moved)
        if not method.options:
            raise ConfigError(
                "These masks know none of the attributes", path, f"some of {facts.moved}", "choose others"
            )
        makers[name] = lambda method=method: method
    makers["copy_all"] = lambda: copy_all(layout, facts.moved)
    makers["layer_range"] = lambda: copy_layers(layout, facts.moved)
    makers["single_channels"] = lambda: single_channels(layout, bank(), facts.of_moved)
    makers["linear_boundary"] = lambda: linear_boundaries(bank(), facts.of_moved)
    chosen = _listed(settings.methods) or tuple(makers)
    if unknown := [name for name in chosen if name not in makers]:
        raise ConfigError("Unknown --methods", unknown, f"some of {list(makers)}", "give masks by --masks NAME=FILE")
    return {name: makers[name] for name in chosen}


def _bank(settings: JudgeThings, stage: Stage) -> People:
    """Things of the same law with known labels."""
    return stage.draw(settings.seed + _BANK_SEED_OFFSET, settings.bank, steps=0)


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))
