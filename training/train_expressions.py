"""Learn what moves a generator's faces: directions of expression in its style space, for training/animate.py and nodes.

    python training/train_expressions.py --out expressions.safetensors
    python training/train_expressions.py --generator ffhq512-128.pkl --truncation 0.7 --out expressions.safetensors

Of generators whose latents tell what their heads do that is known, and it takes seconds; of any other, faces are drawn
and the face networks read what they show. Put the file into ComfyUI's models/sat3d_expressions.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from training.common.console import script
from sat3d.files.writing import check_target
from training.animation.directions import LearnDirections, learn_directions


@dataclass(frozen=True, kw_only=True)
class TrainExpressions(LearnDirections):
    out: Path  # the .safetensors file to write


@script(TrainExpressions)
def main(settings: TrainExpressions) -> int:
    """Exit codes: 0 done; 2 wrong arguments or files, said in words on stderr; 130 stopped by the user."""
    check_target(settings.out)
    space = learn_directions(settings)
    space.save(settings.out)
    print(f"{len(space.names)} movements over {len(space.index)} style channels: {settings.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
