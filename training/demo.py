"""A first look: two heads nobody has met, what they are like, and one of them turned.

    python training/demo.py [--out out/demo] [--seeds 0 1] [--frames 24] [--checkpoint FILE]

The built-in generator draws them; the built-in attribute reader says what it sees. ``--checkpoint`` takes any EG3D
network instead (its heads are not read: the reader knows the built-in domain only).
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from PIL import Image

from sat3d.camera import orbit
from sat3d.errors import ConfigError, Sat3dError
from sat3d.generators import TriplaneGenerator, load_generator, z_from_seed
from sat3d.generators.base import Rendering
from sat3d.pictures import contact_sheet, depth_to_grey, save_animation, save_picture, to_pil
from sat3d.reader import Reading, load_reader
from sat3d.small_networks import ASSETS

BUILT_IN = ASSETS / "synthheads-128.safetensors"
_SHOWN = ("hair_style", "hair_colour", "beard", "glasses", "expression")
_SHEET_COLUMNS = 6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=BUILT_IN, help="an EG3D network (the built-in one)")
    parser.add_argument("--out", type=Path, default=Path("out/demo"))
    parser.add_argument("--seeds", type=int, nargs=2, default=(0, 1), help="which two heads (0 1)")
    parser.add_argument("--frames", type=int, default=24, help="of the orbit (24)")
    arguments = parser.parse_args()
    try:
        return run(arguments)
    except Sat3dError as error:
        print(error, file=sys.stderr)
        return 1


@torch.inference_mode()
def run(arguments: argparse.Namespace) -> int:
    started = time.perf_counter()
    network = load_generator(arguments.checkpoint).network
    if not isinstance(network, TriplaneGenerator):
        got = network.config.family
        raise ConfigError("This checkpoint is a flat generator", got, "an EG3D checkpoint", "choose another file")
    if arguments.frames < 1:
        raise ConfigError("--frames is too small", arguments.frames, "1 or more")
    arguments.out.mkdir(parents=True, exist_ok=True)
    own = arguments.checkpoint == BUILT_IN
    faces = [sample(network, seed, 1.0 if own else 0.7) for seed in arguments.seeds]
    fronts = [network.synthesize(styles) for styles in faces]
    layout = network.layout
    print(f"{arguments.checkpoint.name}: {layout.num_editable} editable of {layout.num_channels} style channels")
    if own:
        readings = load_reader().read(torch.cat([front.image for front in fronts]))
        for seed, reading in zip(arguments.seeds, readings, strict=True):
            print(f"head {seed}: {describe(reading)}")
    turned = network.synthesize(faces[0], network.rig.label(*orbit(arguments.frames)))
    save_animation(to_pil(turned.image), arguments.out / "orbit.webp")
    sheet = contact_sheet(*sheet_rows(arguments.seeds, fronts, turned), cell_px=192)
    save_picture(sheet, arguments.out / "sheet.png")
    print(f"{arguments.frames + 2} views in {time.perf_counter() - started:.1f} s")
    print(f"Pictures: {(arguments.out / 'sheet.png').resolve()}, and orbit.webp beside it")
    return 0


def sample(network: TriplaneGenerator, seed: int, truncation_psi: float) -> torch.Tensor:
    """The styles ``[1, S]`` of the head of a seed."""
    return network.styles(network.map(z_from_seed(seed, network.config.backbone.z_dim), truncation_psi=truncation_psi))


def describe(reading: Reading) -> str:
    """What the reader sees, with how sure it is."""
    return ", ".join(f"{name} {reading.names[name]} ({reading.confidence[name]:.0%})" for name in _SHOWN)


def sheet_rows(
    seeds: tuple[int, int], fronts: list[Rendering], turned: Rendering
) -> tuple[list[list[Image.Image]], list[str]]:
    """Both heads from the front, then the first one's orbit with its depth, and what the rows are."""
    step = max(1, -(-len(turned.image) // _SHEET_COLUMNS))
    depth = depth_to_grey(turned.depth, turned.opacity) * 2 - 1
    rows = [to_pil(torch.cat([front.image for front in fronts]))]
    rows += [to_pil(turned.image)[::step], to_pil(depth.expand(-1, 3, -1, -1))[::step]]
    return rows, [f"heads {seeds[0]} and {seeds[1]}", f"head {seeds[0]}, turned", "its depth, near is bright"]


if __name__ == "__main__":
    sys.exit(main())
