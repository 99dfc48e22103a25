"""Masks learned inside the host: the studio they are learned in, what is kept on the way, and the files they become."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ..sat3d.domains import Domain
from ..sat3d.errors import FileError, NameTakenError, Sat3dError
from ..sat3d.files.safetensors_io import read_header
from ..sat3d.files.writing import check_target
from ..sat3d.generators import StyleGenerator, TriplaneGenerator
from ..sat3d.learning import LearnedMasks, Studio, View
from ..sat3d.learning.segmenters import BUILT_IN_PARSERS, OWN_PARSER, Segmenter, load_segmenter
from ..sat3d.masks import SCHEMAS, AttributeMasks, load_masks
from ..sat3d.picture_modes import rgb_picture
from ..sat3d.pictures import save_picture, to_pil
from ..sat3d.qmm import QMM
from . import host, images, model_folders

_LARGEST_RESOLUTION = 96  # of volume rendering: enough to measure by
_KEPT_FOLDERS = 3  # of runs that were cancelled
_RUN, _REPORT = "learned_as", "report"  # in the metadata of the file
_SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Learned:
    """Masks, what is said of each attribute, and edits by them: ``sheet`` is an IMAGE."""

    masks: AttributeMasks
    report: str
    sheet: Tensor


def make_studio(network: StyleGenerator, qmm: QMM, parser: Path | None) -> Studio:
    """The generator with QMM and the parser of its domain, which must be at hand (:func:`seen_domain`)."""
    side = min(_LARGEST_RESOLUTION, network.own_resolution) if isinstance(network, TriplaneGenerator) else None
    return Studio(network, qmm, find_segmenter(qmm.domain, parser, network), View(side))


def find_segmenter(domain: Domain, parser: Path | None, network: StyleGenerator) -> Segmenter | None:
    """See :func:`sat3d.learning.segmenters.load_segmenter`; can be differentiated around, inside a node."""
    with torch.inference_mode(False):
        return load_segmenter(domain, parser, network.device, network)


def seen_domain(domain: Domain, parser: Path | None) -> Domain:
    """The domain; without all that a parser is needed for where there is none, which is said."""
    if not domain.parser or parser is not None or domain.parser in (*BUILT_IN_PARSERS, OWN_PARSER):
        return domain
    host.warn(
        f"No parser is chosen for the domain {domain.name}, so it is not looked where channels act, and hats and the "
        "like are not left out: attributes that go together part less well. Choose its weights as parser."
    )
    sampling = replace(domain.sampling, drop={}, at_least={})
    return replace(domain, parser="", regions={}, preselection={}, sampling=sampling)


def file_of(name: str, folder: str) -> Path:
    """Where masks of this name are written, in the first model folder of their kind.

    Raises:
        FileError: not a plain name, or one that no file can have.
    """
    stem = name.strip().removesuffix(_SUFFIX)
    if not stem or stem.startswith(".") or set("/\\") & set(stem) or not stem.isprintable():
        wanted = "a name without folders, such as my-masks"
        raise FileError("The masks cannot be saved under this name", repr(name), wanted, "choose another filename")
    path = Path(model_folders.paths_of(folder)[0]) / f"{stem}{_SUFFIX}"
    check_target(path)
    return path


def key_of(studio: Studio, faces: int, seed: int) -> str:
    """Alike for the same networks, phrases and settings, and for nothing else."""
    facts = json.dumps({**studio.facts(), "regions": repr(studio.domain.regions), "faces": faces, "seed": seed})
    return hashlib.sha256(facts.encode()).hexdigest()[:32]


def find_learned(path: Path, key: str) -> Learned | None:
    """What is there already and was learned in the very same way; None where there is no file.

    Raises:
        NameTakenError: other masks have this name, or a file that is none.
    """
    if not path.exists():
        return None
    try:
        notes = read_header(path, SCHEMAS, "masks", "choose another filename")
    except Sat3dError:
        notes = {}
    if notes.get(_RUN) != key:
        raise NameTakenError(
            "Other masks have this name",
            path,
            "a new name, or the very settings that they were learned with",
            "choose another filename, or move the file away; Load Attribute Masks loads it",
        )
    return Learned(load_masks(path), f"{notes.get(_REPORT, '')}\nlearned before, with the same settings", _sheet(path))


def keep(path: Path, key: str, learned: LearnedMasks) -> Learned:
    """Write the masks and, beside them, the sheet; nothing is ever replaced.

    Raises:
        NameTakenError: somebody was quicker.
    """
    report = str(learned.report)
    notes = {**learned.masks.metadata, "name": path.stem, _RUN: key, _REPORT: report}
    masks = replace(learned.masks, metadata=notes)
    masks.save(path, overwrite=False)
    picture = learned.report.sheet
    with suppress(Sat3dError):  # the masks are what counts
        save_picture(to_pil(picture)[0], _sheet_file(path))
    return Learned(masks, f"{report}\nwritten to {path.name}", images.to_host(picture))


def _sheet_file(path: Path) -> Path:
    return path.with_suffix(".jpg")


def _sheet(path: Path) -> Tensor:
    with suppress(OSError, ValueError, Sat3dError), Image.open(_sheet_file(path)) as picture:
        return images.from_pictures([rgb_picture(picture)])
    return torch.full((1, 64, 64, 3), 0.1)


def faces_folder(key: str) -> Path:
    """Where faces are kept until their masks are written; of what was cancelled, the last few."""
    return model_folders.kept_folder("learning") / key


def forget(key: str) -> None:
    """The faces of masks that are written, and of all but the last cancelled runs: pictures take a lot of room."""
    shutil.rmtree(faces_folder(key), ignore_errors=True)
    with suppress(OSError):
        others = sorted(faces_folder(key).parent.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for folder in others[:-_KEPT_FOLDERS]:
            shutil.rmtree(folder, ignore_errors=True)
