"""The map of the house is true: what docs/architecture.md names exists, and no room imports one that imports it."""

import ast
import re
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from sat3d import __version__

ROOT = Path(__file__).resolve().parents[1]
MAP = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PATHS = sorted({name for name in re.findall(r"`([\w/.]+/[\w/.]*)`", MAP) if not name.startswith(".")})
_TABLE = MAP.split("## Equations and functions")[1].split("## ")[0]
EQUATIONS = [line for line in _TABLE.splitlines() if " in `" in line]


@pytest.mark.parametrize("path", PATHS)
def test_what_the_map_names_is_there(path):
    places = [ROOT / path, ROOT / "sat3d" / path, ROOT / "sat3d" / "generators" / path, ROOT / "training" / path]
    assert any(place.exists() for place in places)


@pytest.mark.parametrize("line", EQUATIONS)
def test_equations_stand_where_the_map_says(line):
    for names, path in re.findall(r"((?:`[\w.]+`(?:, )?)+) in `([\w/.]+)`", line):
        source = (ROOT / path).read_text(encoding="utf-8")
        for name in re.findall(r"`([\w.]+)`", names):
            assert re.search(rf"def {name.split('.')[-1]}\(", source), (name, path)


FOLDERS = [
    ROOT.glob("*.md"),
    *((ROOT / name).rglob("*.md") for name in ("docs", "sat3d", "nodes", "tests", "training")),
]
PAGES = sorted(path for pages in FOLDERS for path in pages)
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")


def anchors_of(page: Path) -> set[str]:
    """What its headings are called in a link: small letters, hyphens for blanks, no other signs."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            there = page.parent / target if target else page
            assert there.exists(), target
            assert not anchor or anchor in anchors_of(there), f"{target}#{anchor}"


def room_of(module: tuple[str, ...]) -> str:
    """``sat3d.clip.weights`` -> ``sat3d/clip``; a module that lies in no room is one of its own."""
    folder = ROOT.joinpath(*module[:2])
    return "/".join(module[:2]) if folder.is_dir() or folder.with_suffix(".py").exists() else module[0]


def imports_of(path: Path) -> set[tuple[str, ...]]:
    """The modules of the project that a file imports when it is loaded itself."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            whole = (*base, *(node.module.split(".") if node.module else ()))
            found |= {(*whole, alias.name) for alias in node.names}
    return {module for module in found if module[0] in ("sat3d", "nodes", "training")}


@pytest.mark.slow
def test_no_room_imports_one_that_imports_it():
    graph = defaultdict(set)
    for folder in ("sat3d", "training"):
        for path in (ROOT / folder).rglob("*.py"):
            here = room_of((*path.relative_to(ROOT).parts[:-1], path.stem))
            graph[here] |= {there for module in imports_of(path) if (there := room_of(module)) not in (here, folder)}
    assert len(graph) > 20 and list(TopologicalSorter(graph).static_order())  # raises CycleError, which names them


def test_one_version():
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f"\n## {__version__} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
