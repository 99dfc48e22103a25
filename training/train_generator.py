"""Train the built-in generator on rendered heads.

    python -m training.synthheads render --out DATA --count 40000 --size 128
    python training/train_generator.py --preset cpu --data DATA --out DIR [--minutes 240] [--resume]

Stages: the mapping without pictures, points of known depth, volume rendering with super-resolution, sharpening.
DIR holds ``generator.safetensors`` (what ``load_generator`` reads; renewed with every save), ``training.safetensors``
(from which ``--resume`` goes on exactly), ``progress.jsonl`` and sheets with truth beside generated.
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
    parser.add_argument("--data", type=Path, required=True, help="a data set of rendered heads")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--minutes", type=float, default=None, help="of training steps, over all runs (cpu 240, gpu 18)"
    )
    parser.add_argument("--steps", type=int, default=None, help="train so many steps instead of minutes")
    parser.add_argument("--resume", action="store_true", help="go on where the training in --out stopped")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads (all)")
    parser.add_argument("--cache", type=Path, default=None, help="where the decoded data go (DATA/packed)")
    parser.add_argument("--save-minutes", type=float, default=2.0)
    parser.add_argument("--score-minutes", type=float, default=10.0)
    parser.add_argument("--stop-after-steps", type=int, default=None, help="stop early, as if interrupted")
    return parser.parse_args(arguments)


@script(refused=1)
def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    from training.generator.command import run

    return run(options)


if __name__ == "__main__":
    sys.exit(main())
