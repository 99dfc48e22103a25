"""QMM, the quantitative measurement module (SAT3D, section 3.2): how much of each attribute a picture shows.

``model`` says what is asked of an image-text model, ``equations`` holds the paper's formulas, ``measure`` puts them
together for a whole domain, ``chart`` draws the scores.
"""

from .chart import score_chart
from .equations import (
    attribute_differences,
    attribute_loss,
    characteristic,
    correlations,
    group_difference,
    reference_loss,
    softened,
    source_loss,
)
from .measure import QMM, Measurement
from .model import ImageTextModel

__all__ = [
    "QMM",
    "ImageTextModel",
    "Measurement",
    "attribute_differences",
    "attribute_loss",
    "characteristic",
    "correlations",
    "group_difference",
    "reference_loss",
    "score_chart",
    "softened",
    "source_loss",
]
