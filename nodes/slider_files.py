"""Sliders for a generator: those of the pack or of the user's, found by the generator or chosen by name."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch

from ..sat3d.domains import shows_people
from ..sat3d.errors import LayoutError, Sat3dError
from ..sat3d.sliders import SCHEMA, Sliders, load_sliders
from . import host, model_folders
from .library import Library, file_stamp

LIBRARY = Library("sat3d_sliders", SCHEMA, "sliders", "training/train_sliders.py makes sliders for a generator")
FITTING = "the model's own"  # in place of a file


def entries() -> list[str]:
    """What the combo lists."""
    return [FITTING, *LIBRARY.built_in(), *LIBRARY.own_files()]


def check(entry: str) -> bool | str:
    """See :meth:`.library.Library.check`."""
    return True if entry == FITTING else LIBRARY.check(entry)


def stamp(entry: str) -> str:
    """Changes when one of the files that may be meant does."""
    return "; ".join(map(LIBRARY.stamp, entries()[1:])) if entry == FITTING else LIBRARY.stamp(entry)


def find_sliders(model: host.HostModel, entry: str = FITTING) -> Sliders:
    """The sliders of a file; or those of this very generator, else of one of the same styles, with a warning.

    Raises:
        LayoutError: there are none for this generator. FileError, ConfigError: the chosen file is not usable.
    """
    if entry == FITTING:
        found = _fitting(model)
    else:
        path = LIBRARY.path(entry)
        found = _read(path, file_stamp(path))
        found.check_layout(model.network.layout)
    host.warn(found.warning_for(model.loaded.known_as(found.generator_fingerprint)))
    return found


def _fitting(model: host.HostModel) -> Sliders:
    files = (model_folders.find_file(LIBRARY.folder, entry) for entry in LIBRARY.own_files())
    found = [sliders for path in (*filter(None, files), *LIBRARY.built_in().values()) if (sliders := _read_now(path))]
    fitting = [sliders for sliders in found if _fits(sliders, model)]
    if not fitting:
        raise LayoutError(
            "There are no sliders for this generator",
            model.name,
            "sliders that were trained for it",
            f"train some with training/train_sliders.py and put them into models/{LIBRARY.folder}",
        )
    return min(fitting, key=lambda sliders: _strangeness(sliders, model))


def _strangeness(sliders: Sliders, model: host.HostModel) -> int:
    """0: made for this very generator; 1: for its parent; 2: for another one of its styles."""
    loaded = model.loaded
    return [loaded.fingerprint, loaded.parent_fingerprint, sliders.generator_fingerprint].index(
        sliders.generator_fingerprint
    )


def _fits(sliders: Sliders, model: host.HostModel) -> bool:
    try:
        sliders.check_layout(model.network.layout)
    except LayoutError:
        return False
    loaded = model.loaded
    # Sliders of another network of the same layout are of heads.
    own = sliders.generator_fingerprint in (loaded.fingerprint, loaded.parent_fingerprint)
    return own or shows_people(model.network.domain)


def list_sliders() -> list[str]:
    """Names of all sliders at hand, each behind its group, as a combo lists them."""
    files = (model_folders.find_file(LIBRARY.folder, entry) for entry in LIBRARY.own_files())
    found = [_read_now(path) for path in (*LIBRARY.built_in().values(), *filter(None, files))]
    names = (f"{group}: {each.name}" for sliders in found if sliders
             for group, own in sliders.groups.items() for each in own)  # fmt: skip
    return list(dict.fromkeys(names))


def _read_now(path: Path) -> Sliders | None:
    try:
        return _read(path, file_stamp(path))
    except (Sat3dError, OSError):  # a file of another kind, or a damaged one, is not of this generator
        return None


@lru_cache(maxsize=16)
def _read(path: Path, stamp: str) -> Sliders:
    with torch.inference_mode(False):
        return load_sliders(path)
