"""SynthHeads: rendered 3D heads with known attributes.

python -m training.synthheads render|sheet|describe|correlations --help
"""

import sys

from training.synth.commands import make_main
from training.synth.sheet_command import KINDS

from . import correlations_command
from .domain import HEADS
from .sheet_rows import action_rows

SHEETS = {**KINDS, "actions": action_rows}
main = make_main(HEADS, SHEETS, {"correlations": (correlations_command.CorrelationSettings, correlations_command.run)})

if __name__ == "__main__":
    sys.exit(main())
