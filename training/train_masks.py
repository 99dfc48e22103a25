"""Learn which style channels carry which attribute: the meta attribute masks of SAT3D.

    python training/train_masks.py --generator built-in --domain synthheads --out masks.safetensors [--resume]

The defaults are the paper's recipe. First faces are drawn and measured, once; they lie in ``<out>.pairs`` beside the
masks. Then every step makes one edited picture for each transfer. Beside them appear ``<out>.training.safetensors``
(from which ``--resume`` goes on exactly, even after a kill), ``<out>.progress.jsonl`` and sheets with source, reference
and the edit of each attribute. Several GPUs or machines: ``torchrun --nproc-per-node N training/train_masks.py …``;
every process makes transfers of its own, and M's gradients are averaged.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training.common.console import script


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--generator", default="built-in", help="built-in, or a .safetensors or official .pkl file")
    add("--domain", default="synthheads", help="name of a domain, or a .json file like those of sat3d/domains")
    add("--clip", default="", metavar="NAME", help="image-text model of QMM: open_clip's name (what its file tells)")
    add("--clip-weights", type=Path, metavar="FILE", help="its .safetensors file (that of the built-in model)")
    add("--parser", type=Path, metavar="FILE", help="weights of the domain's parser (the built-in ones)")
    add("--out", type=Path, required=True, help="the .safetensors file to write")
    add("--resume", action="store_true", help="go on from the last checkpoint")
    add("--restart", action="store_true", help="begin anew; the measured faces are used again")
    add("--dry-run", action="store_true", help="only say what memory, steps and time it takes")
    add("--seed", type=int, default=0)
    add("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add("--threads", type=int, help="processor threads (all)")
    add("--precision", choices=("auto", "float32", "bfloat16"), default="auto", help="of the backbone's convolutions")
    recipe = parser.add_argument_group("recipe")
    add = recipe.add_argument
    add("--iterations", type=int, default=300_000, metavar="N", help="steps (300000)")
    add("--minutes", type=float, metavar="M", help="end after so many minutes of steps, if that is sooner")
    add("--batch", type=int, default=1, metavar="B", help="transfers a step and process (1; the paper: StyleGAN2 4)")
    add("--pairs", type=int, default=6000, metavar="N", help="faces to draw and measure (6000)")
    add("--contrast", type=int, default=1, metavar="K", help="of K references take the most different one (1)")
    add("--rate", type=float, default=0.01, help="learning rate (0.01)")
    add("--falling-rate", action="store_true", help="let it fall along a cosine to the end")
    add("--no-centralisation", action="store_true", help="Ranger without centred gradients")
    add("--beta2", type=float, default=0.999, help="Ranger's; RAdam warms up for 1 / (1 - BETA2) steps (0.999)")
    add("--temperature", type=float, default=1.0, metavar="T", help="softens what QMM compares: steps to slopes (1)")
    add("--weight-attr", type=float, default=3.5, help="of the attribute loss (3.5)")
    add("--weight-src", type=float, default=1.0, help="of L_src in it (1); 0: other attributes may come along")
    add("--weight-bg", type=float, default=40.0, help="of the background loss (40)")
    add("--weight-prob", type=float, default=0.1, help="of the probability loss (0.1)")
    add(
        "--start",
        choices=("preselection", "plain", "attributions", "population"),
        default="preselection",
        help="M before training: the domain's pre-selection (the paper's), none, by integrated gradients of the losses,"
        " or by what QMM says of all faces",
    )
    add("--start-faces", type=int, default=48, metavar="N", help="faces (pairs, for each attribute) that decide (48)")
    view = parser.add_argument_group("pictures")
    add = view.add_argument
    add("--neural-resolution", type=int, metavar="PX", help="of volume rendering in training (the checkpoint's)")
    add("--samples", type=int, nargs=2, metavar=("COARSE", "FINE"), help="on a ray (the checkpoint's)")
    add("--picture-px", type=int, default=256, metavar="PX", help="larger pictures are judged at this size (256)")
    add("--exact-gradients", action="store_true", help="through every sample on a ray: slower by far, hardly different")
    report = parser.add_argument_group("reports")
    add = report.add_argument
    add("--report-seconds", type=float, default=15.0)
    add("--tensorboard", type=Path, metavar="DIR", help="draw curves there, too")
    add("--sheet-minutes", type=float, default=10.0, help="between sheets of edits")
    add("--checkpoint-minutes", type=float, default=2.0)
    return parser.parse_args(arguments)


@script(stopped="stopped; faces drawn so far are kept, --resume goes on from the last checkpoint")
def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done; 2 wrong arguments or files, said in words; 130 stopped by the user, checkpoint written."""
    options = parse_arguments(arguments)
    from training.masks.command import run

    return run(options)


if __name__ == "__main__":
    sys.exit(main())
