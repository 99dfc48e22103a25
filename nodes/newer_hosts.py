"""What newer hosts have beyond the oldest one that the pack serves; each is used only where it is there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from comfy_api import latest
from comfy_api.latest import io

_ESSENTIALS = "Image Tools"  # a group of the host's own
FILE_3D = getattr(io, "File3DAny", None)
CAMERA = io.Custom("LOAD3D_CAMERA")
FACE_LANDMARKS = io.Custom("FACE_LANDMARKS")
BOUNDING_BOX = io.Custom("BOUNDING_BOX")
AUDIO = io.Custom("AUDIO")


# What people who want to edit a face search for.
EDITING = (
    "beard",
    "moustache",
    "glasses",
    "hair",
    "haircut",
    "hair colour",
    "hair color",
    "eyes",
    "smile",
    "expression",
    "face swap",
    "face edit",
    "portrait",
)


def found_by(*words: str, essential: bool = False) -> dict[str, Any]:
    """Options of a Schema: other words people search for, and whether it is among the essentials."""
    options = {"search_aliases": list(words), **({"essentials_category": _ESSENTIALS} if essential else {})}
    return {name: value for name, value in options.items() if _takes(io.Schema, name)}


def advanced() -> dict[str, bool]:
    """Options of an input that most people need not see."""
    return {"advanced": True} if _takes(io.Float.Input, "advanced") else {}


def grown_inputs(id: str, each: io.Input, names: Sequence[str], tooltip: str) -> list[io.Input]:
    """Optional inputs ``<id>.<name>`` of which one more appears as soon as the last is used; none on older hosts."""
    kind = getattr(io, "Autogrow", None)
    if kind is None or not hasattr(kind, "TemplateNames"):
        return []
    return [kind.Input(id, kind.TemplateNames(each, list(names), min=0), optional=True, tooltip=tooltip)]


def file_3d_outputs(id: str, tooltip: str) -> list[io.Output]:
    """A list of files for the host's 3D nodes; none on older hosts."""
    if FILE_3D is None:
        return []
    return [FILE_3D.Output(id, display_name=id, is_output_list=True, tooltip=tooltip)]


def file_3d(path: Path) -> Any:
    """What goes through such an output."""
    return latest.Types.File3D(str(path))


def _takes(kind: Callable, name: str) -> bool:
    parameters = inspect.signature(kind).parameters.values()
    return any(each.name == name or each.kind is each.VAR_KEYWORD for each in parameters)
