"""SynthHeads: rendered 3D heads with known attributes.

python -m training.synthheads render|sheet|describe|correlations --help
"""

import os

# One thread a process, before numpy is imported: the work is split between processes.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(_name, "1")

import sys  # noqa: E402

from training.common.console import script  # noqa: E402
from training.common.settings import Settings  # noqa: E402

from . import correlations_command, describe_command, render_command, sheet_command  # noqa: E402

COMMANDS = {
    "render": (render_command.RenderSettings, render_command.run),
    "sheet": (sheet_command.SheetSettings, sheet_command.run),
    "describe": (describe_command.DescribeSettings, describe_command.run),
    "correlations": (correlations_command.CorrelationSettings, correlations_command.run),
}


@script({name: settings for name, (settings, _) in COMMANDS.items()}, prog="python -m training.synthheads")
def main(settings: Settings) -> int:
    """Exit codes: 0 done; 2 wrong arguments or files, said in words on stderr; 130 stopped by the user."""
    return dict(COMMANDS.values())[type(settings)](settings)


if __name__ == "__main__":
    sys.exit(main())
