"""``python -m tests.nodes.flows``: write every template, in both formats, and every blueprint."""

import importlib
import json
import sys
from pathlib import Path

from tests.nodes.conftest import PACK, load_pack
from tests.nodes.flows.blueprints import BLUEPRINTS
from tests.nodes.flows.builder import Kind
from tests.nodes.flows.templates import TEMPLATES
from tests.nodes.host_stub import make_modules

ROOT = Path(__file__).resolve().parents[3]


def write(path: Path, data: dict) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    sys.modules.update(make_modules(ROOT / "out" / "models"))
    load_pack()
    nodes = importlib.import_module(f"{PACK}.nodes.extension").NODES
    kinds = {schema.node_id: Kind.of_schema(schema) for schema in (node.define_schema() for node in nodes)}
    for make in TEMPLATES:
        graph = make(kinds)
        write(ROOT / "workflows" / f"{graph.name}.json", graph.to_ui())
        write(ROOT / "workflows" / "api" / f"{graph.name}.json", graph.to_api())
    for make in BLUEPRINTS:
        graph = make(kinds)
        write(ROOT / "subgraphs" / f"{graph.name}.json", graph.to_blueprint())


if __name__ == "__main__":
    main()
