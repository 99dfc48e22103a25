"""Say in words what a picture, a parameter file or a shard shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import tyro

from sat3d.errors import FileError
from sat3d.files.reading import check_file, read_bytes, reading
from training.common.settings import Flag, Settings

from .domain import SynthDomain
from .serialise import LARGEST_JSON_BYTES, from_json, read_png_document, to_dict
from .streams import random_stream
from .tarindex import tar_members

_MOST_NUMBERS = 40  # of a vector, to be printed whole


@dataclass(frozen=True, kw_only=True)
class DescribeSettings(Settings):
    """Say in words what a picture, a parameter file or a shard shows."""

    file: tyro.conf.Positional[Path]  # a PNG of the domain, a .json of parameters, or a .tar shard
    first: int = 3  # how many views of a shard
    json: Flag = False  # print JSON


def describe_file(domain: SynthDomain, settings: DescribeSettings) -> int:
    documents = read_documents(settings.file, max(settings.first, 1), domain.name)
    described = [describe(domain, name, document) for name, document in documents]
    if settings.json:
        print(json.dumps(described, indent=1))
    else:
        print("\n\n".join(as_table(domain, entry) for entry in described))
    return 0


def read_documents(path: Path, most: int, key: str) -> list[tuple[str, dict]]:
    """``(name, document)`` of what a file holds, of a shard its first ``most`` views; ``key``: the name of the domain,
    under which pictures hold what they show.

    Raises:
        FileError: no such file, or not one of ours.
    """
    readers = {".png": _read_png, ".json": _read_json, ".tar": _read_tar}
    if path.suffix.lower() not in readers:
        raise FileError("Not a kind of file that can be described", path, ", ".join(readers), "give one of these")
    check_file(path, "a file", missing="There is no such file")
    return readers[path.suffix.lower()](path, most, key)


def _read_png(path: Path, most: int, key: str) -> list[tuple[str, dict]]:
    return [(path.name, read_png_document(path, key))]


def _read_json(path: Path, most: int, key: str) -> list[tuple[str, dict]]:
    return [(path.name, from_json(read_bytes(path, "parameters", LARGEST_JSON_BYTES), path.name))]


def _read_tar(path: Path, most: int, key: str) -> list[tuple[str, dict]]:
    members = [(name, place) for name, place in tar_members(path).items() if name.endswith(".json")][:most]
    if not members:
        raise FileError("This tar file holds no views", path, "a shard of a data set", "check the file")
    documents = []
    with reading(path), path.open("rb") as stream:
        for name, (start, size) in members:
            stream.seek(start)
            documents.append((name, from_json(stream.read(size), name)))
    return documents


def describe(domain: SynthDomain, name: str, document: dict) -> dict[str, object]:
    """Attributes, caption and parameters of a document; its own caption where it has one."""
    p = domain.parameters_of(document, name)
    written = document.get("caption")
    return {
        "name": name,
        "caption": written if isinstance(written, str) else domain.caption(p, random_stream(0)),
        "attributes": domain.attributes_of(p),
        "parameters": to_dict(p),
    }


def as_table(domain: SynthDomain, entry: dict) -> str:
    lines = [entry["name"], f"  {entry['caption']}", ""]
    lines += [f"  {name:<20} {value}" for name, value in entry["attributes"].items()]
    lines += ["", *_number_lines(domain, entry["parameters"])]
    return "\n".join(lines)


def _number_lines(domain: SynthDomain, parameters: dict) -> list[str]:
    long = {name for name, names in domain.table.named.items() if len(names) > _MOST_NUMBERS}
    plain = {name: value for name, value in parameters.items() if name not in long and not isinstance(value, str)}
    lines = [f"  {name:<20} {_shown(value)}" for name, value in plain.items()]
    strongest = {f"strongest {name}": _strongest(domain, name, parameters[name]) for name in sorted(long)}
    return lines + [f"  {title:<20} {text}" for title, text in strongest.items()]


def _strongest(domain: SynthDomain, name: str, values: list[float]) -> str:
    """The largest numbers of a vector, with their names."""
    pairs = sorted(zip(domain.table.named[name], values, strict=True), key=lambda pair: -abs(pair[1]))
    return ", ".join(f"{part} {value:+.2f}" for part, value in pairs[:6])


def _shown(value: float | list[float]) -> str:
    return " ".join(f"{number:.2f}" for number in (value if isinstance(value, list) else [value]))
