"""Render a data set into tar shards; run it again to resume."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from tqdm import tqdm

from sat3d.errors import ConfigError, FileError
from sat3d.files.reading import check_file, read_bytes
from sat3d.files.writing import unfinished, write_text
from training.common.settings import Range, Settings

from .cameras import FRONT
from .domain import SynthDomain
from .looks import STYLES
from .serialise import LARGEST_JSON_BYTES, from_json
from .shards import CAMERAS, SMALLEST_SIZE, DatasetPlan, write_shard
from .views import check_device, render_views
from .workers import run_jobs

PLAN_FILE = "dataset.json"


@dataclass(frozen=True, kw_only=True)
class RenderSettings(Settings):
    """Render a data set into tar shards; run it again to resume."""

    out: Path  # folder of the data set; made if missing
    count: int  # number of pictures
    size: int = 128  # width and height in pixels, 16 to 1024
    seed: int = 0  # another seed, others to be seen
    views: int = 4  # pictures of each
    workers: Annotated[int, Range(1, 256)] = 1  # processes; the result does not depend on it
    device: Literal["cpu", "cuda"] = "cpu"
    population: str = ""  # how attributes go together
    look: Literal[STYLES] = STYLES[0]  # how the same things are shaded
    cameras: Literal[CAMERAS] = CAMERAS[0]
    """population: as the population is seen; wide: once from the front, then evenly"""


def render(domain: SynthDomain, settings: RenderSettings) -> int:
    plan = DatasetPlan(
        settings.seed, settings.size, settings.count, settings.views, population=settings.population,
        look=settings.look, cameras=settings.cameras, domain=domain.id,
    )  # fmt: skip
    check_device(settings.device)
    prepare_folder(settings.out, plan)
    if settings.workers > 1:  # compiles kernels once, not in each worker
        render_views(domain, domain.default, [FRONT], SMALLEST_SIZE, settings.device)
    render_missing(settings.out, plan, settings.workers, settings.device)
    things = f"{-(-plan.count // plan.views)} {domain.noun}s"
    print(f"{plan.count} pictures of {things} in {plan.shard_count} shards: {settings.out}")
    return 0


def prepare_folder(folder: Path, plan: DatasetPlan) -> None:
    """Make the folder, or see that what is in it belongs to the same data set; remove what a killed run left.

    Raises:
        FileError: not a folder, not writable, or it holds another data set.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        plan_file = folder / PLAN_FILE
        if plan_file.exists():
            _check_same(read_plan(folder), plan, folder)
        elif any(folder.glob("shard-*.tar")):
            raise FileError(
                "The folder holds shards of an unknown data set", folder, f"an empty folder, or {PLAN_FILE}"
            )
        for left_over in (*unfinished(folder, ".tar"), *unfinished(folder, ".json")):
            left_over.unlink()
        # Also when it is there: the folder has to be writable.
        write_text(plan_file, json.dumps(plan.to_dict(), indent=1) + "\n")
    except OSError as error:
        raise FileError(
            "Cannot use the output folder",
            f"{folder} ({error.strerror or error})",
            "a folder that can be made and written",
            "choose another --out",
        ) from error


def _check_same(found: DatasetPlan, plan: DatasetPlan, folder: Path) -> None:
    differences = [
        f"{name} {value} there, {getattr(plan, name)} asked"
        for name, value in found.to_dict().items()
        if value != getattr(plan, name)
    ]
    if differences:
        raise FileError(
            "The folder holds another data set",
            f"{folder}: {'; '.join(differences)}",
            "the same settings, to resume it",
            "choose another --out, or the settings of the data set that is there",
        )


def read_plan(folder: Path) -> DatasetPlan:
    """The settings of the data set in ``folder``.

    Raises:
        FileError: no such file, or not one of ours.
    """
    wanted, refusal = f"a folder with {PLAN_FILE}", "Not a data set of rendered things"
    path = check_file(folder / PLAN_FILE, wanted, missing=refusal)
    settings = from_json(read_bytes(path, wanted, LARGEST_JSON_BYTES), str(path))
    try:
        return DatasetPlan(**settings)
    except (TypeError, ConfigError) as error:
        raise FileError(refusal, f"{path} ({error})", wanted) from error


def render_missing(folder: Path, plan: DatasetPlan, workers: int, device: str) -> None:
    """Render every shard that is not there under its final name."""
    missing = [shard for shard in range(plan.shard_count) if not (folder / plan.shard_name(shard)).exists()]
    kept = plan.count - sum(len(plan.indices(shard)) for shard in missing)
    jobs = [partial(write_shard, plan, shard, folder, device) for shard in missing]
    with tqdm(total=plan.count, initial=kept, unit="img") as bar:
        run_jobs(jobs, workers, bar.update)
