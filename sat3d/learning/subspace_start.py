"""Subspaces of a population, from measured faces and probes to the one that each attribute gets; kept in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..files.safetensors_io import parse_json, read_header, read_tensors, write_tensors
from ..masks import AttributeMasks
from ..progress import Watch, no_watch
from ..seeds import apart_from
from ..subspaces import Subspace
from .acting import Probe
from .choosing import RANK, Scores, first_subspaces
from .directions import Basis, Evidence, Moments, explained_parts
from .face_cache import Pairs
from .presampling import draw_faces, sample_pairs
from .studio import Studio

SCHEMA = "sat3d-first-subspaces/2"  # 1: chosen by other scores, from other ways
STYLES = 2000  # drawn, not pictured, for the coordinates
JUDGES = 48  # faces that choose
_STYLES_STREAM, _JUDGES_STREAM = 18, 19
_BASIS = ("mean", "directions", "spread")


@dataclass(frozen=True)
class SubspaceStart:
    """``masks`` with subspaces of the attributes that fare better with one; ``basis``: of these."""

    masks: AttributeMasks
    basis: Basis


def with_subspaces(
    studio: Studio,
    masks: AttributeMasks,
    pairs: Pairs,
    probes: list[Probe],
    seed: int,
    folder: Path,
    watch: Watch = no_watch,
    rank: int = RANK,
) -> SubspaceStart:
    """Subspaces beside ``masks``, chosen on faces drawn for this alone; from their file in ``folder`` if it is there.

    Raises:
        FileError: that file is damaged, or cannot be written.
    """
    of_rank = "" if rank == RANK else f"-{rank}"
    file = folder / f"subspaces-{len(probes)}{of_rank}.safetensors"
    if not file.exists():
        basis = styles_basis(studio, seed)
        numbers = basis.numbers(studio.network.layout.editable(pairs.styles))
        parts = explained_parts(numbers, pairs.scores, studio.domain)
        evidence = Evidence(basis, parts, Moments.of(probes, basis))
        apart = studio.with_faces_for("choosing")
        judges = sample_pairs(apart, folder / "choosing", apart_from(seed, _JUDGES_STREAM), JUDGES)
        _write(file, basis, *first_subspaces(studio, masks, evidence, judges, seed, watch, rank))
    basis, subspaces, scores = _read(file)
    noted = {**masks.metadata, "first_scores": json.dumps(scores)}
    return SubspaceStart(replace(masks, subspaces=subspaces, metadata=noted), basis)


def styles_basis(studio: Studio, seed: int) -> Basis:
    """Of styles drawn as the domain's sampling has it, or of faces that are known."""
    styles, _ = draw_faces(studio, apart_from(seed, _STYLES_STREAM), 0, STYLES)
    return Basis.of(studio.network.layout.editable(styles).cpu())


def _write(file: Path, basis: Basis, subspaces: Mapping[str, Subspace], scores: Scores) -> None:
    tensors = {name: getattr(basis, name) for name in _BASIS}
    for name, subspace in subspaces.items():
        tensors |= {f"read.{name}": subspace.read, f"write.{name}": subspace.write}
    rounded = {name: {way: round(score, 4) for way, score in ways.items()} for name, ways in scores.items()}
    write_tensors(file, tensors, {"schema": SCHEMA, "scores": json.dumps(rounded)})


def _read(file: Path) -> tuple[Basis, dict[str, Subspace], Scores]:
    header = read_header(file, SCHEMA, "a file of first subspaces", f"delete {file.name}")
    tensors, scores = read_tensors(file), parse_json(header, "scores", file)
    having = [name for name in scores if f"read.{name}" in tensors]
    subspaces = {name: Subspace(tensors[f"read.{name}"], tensors[f"write.{name}"]) for name in having}
    return Basis(*(tensors[name] for name in _BASIS)), subspaces, scores
