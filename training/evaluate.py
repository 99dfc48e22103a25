"""Judge trained networks on pictures they have never seen.

python training/evaluate.py readers --seed 7 --count 400 --json out/readers.json
python training/evaluate.py generator --seed 7 --count 200 --json out/generator.json
python training/evaluate.py transfer --seed 7 --count 500 --json out/transfer.json --pictures out

A suite is a module of training/evaluation with ``add_arguments(parser)`` and ``run(options) -> report``.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sat3d.files.writing import check_target, write_text
from training.common.console import script
from training.evaluation import clip, encoder, generator, inversion, readers, transfer

SUITES = {
    "readers": readers,
    "generator": generator,
    "clip": clip,
    "encoder": encoder,
    "inversion": inversion,
    "transfer": transfer,
}


@script()
def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 judged; 2 wrong arguments or files, said in words on stderr; 130 stopped by the user."""
    options = _parse(arguments)
    if options.json:
        check_target(options.json)
    report = options.run(options)
    if options.json:
        write_text(options.json, json.dumps(report, indent=1) + "\n")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    suites = parser.add_subparsers(required=True, metavar="{" + ",".join(SUITES) + "}")
    for name, suite in SUITES.items():
        summary = suite.__doc__.splitlines()[0]
        command = suites.add_parser(name, help=summary, description=summary)
        suite.add_arguments(command)
        command.add_argument("--json", type=Path, help="write the report here")
        command.set_defaults(run=suite.run)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
