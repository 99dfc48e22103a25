"""Say in words what a picture, a parameter file or a shard shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import tyro

from sat3d.errors import FileError
from sat3d.files.reading import check_file, read_bytes, reading
from training.common.settings import Flag, Settings

from .attributes import SHAPE_NAMES
from .captions import caption
from .labels import attributes_of
from .serialise import LARGEST_JSON_BYTES, from_json, parameters_of, read_png_document, to_dict
from .streams import random_stream
from .tarindex import tar_members


@dataclass(frozen=True, kw_only=True)
class DescribeSettings(Settings):
    """Say in words what a picture, a parameter file or a shard shows."""

    file: tyro.conf.Positional[Path]  # a PNG that SynthHeads wrote, a .json of parameters, or a .tar shard
    first: int = 3  # how many views of a shard
    json: Flag = False  # print JSON


def run(settings: DescribeSettings) -> int:
    described = [describe(name, document) for name, document in read_documents(settings.file, max(settings.first, 1))]
    if settings.json:
        print(json.dumps(described, indent=1))
    else:
        print("\n\n".join(as_table(entry) for entry in described))
    return 0


def read_documents(path: Path, most: int) -> list[tuple[str, dict]]:
    """``(name, document)`` of what a file holds, of a shard its first ``most`` views.

    Raises:
        FileError: no such file, or not one of ours.
    """
    readers = {".png": _read_png, ".json": _read_json, ".tar": _read_tar}
    if path.suffix.lower() not in readers:
        raise FileError("Not a kind of file that can be described", path, ", ".join(readers), "give one of these")
    check_file(path, "a file", missing="There is no such file")
    return readers[path.suffix.lower()](path, most)


def _read_png(path: Path, most: int) -> list[tuple[str, dict]]:
    return [(path.name, read_png_document(path))]


def _read_json(path: Path, most: int) -> list[tuple[str, dict]]:
    return [(path.name, from_json(read_bytes(path, "the parameters of a head", LARGEST_JSON_BYTES), path.name))]


def _read_tar(path: Path, most: int) -> list[tuple[str, dict]]:
    members = [(name, place) for name, place in tar_members(path).items() if name.endswith(".json")][:most]
    if not members:
        raise FileError("This tar file holds no heads", path, "a shard that SynthHeads wrote", "check the file")
    documents = []
    with reading(path), path.open("rb") as stream:
        for name, (start, size) in members:
            stream.seek(start)
            documents.append((name, from_json(stream.read(size), name)))
    return documents


def describe(name: str, document: dict) -> dict[str, object]:
    """Attributes, caption and parameters of a document; its own caption where it has one."""
    p = parameters_of(document, name)
    written = document.get("caption")
    return {
        "name": name,
        "caption": written if isinstance(written, str) else caption(p, random_stream(0)),
        "attributes": attributes_of(p),
        "parameters": to_dict(p),
    }


def as_table(entry: dict) -> str:
    lines = [entry["name"], f"  {entry['caption']}", ""]
    lines += [f"  {name:<20} {value}" for name, value in entry["attributes"].items()]
    lines += ["", *_number_lines(entry["parameters"])]
    return "\n".join(lines)


def _number_lines(parameters: dict) -> list[str]:
    shape = zip(SHAPE_NAMES, parameters["shape"], strict=True)
    strongest = sorted(shape, key=lambda item: -abs(item[1]))[:6]
    rest = {name: value for name, value in parameters.items() if name != "shape" and not isinstance(value, str)}
    lines = [f"  {name:<20} {_shown(value)}" for name, value in rest.items()]
    return [*lines, "  strongest shapes     " + ", ".join(f"{name} {value:+.2f}" for name, value in strongest)]


def _shown(value: float | list[float]) -> str:
    return " ".join(f"{number:.2f}" for number in (value if isinstance(value, list) else [value]))
