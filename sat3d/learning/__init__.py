"""Learning which style channels carry which attribute: faces measured once, first masks, and what they are worth."""

from .quick_start import FACES, FEWEST_FACES, LearnedMasks, examine_held_out, quick_start
from .studio import Studio, View
from .verdicts import Report, Verdict

__all__ = [
    "FACES",
    "FEWEST_FACES",
    "LearnedMasks",
    "Report",
    "Studio",
    "Verdict",
    "View",
    "examine_held_out",
    "quick_start",
]
