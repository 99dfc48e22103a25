"""Names and explanations of all nodes in English and Chinese, as the host's page reads them.

``python -m tests.nodes.test_locales`` writes the English file anew from the nodes' own texts; translate what is new.
"""

import importlib
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WITH_A_MEANING = re.compile(r"[{}@|$]")  # to the page's translator, which would drop or replace them
CHINESE = re.compile("[\u4e00-\u9fff]")


def texts_of(nodes) -> dict:
    """Node -> its texts, in the form of ``nodeDefs.json``; outputs go by their number."""
    found = {}
    for schema in (node.define_schema() for node in nodes):
        found[schema.node_id] = {
            "display_name": schema.display_name,
            "description": schema.description,
            "inputs": {slot.id: {"name": slot.id, "tooltip": slot.options["tooltip"]} for slot in schema.inputs},
            "outputs": {
                str(i): {"name": slot.options["display_name"], "tooltip": slot.options["tooltip"]}
                for i, slot in enumerate(schema.outputs)
            },
        }
    return found


def leaves(tree, path=()) -> dict[tuple, str]:
    if isinstance(tree, str):
        return {path: tree}
    return {key: text for name, branch in tree.items() for key, text in leaves(branch, (*path, name)).items()}


def read(language: str) -> dict:
    return json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text(encoding="utf-8"))


@pytest.fixture
def texts(part) -> dict:
    return texts_of(part("nodes.extension").NODES)


def test_english_is_what_the_nodes_say(texts):
    assert read("en") == texts, "run: python -m tests.nodes.test_locales"


def test_every_text_has_a_translation(texts):
    english, chinese = leaves(texts), leaves(read("zh"))
    assert set(chinese) == set(english)
    for path, text in chinese.items():
        needed = path[-1] in ("tooltip", "description", "display_name")
        assert text and (not needed or CHINESE.search(text)), path


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_text_holds_what_the_translator_reads_as_code(language):
    assert not [path for path, text in leaves(read(language)).items() if WITH_A_MEANING.search(text)]


def test_numbers_and_file_names_survive_translation(texts):
    """What a user must type or find is the same in both languages."""
    names = re.compile(r"models/\w+|output/\w+|\.pkl|\.safetensors|ViT-\S+?quickgelu|GLB|PLY")
    chinese = leaves(read("zh"))
    for path, text in leaves(texts).items():
        assert sorted(set(names.findall(text))) == sorted(set(names.findall(chinese[path]))), path


def write_english() -> None:
    from tests.nodes.conftest import PACK, load_pack
    from tests.nodes.host_stub import make_modules

    sys.modules.update(make_modules(ROOT / "out" / "models"))
    load_pack()
    texts = texts_of(importlib.import_module(f"{PACK}.nodes.extension").NODES)
    path = ROOT / "locales" / "en" / "nodeDefs.json"
    path.write_text(json.dumps(texts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_english()
