"""Learn which style channels carry which attribute: the meta attribute masks of SAT3D.

    python training/train_masks.py --generator FILE --domain face --clip-weights FILE --out masks.safetensors [--resume]

First it says what it will take. Faces are drawn and measured, once; they lie in ``<out>.pairs`` beside the masks, and
their population and where channels act tell what M begins with (``--recipe paper``: as in the paper, which then takes
300,000 steps). Then every step makes one edited picture for each transfer. Beside the masks appear
``<out>.training.safetensors`` (from which ``--resume`` goes on exactly, even after a kill), ``<out>.progress.jsonl``
and sheets with source, reference and the edit of each attribute. It ends with a verdict on each attribute, in
``<out>.report.txt`` and ``.png``, too. Several GPUs or machines:
``torchrun --nproc-per-node N training/train_masks.py …``; every process makes transfers of its own, and M's gradients
are averaged.
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
