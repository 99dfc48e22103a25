"""Reading official EG3D and StyleGAN2 network pickles without running anything that is inside them.

Order: kind of file, pickle program (inert records), module tree, config, names and shapes of all tensors, live
attributes; only then are the wanted tensors copied out. Official checkpoints are under the NVIDIA Source Code
License (non-commercial); this reader is written from facts about the format.
"""

import math
import os
from dataclasses import dataclass

from torch import Tensor

from ...foreign.allowlist import ALLOWED
from ...foreign.machine import Machine
from ...foreign.tensors import check_filters, check_tensors, read_tensors
from ...foreign.tree import Tree, walk
from ...foreign.values import Context, describe, unlike_official
from ...progress import Progress, no_progress
from ..config import StyleGAN2Config, TriplaneConfig
from .checks import check_modules
from .contents import choose, judges, key_names
from .layout import expected_tensors
from .opening import hash_view, open_pickle
from .settings import read_stylegan2, unsupported
from .triplane import read_triplane

__all__ = ["ForeignNetwork", "expected_tensors", "read_network"]


@dataclass(frozen=True)
class ForeignNetwork:
    """A network out of an official pickle.

    ``tensors``: float32, contiguous, CPU, each with memory of its own, under the official names, without the constant
    resampling filters. ``notes``: class name, key used (if it has one), which network that is in words, other keys,
    settings that were ignored.
    """

    config: StyleGAN2Config | TriplaneConfig
    tensors: dict[str, Tensor]
    source_sha256: str
    notes: dict[str, str]


def read_network(path: str | os.PathLike, key: str | None = None, progress: Progress = no_progress) -> ForeignNetwork:
    """Read the network ``key`` of an official pickle (None: G_ema, else G, else the only one).

    ``progress`` counts bytes.

    Raises:
        HostileFileError: the file asks for anything that no network needs, or tries to exhaust the machine.
        FileError: missing, of another kind, damaged, incomplete, or an architecture that cannot be converted.
        ConfigError: its sizes are out of range.
    """
    with open_pickle(path) as data:
        contents = _run(data)
        chosen = choose(contents, key)
        tree = walk(chosen.network)
        config, notes = _read_config(tree, data)
        expected = expected_tensors(config)
        check_tensors(tree.tensors, expected, len(data))
        check_modules(tree, config, expected)
        check_filters(data, tree.tensors)
        total = len(data) + sum(4 * math.prod(shape) for shape in expected.values())
        sha256 = hash_view(data, lambda done: progress(done, total))
        tensors = read_tensors(data, tree.tensors, list(expected), lambda done: progress(len(data) + done, total))
    taken = {"key": chosen.key, "keys_in_file": key_names(contents)} if chosen.key else {}
    notes = {"class_name": chosen.network.kind, **taken, "network": chosen.told, **notes}
    return ForeignNetwork(config, tensors, sha256, notes)


def _run(data: memoryview) -> object:
    machine = Machine(Context(data), ALLOWED, 0, len(data))
    contents = machine.run()
    if machine.position != len(data):
        raise unlike_official("there is something behind its end", f"{len(data) - machine.position} bytes")
    return contents


def _read_config(tree: Tree, data: memoryview) -> tuple[StyleGAN2Config | TriplaneConfig, dict[str, str]]:
    kind = tree.modules[""].kind
    if kind == "TriPlaneGenerator":
        return read_triplane(tree, data)
    if "Discriminator" in kind:
        raise judges(f"class {describe(kind)}")
    if kind != "Generator":
        raise unsupported(
            "its class is unknown",
            describe(kind),
            "TriPlaneGenerator (EG3D) or Generator (StyleGAN2)",
            "if a project has only renamed the class, have the network exported under its official name; one that "
            "computes otherwise cannot be used",
        )
    if "synthesis.b4" not in tree.modules:
        raise unsupported("a Generator without the block synthesis.b4, probably StyleGAN3", wanted="StyleGAN2 or EG3D")
    return read_stylegan2(tree), {}
