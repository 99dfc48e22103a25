"""Dress rehearsal at full size: the README's lines for an official checkpoint, then the workflows, and what each took.

    python -m tests.rehearsal FOLDER [--sizes published] [--add "--pairs 60 --iterations 20"] [--faces 400]

FOLDER gets the three downloads, in their official layouts and sizes, with free numbers (the built-in network as a
pickle of EG3D, random weights of CLIP and of BiSeNet), and all that is made of them. What is there already is not made
again.
"""

import argparse
import shlex
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from sat3d.pictures import save_picture, to_pil
from tests.nodes.conftest import hosted_pack
from tests.nodes.test_workflows import perform
from tests.rehearsal import host
from tests.rehearsal.official_files import PICKLE, built_in_network, write_all, write_published
from tests.rehearsal.readme import ROOT, command, demo_command
from training.common.checkpoint import state_path


def main() -> int:
    options = parse_arguments()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / host.PARSER).exists():
        with timed("the files"):
            write_all(folder, built_in_network())
            if options.sizes == "published":
                write_published(folder / PICKLE)
    converting, learning = command("convert_checkpoint.py"), command("train_masks.py")
    if not (folder / converting[-1]).exists():
        type_in(converting, folder)
    if not (folder / "face.report.txt").exists():
        begun = ["--resume"] if state_path(folder / host.MASKS).exists() else []
        type_in([*learning, *shlex.split(options.add), *begun], folder)
    type_in([*demo_command(), "--frames", "6"], folder)
    run_workflows(folder, options.faces)
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    sizes = "of the generator: as the built-in one, or as ffhq512-128.pkl, which takes ten times as long"
    parser.add_argument("--sizes", choices=("built-in", "published"), default="built-in", help=sizes)
    parser.add_argument("--add", default="", help="options that are added to the README's line for masks")
    parser.add_argument("--faces", type=int, default=400, help="of Learn Attribute Masks")
    return parser.parse_args()


@contextmanager
def timed(what: str):
    started = time.perf_counter()
    yield
    print(f"== {time.perf_counter() - started:.0f} s: {what}", flush=True)


def type_in(words: list[str], folder: Path) -> None:
    """A command as a user types it, in ``folder``; ends here if it fails."""
    with timed(" ".join(["python", *words])):
        subprocess.run([sys.executable, str(ROOT / words[0]), *words[1:]], cwd=folder, check=True)


def run_workflows(folder: Path, faces: int) -> None:
    """In the stand-in host, at the sizes that are shipped; pictures are kept in ``folder``."""
    learning = host.learning()
    learning["3"]["inputs"]["faces"] = faces
    models = folder / "host" / "models"
    with pytest.MonkeyPatch.context() as patch, hosted_pack(patch, models) as part:
        host.put_files(folder, models)
        nodes = {node.define_schema().node_id: node for node in part("nodes.extension").NODES}
        for name, prompt in (("official", host.official()), ("edited", host.official_edited()), ("learned", learning)):
            said = host.complaints(prompt, nodes)
            if said:
                sys.exit("\n".join(said))
            with timed(f"workflow {name}"):
                keep(perform(prompt, nodes, lambda key, value: value), folder, name)


def keep(arrived: dict[str, list], folder: Path, name: str) -> None:
    """Print texts, save pictures."""
    for shown in arrived.get("PreviewAny", ()):
        print(shown["source"], flush=True)
    pictures = [shown["images"] for kind in ("SaveImage", "PreviewImage") for shown in arrived.get(kind, ())]
    for number, batch in enumerate(pictures):
        for place, picture in enumerate(to_pil(batch.permute(0, 3, 1, 2) * 2 - 1)):
            save_picture(picture, folder / f"{name}-{number}-{place}.png")


if __name__ == "__main__":
    sys.exit(main())
