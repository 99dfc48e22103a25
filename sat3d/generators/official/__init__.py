"""Reading networks of other people's codes without running anything that is inside their files.

EG3D, StyleGAN2 and children of these: whole networks in pickles and files of ``torch.save``, weights of rosinality's
StyleGAN2, weights of a tuned network beside its base. Order: kind of file, pickle program (inert records), module tree
or names, config, names and shapes of all tensors, live attributes; only then are the wanted tensors copied out. This
reader is written from facts about the formats; each network keeps its own licence.
"""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ...errors import FileError
from ...files.safetensors_io import open_safetensors, parse_json
from ...foreign import projects
from ...foreign.tensors import check_filters, check_tensors, read_tensors
from ...foreign.tree import Tree, walk
from ...foreign.values import describe
from ...progress import Progress, no_progress
from ..checkpoint import read_header
from ..config import GeneratorConfig, StyleGAN2Config, TriplaneConfig
from ..config_json import config_from_dict
from . import torch_files
from .checks import check_modules
from .contents import choose, holds_network, judges, key_names
from .described import Described
from .layout import expected_tensors
from .licences import NVIDIA, of_network
from .opening import Opened, hash_view, open_network
from .rosinality import describe_rosinality
from .settings import read_stylegan2, unsupported
from .states import find_weights
from .triplane import read_triplane
from .tuned import Base, Bases, describe_tuned

__all__ = ["Bases", "ForeignNetwork", "expected_tensors", "read_network"]


_GAUSSIANS = ("Gaussian", "GGHead", "GGH", "CGS", "PointGenerator")  # words in the names of their classes


@dataclass(frozen=True)
class ForeignNetwork:
    """A network out of somebody else's file.

    ``tensors``: float32, contiguous, CPU, each with memory of its own, under the official names, without the constant
    resampling filters. ``notes``: class name, key used (if it has one), which network that is in words, other keys,
    settings that were ignored.
    """

    config: GeneratorConfig
    tensors: dict[str, Tensor]
    source_sha256: str
    notes: dict[str, str]
    licence: str = NVIDIA


def read_network(
    path: str | os.PathLike, key: str | None = None, progress: Progress = no_progress, bases: Bases | None = None
) -> ForeignNetwork:
    """Read the network ``key`` of a file (None: G_ema, else G, else the only one).

    ``progress`` counts bytes. ``bases``: where to look for the base of weights alone.

    Raises:
        HostileFileError: the file asks for anything that no network needs, or tries to exhaust the machine.
        FileError: missing, of another kind, damaged, incomplete, without its base, or an architecture that cannot be
            converted.
        ConfigError: its sizes are out of range.
    """
    with open_network(path) as file:
        data = file.data
        described = _describe(file, key, bases or Bases())
        total = len(data) + sum(4 * math.prod(shape) for shape in described.shapes.values())
        sha256 = hash_view(data, lambda done: progress(done, total))
        names = list(described.shapes)
        tensors = read_tensors(data, described.views, names, lambda done: progress(len(data) + done, total))
    tensors = described.finish(tensors)
    return ForeignNetwork(described.config, tensors, sha256, dict(described.notes), described.licence)


def _describe(file: Opened, key: str | None, bases: Bases) -> Described:
    weights = find_weights(file.contents, key)
    if weights is None:
        return _describe_module(file, key)
    if weights.is_rosinality:
        return describe_rosinality(weights, file.data, file.told)
    return describe_tuned(weights, file.data, file.told, bases, _open_base)


def _describe_module(file: Opened, key: str | None) -> Described:
    """A whole network, with its settings."""
    if file.told and not holds_network(file.contents):
        raise torch_files.explain(file.contents, file.told)
    chosen = choose(file.contents, key)
    tree = walk(chosen.network)
    config, notes = _read_config(tree, file.data)
    shapes = expected_tensors(config)
    check_tensors(tree.tensors, shapes, len(file.data))
    check_modules(tree, config, shapes)
    check_filters(file.data, tree.tensors)
    taken = {"key": chosen.key, "keys_in_file": key_names(file.contents)} if chosen.key else {}
    notes = {"class_name": chosen.network.kind, **taken, "network": chosen.told, **notes}
    return Described(config, shapes, tree.tensors, notes, of_network(config))


@contextmanager
def _open_base(path: Path) -> Iterator[Base]:
    if path.suffix.lower() == ".safetensors":
        header = read_header(path)
        config = config_from_dict(parse_json(header, "config", path))
        licence = header.get("licence", "not stated in the file")
        described = Described(config, expected_tensors(config), {}, {}, licence)
        with open_safetensors(path) as stream:
            yield Base(described, lambda names: {name: stream.get_tensor(name) for name in names})
        return
    with open_network(path) as file:
        described = _describe_module(file, None)
        yield Base(described, lambda names: read_tensors(file.data, described.views, names, lambda done: None))


def _read_config(tree: Tree, data: memoryview) -> tuple[StyleGAN2Config | TriplaneConfig, dict[str, str]]:
    kind = tree.modules[""].kind
    if "Discriminator" in kind:
        raise judges(f"class {describe(kind)}")
    if known := _other_project(tree, kind):
        raise known
    if kind == "TriPlaneGenerator":
        return read_triplane(tree, data)
    if kind != "Generator":
        raise unsupported(
            "its class is unknown",
            describe(kind),
            "TriPlaneGenerator (EG3D) or Generator (StyleGAN2)",
            "if a project has only renamed the class, have the network exported under its official name; one that "
            "computes otherwise cannot be used",
        )
    return read_stylegan2(tree), {}


def _other_project(tree: Tree, kind: str) -> FileError | None:
    """The error for a network that is recognised but cannot be used, by its class and parts."""
    names = tree.modules.keys()
    if "texture_backbone" in names:
        return projects.next3d(f"class {describe(kind)} with a texture_backbone")
    if any(name.startswith(("synthesis.vb", "backbone.synthesis.vb")) for name in names):
        return projects.ide3d(f"class {describe(kind)} with blocks synthesis.vb")
    if kind == "Generator" and "synthesis.b4" not in names:
        return projects.stylegan3("a Generator without the block synthesis.b4")
    if any(word in kind for word in _GAUSSIANS):
        return projects.gaussian_heads(f"class {describe(kind)}")
    return None
