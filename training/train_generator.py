"""Train a generator on pictures of heads with known cameras and depth, and on nothing else that is known of them.

    python -m training.synthheads render --out DATA --count 48000 --size 256 --population photographs --cameras wide
    python training/train_generator.py --preset cpu --data DATA --out DIR [--minutes 480] [--resume]

Stages: points of known depth, with first codes w from principal components of the pictures; the same together with an
encoder that gives w; volume rendering with super-resolution; sharpening by features and a critic.
DIR holds ``generator.safetensors`` (what ``load_generator`` reads; renewed with every save), ``encoder.safetensors``,
``training.safetensors`` (from which ``--resume`` goes on exactly), ``progress.jsonl``, sheets with truth beside drawn.
Several GPUs: ``torchrun --nproc-per-node N training/train_generator.py …``.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training.common.console import script


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="cpu", help="cpu, gpu or tiny (a trial in seconds)")
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="DIR", help="data sets of heads")
    supervision = "what is known of the heads: pictures, cameras and depth (pictures)"
    parser.add_argument("--supervision", choices=("pictures",), default="pictures", help=supervision)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=None, help="of training steps, over all runs (cpu 480, gpu 9)")
    parser.add_argument("--steps", type=int, default=None, help="train so many steps instead of minutes")
    parser.add_argument("--resume", action="store_true", help="go on where the training in --out stopped")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads (all)")
    parser.add_argument("--cache", type=Path, default=None, help="where the decoded data go (DATA/packed)")
    parser.add_argument("--save-minutes", type=float, default=2.0)
    parser.add_argument("--score-minutes", type=float, default=20.0)
    parser.add_argument("--stop-after-steps", type=int, default=None, help="stop early, as if interrupted")
    return parser.parse_args(arguments)


@script(refused=1)
def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    from training.generator.command import run

    return run(options)


if __name__ == "__main__":
    sys.exit(main())
