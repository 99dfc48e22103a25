"""Judge trained networks on pictures they have never seen.

python training/evaluate.py readers --seed 7 --count 400 --json out/readers.json
python training/evaluate.py generator --seed 7 --count 200 --json out/generator.json
python training/evaluate.py transfer --seed 7 --count 500 --json out/transfer.json --pictures out
python training/evaluate.py things --domain synthcars --generator out/cars/generator.safetensors \\
    --encoder out/cars/encoder.safetensors --reader out/cars-reader.safetensors --masks out/cars-masks.safetensors
python training/evaluate.py avatar --seed 7 --json out/avatar.json --pictures out/avatar.png
python training/evaluate.py parts --seed 7 --json out/parts.json --pictures out
python training/evaluate.py sliders --seed 7 --json out/sliders.json --pictures out
python training/evaluate.py animation --seed 7 --json out/animation.json --pictures out
"""

import json
import sys

from training.common.console import script
from sat3d.files.writing import check_target, write_text
from training.evaluation import avatar, clip, encoder, generator, inversion, readers, sliders
from training.evaluation.animation import command as animation
from training.evaluation.parts import command as parts
from training.evaluation.people import Judging
from training.evaluation.things import command as things
from training.evaluation.transfer import command as transfer

# Name -> what a suite can be told, and what makes its report of that.
SUITES = {
    "readers": (readers.JudgeReaders, readers.run),
    "generator": (generator.JudgeGenerator, generator.run),
    "clip": (clip.JudgeClip, clip.run),
    "encoder": (encoder.JudgeEncoder, encoder.run),
    "inversion": (inversion.JudgeInversion, inversion.run),
    "avatar": (avatar.JudgeAvatar, avatar.run),
    "parts": (parts.JudgeParts, parts.run),
    "sliders": (sliders.JudgeSliders, sliders.run),
    "animation": (animation.JudgeAnimation, animation.run),
    "transfer": (transfer.JudgeTransfer, transfer.run),
    "things": (things.JudgeThings, things.run),
}


@script({name: settings for name, (settings, _) in SUITES.items()})
def main(settings: Judging) -> int:
    """Exit codes: 0 judged; 2 wrong arguments or files, said in words on stderr; 130 stopped by the user."""
    if settings.json:
        check_target(settings.json)
    report = dict(SUITES.values())[type(settings)](settings)
    if settings.json:
        write_text(settings.json, json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
