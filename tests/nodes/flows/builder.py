"""Graphs as the host's page keeps them (UI format) and as it sends them (API format), made of one description."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SCREEN = (1600, 1000)
FILLED = 0.75  # of the screen: what the page fits a template into
PADDING, TITLE = 10, 30
_INPUT, _OUTPUT = -10, -20  # the ends of a subgraph
_NAMESPACE = uuid.UUID("5a7d3d00-0000-5000-8000-000000000000")
_WIDGETS = {"COMBO", "INT", "FLOAT", "STRING"}
_SHOWN_LATER = {"COMFY_AUTOGROW_V3", "FILE_3D"}  # the page adds them itself where the host has them


@dataclass(frozen=True)
class Kind:
    """A type of node: ``sockets`` name -> type; ``optional``: of these; ``widgets``: names, None for one that is not
    sent; ``outputs``: name -> type."""

    sockets: Mapping[str, str]
    widgets: Sequence[str | None]
    outputs: Mapping[str, str]
    optional: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    wired_types: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_schema(cls, schema) -> Kind:
        """Of one of the pack's own nodes, by what it says of itself."""
        slots = [slot for slot in schema.inputs if slot.kind not in _SHOWN_LATER]
        widgets = [slot for slot in slots if slot.kind in _WIDGETS]
        names: list[str | None] = []
        for slot in widgets:
            names += [slot.id, None] if "control_after_generate" in slot.options else [slot.id]
        return cls(
            {slot.id: slot.kind for slot in slots if slot.kind not in _WIDGETS},
            names,
            {slot.id: slot.kind for slot in schema.outputs if slot.kind not in _SHOWN_LATER},
            frozenset(slot.id for slot in slots if slot.options.get("optional")),
            {slot.id: slot.options.get("default", (slot.options.get("options") or [""])[0]) for slot in widgets},
            {slot.id: slot.kind for slot in widgets},
        )


# The host's own nodes.
CORE = {
    "LoadImage": Kind({}, ["image", None], {"IMAGE": "IMAGE", "MASK": "MASK"}),
    "LoadVideo": Kind({}, ["file", None], {"VIDEO": "VIDEO"}),
    "SaveVideo": Kind(
        {"video": "VIDEO"}, ["filename_prefix", "format", "codec"], {}, defaults={"format": "auto", "codec": "auto"}
    ),
    "SaveImage": Kind({"images": "IMAGE"}, ["filename_prefix"], {}),
    "PreviewImage": Kind({"images": "IMAGE"}, [], {}),
    "PreviewAny": Kind({"source": "*"}, [], {}),
    "Preview3D": Kind({}, ["model_file", None], {}, defaults={"model_file": ""}, wired_types={"model_file": "STRING"}),
    "CheckpointLoaderSimple": Kind({}, ["ckpt_name"], {"MODEL": "MODEL", "CLIP": "CLIP", "VAE": "VAE"}),
    "CLIPTextEncode": Kind({"clip": "CLIP"}, ["text"], {"CONDITIONING": "CONDITIONING"}),
    "ImageScale": Kind({"image": "IMAGE"}, ["upscale_method", "width", "height", "crop"], {"IMAGE": "IMAGE"}),
    "VAEEncode": Kind({"pixels": "IMAGE", "vae": "VAE"}, [], {"LATENT": "LATENT"}),
    "MaskToImage": Kind({"mask": "MASK"}, [], {"IMAGE": "IMAGE"}),
    "JoinImageWithAlpha": Kind({"image": "IMAGE", "alpha": "MASK"}, [], {"IMAGE": "IMAGE"}),
    "ImageToMask": Kind({"image": "IMAGE"}, ["channel"], {"MASK": "MASK"}),
    "GrowMask": Kind({"mask": "MASK"}, ["expand", "tapered_corners"], {"MASK": "MASK"}),
    "SetLatentNoiseMask": Kind({"samples": "LATENT", "mask": "MASK"}, [], {"LATENT": "LATENT"}),
    "ControlNetLoader": Kind({}, ["control_net_name"], {"CONTROL_NET": "CONTROL_NET"}),
    "ControlNetApplyAdvanced": Kind(
        {
            "positive": "CONDITIONING",
            "negative": "CONDITIONING",
            "control_net": "CONTROL_NET",
            "image": "IMAGE",
            "vae": "VAE",
        },
        ["strength", "start_percent", "end_percent"],
        {"positive": "CONDITIONING", "negative": "CONDITIONING"},
        frozenset({"vae"}),
    ),
    "KSampler": Kind(
        {"model": "MODEL", "positive": "CONDITIONING", "negative": "CONDITIONING", "latent_image": "LATENT"},
        ["seed", None, "steps", "cfg", "sampler_name", "scheduler", "denoise"],
        {"LATENT": "LATENT"},
    ),
    "VAEDecode": Kind({"samples": "LATENT", "vae": "VAE"}, [], {"IMAGE": "IMAGE"}),
}
# The value of a widget that is not sent.
_UNSENT = {"LoadImage": "image", "LoadVideo": "image", "Preview3D": "", "KSampler": "fixed"}


