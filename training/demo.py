"""A first look: two faces of a checkpoint, turned.

    python training/demo.py [--checkpoint FILE] [--out out/demo] [--frames 16]

Without ``--checkpoint`` the small official-format network of the tests is used. Its weights are random, so the pictures
show coloured cloud, not faces: what they prove is that file, network, volume and cameras work here.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from sat3d.camera import orbit
from sat3d.errors import ConfigError, Sat3dError
from sat3d.generators import TriplaneGenerator, load_generator, z_from_seed
from sat3d.pictures import contact_sheet, depth_to_grey, save_animation, save_picture, to_pil

DEFAULT_CHECKPOINT = Path(__file__).resolve().parents[1] / "tests" / "golden" / "parity" / "eg3d_shapenet_small.pkl"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT)
    parser.add_argument("--out", type=Path, default=Path("out/demo"))
    parser.add_argument("--frames", type=int, default=16)
    arguments = parser.parse_args()
    try:
        return run(arguments)
    except Sat3dError as error:
        print(error, file=sys.stderr)
        return 1


@torch.inference_mode()
def run(arguments: argparse.Namespace) -> int:
    started = time.perf_counter()
    loaded = load_generator(arguments.checkpoint)
    network = loaded.network
    if not isinstance(network, TriplaneGenerator):
        raise ConfigError(
            "This checkpoint is a flat generator",
            loaded.network.config.family,
            "an EG3D checkpoint",
            "choose another file",
        )
    arguments.out.mkdir(parents=True, exist_ok=True)
    cameras = network.rig.label(*orbit(arguments.frames))
    rows, labels = [], []
    for seed in (0, 1):
        views, depths = turn(network, seed, cameras)
        rows += [views[:: max(1, arguments.frames // 6)][:6], depths[:: max(1, arguments.frames // 6)][:6]]
        labels += [f"face {seed}, turned", "depth, near is bright"]
        save_animation(views, arguments.out / f"orbit_{seed}.webp")
    save_picture(contact_sheet(rows, labels, cell_px=192), arguments.out / "sheet.png")
    layout, seconds = network.layout, time.perf_counter() - started
    print(f"{arguments.checkpoint.name}: {layout.num_editable} editable of {layout.num_channels} style channels")
    print(f"{2 * arguments.frames} views in {seconds:.1f} s")
    print(f"Pictures: {(arguments.out / 'sheet.png').resolve()}, and orbit_0.webp, orbit_1.webp beside it")
    return 0


def turn(network: TriplaneGenerator, seed: int, cameras: torch.Tensor):
    """One face from all cameras: its pictures and depth pictures."""
    styles = network.styles(network.map(z_from_seed(seed, network.config.backbone.z_dim), truncation_psi=0.7))
    views = network.synthesize(styles, cameras)
    depth = depth_to_grey(views.depth, views.opacity) * 2 - 1
    return to_pil(views.image), to_pil(depth.expand(-1, 3, -1, -1))


if __name__ == "__main__":
    sys.exit(main())
