"""The help pages: every picture they show is there, small, and a picture; every picture there is shown."""

import re
from pathlib import Path

import pytest
from PIL import Image

DOCS = Path(__file__).resolve().parents[2] / "nodes/web/docs"
PAGES = sorted(DOCS.glob("*.md"))
SHOWN = re.compile(r"!\[([^\]]+)\]\(([^)]+)\)")
LARGEST, LARGEST_IN_ALL = 40_000, 500_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_a_title_and_its_pictures(page):
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# ") and "\n\n" in text
    for words, name in SHOWN.findall(text):
        assert len(words) > 10 and "/" not in name and (DOCS / name).is_file(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_fits_its_narrow_panel(page):
    """The panel clips tables and long words; it shows lists well."""
    text = page.read_text(encoding="utf-8")
    assert not [line for line in text.splitlines() if line.startswith("|")]
    assert max(map(len, re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text).split())) <= 60


def names_of(part) -> dict[str, str]:
    schemas = [node.define_schema() for node in part("nodes.extension").NODES]
    return {schema.node_id: schema.display_name for schema in schemas}


def test_a_page_calls_its_node_as_the_menu_does(part):
    titles = {page.stem: page.read_text(encoding="utf-8").splitlines()[0] for page in PAGES}
    assert titles == {node: f"# {name}" for node, name in names_of(part).items()}


def test_the_readme_calls_the_nodes_as_the_menu_does(part):
    text = (DOCS.parents[2] / "README.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| **")]
    assert sorted(name for row in rows for name in re.findall(r"\*\*(.+?)\*\*", row)) == sorted(names_of(part).values())
    assert sorted(
        node
        for row in rows
        for node in re.findall(r"\((`.+?)\)", row.replace("(sliders)", ""))
        for node in re.findall(r"`(\w+)`", node)
    ) == sorted(names_of(part))


def test_pictures_are_small_and_all_of_them_shown():
    shown = {name for page in PAGES for _, name in SHOWN.findall(page.read_text(encoding="utf-8"))}
    pictures = {path.name: path for path in DOCS.iterdir() if path.suffix in (".jpg", ".png")}
    assert shown == set(pictures)
    sizes = {name: path.stat().st_size for name, path in pictures.items()}
    assert all(size <= LARGEST for size in sizes.values()) and sum(sizes.values()) <= LARGEST_IN_ALL, sizes
    for path in pictures.values():
        with Image.open(path) as picture:
            assert picture.convert("L").getextrema()[0] < picture.convert("L").getextrema()[1]


def test_the_nodes_that_show_something_have_a_picture():
    for name in (
        "LoadEG3D",
        "SAT3DSampleFace",
        "RenderOrbit",
        "SAT3DContactSheet",
        "SAT3DExportMesh",
        "SAT3DAlignFace",
        "InvertImage",
        "SAT3DPasteBack",
    ):
        assert (DOCS / f"{name}.jpg").is_file(), "run: python -m training.tools.pictures_for_help"