@dataclass(frozen=True)
class Wire:
    node: Node | None  # None: an input of the subgraph
    slot: int
    type: str


@dataclass(eq=False)
class Node:
    id: int
    type: str
    kind: Kind
    at: tuple[int, int]
    size: tuple[int, int]
    title: str
    values: dict[str, Any]
    wires: dict[str, Wire]
    properties: dict[str, Any] = field(default_factory=dict)
    inside: Graph | None = None

    def __getitem__(self, output: str) -> Wire:
        return Wire(self, list(self.kind.outputs).index(output), self.kind.outputs[output])

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom, the title included."""
        (x, y), (width, height) = self.at, self.size
        return x, y - TITLE, x + width, y + height

    def widget_values(self) -> list:
        if self.type == "Note":
            return [self.values["text"]]
        return [
            _UNSENT.get(self.type, "fixed") if name is None else self.values.get(name, self.kind.defaults.get(name))
            for name in self.kind.widgets
        ]


class Graph:
    """Nodes and what joins them. ``kinds``: of the pack's nodes."""

    def __init__(self, name: str, kinds: Mapping[str, Kind], inputs: Mapping[str, str] | None = None):
        self.name, self.kinds = name, {**CORE, **kinds}
        self.nodes: list[Node] = []
        self.groups: list[dict] = []
        self.inputs, self.outputs = dict(inputs or {}), {}
        self.description = ""
        self.shown: Sequence[tuple[Node, str]] = ()  # widgets that a blueprint has on the outside
        self.app: dict[str, list] = {}  # what the page's app mode shows

    def uuid(self) -> str:
        return str(uuid.uuid5(_NAMESPACE, self.name))

    def input(self, name: str) -> Wire:
        """Of a subgraph."""
        return Wire(None, list(self.inputs).index(name), self.inputs[name])

    def note(self, title: str, text: str, at, size) -> Node:
        return self._append(Node(0, "Note", Kind({}, [], {}), at, size, title, {"text": text}, {}))

    def add(self, kind: str, at=(0, 0), size=(300, 100), title: str = "", models=(), **inputs) -> Node:
        """A node; what is a :class:`Wire` among ``inputs`` is wired, all else typed."""
        wires = {name: each for name, each in inputs.items() if isinstance(each, Wire)}
        values = {name: each for name, each in inputs.items() if name not in wires}
        known = self.kinds[kind]
        unknown = set(inputs) - set(known.sockets) - set(known.widgets)
        assert not unknown, f"{kind} has no {unknown}"
        properties = {"Node name for S&R": kind} | ({"models": list(models)} if models else {})
        return self._append(Node(0, kind, known, at, size, title, values, wires, properties))

    def add_graph(self, inside: Graph, at, size, **wires: Wire) -> Node:
        """A subgraph as one node."""
        kind = Kind(inside.inputs, [], {name: wire.type for name, wire in inside.outputs.items()})
        assert set(wires) <= set(inside.inputs)
        return self._append(Node(0, inside.uuid(), kind, at, size, inside.name, {}, wires, {}, inside))

    def group(self, title: str, *nodes: Node, colour: str = "#3f789e") -> None:
        """A frame around nodes, with a title."""
        left, top, right, bottom = bounds(nodes)
        box = [left - 10, top - 40, right - left + 20, bottom - top + 50]
        self.groups.append(
            {"id": len(self.groups) + 1, "title": title, "bounding": box, "color": colour, "font_size": 22, "flags": {}}
        )

    def show_as_app(self, inputs: Sequence[tuple[Node, str]], outputs: Sequence[Node]) -> None:
        """What the page shows in its app mode: widgets, below each the title of its node, and whose results."""
        says = [[{"description": node.title}] if node.title else [] for node, _ in inputs]
        self.app = {
            "inputs": [[node.id, name, *more] for (node, name), more in zip(inputs, says, strict=True)],
            "outputs": [node.id for node in outputs],
        }

    def _append(self, node: Node) -> Node:
        node.id = len(self.nodes) + 1
        self.nodes.append(node)
        return node

    # -- the page's format

    def to_ui(self) -> dict:
        links = self._links()
        rows = [[number, w.node.id, w.slot, target.id, place, w.type] for number, w, target, place in links]
        subgraphs = {node.inside.uuid(): node.inside for node in self.nodes if node.inside}
        ui = {
            "id": self.uuid(),
            "revision": 0,
            "last_node_id": len(self.nodes),
            "last_link_id": len(links),
            "nodes": self._nodes_to_ui(),
            "links": rows,
            "groups": self.groups,
            "config": {},
            "extra": {"ds": view_of(self.nodes)} | ({"linearData": self.app} if self.app else {}),
            "version": 0.4,
        }
        if subgraphs:
            ui["definitions"] = {"subgraphs": [graph.to_definition() for graph in subgraphs.values()]}
        models = [model for node in self.nodes for model in node.properties.get("models", [])]
        return ui | ({"models": models} if models else {})

    def to_blueprint(self) -> dict:
        """As a subgraph that the host offers among its nodes: a graph of that one node."""
        outer = Graph(f"{self.name} (blueprint)", {})
        node = outer.add_graph(self, (0, 0), (300, 60 + 24 * len(self.shown) + 20 * len(self.inputs)))
        node.properties = {"proxyWidgets": [[str(inner.id), name] for inner, name in self.shown]}
        return outer.to_ui()

    def to_definition(self) -> dict:
        """As a subgraph."""
        left, top, right, _ = bounds(self.nodes)
        ends = {}
        links = self._links()
        rows = [
            {
                "id": number,
                "origin_id": w.node.id if w.node else _INPUT,
                "origin_slot": w.slot,
                "target_id": target.id if isinstance(target, Node) else _OUTPUT,
                "target_slot": place,
                "type": w.type,
            }
            for number, w, target, place in links
        ]
        for side, slots in (("inputs", self.inputs), ("outputs", {k: w.type for k, w in self.outputs.items()})):
            x = left - 180 if side == "inputs" else right + 60
            ends[side] = [
                {
                    "id": str(uuid.uuid5(_NAMESPACE, f"{self.name} {side} {name}")),
                    "name": name,
                    "type": kind,
                    "linkIds": [r["id"] for r in rows if _ends_at(r, side, i)],
                    "pos": [x + (100 if side == "inputs" else 20), top + 20 + 20 * i],
                }
                for i, (name, kind) in enumerate(slots.items())
            ]
        return {
            "id": self.uuid(),
            "version": 1,
            "state": {"lastGroupId": 0, "lastNodeId": len(self.nodes), "lastLinkId": len(rows), "lastRerouteId": 0},
            "revision": 0,
            "config": {},
            "name": self.name,
            "inputNode": {"id": _INPUT, "bounding": [left - 180, top, 120, 40 + 20 * len(self.inputs)]},
            "outputNode": {"id": _OUTPUT, "bounding": [right + 60, top, 120, 40 + 20 * len(self.outputs)]},
            **ends,
            "widgets": [],
            "nodes": self._nodes_to_ui(),
            "groups": [],
            "links": rows,
            "extra": {},
            "category": "SAT3D",
            "description": self.description,
        }

    def _links(self) -> list[tuple[int, Wire, Any, int]]:
        """Number, from where, to which node (or output of the subgraph), and to which of its inputs."""
        found = []
        for node in self.nodes:
            for place, name in enumerate(self._input_names(node)):
                if name in node.wires:
                    found.append((len(found) + 1, node.wires[name], node, place))
        for place, wire in enumerate(self.outputs.values()):
            found.append((len(found) + 1, wire, "output", place))
        return found

    def _input_names(self, node: Node) -> list[str]:
        return [*node.kind.sockets, *(name for name in node.wires if name not in node.kind.sockets)]

    def _nodes_to_ui(self) -> list[dict]:
        links, nodes = self._links(), []
        for order, node in enumerate(self.nodes):
            entry = {
                "id": node.id,
                "type": node.type,
                "pos": list(node.at),
                "size": list(node.size),
                "flags": {},
                "order": order,
                "mode": 0,
                "inputs": [self._input_to_ui(node, name, links) for name in self._input_names(node)],
                "outputs": [
                    {
                        "name": name,
                        "type": kind,
                        "links": [n for n, w, *_ in links if w.node is node and w.slot == slot],
                    }
                    for slot, (name, kind) in enumerate(node.kind.outputs.items())
                ],
                "properties": node.properties,
                "widgets_values": node.widget_values(),
            }
            if node.title:
                entry["title"] = node.title
            if node.type == "Note":
                entry |= {"color": "#432", "bgcolor": "#653"}
            nodes.append(entry)
        return nodes

    def _input_to_ui(self, node: Node, name: str, links) -> dict:
        number = next(
            (n for n, _, target, place in links if target is node and self._input_names(node)[place] == name), None
        )
        if name in node.kind.sockets:
            entry = {"name": name, "type": node.kind.sockets[name], "link": number}
            return entry | ({"shape": 7} if name in node.kind.optional else {})
        kind = node.kind.wired_types.get(name, node.wires[name].type)
        return {"name": name, "type": kind, "link": number, "widget": {"name": name}}

    # -- what the page sends

    def to_api(self) -> dict:
        return dict(self._api("", {}))

    def _api(self, prefix: str, given: Mapping[str, list]) -> Iterator[tuple[str, dict]]:
        for node in self.nodes:
            if node.type == "Note":
                continue
            wired = {name: self._source(wire, prefix, given) for name, wire in node.wires.items()}
            if node.inside:
                yield from node.inside._api(f"{prefix}{node.id}:", wired)
                continue
            names, values = node.kind.widgets, node.widget_values()
            typed = {name: value for name, value in zip(names, values, strict=True) if name}
            yield f"{prefix}{node.id}", {"class_type": node.type, "inputs": typed | wired}

    def _source(self, wire: Wire, prefix: str, given: Mapping[str, list]) -> list:
        if wire.node is None:
            return given[list(self.inputs)[wire.slot]]
        if wire.node.inside:
            inner = list(wire.node.inside.outputs.values())[wire.slot]
            return wire.node.inside._source(inner, f"{prefix}{wire.node.id}:", {})
        return [f"{prefix}{wire.node.id}", wire.slot]


def _ends_at(row: Mapping[str, Any], side: str, slot: int) -> bool:
    if side == "inputs":
        return row["origin_id"] == _INPUT and row["origin_slot"] == slot
    return row["target_id"] == _OUTPUT and row["target_slot"] == slot


def bounds(nodes: Sequence[Node]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of all, their titles included."""
    boxes = [node.box for node in nodes]
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def view_of(nodes: Sequence[Node]) -> dict:
    """The zoom, and where the origin is, as the page fits a template; older pages take them from the file."""
    left, top, right, bottom = bounds(nodes)
    width, height = right - left + 2 * PADDING, bottom - top + 2 * PADDING
    scale = min(1.0, FILLED * SCREEN[0] / width, FILLED * SCREEN[1] / height)
    x = SCREEN[0] / scale / 2 - (left + right) / 2
    y = SCREEN[1] / scale / 2 - (top + bottom) / 2
    return {"scale": round(scale, 3), "offset": [round(x, 1), round(y, 1)]}
