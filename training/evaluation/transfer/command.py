"""The command line's work: people, methods, tuning, scores, report."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch

from sat3d.clip import BUILT_IN as BUILT_IN_CLIP
from sat3d.clip import load_clip
from sat3d.domains import load_domain
from sat3d.errors import ConfigError, FileError
from sat3d.files.safetensors_io import read_header
from sat3d.files.writing import make_folder, write_text
from sat3d.masks import SCHEMA, load_masks
from sat3d.networks.loading import ASSETS
from sat3d.networks.reader import load_reader
from sat3d.parsing.parser import load_parser
from training.synthheads.streams import SEED_LIMIT
from training.synthheads.views import check_device

from ..generator import CHECKPOINT, load_domain_generator
from .gradients import global_directions, region_layers
from .labelled import linear_boundaries, single_channels
from .methods import Method, copy_all, copy_layers, from_masks
from .renderer_and_judges import Quality, Stage
from .report import markdown, targets
from .run import Examination, Plan, examine
from .sheets import save_sheets
from .triples import draw_people

BUILT_IN = "built-in"
MASKS = "sat3d"
BASELINES = ("copy_all", "layer_range", "region_layers", "single_channels", "linear_boundary", "text_direction")
_TUNING_QUALITY = Quality(64, (16, 12))
_BANK_SEED_OFFSET = 2_000_003
_BANK_PEOPLE = 4000  # with known labels and without pictures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--seed", type=int, default=7, help="which people (7)")
    add("--count", type=int, default=500, help="triples of source, reference and attribute, in all (500)")
    masks = f"attribute masks, as method NAME ({MASKS}); again for more (those that come with the package)"
    add("--masks", action="append", metavar="[NAME=]FILE", default=[], help=masks)
    add("--generator", default=BUILT_IN, help="a .safetensors file of the built-in domain (built-in)")
    add("--reader", type=Path, help="a .safetensors file (the built-in one)")
    add("--parser", type=Path, help="a .safetensors file (the built-in one)")
    add("--clip-weights", type=Path, help="of the CLIP whose text directions are compared (the built-in one)")
    add("--methods", help=f"some of {MASKS}, names of --masks, {', '.join(BASELINES)}, with commas between (all)")
    add("--deltas", default="0.75,1,1.5,2", help="intensities of the sweep (0.75,1,1.5,2)")
    add("--tune", type=int, default=10, help="triples an attribute, of other people, that options and δ are chosen on")
    add("--faces", type=int, default=6, help="that gradients are taken of, for the methods that need them (6)")
    add("--views", type=int, default=5, help="from how many sides, yaw -30 to 30 degrees, an odd number; 1: none (5)")
    add("--views-count", type=int, default=60, help="triples that are turned, in all (60)")
    add("--walks", type=int, default=12, help="pairs of whom one takes over all of the other, one by one; 0: none (12)")
    add("--neural-resolution", type=int, default=96, help="side of the volume-rendered image (96)")
    add("--samples", type=int, nargs=2, default=(16, 12), metavar=("COARSE", "FINE"), help="on a ray (16 12)")
    add("--pictures", type=Path, metavar="DIR", help="put a sheet of edits of each attribute there")
    add("--rows", type=int, default=6, help="triples on a sheet (6)")
    add("--threads", type=int, default=0, help="of the processor (torch's choice)")
    add("--device", default="cpu", help="cpu or cuda (cpu)")


def run(options: argparse.Namespace) -> dict:
    """Report: ``methods.<method>.<attribute>`` with ``transfer, parts, transfer_truth, preservation, product, identity,
    identity_cosine, d_mean, view_consistency, kept, secondary, views, delta, leak, specifics`` at δ = 1, and the same
    but views under ``best`` with ``intensity`` (its δ) and ``option``; ``chain.<method>``: a row a step
    (:mod:`.chain`); ``ceiling`` (:mod:`.ceiling`), ``targets``, ``seconds``. :mod:`.scoring` says what each means;
    ``delta``, ``leak`` and ``specifics`` are in :mod:`.truth`.

    ``transfer``: the reader sees in the edit what it sees in the *generated* reference, so that the generator's and the
    reader's own mistakes do not count; ``parts``: of each category alone; ``transfer_truth``: it sees what is true of
    the reference.
    """
    plan = _plan(options)
    check_device("cpu")  # the true pictures are rendered
    if options.threads:
        torch.set_num_threads(options.threads)
    stage = _stage(options)
    makers = _makers(options, stage)
    found = examine(stage, plan, makers)
    report = {"seed": options.seed, "count": options.count, "generator": stage.network.fingerprint(), **found.report}
    mask_names = [name for name in makers if name not in BASELINES]
    report["targets"] = targets(report["methods"], mask_names[0]) if mask_names else {}
    text = markdown(report)
    print(text)
    if options.json:
        write_text(options.json.with_suffix(".md"), text + "\n")
    if options.pictures:
        save_sheets(found, options.pictures)
    return report


def _plan(options: argparse.Namespace) -> Plan:
    limits = {
        "seed": (0, SEED_LIMIT - 1),
        "count": (6, 10**5),
        "tune": (1, 1000),
        "faces": (1, 1000),
        "views": (1, 31),
        "views_count": (0, 10**5),
        "walks": (0, 1000),
        "neural_resolution": (16, 512),
        "rows": (1, 100),
        "threads": (0, 1024),
    }
    for name, (low, high) in limits.items():
        if not low <= getattr(options, name) <= high:
            raise ConfigError(f"--{name.replace('_', '-')} is out of range", getattr(options, name), f"{low} to {high}")
    if options.views % 2 == 0:
        raise ConfigError("--views must include the front", options.views, "an odd number", "choose another")
    if min(options.samples) < 4 or max(options.samples) > 256:
        raise ConfigError("--samples is out of range", options.samples, "4 to 256 each")
    if options.pictures and not options.pictures.absolute().parent.is_dir():
        raise FileError("The folder for pictures does not exist", options.pictures.parent, "a folder", "create it")
    if options.pictures:
        make_folder(options.pictures)
    rows = options.rows if options.pictures else 0
    views = options.views_count if options.views > 1 else 0
    return Plan(options.seed, options.count, _deltas(options.deltas), options.tune, _TUNING_QUALITY,
                options.views, views, rows, options.walks)  # fmt: skip


def _deltas(text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(-10 <= delta <= 10 for delta in found):
        raise ConfigError("--deltas cannot be read", text, "numbers of -10 to 10, with commas between")
    return found


def _stage(options: argparse.Namespace) -> Stage:
    path = CHECKPOINT if options.generator == BUILT_IN else Path(options.generator)
    device = _device(options.device)
    network = load_domain_generator(path).to(device)
    reader, parser = load_reader(options.reader).to(device), load_parser(options.parser).to(device)
    quality = Quality(options.neural_resolution, tuple(options.samples))
    return Stage(network, reader, parser, load_domain("synthheads"), quality).at(quality)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError("--device cannot be used", f"{name}: {error}", "cpu, or cuda where there is one") from error
    return device


Maker = Callable[[Examination], Method]


def _makers(options: argparse.Namespace, stage: Stage) -> dict[str, Maker]:
    """Name to how the method is made; files are read at once, all else when its turn comes."""
    layout, faces = stage.network.layout, options.faces
    makers: dict[str, Maker] = {}
    for name, path in _mask_files(options, stage).items():
        method = from_masks(name, load_masks(path, layout))
        makers[name] = lambda examination, method=method: method
    makers["copy_all"] = lambda e: copy_all(layout)
    makers["layer_range"] = lambda e: copy_layers(layout)
    makers["region_layers"] = lambda e: region_layers(e.tuning.stage, e.tuning.people, faces)
    makers["single_channels"] = lambda e: single_channels(layout, _bank(options, stage))
    makers["linear_boundary"] = lambda e: linear_boundaries(_bank(options, stage))
    makers["text_direction"] = lambda e: global_directions(
        e.tuning.stage, e.tuning.people, _clip(options, stage), e.tuning.shots.images, faces
    )
    return _chosen(makers, options.methods)


def _bank(options: argparse.Namespace, stage: Stage):
    return draw_people(stage.network, options.seed + _BANK_SEED_OFFSET, _BANK_PEOPLE)


def _clip(options: argparse.Namespace, stage: Stage):
    return load_clip(BUILT_IN_CLIP, options.clip_weights, stage.network.device)


def _mask_files(options: argparse.Namespace, stage: Stage) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for given in options.masks or [str(path) for path in shipped_masks(stage.network.layout.fingerprint)]:
        name, found, path = given.partition("=")
        name, path = (name, path) if found and not Path(given).exists() else (MASKS, given)
        if name in files or name in BASELINES or not name:
            raise ConfigError("Two methods of one name", name, "other names", "give --masks NAME=FILE")
        files[name] = Path(path)
    return files


def shipped_masks(layout_fingerprint: str) -> list[Path]:
    """The masks for this layout that come with the package, at most one file."""
    found = []
    for path in sorted(ASSETS.glob("*.safetensors")):
        try:
            header = read_header(path, SCHEMA, "a masks file", "")
        except FileError:
            continue
        if header.get("layout_fingerprint") == layout_fingerprint:
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
