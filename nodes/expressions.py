"""What moves a generator's faces: directions of expression from a file that fits, or else learned once and kept."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import torch

from ..sat3d.animation.expression_space import SCHEMA, ExpressionSpace, LinearExpressionSpace, load_expressions
from ..sat3d.animation.learning import Lesson, learn_expressions
from ..sat3d.errors import Sat3dError
from ..sat3d.files.writing import make_folder
from ..sat3d.generators import StyleGenerator
from ..sat3d.inversion import expression_channels
from . import host, model_folders
from .library import Library, file_stamp
from .masks import masks_at_hand

LIBRARY = Library("sat3d_expressions", SCHEMA, "directions of expression",
                  "training/train_expressions.py makes such files")  # fmt: skip
_FACES = 300
_TRUNCATION = 0.7  # of networks whose z is noise alone: their rarest faces are none
EXPRESSION = "expression"


def space_for(model: host.HostModel, network: StyleGenerator, report: host.Report) -> ExpressionSpace:
    """The directions of this very generator or of a relative, from a file; else they are learned, which takes minutes
    the first time.

    Raises:
        ShapeError: it draws no faces that can be read.
    """
    found = space_at_hand(model)
    if found is not None:
        return found
    host.warn(f"there are no directions of expression for {model.name} yet: they are learned now, from {_FACES} faces "
              "that it draws, and kept for the next time")  # fmt: skip
    drawn = network.config.backbone
    truncation = 1.0 if drawn.mapping_choices or drawn.mapping_flow else _TRUNCATION
    lesson = Lesson(_FACES, truncation=truncation, channels=_channels(model))
    notes = {"generator_fingerprint": model.loaded.fingerprint, "source": f"{_FACES} faces, read by the face networks"}
    space = learn_expressions(network, None, lesson, notes, lambda done, total: report(done, total))
    _keep(space)
    return space


def space_at_hand(model: host.HostModel) -> LinearExpressionSpace | None:
    """Of this very generator, else of one with the same style layout; None: there is none."""
    layout, own = model.network.layout.fingerprint, model.loaded.fingerprint
    fitting = [space for path in _paths() if (space := _read_now(path)) and space.layout_fingerprint == layout]
    kept = _read_now(_kept(own))
    fitting += [kept] if kept is not None and kept.layout_fingerprint == layout else []
    found = min(fitting, key=lambda space: space.generator_fingerprint != own, default=None)
    if found is not None and found.generator_fingerprint not in ("", own):
        host.warn(f"the directions of expression were learned on generator {found.generator_fingerprint}; this works "
                  "for fine-tuned versions of one network")  # fmt: skip
    return found


def _channels(model: host.HostModel) -> torch.Tensor | None:
    masks = masks_at_hand(model)
    return None if masks is None or EXPRESSION not in masks.attributes else expression_channels(masks, EXPRESSION)


def _paths() -> list[Path]:
    files = (model_folders.find_file(LIBRARY.folder, entry) for entry in LIBRARY.own_files())
    return [*filter(None, files), *LIBRARY.built_in().values()]


def _kept(fingerprint: str) -> Path:
    return model_folders.kept_folder("expressions") / f"{fingerprint}.safetensors"


def _keep(space: LinearExpressionSpace) -> None:
    path = _kept(space.generator_fingerprint)
    with suppress(Sat3dError, OSError):  # a folder that cannot be written costs nothing but the next run
        make_folder(path.parent)
        space.save(path)


def _read_now(path: Path) -> LinearExpressionSpace | None:
    try:
        return _read(path, file_stamp(path))
    except (Sat3dError, OSError):  # a file of another kind, or a damaged one, is not of this generator
        return None


@lru_cache(maxsize=16)
def _read(path: Path, stamp: str) -> LinearExpressionSpace:
    with torch.inference_mode(False):
        return load_expressions(path)
