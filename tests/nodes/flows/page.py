"""A template as a page: columns from left to right, what it is, who, the edit, the result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .builder import Graph, Kind, Node, Wire

BUILT_IN = "synthheads-256 (built-in)"
VIDEO_PX = 120  # of Save Video beside its picture, which is as wide as the node
TOP, GAP = 60, 50  # of a column; between nodes, the title of the lower one included
FRONT: dict[str, Any] = {"path": "still", "frames": 1, "yaw_deg": 0.0, "pitch_deg": 0.0}  # of Render Orbit
Kinds = Mapping[str, Kind]


class Page(Graph):
    """A template: nodes go into columns, each below the last."""

    def __init__(self, name: str, kinds: Kinds):
        super().__init__(name, kinds)
        self.x, self.y, self.width = 40, TOP, 300

    def column(self, x: int, width: int) -> None:
        self.x, self.y, self.width = x, TOP, width

    def put(self, kind: str, tall: int, title: str = "", **inputs) -> Node:
        return self._below(self.add(kind, (self.x, self.y), (self.width, tall), title, **inputs))

    def put_note(self, height: int, title: str, text: str) -> Node:
        return self._below(self.note(title, text, (self.x, self.y), (self.width, height)))

    def put_graph(self, inside: Graph, height: int, **wires: Wire) -> Node:
        return self._below(self.add_graph(inside, (self.x, self.y), (self.width, height), **wires))

    def _below(self, node: Node) -> Node:
        self.y += node.size[1] + GAP
        return node

    def load(self, checkpoint: str = BUILT_IN) -> Node:
        return self.put("LoadEG3D", 110, checkpoint=checkpoint)

    def sample(self, model: Node, seed: int, title: str, **more) -> Node:
        return self.put("SAT3DSampleFace", 150, title, model=model["model"], seed=seed, **more)

    def edit(
        self, model: Node, source: Wire, reference: Node, attribute: str, tall: int = 270, title: str = ""
    ) -> Node:
        """An attribute of the reference onto the source."""
        faces = {"source": source, "reference": reference["latent"]}
        return self.put("SAT3DTransfer", tall, title, model=model["model"], **faces, attribute=attribute)
