"""A face as a latent of the style space, on the wires between nodes and in files."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import torch
from torch import Tensor

from .camera import LABEL_SIZE, check_label
from .errors import FileError, LayoutError, ShapeError
from .files.safetensors_io import parse_json, read_header, read_tensors, require_tensor, write_tensors
from .latent_layers import FieldWeights, Layer, check_layers, pack_layers, unpack_layers
from .style_space import StyleLayout

SCHEMA = "sat3d-latent/1"
LAYERED_SCHEMA = "sat3d-latent/2"  # of faces with layers, which earlier versions would show without them
SCHEMAS = (SCHEMA, LAYERED_SCHEMA)
_WEIGHT_PREFIX = "tuned."


@dataclass(frozen=True)
class Edit:
    """One step of a chain: which attributes came from which reference, how strongly, by which masks."""

    attributes: tuple[str, ...]
    intensity: float
    reference: str = ""
    masks: str = ""


@dataclass(frozen=True)
class Latent:
    """B faces. ``styles`` is the full style vector, toRGB and super-resolution included.

    ``tuned``: weight differences by parameter name (after pivotal tuning), to be added to the generator's.
    ``layers``: other faces that are shown in some parts, the later ones over those before, by the semantic field whose
    weights are ``part_field``; see :mod:`.parts`.
    """

    styles: Tensor  # [B, S]
    camera: Tensor  # [B or 1, 25]
    generator_fingerprint: str
    layout_fingerprint: str
    edits: tuple[Edit, ...] = ()
    tuned: Mapping[str, Tensor] = field(default_factory=dict)
    name: str = ""
    layers: tuple[Layer, ...] = ()
    part_field: FieldWeights | None = None

    def __post_init__(self):
        if self.styles.ndim != 2 or not torch.isfinite(self.styles).all():
            raise ShapeError(
                "Styles are not usable",
                f"shape {tuple(self.styles.shape)}, or NaN/infinity inside",
                "[B, S] finite numbers",
                "make the latent again",
            )
        if not self.styles.numel():
            raise ShapeError(
                "There is no face in the latent",
                f"styles of shape {tuple(self.styles.shape)}",
                "[B, S] with at least one face",
                "check the step before: it gave an empty batch",
            )
        check_label(self.camera)
        if self.camera.shape[0] not in (1, self.styles.shape[0]):
            raise ShapeError(
                "Cameras and styles do not pair",
                (self.camera.shape[0], self.styles.shape[0]),
                "one camera, or one per face",
                f"pass [1, {LABEL_SIZE}] or [B, {LABEL_SIZE}]",
            )
        check_layers(self.layers, self.part_field, *self.styles.shape)

    def check_layout(self, layout: StyleLayout, called: str = "The latent") -> None:
        """Raises LayoutError unless the latent, ``called`` so, belongs to a generator of this layout."""
        if self.layout_fingerprint != layout.fingerprint or self.styles.shape[1] != layout.num_channels:
            raise LayoutError(
                f"{called} belongs to a generator of another architecture",
                f"layout {self.layout_fingerprint}, {self.styles.shape[1]} channels",
                f"layout {layout.fingerprint}, {layout.num_channels} channels",
                "use it with the generator that made it",
            )

    def faces(self) -> list["Latent"]:
        """Its faces, one by one."""
        cameras = self.camera.expand(len(self.styles), -1)
        return [
            replace(
                self,
                styles=self.styles[[i]],
                camera=cameras[[i]],
                layers=tuple(each.of_face(i) for each in self.layers),
            )
            for i in range(len(self.styles))
        ]

    def with_edit(self, styles: Tensor, edit: Edit) -> "Latent":
        """The edited face, with the edit added to its provenance."""
        return replace(self, styles=styles, edits=(*self.edits, edit))

    def save(self, path: str | os.PathLike, overwrite: bool = True, notes: Mapping[str, str] | None = None) -> None:
        """Write as safetensors, with ``notes`` in its header; the file appears whole or not at all."""
        more, facts = pack_layers(self.layers, self.part_field)
        header = {
            **(notes or {}),
            **facts,
            "schema": LAYERED_SCHEMA if self.layers else SCHEMA,
            "generator_fingerprint": self.generator_fingerprint,
            "name": self.name,
            "layout_fingerprint": self.layout_fingerprint,
            "edits": json.dumps([asdict(edit) for edit in self.edits]),
        }
        tensors = {"styles": self.styles.float(), "camera": self.camera.float()}
        tensors |= more | {_WEIGHT_PREFIX + name: delta for name, delta in self.tuned.items()}
        write_tensors(path, tensors, header, overwrite)


def load_latent(path: str | os.PathLike, layout: StyleLayout | None = None) -> Latent:
    """Read a latent; with ``layout`` strictly for that layout.

    Raises:
        FileError: missing, truncated, not a latent, NaN inside. ShapeError: no face in it.
        LayoutError: made by a generator of another architecture.
    """
    header = read_header(path, SCHEMAS, "a SAT3D latent", "latents are saved by this pack")
    tensors = read_tensors(path)
    layered = header["schema"] == LAYERED_SCHEMA
    facts, labels = (parse_json(header, key, path) if layered else None for key in ("layers", "labels"))
    layers, part_field = unpack_layers(tensors, facts, labels, path)
    tuned = {name.removeprefix(_WEIGHT_PREFIX): t for name, t in tensors.items() if name.startswith(_WEIGHT_PREFIX)}
    latent = Latent(
        require_tensor(tensors, "styles", 2, path),
        require_tensor(tensors, "camera", 2, path),
        header.get("generator_fingerprint", ""),
        header.get("layout_fingerprint", ""),
        _parse_edits(header, path),
        tuned,
        header.get("name", ""),
        layers,
        part_field,
    )
    if layout is not None:
        latent.check_layout(layout)
    return latent


def _parse_edits(header: Mapping[str, str], path: str | os.PathLike) -> tuple[Edit, ...]:
    try:
        entries = parse_json(header, "edits", path)
        return tuple(
            Edit(tuple(e["attributes"]), float(e["intensity"]), str(e["reference"]), str(e["masks"])) for e in entries
        )
    except (TypeError, KeyError, ValueError) as error:
        raise FileError(
            "The latent's list of edits is unreadable",
            repr(error),
            "entries with attributes, intensity, reference, masks",
            "save the latent again",
        ) from error
