"""Reading domain files strictly: a file may come from anyone, so sizes, names and forms are all checked.

A descriptor group is a list of phrases or, where the pictures' truth is known, an object
``{"truth": fact, "phrases": {phrase: [values of the fact it is right for]}}``; each group for itself, so that groups
with and without a truth stand side by side. "kept" holds such groups of what no edit is to change. "front_deg" is the
yaw and pitch of the view that shows most (0, 0 where it is not said). What masks are learned from besides
(``parser``, ``regions``, ``preselection``, ``sampling``) is read by ``learning.py``.
"""

import json
import os
from pathlib import Path
from typing import Any

from ..errors import ConfigError, FileError
from ..files.reading import read_bytes
from ..texts import has_word
from . import checks
from .checks import HELP, LONGEST_TEXT
from .domain import SLOT, DescriptorGroup, Domain
from .learning import LEARNING_KEYS, read_learning

SCHEMA = "sat3d-domain/1"
_FOLDER = Path(__file__).parent
_RESERVED = "others"  # the last row of the mask matrix
_LARGEST_BYTES = 1 << 20
_REQUIRED = {"schema", "name", "template", "attributes"}


def domain_names() -> list[str]:
    """The domains that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


def load_domain(name_or_path: str | os.PathLike) -> Domain:
    """A domain by the name of a built-in one, or from a ``.json`` file.

    Raises:
        FileError: no such domain or file, too large, not UTF-8, not JSON, or of another schema.
        ConfigError: the content has the wrong form; the message says where.
    """
    path = _path_of(name_or_path)
    return parse_domain(_read_json(path), path.name)


def parse_domain(content: Any, source: str = "domain") -> Domain:
    """A domain from JSON data; ``source`` names it in errors.

    Raises:
        FileError: of another schema. ConfigError: the wrong form.
    """
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        got = checks.brief(content.get("schema")) if isinstance(content, dict) else "none"
        raise FileError("Not a domain file", f"{source} with schema {got}", SCHEMA, HELP)
    checks.keys(content, _REQUIRED, {"description", "kept", "front_deg", *LEARNING_KEYS}, source)
    name = checks.name(content["name"], f"{source}: name")
    groups = _named_groups(content["attributes"], "attributes", source)
    kept = _named_groups(content["kept"], "kept", source) if "kept" in content else {}
    if both := sorted(groups.keys() & kept.keys()):
        raise checks.wrong(f"{source}: kept", both, "names that are no attributes")
    description = checks.text(content.get("description", "-"), f"{source}: description", 10 * LONGEST_TEXT)
    return Domain(
        name,
        _template(content["template"], source),
        groups,
        kept,
        description if description != "-" else "",
        **read_learning(content, groups, source),
        front_deg=_front(content.get("front_deg", [0, 0]), f"{source}: front_deg"),
    )


def _front(content: Any, where: str) -> tuple[float, float]:
    if not isinstance(content, list) or len(content) != 2:
        raise checks.wrong(where, content, "two numbers: yaw and pitch in degrees")
    return checks.number(content[0], where, -180, 180), checks.number(content[1], where, -89, 89)


def _path_of(name_or_path: str | os.PathLike) -> Path:
    if name_or_path in domain_names():
        return _FOLDER / f"{name_or_path}.json"
    wanted, step = f"one of {domain_names()}, or the path of a .json file", "check the name or the path"
    try:
        found = Path(name_or_path).is_file()  # also refuses devices and pipes, which never end
    except (OSError, ValueError, TypeError) as error:
        raise FileError("Not a domain's name or path", repr(name_or_path), wanted, step) from error
    if not found or Path(name_or_path).suffix.lower() != ".json":
        raise FileError("There is no such domain", name_or_path, wanted, step)
    return Path(name_or_path)


def _read_json(path: Path) -> Any:
    data = read_bytes(path, "a domain's .json file", _LARGEST_BYTES)
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise FileError("The domain file is not JSON", f"{path.name}: {error}", "JSON in UTF-8", HELP) from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # JSON lets the last of two equal keys win: an attribute would vanish without a word.
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} is there twice")
    return content


def _named_groups(content: Any, part: str, source: str) -> dict[str, tuple[DescriptorGroup, ...]]:
    """``part``: attributes, or kept."""
    found = checks.sized(content, dict, part, f"{source}: {part}", least=1)
    return {_attribute(key, part, source): _groups(key, value, source) for key, value in found.items()}


def _attribute(name: str, part: str, source: str) -> str:
    if name == _RESERVED:
        wanted = "another name: this is the mask matrix's row for what no attribute owns"
        raise ConfigError("An attribute has a reserved name", f"{source}: {name!r}", wanted, "rename it")
    return checks.name(name, f"{source}: {part}")


def _groups(attribute: str, content: Any, source: str) -> tuple[DescriptorGroup, ...]:
    where = f"{source}: {attribute}"
    groups = checks.sized(content, dict, "groups", where, least=1)
    return tuple(_group(attribute, checks.name(name, where), value, where) for name, value in groups.items())


def _group(attribute: str, name: str, content: Any, where: str) -> DescriptorGroup:
    where = f"{where}.{name}"
    if isinstance(content, list):
        return DescriptorGroup(attribute, name, _phrases(content, where))
    if not isinstance(content, dict):
        raise checks.wrong(where, content, 'a list of phrases, or {"truth": …, "phrases": {…}}')
    checks.keys(content, {"phrases"}, {"truth"}, where)
    if "truth" not in content:  # whose phrases need no values, and may have been copied with some
        return DescriptorGroup(attribute, name, _phrases(_listed(content["phrases"], where), where))
    table = checks.sized(content["phrases"], dict, "phrases", where, least=2)
    values = tuple(_values(right_for, f"{where}, {phrase!r}") for phrase, right_for in table.items())
    checks.distinct([value for right_for in values for value in right_for], where)
    return DescriptorGroup(attribute, name, _phrases(list(table), where), checks.name(content["truth"], where), values)


def _listed(content: Any, where: str) -> list:
    """The phrases of a list, or of an object that has values for them."""
    return list(checks.sized(content, dict, "phrases", where, least=2)) if isinstance(content, dict) else content


def _phrases(content: Any, where: str) -> tuple[str, ...]:
    phrases = tuple(checks.text(phrase, where) for phrase in checks.sized(content, list, "phrases", where, least=2))
    checks.distinct(phrases, where)
    if wordless := [phrase for phrase in phrases if not has_word(phrase)]:
        raise ConfigError(
            "A phrase of the domain file has no word in it",
            f"{where}: {checks.brief(wordless[0])}",
            "at least a letter or a digit",
            "say it in words",
        )
    if any(brace in phrase for phrase in phrases for brace in "{}"):
        raise checks.wrong(where, phrases, "phrases without braces; the template alone has them")
    return phrases


def _values(content: Any, where: str) -> tuple[str, ...]:
    return tuple(checks.text(value, where) for value in checks.sized(content, list, "values", where, least=1))


def _template(content: Any, source: str) -> str:
    text = checks.text(content, f"{source}: template")
    if text.count(SLOT) != 1 or set("{}") & set(text.replace(SLOT, "")):
        raise checks.wrong(f"{source}: template", text, "a text with {} once, as in 'a face with {}'")
    return text
