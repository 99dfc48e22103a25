"""Semantic fields, which tell parts of heads: the one that fits a generator, of the pack or of the user's."""

from functools import lru_cache
from pathlib import Path

import torch

from ..sat3d.domains import shows_people
from ..sat3d.errors import LayoutError, Sat3dError
from ..sat3d.generators import TriplaneGenerator
from ..sat3d.parts.field import SCHEMA, Parts, load_parts
from . import host, model_folders
from .library import Library, file_stamp

LIBRARY = Library("sat3d_parts", SCHEMA, "semantic fields", "training/train_parts.py makes one for a generator")


def find_parts(model: host.HostModel) -> Parts:
    """The semantic field of this generator; else one whose sizes fit, with a warning.

    Raises:
        LayoutError: there is none.
    """
    found = parts_at_hand(model)
    if found is None:
        raise LayoutError(
            "There is no semantic field for this generator",
            model.name,
            "one that was trained for it",
            f"train one with training/train_parts.py and put it into models/{LIBRARY.folder}",
        )
    host.warn(found.warning_for(model.loaded.known_as(found.generator_fingerprint)))
    return found


def parts_at_hand(model: host.HostModel) -> Parts | None:
    """That of this very generator, or one of a relative; None: none fits."""
    network = model.network
    if not isinstance(network, TriplaneGenerator):
        return None
    fitting = [parts for path in _paths() if (parts := _read_now(path)) and _fits(parts, model, network)]
    return min(fitting, key=lambda parts: parts.generator_fingerprint != model.loaded.fingerprint, default=None)


def _fits(parts: Parts, model: host.HostModel, network: TriplaneGenerator) -> bool:
    try:
        parts.check(network)
    except LayoutError:
        return False
    alike = parts.layout == network.layout.fingerprint and shows_people(network.domain)  # all fields know heads alone
    return parts.generator_fingerprint == model.loaded.fingerprint or alike


def _paths() -> list[Path]:
    files = (model_folders.find_file(LIBRARY.folder, entry) for entry in LIBRARY.own_files())
    return [*filter(None, files), *LIBRARY.built_in().values()]


def _read_now(path: Path) -> Parts | None:
    try:
        return _read(path, file_stamp(path))
    except (Sat3dError, OSError):  # a file of another kind, or a damaged one, is not of this generator
        return None


@lru_cache(maxsize=16)
def _read(path: Path, stamp: str) -> Parts:
    with torch.inference_mode(False):
        return load_parts(path)
