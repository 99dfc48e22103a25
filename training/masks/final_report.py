"""The report at a training's end: what arrives and what stays, by QMM on faces that nothing was learned from."""

from __future__ import annotations

from pathlib import Path

from sat3d.clip import choose_architecture, load_clip
from sat3d.files.writing import write_text
from sat3d.learning import Report, Studio, examine_held_out
from sat3d.masks import load_masks
from sat3d.pictures import save_picture, to_pil
from sat3d.qmm import QMM
from training.common.bars import progress_bar
from training.common.checkpoint import beside

from .settings import MaskSettings


def load_second(settings: MaskSettings, studio: Studio) -> QMM | None:
    """Another image-text model that is asked in the report; None where none is given.

    Raises:
        FileError, ConfigError: no such model, or a phrase that it cannot read.
    """
    weights = settings.second_clip_weights
    if weights is None:
        return None
    name = choose_architecture(settings.second_clip, weights).name
    return QMM(load_clip(name, weights, studio.device), studio.domain)


def report(settings: MaskSettings, studio: Studio, second: QMM | None) -> Report:
    """Judge the masks that were written; the sheet and the sentences go into files beside them."""
    masks, out = load_masks(settings.out, studio.network.layout), settings.out
    with progress_bar("report", "‰") as watch:
        told = examine_held_out(
            studio, masks, settings.seed, beside(out, "pairs"), watch, second=second, transfers=settings.judged
        )
    _write(told, beside(out, "report.txt"), beside(out, "report.png"))
    return told


def _write(told: Report, text: Path, sheet: Path) -> None:
    write_text(text, f"{told}\n")
    save_picture(to_pil(told.sheet)[0], sheet)
