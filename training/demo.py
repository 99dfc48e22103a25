"""A first look: something of one head moves onto another, which then turns; what changed is told in numbers.

    python training/demo.py [--attribute beard] [--out out/demo] [--seeds 36 45] [--frames 24] [--checkpoint FILE]

The built-in generator draws two heads, the built-in masks move the attribute, the built-in judges measure it.
``--checkpoint`` takes any EG3D network instead: its heads are drawn and turned, and edited with ``--masks`` learned for
it; nobody knows the truth of them, so that nothing is measured.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from PIL import Image
from torch import Tensor

from training.common.console import script
from sat3d.camera import orbit
from sat3d.clip import load_clip
from sat3d.domains import load_domain
from sat3d.errors import ConfigError
from sat3d.files.writing import make_folder
from sat3d.generators import TriplaneGenerator, load_generator, z_from_seed
from sat3d.masks import AttributeMasks, load_masks
from sat3d.metrics import d_mean, pixel_changes
from sat3d.networks.built_in import GENERATOR, MASKS
from sat3d.networks.reader import Reading, load_reader
from sat3d.parsing.parser import load_parser
from sat3d.pictures import contact_sheet, depth_to_grey, save_animation, save_picture, to_pil
from sat3d.qmm import QMM
from sat3d.regions import alterable_region, background_mask
from training.common.settings import BuiltIn, Range, Settings

_SHOWN = ("hair_style", "hair_colour", "beard", "glasses", "expression")
_NAMES = ("source", "reference", "edit")
_SHEET_COLUMNS = 6


@dataclass(frozen=True, kw_only=True)
class Demo(Settings):
    checkpoint: BuiltIn = GENERATOR  # an EG3D network
    masks: BuiltIn = MASKS  # attribute masks, learned for the network
    attribute: str = "beard"  # what moves
    out: Path = Path("out/demo")  # folder of the pictures
    seeds: tuple[int, int] = (36, 45)  # source and reference
    frames: Annotated[int, Range(1)] = 24  # of the orbit


@script(Demo)
@torch.inference_mode()
def main(settings: Demo) -> int:
    started = time.perf_counter()
    network = load_network(settings)
    own = settings.checkpoint == GENERATOR
    edits = own or settings.masks != MASKS
    faces = torch.cat([sample(network, seed, 1.0 if own else 0.7) for seed in settings.seeds])
    if edits:
        masks = load_masks(settings.masks, network.layout)
        faces = torch.cat([faces, edited(network, faces, masks, settings.attribute)])
    fronts = torch.cat([network.synthesize(face[None]).image for face in faces])
    if own:
        tell(fronts, settings.attribute)
    turned = network.synthesize(faces[-1:] if edits else faces[:1], network.rig.label(*orbit(settings.frames)))
    save(settings.out, fronts, turned, settings.attribute if edits else None)
    made = f"{settings.frames + len(faces)} views" + (" and their scores" if own else "")
    print(f"{made} in {time.perf_counter() - started:.1f} s")
    print(f"Pictures: {(settings.out / 'sheet.png').resolve()}, and orbit.webp beside it")
    return 0


def load_network(settings: Demo) -> TriplaneGenerator:
    """The generator, and the folder for the pictures."""
    network = load_generator(settings.checkpoint).network
    if not isinstance(network, TriplaneGenerator):
        got = network.config.family
        raise ConfigError("This checkpoint is a flat generator", got, "an EG3D checkpoint", "choose another file")
    make_folder(settings.out)
    layout = network.layout
    print(f"{settings.checkpoint.name}: {layout.num_editable} editable of {layout.num_channels} style channels")
    return network


def sample(network: TriplaneGenerator, seed: int, truncation_psi: float) -> Tensor:
    """The styles ``[1, S]`` of the head of a seed."""
    return network.styles(network.map(z_from_seed(seed, network.config.backbone.z_dim), truncation_psi=truncation_psi))


def edited(network: TriplaneGenerator, faces: Tensor, masks: AttributeMasks, attribute: str) -> Tensor:
    """``faces [2, S]``: source and reference -> the source's styles ``[1, S]`` with the reference's attribute."""
    source, reference = network.layout.editable(faces).split(1)
    return network.layout.with_editable(faces[:1], source + masks.change([attribute], reference - source))


def tell(fronts: Tensor, attribute: str) -> None:
    """What the judges say of source, reference and edit ``[3, 3, H, W]``."""
    for name, reading in zip(_NAMES, load_reader().read(fronts), strict=True):
        print(f"{name:9} {describe(reading)}")
    scores = measure(fronts, attribute)
    print(f"QMM: {attribute} was {scores.before:.2f} from the reference's, now {scores.after:.2f} (2 a group at most); "
          f"all else moved {scores.elsewhere:.2f}")  # fmt: skip
    print(f"outside the {attribute}'s region pixels changed by {scores.background:.1f} of 255 levels")


@dataclass(frozen=True)
class Scores:
    """Of an edit: QMM distances to the reference before and after, how far all other attributes moved, D_mean."""

    before: float
    after: float
    elsewhere: float
    background: float


def measure(fronts: Tensor, attribute: str) -> Scores:
    """``fronts [3, 3, H, W]``: source, reference, edit."""
    domain, parser = load_domain("synthheads"), load_parser()
    source, reference, edit = (QMM(load_clip(), domain).measure(fronts).select([i]) for i in range(3))
    after, moved = edit.differences(reference), edit.differences(source)
    labels = parser.labels(fronts)
    regions = [alterable_region(labels[i : i + 1], domain.regions[attribute], parser.config.labels) for i in (0, 2)]
    change = pixel_changes(fronts[:1], fronts[2:])
    return Scores(
        float(source.differences(reference)[attribute]),
        float(after[attribute]),
        sum(float(value) for name, value in moved.items() if name != attribute),
        float(d_mean(change, background_mask(*regions)[:, 0])),
    )


def describe(reading: Reading) -> str:
    """What the reader sees, with how sure it is."""
    return ", ".join(f"{name} {reading.names[name]} ({reading.confidence[name]:.0%})" for name in _SHOWN)


def save(folder: Path, fronts: Tensor, turned, attribute: str | None) -> None:
    """A contact sheet, and the orbit as a moving picture. ``turned``: the Rendering of the orbit."""
    save_animation(to_pil(turned.image), folder / "orbit.webp")
    title = ", ".join(_NAMES[:2]) if attribute is None else f"{', '.join(_NAMES)} ({attribute})"
    save_picture(contact_sheet(*sheet_rows(fronts, turned, title), cell_px=192), folder / "sheet.png")


def sheet_rows(fronts: Tensor, turned, title: str) -> tuple[list[list[Image.Image]], Sequence[str]]:
    """The heads from the front, then an orbit with its depth, and what the rows are."""
    step = max(1, -(-len(turned.image) // _SHEET_COLUMNS))
    depth = depth_to_grey(turned.depth, turned.opacity) * 2 - 1
    rows = [to_pil(fronts), to_pil(turned.image)[::step], to_pil(depth.expand(-1, 3, -1, -1))[::step]]
    return rows, [title, "turned", "its depth, near is bright"]


if __name__ == "__main__":
    sys.exit(main())
