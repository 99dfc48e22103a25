"""SynthHeads: rendered 3D heads with known attributes.

python -m training.synthheads render|sheet|describe|correlations --help
"""

import os

# One thread a process, before numpy is imported: the work is split between processes.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse  # noqa: E402
import sys  # noqa: E402
from collections.abc import Sequence  # noqa: E402

from training.common.console import script  # noqa: E402

from . import correlations_command, describe_command, render_command, sheet_command  # noqa: E402

COMMANDS = {
    "render": render_command,
    "sheet": sheet_command,
    "describe": describe_command,
    "correlations": correlations_command,
}


@script()
def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done; 2 wrong arguments or files, said in words on stderr; 130 stopped by the user."""
    parser = argparse.ArgumentParser(prog="python -m training.synthheads", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="{" + ",".join(COMMANDS) + "}")
    for name, command in COMMANDS.items():
        summary = command.__doc__.splitlines()[0]
        command.add_arguments(commands.add_parser(name, help=summary, description=summary))
        commands.choices[name].set_defaults(run=command.run)
    options = parser.parse_args(arguments)
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
