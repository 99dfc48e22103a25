"""Convert somebody else's network to a SAT3D checkpoint: EG3D, PanoHead, SphereHead, StyleGAN2 in several forms.

    python training/convert_checkpoint.py ffhqrebalanced512-128.pkl ffhq.safetensors
    python training/convert_checkpoint.py model_me_w_plus.pth me.safetensors --base ffhq512-128.pkl

Nothing inside the file is executed. The weights keep their licence: official NVIDIA checkpoints are under the
NVIDIA Source Code License (non-commercial).
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from training.common.console import script
from sat3d.errors import FileError, NameTakenError, NoBaseError, NoSuchNetworkError
from sat3d.files.writing import check_target
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.generators.config import PLANE_AXES_CORRECTED, PLANE_AXES_EG3D, GeneratorConfig, TriplaneConfig
from sat3d.generators.full_head_config import PLANE_AXES_FULL_HEAD
from sat3d.generators.loading import bases_for
from sat3d.generators.official import ForeignNetwork, read_network


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """By the standard library: whoever has the node pack alone can convert, too."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, metavar="IN", help="the network: .pkl, .pt or .pth")
    parser.add_argument("target", type=Path, metavar="OUT.safetensors", help="the checkpoint to write")
    parser.add_argument("--key", help="which network of the pickle (default: G_ema, or else G)")
    parser.add_argument("--base", type=Path, help="for weights alone: the network that was tuned (default: looked for "
                        "beside IN)")  # fmt: skip
    parser.add_argument("--half", action="store_true", help="store float16 weights: half the size, slightly less exact")
    parser.add_argument("--force", action="store_true", help="overwrite OUT.safetensors if it exists")
    return parser.parse_args(arguments)


@script(stopped="\ninterrupted: nothing was written")
def main(arguments: Sequence[str] | None) -> int:
    """The exit code: 0 converted, 2 refused (one line on stderr), 130 interrupted."""
    options = parse_arguments(arguments)
    with advice():
        convert(options)
    return 0


@contextmanager
def advice():
    """Which option helps, where one does: the core knows none."""
    try:
        yield
    except NameTakenError as error:
        raise error.with_next_step("choose another name, or overwrite it with --force") from error
    except NoSuchNetworkError as error:
        raise error.with_next_step("choose one of the networks in it with --key") from error
    except NoBaseError as error:
        raise error.with_next_step(
            "put its base network (such as ffhq512-128.pkl) into the same folder, or name it with --base; if the whole "
            "network was trained further, only --base helps"
        ) from error


def convert(options: argparse.Namespace) -> None:
    """Read, check, write; what the target held before stays until the new file is complete."""
    check_output(options)
    with progress_bar(options.source.name) as progress:
        network = read_network(options.source, options.key, progress, bases_for(options.source, options.base))
    tensors = halved(network.tensors) if options.half else network.tensors
    save_checkpoint(options.target, network.config, tensors, metadata_of(network, options.source.name), options.force)
    print(f"wrote {options.target}: {describe(network.config)}, {len(tensors)} tensors, licence: {network.licence}")


def check_output(options: argparse.Namespace) -> None:
    """Everything that would make the writing fail, before minutes are spent on reading.

    Raises:
        FileError: with what is in the way.
    """
    target = options.target
    if target.suffix != ".safetensors":
        raise FileError("The output has another suffix", target, "a name that ends in .safetensors", "rename it")
    check_target(target, options.force)
    if target.exists() and options.source.exists() and target.samefile(options.source):
        raise FileError("Input and output are the same file", target, "two different files", "choose another output")


def halved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """As float16.

    Raises:
        FileError: naming the tensors with values beyond float16's range (65504).
    """
    half = {name: tensor.to(torch.float16) for name, tensor in tensors.items()}
    broken = [name for name, tensor in half.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise FileError(
            "Some weights are too large for float16",
            ", ".join(broken[:8]),
            "values up to 65504",
            "convert without --half",
        )
    return half


def metadata_of(network: ForeignNetwork, source_name: str) -> dict[str, str]:
    notes = "; ".join(f"{name}: {value}" for name, value in network.notes.items())
    axes = {"plane_axes": axes_name(network.config)} if isinstance(network.config, TriplaneConfig) else {}
    return {
        "source_sha256": network.source_sha256,
        "source_name": source_name,
        "licence": network.licence,
        "notes": notes,
        **axes,
    }


def axes_name(config: TriplaneConfig) -> str:
    """Which tri-plane convention the file uses."""
    known = {PLANE_AXES_EG3D: "eg3d", PLANE_AXES_CORRECTED: "corrected", PLANE_AXES_FULL_HEAD: "full head"}
    return known.get(config.plane_axes, "custom")


def describe(config: GeneratorConfig) -> str:
    axes = f", plane axes '{axes_name(config)}'" if isinstance(config, TriplaneConfig) else ""
    return f"{config.family} {config.img_resolution}×{config.img_resolution}{axes}"


@contextmanager
def progress_bar(name: str):
    """A ``progress(done, total)`` in bytes: tqdm if it is installed, else a line of text."""
    try:
        from tqdm import tqdm
    except ImportError:
        yield _percent_line(name)
        print(file=sys.stderr)
        return
    with tqdm(desc=name, unit="B", unit_scale=True, leave=False) as bar:
        yield _tqdm_updates(bar)


def _tqdm_updates(bar) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return progress


def _percent_line(name: str) -> Callable[[int, int], None]:
    shown = -1

    def progress(done: int, total: int) -> None:
        nonlocal shown
        percent = 100 * done // max(total, 1)
        if percent != shown:
            shown = percent
            print(f"\rreading {name}: {percent:3d} %", end="", file=sys.stderr, flush=True)

    return progress


if __name__ == "__main__":
    sys.exit(main())
