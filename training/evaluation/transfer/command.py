"""The command line's work: people, methods, tuning, scores, report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated

import torch
import tyro

from sat3d.clip import BUILT_IN as BUILT_IN_CLIP
from sat3d.clip import load_clip
from sat3d.domains import load_domain
from sat3d.errors import ConfigError, FileError
from sat3d.files.network_files import ASSETS
from sat3d.files.safetensors_io import read_header
from sat3d.files.writing import make_folder, write_text
from sat3d.masks import SCHEMAS, load_masks
from sat3d.networks.built_in import GENERATOR
from sat3d.networks.reader import load_reader
from sat3d.parsing.parser import load_parser
from training.common.device import usable_device
from training.common.settings import Again, Maybe, Range, Threads
from training.networks.coded_heads import CoderSettings, find_coder, load_domain_generator
from training.synth.views import check_device

from ..people import Judging
from .gradients import global_directions, region_layers
from .labelled import linear_boundaries, single_channels
from .methods import MASKS, Method, copy_all, copy_layers, from_masks, named_files
from .renderer_and_judges import Quality, Stage
from .report import markdown, targets
from .run import Examination, Plan, examine
from .sheets import save_sheets
from .triples import People, draw_people

BUILT_IN = "built-in"
BASELINES = ("copy_all", "layer_range", "region_layers", "single_channels", "linear_boundary", "text_direction")
_TUNING_QUALITY = Quality(64, (16, 12))
_BANK_SEED_OFFSET = 2_000_003
_BANK_PEOPLE, _BANK_RENDERS = 4000, 1000  # whose codes are known, or found in renders


@dataclass(frozen=True, kw_only=True)
class JudgeTransfer(CoderSettings, Judging):
    """Attribute transfer on the built-in generator, where the truth is known: SAT3D masks beside simpler methods."""

    count: Annotated[int, Range(6, 10**5)] = 500  # triples of source, reference and attribute, in all
    masks: Annotated[Again[str], tyro.conf.arg(metavar="[NAME=]FILE")] = ()
    """attribute masks, as method NAME (sat3d); again for more (those that come with the package)"""
    generator: str = BUILT_IN  # a .safetensors file of the built-in domain
    inversion_steps: Annotated[int, Range(0, 10**5)] = 0  # of descent in W+ after the encoder, for the triples' heads
    bank: Annotated[Maybe[int], Range(16, 10**6)] = None
    """people with known labels that some methods learn from (4000; 1000 if to be rendered)"""
    reader: Maybe[Path] = None  # a .safetensors file (the built-in one)
    parser: Maybe[Path] = None  # a .safetensors file (the built-in one)
    clip_weights: Maybe[Path] = None  # of the CLIP whose text directions are compared (the built-in one)
    methods: Maybe[str] = None  # some of sat3d, names of --masks, the simpler methods, with commas between (all)
    deltas: str = "0.75,1,1.5,2"  # intensities of the sweep
    tune: Annotated[int, Range(1, 1000)] = 10
    """triples of each attribute, of other people, that options and intensities are chosen on"""
    faces: Annotated[int, Range(1, 1000)] = 6  # that gradients are taken of, for the methods that need them
    views: Annotated[int, Range(1, 31)] = 5  # from how many sides, yaw -30 to 30 degrees, an odd number; 1: none
    views_count: Annotated[int, Range(0, 10**5)] = 60  # triples that are turned, in all
    walks: Annotated[int, Range(0, 1000)] = 12  # pairs of whom one takes over all of the other, one by one; 0: none
    neural_resolution: Annotated[int, Range(16, 512)] = 96  # side of the volume-rendered image
    samples: Annotated[tuple[int, int], Range(4, 256), tyro.conf.arg(metavar="COARSE FINE")] = (16, 12)  # on a ray
    pictures: Maybe[Path] = None  # put a sheet of edits of each attribute into this folder
    rows: Annotated[int, Range(1, 100)] = 6  # triples on a sheet
    threads: Threads = None  # processor threads (all)
    device: str = "cpu"  # cpu or cuda


def run(settings: JudgeTransfer) -> dict:
    """Report: ``methods.<method>.<attribute>`` with ``transfer, parts, transfer_truth, preservation, product, identity,
    identity_cosine, d_mean, view_consistency, kept, secondary, views, delta, leak, specifics`` at δ = 1, and the same
    but views under ``best`` with ``intensity`` (its δ) and ``option``; ``chain.<method>``: a row a step
    (:mod:`.chain`); ``ceiling`` (:mod:`.ceiling`), ``targets``, ``seconds``. :mod:`.scoring` says what each means;
    ``delta``, ``leak`` and ``specifics`` are in :mod:`.truth`.

    ``transfer``: the reader sees in the edit what it sees in the *generated* reference, so that the generator's and the
    reader's own mistakes do not count; ``parts``: of each category alone; ``transfer_truth``: it sees what is true of
    the reference.
    """
    plan = _plan(settings)
    check_device("cpu")  # the true pictures are rendered
    if settings.threads:
        torch.set_num_threads(settings.threads)
    stage = _stage(settings)
    makers = _makers(settings, stage)
    found = examine(stage, plan, makers)
    report = {"seed": settings.seed, "count": settings.count, "generator": stage.network.fingerprint(), **found.report}
    mask_names = [name for name in makers if name not in BASELINES]
    report["targets"] = targets(report["methods"], mask_names[0]) if mask_names else {}
    text = markdown(report)
    print(text)
    if settings.json:
        write_text(settings.json.with_suffix(".md"), text + "\n")
    if settings.pictures:
        save_sheets(found, settings.pictures)
    return report


def _plan(settings: JudgeTransfer) -> Plan:
    if settings.views % 2 == 0:
        raise ConfigError("--views must include the front", settings.views, "an odd number", "choose another")
    if settings.pictures and not settings.pictures.absolute().parent.is_dir():
        raise FileError("The folder for pictures does not exist", settings.pictures.parent, "a folder", "create it")
    if settings.pictures:
        make_folder(settings.pictures)
    rows = settings.rows if settings.pictures else 0
    views = settings.views_count if settings.views > 1 else 0
    return Plan(settings.seed, settings.count, _deltas(settings.deltas), settings.tune, _TUNING_QUALITY,
                settings.views, views, rows, settings.walks)  # fmt: skip


def _deltas(text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(-10 <= delta <= 10 for delta in found):
        raise ConfigError("--deltas cannot be read", text, "numbers of -10 to 10, with commas between")
    return found


def _stage(settings: JudgeTransfer) -> Stage:
    path = GENERATOR if settings.generator == BUILT_IN else Path(settings.generator)
    device = usable_device(settings.device)
    network = load_domain_generator(path).to(device)
    coder = find_coder(network, settings.encoder, settings.population, settings.inversion_steps)
    reader, parser = load_reader(settings.reader).to(device), load_parser(settings.parser).to(device)
    quality = Quality(settings.neural_resolution, tuple(settings.samples))
    return Stage(network, coder, reader, parser, load_domain("synthheads"), quality).at(quality)


Maker = Callable[[Examination], Method]


def _makers(settings: JudgeTransfer, stage: Stage) -> dict[str, Maker]:
    """Name to how the method is made; files are read at once, all else when its turn comes."""
    layout, faces = stage.network.layout, settings.faces
    bank = cache(lambda: _bank(settings, stage))
    makers: dict[str, Maker] = {}
    for name, path in _mask_files(settings, stage).items():
        method = from_masks(name, load_masks(path, layout))
        makers[name] = lambda examination, method=method: method
    makers["copy_all"] = lambda e: copy_all(layout)
    makers["layer_range"] = lambda e: copy_layers(layout)
    makers["region_layers"] = lambda e: region_layers(e.tuning.stage, e.tuning.people, faces)
    makers["single_channels"] = lambda e: single_channels(layout, bank())
    makers["linear_boundary"] = lambda e: linear_boundaries(bank())
    makers["text_direction"] = lambda e: global_directions(
        e.tuning.stage, e.tuning.people, _clip(settings, stage), e.tuning.shots.images, faces
    )
    return _chosen(makers, settings.methods)


def _bank(settings: JudgeTransfer, stage: Stage) -> People:
    coder = replace(stage.coder, steps=0)
    count = settings.bank or (_BANK_PEOPLE if coder.encoder is None else _BANK_RENDERS)
    return draw_people(coder, settings.seed + _BANK_SEED_OFFSET, count)


def _clip(settings: JudgeTransfer, stage: Stage):
    return load_clip(BUILT_IN_CLIP, settings.clip_weights, stage.network.device)


def _mask_files(settings: JudgeTransfer, stage: Stage) -> dict[str, Path]:
    given = settings.masks or [str(path) for path in shipped_masks(stage.network.layout.fingerprint)]
    return named_files(given, BASELINES)


def shipped_masks(layout_fingerprint: str) -> list[Path]:
    """The masks for this layout that come with the package, at most one file; of heads, which alone are measured."""
    found = []
    for path in sorted(ASSETS.glob("*.safetensors")):
        try:
            header = read_header(path, SCHEMAS, "a masks file", "")
        except FileError:
            continue
        if header.get("layout_fingerprint") == layout_fingerprint and header.get("domain") in (None, "synthheads"):
            found.append(path)
    return found[:1]


def _chosen(makers: dict[str, Maker], text: str | None) -> dict[str, Maker]:
    if text is None:
        return makers
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in makers]
    if unknown:
        raise ConfigError("Unknown --methods", unknown, f"some of {list(makers)}", f"{MASKS} needs --masks")
    return {name: makers[name] for name in dict.fromkeys(names)}
