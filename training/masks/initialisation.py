"""What M begins with. Tables of gradients that decide it are made once and kept beside the faces."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from sat3d.errors import ConfigError
from sat3d.files.safetensors_io import read_tensors, write_tensors
from sat3d.generators import LoadedGenerator
from sat3d.learning import population
from sat3d.learning.acting import find_probes
from sat3d.learning.carriers import MaskMatrix
from sat3d.learning.directions import Basis
from sat3d.learning.face_cache import Pairs
from sat3d.learning.objective import Objective
from sat3d.learning.quick_start import FirstChannels, first_masks, population_channels
from sat3d.learning.studio import Studio
from sat3d.learning.subspace_start import with_subspaces
from sat3d.losses import LossWeights
from sat3d.masks import AttributeMasks
from training.common.bars import progress_bar

from . import attribution
from .preselect import mean_region_gradients, preselected_channels
from .settings import Recipe

_OTHERS = {"attributions": attribution.FIRST_LOGIT, "population": population.FIRST_LOGIT}


def first_channels(recipe: Recipe, seed: int, studio: Studio, pairs: Pairs, folder: Path) -> FirstChannels:
    """The channels that begin with an attribute, by the table that ``--start`` asks for; from its file if there."""
    domain = studio.domain
    if recipe.start == "plain" or (recipe.start == "preselection" and not domain.preselection):
        return {}
    if recipe.start == "population":
        with progress_bar("where channels act", "face") as watch:
            return population_channels(studio, pairs, seed, folder, _probes(recipe), watch)
    path = folder / f"{_table_name(recipe)}.safetensors"
    if not path.exists():
        if recipe.start == "preselection":
            tables = {"mean": mean_region_gradients(studio, pairs, recipe.start_faces)}
        else:
            objective = judge(studio, recipe.weights)
            tables = attribution.mean_attributions(objective, pairs, seed, recipe.start_faces).tensors()
        write_tensors(path, tables, {"attributes": json.dumps(list(domain.attributes))})
    tables = read_tensors(path)
    if recipe.start == "preselection":
        return preselected_channels(domain, studio.segmenter.label_names, tables["mean"])
    return attribution.attributed_channels(list(domain.attributes), attribution.Attributions(**tables))


def _table_name(recipe: Recipe) -> str:
    """Of the file that keeps the table; gradients of the region ask for no losses."""
    weights = recipe.weights
    of = "" if recipe.start == "preselection" else f"-{weights.attr:g}-{weights.src:g}-{weights.bg:g}"
    return f"{recipe.start}-{recipe.start_faces}{of}"


def judge(studio: Studio, weights: LossWeights) -> Objective:
    """The losses alone, softened, with an M that says nothing."""
    shape = len(studio.domain.attributes) + 1, studio.network.layout.num_editable
    return Objective(studio, MaskMatrix(torch.zeros(shape)), weights, attribution.TEMPERATURE)


def begin(recipe: Recipe, studio: Studio, chosen: FirstChannels, loaded: LoadedGenerator) -> AttributeMasks:
    """M before training. The rest begins as the paper has it, or, where the start looked at every channel, as surely
    *others*."""
    notes = {"generator_fingerprint": loaded.fingerprint, "licence": loaded.metadata.get("licence", "")}
    return first_masks(studio, chosen, _OTHERS.get(recipe.start, 1.0), notes)


def begin_subspaces(
    recipe: Recipe, studio: Studio, start: AttributeMasks, pairs: Pairs, seed: int, folder: Path
) -> tuple[AttributeMasks, Basis]:
    """``start`` with the subspaces of a population, and their coordinates.

    Raises:
        ConfigError: a start of another kind, which tells nothing of directions.
    """
    if recipe.start != "population":
        raise ConfigError("Subspaces begin with a population", f"--start {recipe.start}", "--start population",
                          "add it, or leave --form out")  # fmt: skip
    probes = find_probes(studio, pairs, seed, folder, _probes(recipe))
    with progress_bar("choosing subspaces", "way") as watch:
        found = with_subspaces(studio, start, pairs, probes, seed, folder, watch, recipe.rank)
    return found.masks, found.basis


def _probes(recipe: Recipe) -> int:
    return recipe.start_faces if recipe.form == "masks" else max(recipe.directions, recipe.start_faces)
