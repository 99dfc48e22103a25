"""Learn which style channels carry which attribute: the meta attribute masks of SAT3D.

    python training/train_masks.py --generator built-in --domain synthheads --out masks.safetensors [--resume]

The defaults are the paper's recipe. First faces are drawn and measured, once; they lie in ``<out>.pairs`` beside the
masks. Then every step makes one edited picture for each transfer. Beside them appear ``<out>.training.safetensors``
(from which ``--resume`` goes on exactly, even after a kill), ``<out>.progress.jsonl`` and sheets with source, reference
and the edit of each attribute. Several GPUs or machines: ``torchrun --nproc-per-node N training/train_masks.py …``;
every process makes transfers of its own, and M's gradients are averaged.
"""

import sys

from training.common.console import script
from training.masks.command import run
from training.masks.settings import MaskSettings


@script(MaskSettings, stopped="stopped; faces drawn so far are kept, --resume goes on from the last checkpoint")
def main(settings: MaskSettings) -> int:
    """Exit codes: 0 done; 2 wrong arguments or files, said in words; 130 stopped by the user, checkpoint written."""
    return run(settings)


if __name__ == "__main__":
    sys.exit(main())
